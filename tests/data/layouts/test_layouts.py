"""Layouts of owners: photos and subjects are found by the owners' names, what is missing is named."""

from pathlib import Path

import pytest

from headform.data.layouts import list_photos
from headform.errors import InputError, UsageError
from tests.data.layouts import owner_trees as trees
from tests.data.layouts.owner_trees import touch


def _labels(photos: object) -> list[str]:
    return [photo.label for photo in photos.photos]  # type: ignore[attr-defined]


@pytest.mark.parametrize("inside", ["", "FaceWarehouse/data"])
def test_facewarehouse(tmp_path: Path, inside: str) -> None:
    trees.facewarehouse(tmp_path / inside)
    touch(tmp_path / inside, ["Tester_3/TrainingPose/pose_0.land", "Tester_2/TrainingPose/thumbnail.png"])
    found = list_photos("facewarehouse", tmp_path)
    assert found.subjects == ("Tester_1", "Tester_2", "Tester_10")
    assert len(found.photos) == 60
    assert _labels(found)[1].endswith("Tester_1/TrainingPose/pose_1.png")
    assert "3 subjects, 150 were published" in found.notes
    assert any("Tester_3" in note for note in found.notes)


def test_facewarehouse_with_fewer_poses_or_another_format_is_told(tmp_path: Path) -> None:
    trees.facewarehouse(tmp_path, testers=[1], poses=20)
    touch(tmp_path, ["Tester_7/TrainingPose/pose_0.jpg"])
    found = list_photos("facewarehouse", tmp_path)
    assert found.subjects == ("Tester_1", "Tester_7")
    assert [note for note in found.notes if "without 20 photos" in note] == ["subjects without 20 photos: 1 (Tester_7)"]


def test_headspace_shows_the_color_cameras_before_the_face(tmp_path: Path) -> None:
    trees.headspace(tmp_path)
    found = list_photos("lyhm", tmp_path / "headspacePngTka")
    assert found.subjects == ("00001", "00033")
    assert [Path(label).name for label in _labels(found)] == ["1C.png", "2C.png"] * 2
    assert any("without photos" in note and "00002" in note for note in found.notes)
    assert len(list_photos("lyhm", tmp_path / "headspacePngTka", views=("1c", "3A", "5B")).photos) == 6
    # the scans' textures are no photos
    with pytest.raises(InputError, match="headspacePngTka") as error:
        list_photos("lyhm", tmp_path / "headspaceOnline")
    assert error.value.code == "dataset_layout"
    # both archives side by side
    assert list_photos("lyhm", tmp_path).subjects == found.subjects


@pytest.mark.parametrize("photos", ["Subset_2D_FG2018", "Real_images__Subset_2D_FG2018"])
def test_stirling(tmp_path: Path, photos: str) -> None:
    trees.stirling(tmp_path, photos)
    found = list_photos("stirling", tmp_path)
    assert found.subjects == ("F1001", "M1000", "F1004")
    assert len(found.photos) == 4
    assert any("readme_1.jpg" in note for note in found.notes)
    assert "people without a neutral scan here: 1 (F1004)" in found.notes
    assert len(list_photos("stirling", tmp_path, quality="LQ").photos) == 1
    assert len(list_photos("stirling", tmp_path, quality="both").photos) == 5
    with pytest.raises(InputError, match="LQ"):
        list_photos("stirling", tmp_path / photos / "HQ", quality="LQ")


def test_florence_frames_are_photos_textures_are_not(tmp_path: Path) -> None:
    trees.florence(tmp_path)
    found = list_photos("florence", tmp_path)
    assert found.subjects == ("subject_01", "subject_02", "subject_11")
    assert _labels(found)[:4] == [
        "subject_01/Video/Indoor-Cooperative/frame_0002.jpg",
        "subject_01/frame_0001.jpg",
        "subject_01/frame_0002.jpg",
        "subject_01/frame_0010.jpg",
    ]
    assert any("subject_03" in note for note in found.notes)
    assert any("PTZ-Outdoor" in note for note in found.notes)
    with pytest.raises(InputError, match="split the videos"):
        list_photos("florence", tmp_path / "subject_03")


def test_now(tmp_path: Path) -> None:
    trees.now(tmp_path)
    found = list_photos("now", tmp_path)
    assert len(found.photos) == 8
    assert found.subjects == ("FaMoS_180424_03335_TA", "FaMoS_180426_03336_TA")
    inner = tmp_path / "NoW_Dataset/final_release_version/iphone_pictures"
    assert len(list_photos("now", inner).photos) == 8


def test_folders_of_people_and_loose_photos(tmp_path: Path) -> None:
    touch(tmp_path, ["anna/1.jpg", "anna/old/2.PNG", "ben/1.webp", "ben/notes.txt", "carl.jpg", ".hidden/1.jpg"])
    found = list_photos("folder", tmp_path)
    assert [(photo.label, photo.subject) for photo in found.photos] == [
        ("anna/1.jpg", "anna"),
        ("anna/old/2.PNG", "anna"),
        ("ben/1.webp", "ben"),
        ("carl.jpg", "carl"),
    ]


def test_a_pattern_says_who_is_in_a_photo(tmp_path: Path) -> None:
    touch(tmp_path, ["001_neutral.jpg", "001_smiling.jpg", "012_neutral.jpg", "cover.jpg"])
    found = list_photos("folder", tmp_path, subject_pattern=r"^(\d+)_")
    assert [photo.subject for photo in found.photos] == ["001", "001", "012"]
    assert "1 photos were left out" in found.notes[0]
    assert list_photos("folder", tmp_path, subject_pattern=r"^\d\d\d").subjects == ("001", "012")
    for pattern in ("(", "nobody"):
        with pytest.raises(UsageError) as error:
            list_photos("folder", tmp_path, subject_pattern=pattern)
        assert error.value.code == "pattern_invalid"


def test_photos_beside_registrations(tmp_path: Path) -> None:
    names = [
        "FLAME_parameters/s1/a.npz",
        "registrations/s1/a.obj",
        "images/s1/0.jpg",
        "images/s1/1.jpg",
        "images/s2/x.txt",
    ]
    touch(tmp_path / "LYHM", names)
    found = list_photos("lyhm", tmp_path)
    assert (found.subjects, len(found.photos)) == (("s1",), 2)
    assert found.notes == ("people without photos: 1 (s2)",)


@pytest.mark.parametrize("kind", ["facewarehouse", "lyhm", "stirling", "florence", "now", "folder"])
def test_other_folders_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError) as error:
        list_photos(kind, tmp_path / "nowhere")  # type: ignore[arg-type]
    assert error.value.code == "dataset_missing"
    touch(tmp_path, ["a/b/c.txt"])
    with pytest.raises(InputError) as error:
        list_photos(kind, tmp_path)  # type: ignore[arg-type]
    assert error.value.code == ("dataset_missing" if kind == "folder" else "dataset_layout")


def test_a_few_photos_of_each_are_spread_evenly(tmp_path: Path) -> None:
    trees.facewarehouse(tmp_path)
    few = list_photos("facewarehouse", tmp_path).at_most(4)
    assert [Path(label).stem for label in _labels(few)] == ["pose_0", "pose_5", "pose_10", "pose_15"] * 3
