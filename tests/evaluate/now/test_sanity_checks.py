"""Each thing that can be wrong with a submission, one by one: what the evaluation says, what the check says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from headform.cli.main import main
from headform.evaluate.now.check import check_submission
from headform.evaluate.now.image import Options
from headform.evaluate.now.run import evaluate_dataset
from headform.io.mesh.triangle_mesh import TriangleMesh
from tests.evaluate.now.made_tree import IMAGES, SUBJECTS, prediction, remove, replaced
from tests.evaluate.scan.golden import write_colored_obj

AT = 2
"""The image that is spoiled; number 2 of `few`, an OBJ file."""


def spoil(predictions, mesh, landmarks, name=IMAGES[AT]):
    replaced(predictions, name, mesh, landmarks)


def found(few, predictions, **options):
    """The spoiled image's record; the others must be as they were."""
    table = evaluate_dataset(few, predictions, Options(**options))
    records = {record.image.name: record for record in table.records}
    own = records.pop(IMAGES[AT])
    assert all(record.status == "ok" and not record.findings for record in records.values())
    return own


def checked(few, predictions, unit=None):
    submission = check_submission(few, predictions, unit=unit)
    records = {record.image.name: record for record in submission.records}
    own = records.pop(IMAGES[AT])
    assert all(record.status == "ok" and not record.findings for record in records.values())
    return own


def codes(record):
    return [finding.code for finding in record.findings]


def test_reflected(few, predictions):
    mesh, landmarks = prediction(AT)
    mirror = np.array([-1.0, 1, 1])
    spoil(predictions, replace(mesh, vertices=mesh.vertices * mirror), landmarks * mirror)
    own = found(few, predictions)
    assert codes(own) == ["reflected"]
    assert own.numbers.median < 2.0, "and yet it scores well: that is why it is flagged"
    refused = found(few, predictions, protocol="corrected")
    assert (refused.status, refused.code) == ("invalid", "landmarks_mirrored")
    assert codes(checked(few, predictions)) == ["reflected"]


def test_left_and_right_landmarks_exchanged(few, predictions):
    mesh, landmarks = prediction(AT)
    spoil(predictions, mesh, landmarks[[3, 2, 1, 0, 4, 6, 5]])
    assert codes(found(few, predictions)) == ["reflected"]


@pytest.mark.parametrize(
    "order",
    [
        [0, 1, 2, 3, 5, 6, 4],  # the nose last
        [3, 2, 1, 0, 4, 5, 6],  # the eyes from the left
        [0, 2, 1, 3, 4, 5, 6],
        [5, 6, 2, 3, 4, 0, 1],  # mouth and right eye
    ],
)
def test_landmarks_in_a_wrong_order(few, predictions, order):
    mesh, landmarks = prediction(AT)
    spoil(predictions, mesh, landmarks[order])
    for record in (found(few, predictions), checked(few, predictions)):
        assert (record.status, record.code) == ("invalid", "landmarks_order")
        assert "right eye, outer corner" in record.message


def test_wrong_unit(few, predictions):
    mesh, landmarks = prediction(AT, unit=1.0)  # millimeters among meters
    spoil(predictions, mesh, landmarks)
    assert codes(found(few, predictions)) == ["units_mixed"]
    own = found(few, predictions, unit="m")
    assert codes(own) == ["unit_doubtful", "units_mixed"]
    assert "it looks like mm" in own.findings[0].message
    refused = found(few, predictions, unit="m", metrical=True)
    assert (refused.status, refused.code) == ("invalid", "unit_wrong")
    assert "use --unit mm" in refused.message
    assert codes(checked(few, predictions, "m")) == ["unit_doubtful", "units_mixed"]


def test_neither_unit(few, predictions):
    mesh, landmarks = prediction(AT, unit=50.0)
    spoil(predictions, mesh, landmarks)
    assert codes(checked(few, predictions)) == ["unit_doubtful"]


@pytest.mark.parametrize("protocol", ["official", "corrected"])
def test_an_open_mouth(few, predictions, protocol):
    spoil(predictions, *prediction(AT, jawOpen=0.6))
    own = found(few, predictions, protocol=protocol)
    assert codes(own) == ["mouth_open", "not_neutral"]
    assert codes(checked(few, predictions)) == ["mouth_open", "not_neutral"]


def test_a_smile_shows_beside_the_subjects_other_predictions(few, predictions):
    spoil(predictions, *prediction(AT, mouthSmileLeft=0.9, mouthSmileRight=0.9))
    assert codes(found(few, predictions)) == ["not_neutral"]
    assert codes(checked(few, predictions)) == ["not_neutral"]


def test_too_small(few, predictions):
    mesh, landmarks = prediction(AT)
    near = np.linalg.norm(mesh.vertices - landmarks[4], axis=1) < 0.07
    spoil(predictions, TriangleMesh(mesh.vertices, mesh.faces[near[mesh.faces].all(1)]), landmarks)
    own = found(few, predictions)
    assert codes(own) == ["too_small"]
    assert own.numbers.border > 0.3
    assert "border" in own.findings[0].message


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (np.zeros((67, 3)), "68 of iBUG, or 51"),
        (np.zeros((1, 8, 3)), "found 8 x 3"),
        (np.zeros((7, 2)), "found 7 x 2"),
    ],
)
def test_other_numbers_of_landmarks(few, predictions, rows, says):
    np.save(predictions / f"{IMAGES[AT]}.npy", rows)
    for record in (found(few, predictions), checked(few, predictions)):
        assert record.code == "landmarks_shape"
        assert says in record.message


def test_landmarks_of_another_frame(few, predictions):
    mesh, landmarks = prediction(AT)
    spoil(predictions, mesh, landmarks + [0, 0.5, 0])
    for record in (found(few, predictions), checked(few, predictions)):
        assert record.code == "landmarks_elsewhere"


