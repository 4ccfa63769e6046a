"""Other sizes, curves, bins and sets: closed forms and sums done by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_details import (
    details,
    details_markdown,
    mean_of_bins,
    sets_of_300w,
    yaw_bins,
)
from headform.evaluate.landmarks68.landmark_errors import (
    FaceScore,
    cumulative_error,
    face_sizes,
    yaw_bin,
)
from headform.evaluate.landmarks68.landmark_files import PTS, LandmarkAnnotation, LandmarkPrediction
from headform.evaluate.landmarks68.landmarks import evaluate_found
from headform.geometry.head_angles import rotation_from_aflw2000_degrees

ERRORS = st.lists(st.floats(0, 0.3), min_size=1, max_size=30)


def face() -> np.ndarray:
    """Box 100 x 64, outer eye corners 50 apart, middles of the eyes 32 apart, else in the middle."""
    points = np.full((68, 2), [50.0, 32.0])
    points[0], points[16] = [0, 0], [100, 64]
    points[36:42], points[42:48] = [34, 30], [66, 30]
    points[36], points[37] = [25, 30], [43, 30]
    points[45], points[44] = [75, 30], [57, 30]
    return points


def test_sizes_of_a_face():
    sizes = face_sizes(face())
    assert (sizes.box, sizes.outer_eyes, sizes.pupils) == pytest.approx((80, 50, 32))
    with pytest.raises(ValueError, match="no area"):
        face_sizes(np.zeros((68, 2)))


def test_one_shift_over_three_sizes():
    truth = [LandmarkAnnotation("a.jpg", "s", face(), "by hand")]
    table = evaluate_found({"a.jpg": [LandmarkPrediction(face() + [3.0, 4.0])]}, truth)
    (score,) = table.scores
    assert score.error == pytest.approx(5 / 80)
    assert score.outer_eyes_error == pytest.approx(5 / 50)
    assert score.pupils_error == pytest.approx(5 / 32)
    assert score.ground_truth == "by hand"


def test_eyes_that_coincide_have_no_distance_to_divide_by():
    points = face()
    points[45] = points[36]
    (score,) = evaluate_found(
        {"a.jpg": [LandmarkPrediction(points)]}, [LandmarkAnnotation("a.jpg", "s", points)]
    ).scores
    assert score.outer_eyes_error is None
    assert score.pupils_error == 0


@given(ERRORS, st.integers(0, 5))
def test_the_area_is_the_integral_of_the_curve(errors, missed):
    curve = cumulative_error(errors, missed)
    assert curve is not None
    total = len(errors) + missed
    for cut, area in zip((0.07, 0.08), curve.area, strict=True):
        at = (np.arange(20000) + 0.5) / 20000 * cut
        share = (np.sort(errors)[None] <= at[:, None]).sum(1) / total
        assert area == pytest.approx(share.mean(), abs=1e-4)
    for limit, failed in zip((0.08, 0.10), curve.failed, strict=True):
        assert failed == pytest.approx((sum(e > limit for e in errors) + missed) / total)


def test_curves_at_their_ends():
    perfect, lost = cumulative_error([0.0, 0.0], 0), cumulative_error([], 3)
    assert perfect is not None
    assert lost is not None
    assert (perfect.area, perfect.failed) == ((1, 1), (0, 0))
    assert (lost.area, lost.failed) == ((0, 0), (1, 1))
    assert cumulative_error([], 0) is None


def score(error: float | None, yaw: float | None, label: str = "s", truth: str = "") -> FaceScore:
    return FaceScore("a.jpg", label, error, error, error, error, yaw=yaw, ground_truth=truth)


def test_an_edge_belongs_to_the_lower_bin():
    assert [yaw_bin(y) for y in (0.0, -30.0, 30.1, 60.0, -60.1, 90.0, 99.0)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        2,
    ]


def test_bins_of_yaw_and_their_mean():
    scores = [score(0.02, 5.0), score(0.04, -29.0), score(0.06, -45.0), score(0.09, 80.0)]
    scores += [score(None, 70.0), score(0.5, None)]
    bins = yaw_bins(scores)
    assert [(b.faces, b.missed) for b in bins] == [(2, 0), (1, 0), (2, 1)]
    assert [b.mean for b in bins] == pytest.approx([0.03, 0.06, 0.09])
    assert mean_of_bins(bins) == pytest.approx(0.06)
    assert mean_of_bins(yaw_bins(scores[:3])) is None
    text = details_markdown(scores)
    assert "0–30° (2) | 30–60° (1) | 60–90° (2)" in text
    assert "| 3.00 | 6.00 | 9.00 | 6.00 | 5.25 | 1 |" in text


def test_tables_name_the_ground_truth():
    text = details_markdown([score(0.1, 3.0, truth="original pt3d_68")])
    assert text.startswith("Ground truth: original pt3d_68.")
    assert "| original pt3d_68 | 10.00 |" in text
    assert details([score(0.1, None)])["ground_truth"] == ["not named"]


def test_sets_of_300w_are_told_by_their_folders():
    scores = [
        score(0.02, None, "300w/lfpw/testset", PTS),
        score(0.04, None, "300w/helen/testset", PTS),
        score(0.09, None, "300w/ibug", PTS),
        score(0.50, None, "300w/lfpw/trainset", PTS),
    ]
    groups = sets_of_300w(scores)
    assert {name: len(own) for name, own in groups.items()} == {
        "common": 2,
        "challenging": 1,
        "full": 3,
    }
    content = json.loads(json.dumps(details(scores)))
    assert content["300-W"]["common"]["outer_eyes"]["mean"] == pytest.approx(0.03)
    assert content["300-W"]["full"]["outer_eyes"]["mean"] == pytest.approx(0.05)
    assert set(sets_of_300w(scores[2:])) == {"challenging"}
    assert sets_of_300w([score(0.02, None, "ibug", "a list")]) == {}


def test_pose_errors_reach_the_table():
    truth = [LandmarkAnnotation("a.jpg", "s", face(), "made", rotation_from_aflw2000_degrees(10.0, 0.0, 0.0), 10.0)]
    found = LandmarkPrediction(face(), rotation_from_aflw2000_degrees(13.0, 0.0, 0.0))
    table = evaluate_found({"a.jpg": [found]}, truth)
    assert "| 1 faces | 3.00 | 0.00 | 0.00 | 1.00 | 3.00 | 3.00 | +3.00" in details_markdown(table.scores)
    assert json.loads(table.to_json())["pose_degrees"]["yaw_bias"] == pytest.approx(3)
    without = evaluate_found({"a.jpg": [LandmarkPrediction(face())]}, truth)
    assert without.scores[0].pose is None
    assert "pose_degrees" not in json.loads(without.to_json())


def test_holes_are_not_averaged_over():
    truth = [LandmarkAnnotation(f"{k}.jpg", "s", face()) for k in range(7)]
    table = evaluate_found({"0.jpg": [LandmarkPrediction(face())]}, truth)
    with pytest.raises(InputError, match="6 of 7 faces") as caught:
        table.require_complete()
    assert caught.value.code == "predictions_incomplete"
    assert "5.jpg ..." in str(caught.value)
    evaluate_found({"0.jpg": [LandmarkPrediction(face())]}, truth[:1]).require_complete()


def test_faces_that_were_missed_fail_and_take_from_the_area():
    scores = [FaceScore("a", "s", 0.035, 0.035), FaceScore("b", "s", None, None)]
    row = details(scores)["divided_by"]["box"]
    assert row["mean"] == pytest.approx(0.035)
    assert row["area"][0] == pytest.approx(0.25)
    assert list(row["failed"]) == [0.5, 0.5]
