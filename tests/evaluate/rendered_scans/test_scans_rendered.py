"""The benchmark on a made scan: the truth scores nothing, the mean head scores the floor, holes are counted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from headform import heads, images
from headform.errors import FaceError, InputError
from headform.evaluate.rendered_scans.report import rendered_json, rendered_markdown
from headform.evaluate.rendered_scans.scan_reconstructors import (
    HeadPrediction,
    mean_head,
    predicted_by,
)
from headform.evaluate.rendered_scans.scan_subjects import read_scan
from headform.evaluate.rendered_scans.scans_rendered import PhotoPlan, evaluate_rendered, pooled
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.io.mesh import ply
from headform.io.mesh.triangle_mesh import TriangleMesh

OFFICIAL = PROTOCOLS["official"]
PLAN = PhotoPlan(view_count=2, light_count=1, size=128)


@pytest.fixture(scope="module")
def head():
    return heads.load_open()


@pytest.fixture(scope="module")
def truth(head) -> HeadPrediction:
    """A head of a known code."""
    code = torch.zeros(len(head.identity))
    code[:6] = torch.tensor([1.5, -1.0, 1.0, -1.5, 1.0, 1.0])
    return predicted_by(head, head.vertices(code).double().numpy())


def write_scan(folder, head, truth, name="made"):
    """The head in millimeters, as a scanner would see it: colored, nothing inside."""
    kept, faces = np.unique(truth.surface.faces, return_inverse=True)
    colors = images_of(head)[kept]
    mesh = TriangleMesh(1000 * truth.surface.vertices[kept], faces.reshape(-1, 3), colors=colors)
    (folder / f"{name}.ply").write_bytes(ply.encode(mesh))
    np.savetxt(folder / f"{name}.txt", 1000 * truth.landmarks, fmt="%.17g")
    return folder / f"{name}.ply"


def images_of(head) -> np.ndarray:
    return np.clip(head.mean_albedo.double().numpy(), 0, 1) ** (1 / 2.2)


def no_finder(mesh, name):
    raise AssertionError("the landmarks were in a file")


@pytest.fixture(scope="module")
def subject(head, truth, tmp_path_factory):
    path = write_scan(tmp_path_factory.mktemp("scan"), head, truth)
    return read_scan(path, no_finder, head, unit="mm")


@pytest.fixture(scope="module")
def perfect(head, truth, subject, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    seen = {}

    def oracle(photo, path):
        seen[path.name] = photo
        return truth

    result = evaluate_rendered([subject], oracle, mean_head(head), folder, PLAN, protocol=OFFICIAL)
    return folder, result, seen


def test_the_truth_scores_nothing_and_the_floor_something(perfect):
    _, result, _ = perfect
    for mode in ("non-metrical", "metrical"):
        own, floor = result.numbers(mode), result.floor_numbers(mode)
        assert own.median < 1e-4
        assert own.mean < 1e-3
        assert floor.median > 0.3
    result.require_complete()
    assert not result.scale_assumed


def test_photos_are_written_and_are_what_the_reconstructor_saw(perfect):
    folder, _, seen = perfect
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["made_v00_l00.png", "made_v01_l00.png"] == list(seen)
    for name in names:
        np.testing.assert_array_equal(images.read(folder / name).rgb, seen[name])
    assert (seen[names[0]] != seen[names[1]]).any()


def test_the_mean_head_scores_the_floor(head, subject, tmp_path):
    result = evaluate_rendered(
        [subject],
        lambda photo, path: mean_head(head),
        mean_head(head),
        tmp_path,
        PLAN,
        protocol=OFFICIAL,
    )
    for mode in ("non-metrical", "metrical"):
        assert result.numbers(mode) == result.floor_numbers(mode)
    text = rendered_markdown(result)
    assert text.count("| 100 % |") == 2 * (2 + 1 + 1)  # views, light, all; both modes


def test_another_unit_and_another_size(head, truth, subject, tmp_path):
    """A head in centimeters and 5 % too large: only the metrical numbers mind."""

    def larger(photo, path):
        surface = Surface(105 * truth.surface.vertices, truth.surface.faces)
        return HeadPrediction(surface, 105 * truth.landmarks)

    def run(unit):
        return evaluate_rendered([subject], larger, mean_head(head), tmp_path, PLAN, protocol=OFFICIAL, unit=unit)

    result = run("cm")
    assert result.numbers("non-metrical").median < 1e-3
    assert result.numbers("metrical").median > 0.3
    with pytest.raises(InputError) as caught:
        run("mm")
    assert caught.value.code == "unit_wrong"


def test_holes_are_counted_and_not_averaged_over(head, truth, subject, tmp_path):
    def half(photo, path):
        if "v00" in path.name:
            raise FaceError("no_face", "no face was found", path.name)
        return truth

    result = evaluate_rendered([subject], half, mean_head(head), tmp_path, PLAN, protocol=OFFICIAL)
    assert [s.reason for s in result.scores] == [
        "no_face: no face was found (made_v00_l00.png)",
        "",
    ]
    with pytest.raises(InputError, match="1 of 2 photos gave no head") as caught:
        result.require_complete()
    assert caught.value.code == "predictions_incomplete"
    text = rendered_markdown(result)
    assert "| 0 of 1 | – | – | – |" in text
    assert "- no head from made_v00_l00: no_face" in text
    assert json.loads(rendered_json(result))["missed"] == 1
    # the floor is not credited with photos that the method gave up on, nor burdened with them
    other = {mode: replace(e, distances=e.distances + 9) for mode, e in result.floors[0].items()}
    two = replace(
        result,
        floors=(other, result.floors[0]),
        scores=(result.scores[0], replace(result.scores[1], scan=1)),
    )
    assert two.floor_numbers("metrical") == pooled([result.floors[0]["metrical"].distances])


def test_landmarks_in_a_wrong_order_are_a_hole_with_its_reason(head, truth, subject, tmp_path):
    wrong = HeadPrediction(truth.surface, truth.landmarks[::-1].copy())
    result = evaluate_rendered(
        [subject],
        lambda photo, path: wrong,
        mean_head(head),
        tmp_path,
        PhotoPlan(1, 1, 128),
        protocol=OFFICIAL,
    )
    assert result.scores[0].errors is None
    assert result.scores[0].reason.startswith("landmarks_order: ")


def test_a_guessed_unit_marks_the_metrical_table(head, truth, perfect, tmp_path):
    guessed = read_scan(write_scan(tmp_path, head, truth), no_finder, head)
    result = evaluate_rendered(
        [guessed],
        lambda photo, path: truth,
        mean_head(head),
        tmp_path,
        PhotoPlan(1, 1, 128),
        protocol=OFFICIAL,
    )
    assert result.scale_assumed
    text = rendered_markdown(result)
    assert "**metrical (scale of the scan assumed)**" in text
    assert "**non-metrical**" in text
    assert "made: unit not stated, taken for mm" in text
    nowhere = replace(result, subjects=(replace(guessed, unit=""),))
    assert "made: in no known unit, scaled to the mean head" in rendered_markdown(nowhere)
    assert json.loads(rendered_json(result))["metrical_scale_assumed"] is True
    sure = rendered_markdown(perfect[1])
    assert "assumed" not in sure
    assert "made: mm; landmarks made.txt" in sure


def test_json_says_what_the_tables_say(perfect):
    result = perfect[1]
    content = json.loads(rendered_json(result))
    assert content["all"]["metrical"]["floor"]["median"] == result.floor_numbers("metrical").median
    assert [photo["photo"] for photo in content["photos"]] == ["made_v00_l00", "made_v01_l00"]
    assert content["photos"][0]["errors"]["metrical"]["median"] < 1e-4
    assert content["views"][0]["yaw"] == -50
    assert content["scans"][0]["landmarks_mm"] == result.subjects[0].landmarks().tolist()


def test_numbers_are_taken_over_all_distances_together():
    numbers = pooled([np.array([1.0, 2.0, 9.0]), np.array([4.0])])
    assert (numbers.median, numbers.mean) == (3, 4)
    assert numbers.std == pytest.approx(np.sqrt((9 + 4 + 25 + 0) / 4))
    assert pooled([]) is None
