"""CelebA: photos with their people and parts by the owners' lists, in every copy; what is missing is named."""

from pathlib import Path

import pytest

from headform.data.layouts import CelebaSelection, list_photos
from headform.data.layouts.celeba_lists import read_list
from headform.errors import InputError
from tests.data.layouts import owner_trees as trees
from tests.data.layouts.owner_trees import touch


def _found(source: Path, **selection: str):  # type: ignore[no-untyped-def]
    return list_photos("celeba", source, selection=CelebaSelection(**selection))  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return trees.celeba(tmp_path / "CelebA")


def test_people_and_parts_are_those_of_the_lists(source: Path) -> None:
    found = _found(source)
    assert [(photo.label, photo.subject) for photo in found.photos] == [
        ("Img/img_celeba/000001.jpg", "2880"),
        ("Img/img_celeba/000002.jpg", "2937"),
        ("Img/img_celeba/000003.jpg", "2880"),
        ("Img/img_celeba/000004.jpg", "10"),
    ]
    assert dict(found.choices) == {"images": "wild", "partition": "train", "identities": "listed"}
    assert "2 photos of other partitions were left out" in found.notes
    assert "people whom other partitions show too: 1 (10)" in found.notes
    assert [photo.subject for photo in _found(source, partition="val").photos] == ["11"]
    assert [photo.subject for photo in _found(source, partition="test").photos] == ["10"]
    assert len(_found(source, partition="all").photos) == 6


@pytest.mark.parametrize("inside", ["Img", "Img/img_celeba"])
def test_lists_are_found_from_the_folder_of_photos(source: Path, inside: str) -> None:
    assert [photo.subject for photo in _found(source / inside).photos] == ["2880", "2937", "2880", "10"]


def test_the_face_that_is_meant_is_marked_in_the_pixels_of_its_photo(source: Path) -> None:
    mark = _found(source).photos[0].face
    # means of the five points of the row; the farthest is the eye at the left of the picture
    assert mark.middle == (213.0, 228.0)
    assert mark.reach == pytest.approx(((165 - 213) ** 2 + (184 - 228) ** 2) ** 0.5)
    assert mark.distance((216.0, 224.0)) == 5.0
    aligned = _found(source, images="aligned").photos[0]
    assert aligned.label == "Img/img_align_celeba/000001.jpg"
    assert aligned.face.middle == pytest.approx((86.6, 134.0))


def test_boxes_mark_faces_where_landmarks_are_missing(source: Path) -> None:
    (source / "Anno/list_landmarks_celeba.txt").unlink()
    found = _found(source)
    assert found.photos[0].face.middle == (95 + 113, 71 + 156.5)
    assert found.photos[0].face.reach == 113
    assert any("marked by their boxes" in note for note in found.notes)
    (source / "Anno/list_bbox_celeba.txt").unlink()
    found = _found(source)
    assert found.photos[0].face is None
    assert any("the largest face" in note for note in found.notes)


def test_the_copy_of_kaggle_says_nothing_of_people(tmp_path: Path) -> None:
    source = trees.celeba_of_kaggle(tmp_path)
    with pytest.raises(InputError, match=r"identity_CelebA\.txt is missing.*--identities none") as error:
        _found(source)
    assert error.value.code == "dataset_layout"
    found = _found(source, identities="none")
    assert [photo.label for photo in found.photos] == [
        f"img_align_celeba/img_align_celeba/{k:06d}.jpg" for k in range(1, 5)
    ]
    assert found.subjects == ("1", "2", "3", "4")
    assert found.photos[0].face.middle == pytest.approx((86.6, 134.0))
    assert any("people are unknown" in note for note in found.notes)
    assert dict(found.choices)["images"] == "aligned"


def test_png_copies_share_the_lists(source: Path) -> None:
    for path in (source / "Img").rglob("*.jpg"):
        path.unlink()
    touch(source, [f"Img/img_align_celeba_png/{k:06d}.png" for k in range(1, 7)])
    assert [photo.path.suffix for photo in _found(source).photos] == [".png"] * 4


def test_photos_without_a_row_are_left_out_and_named(source: Path) -> None:
    touch(source, ["Img/img_celeba/000007.jpg", "Img/img_celeba/cover.jpg"])
    found = _found(source)
    assert len(found.photos) == 4
    assert "photos without a row in the lists, left out: 1 (000007.jpg)" in found.notes
    assert "7 photos, 202599 were published" in found.notes


def test_missing_parts_are_named_with_the_way_on(source: Path) -> None:
    (source / "Eval/list_eval_partition.txt").unlink()
    with pytest.raises(InputError, match=r"list_eval_partition\.txt is missing.*--partition all"):
        _found(source)
    assert len(_found(source, partition="all").photos) == 6
    for path in (source / "Img/img_align_celeba").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"there is no img_align_celeba with.*unpack img_align_celeba\.zip first"):
        _found(source, images="aligned")
    (source / "Img/img_align_celeba.zip").unlink()
    with pytest.raises(InputError, match="there are other photos"):
        _found(source, images="aligned")
    for path in (source / "Img/img_celeba").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"there is no img_celeba or img_align_celeba.*unpack img_celeba\.7z\.001"):
        _found(source)


def test_lists_of_other_photos_are_refused(source: Path) -> None:
    (source / "Anno/identity_CelebA.txt").write_text("100001.jpg 7\n")
    with pytest.raises(InputError, match="none of 6 photos is in the lists"):
        _found(source)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("000001.jpg 2880\n000002.jp", "line 2 names no photo"),
        ("000001.jpg 2880\n000002.jpg", "line 2 has not 1 whole numbers"),
        ("000001.jpg 2880\n000002.jpg 1.5", "line 2 has not 1 whole numbers"),
        ("000001.jpg 2880 3\n", "line 1 has not 1 whole numbers"),
        ("000001.jpg 1\n000001.jpg 1\n", "names a photo again"),
        ("nothing here\nnor here\nor here", "line 3 names no photo"),
        ("", "it names no photo"),
        ("000001.jpg 1\u00e9\n", "no ASCII text"),
    ],
)
def test_a_damaged_list_is_refused_with_its_line(source: Path, text: str, problem: str) -> None:
    (source / "Anno/identity_CelebA.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=problem) as error:
        _found(source)
    assert error.value.code == "dataset_damaged"


def test_unknown_parts_are_refused(source: Path) -> None:
    (source / "Eval/list_eval_partition.txt").write_text("000001.jpg 3\n")
    with pytest.raises(InputError, match="none of 0, 1 and 2"):
        _found(source)


def test_the_announced_number_of_rows_is_kept(source: Path) -> None:
    path = source / "Anno/list_bbox_celeba.txt"
    assert read_list(path).expected == 6
    assert read_list(path).rows["000006"] == (95, 71, 226, 313)