def test_landmarks_without_extent(few, predictions):
    np.save(predictions / f"{IMAGES[AT]}.npy", np.ones((7, 3)))
    assert found(few, predictions).code == "landmarks_degenerate"


@pytest.mark.parametrize(
    ("suffix", "data", "code"),
    [
        (".obj", b"", "mesh_empty"),
        (".obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "mesh_empty"),
        (".obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "mesh_index"),
        (".obj", b"v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "mesh_not_finite"),
        (".obj", b"\x80\x04 no mesh at all", "mesh_empty"),
        (".npy", b"", "landmarks_unreadable"),
        (".npy", b"\x93NUMPY\x01\x00", "landmarks_format"),
    ],
)
def test_damaged_files(few, predictions, suffix, data, code):
    (predictions / f"{IMAGES[AT]}{suffix}").write_bytes(data)
    for record in (found(few, predictions), checked(few, predictions)):
        assert (record.status, record.code) == ("invalid", code)
        assert "IMG_0102" in record.message


def test_landmarks_that_are_not_finite(few, predictions):
    _, landmarks = prediction(AT)
    landmarks[3, 1] = np.nan
    np.save(predictions / f"{IMAGES[AT]}.npy", landmarks)
    assert found(few, predictions).code == "landmarks_not_finite"


def test_the_check_names_missing_strays_and_colors(few, predictions, tmp_path, capsys):
    mesh, landmarks = prediction(AT)
    write_colored_obj(predictions / f"{IMAGES[AT]}.obj", mesh.vertices, mesh.faces)
    remove(predictions, IMAGES[1])
    (predictions / SUBJECTS[0] / "IMG_9999.obj").write_text("v 0 0 0\n")
    words = ["evaluate", "now-check", "--dataset", str(few), "--predictions", str(predictions)]
    assert main([*words, "--json", str(tmp_path / "c.json")]) == 7
    printed = capsys.readouterr().out
    assert printed.startswith("8 images: 7 ok, 1 missing\n")
    assert f"error [missing]: 1\n- {IMAGES[1]}: no prediction" in printed
    assert f"warning [not_in_list]: 1\n- {SUBJECTS[0]}/IMG_9999.obj" in printed
    assert "warning [colored_obj]: 1" in printed
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["usable"] is False
    assert content["strays"] == [f"{SUBJECTS[0]}/IMG_9999.obj"]
    assert content["images"][AT]["warnings"][0]["code"] == "colored_obj"
    # colors do not disturb this program
    same = evaluate_dataset(few, predictions, Options()).records[AT]
    spoil(predictions, mesh, landmarks)
    plain = evaluate_dataset(few, predictions, Options()).records[AT]
    np.testing.assert_allclose(same.distances, plain.distances, atol=1e-9)


def test_the_check_needs_no_scans(few, predictions, tmp_path, capsys):
    """The test set has none; a typical face stands in."""
    names = (few / "imagepathsvalidation.txt").read_text()
    (tmp_path / "imagepathstest.txt").write_text(names)
    words = ["evaluate", "now-check", "--dataset", str(tmp_path), "--predictions", str(predictions)]
    assert main([*words, "--unit", "m"]) == 0
    assert capsys.readouterr().out == "8 images: 8 ok\n"
    assert main([*words, "--unit", "cm"]) == 0
    assert "warning [unit_doubtful]: 8" in capsys.readouterr().out


def test_mixed_units_are_named_with_their_subjects(few, predictions, tmp_path, capsys):
    for name in IMAGES[4:8]:  # the second subject
        replaced(predictions, name, *prediction(IMAGES.index(name), unit=1.0))
    replaced(predictions, IMAGES[1], *prediction(1, unit=10.0))
    said = f"in different units: mm: 4 images of {SUBJECTS[1]}; m: 3 images of {SUBJECTS[0]}; cm: 1 images of {SUBJECTS[0]}"
    words = ["--dataset", str(few), "--predictions", str(predictions)]
    assert main(["evaluate", "now-check", *words, "--json", str(tmp_path / "c.json")]) == 7
    assert said in capsys.readouterr().out
    content = json.loads((tmp_path / "c.json").read_text())
    assert not content["usable"]
    assert content["units"]["cm"] == [IMAGES[1]]
    assert [w["code"] for w in content["images"][1]["warnings"]] == ["units_mixed"]
    assert main(["evaluate", "now", *words]) == 0, "a scale is fitted to each"
    printed = capsys.readouterr().out
    assert said in printed
    assert f"- {IMAGES[1]} [units_mixed]: it is in cm" in printed
    assert main(["evaluate", "now", *words, "--metrical"]) == 3
    assert "5 invalid of 8" in capsys.readouterr().err


def test_turned_landmarks_and_those_of_another_unit(few, predictions, capsys):
    mesh, landmarks = prediction(AT)
    turned = landmarks @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    for marks, says in ((turned, "both seem to be in m"), (landmarks * 1000, "seem to be in mm, the mesh in m")):
        spoil(predictions, mesh, marks)
        for record in (found(few, predictions), checked(few, predictions)):
            assert record.code == "landmarks_elsewhere"
            assert says in record.message


def test_51_landmarks(few, predictions):
    _, landmarks = prediction(AT)
    rows = np.full((51, 3), np.nan)
    rows[[19, 22, 25, 28, 16, 31, 37]] = landmarks
    before = found(few, predictions)
    path = (predictions / IMAGES[AT]).with_suffix(".npy")
    np.save(path, rows)
    np.testing.assert_array_equal(found(few, predictions).distances, before.distances)
    assert checked(few, predictions).status == "ok"
