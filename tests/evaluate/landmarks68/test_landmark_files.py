"""Annotation and result files: origins, names, and what is refused."""

import json

import numpy as np
import pytest

from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_files import read_annotations, read_predictions
from headform.evaluate.landmarks68.landmarks import evaluate_folder

POINTS = [[float(i % 7), float(i // 7)] for i in range(68)]


def write_truth(path, *photos):
    entries = [{"file": p, "set": "some_set", "points68": POINTS} for p in photos]
    path.write_text(json.dumps(entries))
    return path


def write_result(folder, name, points):
    (folder / name).mkdir(parents=True)
    (folder / name / "landmarks.json").write_text(json.dumps({"points68": points.tolist()}))


def test_convention_annotations_count_from_the_first_pixels_center(tmp_path):
    (face,) = read_annotations(write_truth(tmp_path / "t.json", "d/a.jpg"))
    assert face.set == "some"
    np.testing.assert_array_equal(face.points[0], [0.5, 0.5])
    np.testing.assert_array_equal(face.points, np.array(POINTS) + 0.5)


def test_a_result_at_the_pixel_center_has_no_error(tmp_path):
    truth = write_truth(tmp_path / "t.json", "d/a.jpg")
    write_result(tmp_path / "out", "a", np.array(POINTS) + 0.5)
    assert evaluate_folder(tmp_path / "out", truth).summary().mean == 0


def test_numbered_folders_belong_to_their_photo_unless_a_photo_has_that_name(tmp_path):
    for k, name in enumerate(["a_0", "a_1", "b_1", "c", "other"]):
        write_result(tmp_path, name, np.array(POINTS) + k)
    (tmp_path / "a_2").mkdir()  # an empty folder is no result
    found = read_predictions(tmp_path, ["x/a.jpg", "x/b.jpg", "x/b_1.png", "y/c.jpg", "y/d.jpg"])
    firsts = {photo: [float(face.points[0, 0]) for face in faces] for photo, faces in found.items()}
    expected = {"x/a.jpg": [0, 1], "x/b.jpg": [], "x/b_1.png": [2], "y/c.jpg": [3], "y/d.jpg": []}
    assert firsts == expected


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "{}",
        "[]",
        "[1]",
        '[{"file": "a.jpg"}]',
        '[{"file": "a", "set": "s", "points68": [[1, 2]]}]',
    ],
)
def test_broken_annotations_are_refused(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_annotations(path)
    assert caught.value.code == "annotations_invalid"


@pytest.mark.parametrize("bad", [None, float("nan"), "1", True, 10**400, [1]])
def test_points_that_are_not_finite_numbers_are_refused(tmp_path, bad):
    points = [*POINTS[:67], [bad, 1.0]]
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"file": "a.jpg", "set": "s", "points68": points}]))
    with pytest.raises(InputError) as caught:
        read_annotations(path)
    assert caught.value.code == "annotations_invalid"


def test_two_photos_of_one_stem_are_refused(tmp_path):
    with pytest.raises(InputError, match="two photos are called a"):
        read_annotations(write_truth(tmp_path / "t.json", "d/a.jpg", "e/a.jpg"))


def test_missing_files_have_their_code(tmp_path):
    with pytest.raises(InputError) as caught:
        read_annotations(tmp_path / "none.json")
    assert caught.value.code == "annotations_unreadable"
    with pytest.raises(InputError) as caught:
        read_predictions(tmp_path / "none", ["a.jpg"])
    assert caught.value.code == "predictions_missing"


def test_a_broken_result_names_its_file(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "landmarks.json").write_text('{"points68": []}')
    with pytest.raises(InputError, match=r"a/landmarks\.json") as caught:
        read_predictions(tmp_path, ["d/a.jpg"])
    assert caught.value.code == "predictions_invalid"


def test_the_annotated_photos_are_all_there(data_root):
    photos = data_root / "photos"
    faces = read_annotations(photos / "landmarks68.json")
    assert len(faces) == 49
    counts = {name: sum(f.set == name for f in faces) for name in ("dxy", "ibug", "dlib", "aflw2000")}
    assert counts == {"dxy": 10, "ibug": 5, "dlib": 18, "aflw2000": 16}
    assert all((photos / face.photo).is_file() for face in faces)


def test_convention_of_the_annotation_file_agrees_with_its_one_based_source(data_root):
    """`.pts` files of 300-W count the first pixel as 1; its center is 0.5 here."""
    photos = data_root / "photos"
    face = next(f for f in read_annotations(photos / "landmarks68.json") if f.set == "dxy")
    lines = (photos / face.photo).with_suffix(".pts").read_text().splitlines()
    rows = [line.split() for line in lines if len(line.split()) == 2 and ":" not in line]
    np.testing.assert_allclose(face.points, np.array(rows, float) - 0.5, atol=2e-3)


@pytest.mark.parametrize(
    "name", ["/", "", ".", "a/..", "a\0.jpg", "a\ud800.jpg", "a" * 300, "a/" * 3000, 3, None, ["a"]]
)
def test_an_entry_with_a_name_that_no_file_has_is_refused(tmp_path, name):
    path = tmp_path / "set" / "annotations.json"
    path.parent.mkdir()
    entry = {"file": name, "set": "s", "points68": np.zeros((68, 2)).tolist()}
    path.write_text(json.dumps([entry]))
    for read in (read_annotations, lambda file: read_predictions(file, ["a.jpg"])):
        with pytest.raises(InputError, match="names no file") as caught:
            read(path)
        assert caught.value.code in ("annotations_invalid", "predictions_invalid")
        str(caught.value).encode()  # printable


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[" + "[]," * 14_000_000 + "0]", "[" + "9" * 5000 + "]"]
)
def test_json_that_would_take_memory_or_depth_is_refused(tmp_path, text):
    path = tmp_path / "annotations.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not JSON") as caught:
        read_annotations(path)
    assert caught.value.code == "annotations_invalid"
