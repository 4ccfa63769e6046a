import json
from pathlib import Path

import numpy as np
import pytest

from headform.data import contours
from headform.data.contours import read_contours
from headform.errors import InputError


def write(path: Path, faces: object) -> Path:
    path.write_text(json.dumps({"faces": faces}))
    return path


def test_points_count_from_the_corner_afterwards(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 500, (189, 2))
    points[0], points[1] = [100, 200], [130, 240]
    file = write(tmp_path / "a.json", [{"file": "x.jpg", "person": 1, "points": points.tolist()}])
    (face,) = read_contours(file)
    np.testing.assert_allclose(face.points, points + 0.5)
    assert face.photo == "x.jpg"
    assert face.pupil_distance == pytest.approx(50)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "annotations_unreadable"),
        ("{", "annotations_invalid"),
        ("[1]", "annotations_invalid"),
        ('{"faces": []}', "annotations_invalid"),
        ('{"faces": [{"file": "x.jpg", "points": [[1, 2]]}]}', "annotations_invalid"),
        ('{"faces": [{"points": []}]}', "annotations_invalid"),
        ('{"faces": [7]}', "annotations_invalid"),
        (json.dumps({"faces": [{"file": "x.jpg", "points": [[3, 4]] * 189}]}), "annotations_invalid"),
        ("[" * 100_000, "annotations_invalid"),
    ],
)
def test_bad_files(tmp_path: Path, content: str | None, code: str) -> None:
    file = tmp_path / "a.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError) as caught:
        read_contours(file)
    assert caught.value.code == code


def test_curves_are_the_lines_of_the_published_file(data_root: Path) -> None:
    for name, count in (("london", 68), ("canada", 40)):
        file = data_root / "photos" / name / "landmarks189.json"
        lines = {tuple(line["points"]) for line in json.loads(file.read_text())["lines"]}
        whole = [
            *contours.UPPER_LID, *contours.LOWER_LID, *contours.BROW_UPPER, *contours.BROW_LOWER,
            contours.LIP_OUTER_UPPER, contours.LIP_OUTER_LOWER, contours.LIP_INNER_UPPER,
            contours.LIP_INNER_LOWER,
        ]  # fmt: skip
        assert set(whole) <= lines
        jaw = (*(111, 125), *range(126, 133), *(133, 114))
        assert jaw == contours.JAW
        faces = read_contours(file)
        assert len(faces) == count
        assert all((file.parent / face.photo).is_file() for face in faces)


@pytest.mark.parametrize("number", ["1e999999", "9" * 400, "-" + "9" * 400, '"1"', "null", "[1]", "NaN"])
def test_a_number_that_no_point_has_is_refused(tmp_path: Path, number: str) -> None:
    points = "[" + ",".join([f"[{number},1]"] + ["[1,2]"] * (contours.POINTS - 1)) + "]"
    path = tmp_path / "a.json"
    path.write_text(f'{{"faces": [{{"file": "a.jpg", "points": {points}}}]}}')
    if number == '"1"':  # numpy reads a number out of a text
        assert len(read_contours(path)) == 1
        return
    with pytest.raises(InputError) as caught:
        read_contours(path)
    assert caught.value.code == "annotations_invalid"
