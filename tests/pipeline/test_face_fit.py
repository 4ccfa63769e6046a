"""The fit of one face from made readings: with known lips, lids and irises, they come back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import UsageError
from headform.fit.gaze import gaze_rotation
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import INNER_LIP_PAIRS
from headform.heads.linear import LinearHead
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.committee_calibration import Calibration, load_calibration
from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.pipeline.face_fit import FaceFitter

SIZE = (640, 640)
CAMERA = PerspectiveCamera(
    K=np.array([[768.0, 0, 320], [0, 768, 320], [0, 0, 1]]),
    R=np.diag([1.0, -1.0, -1.0]),
    t=np.array([0.0, 0.0, 0.6]),
)


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


@pytest.fixture(scope="module")
def fitter(head: LinearHead) -> FaceFitter:
    return FaceFitter(head, load_calibration()[0])


def seen(
    head: LinearHead,
    calibration: Calibration,
    weights: dict[str, float],
    gaze: tuple[float, float] = (0.0, 0.0),
) -> tuple[DensePrediction, CommitteeReading]:
    """What perfect networks would say; the dense network's own expression is neutral."""
    expression = torch.zeros(len(head.expression))
    for name, weight in weights.items():
        expression[head.expression_names.index(name)] = weight
    turn = torch.from_numpy(gaze_rotation(np.array(gaze))).float()
    vertices = head.rotate_eyes(head.vertices(None, expression), turn, turn).double().numpy()
    dense = CAMERA.project(vertices[head.dense.numpy()])[:, :2]
    places = np.einsum("pk,pkc->pc", calibration.surface_weights, vertices[calibration.surface_vertices])
    points68 = dense[:68]
    reading = CommitteeReading(CAMERA.project(places)[:, :2], 25.0, np.stack([points68] * 3), points68)
    # as the network would put them: without the offset that is added to its points
    frame = reading.frame
    reading = replace(reading, mesh=frame.shifted(reading.mesh, -calibration.mesh_offset))
    prediction = DensePrediction(
        points=dense,
        sigma=np.full(len(dense), 2.0),
        expression=np.zeros(len(head.expression)),
        rotation=CAMERA.R,
        gaze=np.zeros(2),
        mask=np.ones((64, 64), np.float32),
        crop=np.eye(2, 3),
    )
    return prediction, reading


def lip_gap(vertices: np.ndarray, head: LinearHead) -> np.ndarray:
    marks = vertices[head.dense.numpy()[:68]]
    return np.array([1000 * float(marks[a, 1] - marks[b, 1]) for a, b in INNER_LIP_PAIRS])


@pytest.mark.parametrize("jaw", [0.0, 0.1, 0.3, 0.6])
def test_lips_stand_as_far_apart_as_they_are_seen(head: LinearHead, fitter: FaceFitter, jaw: float) -> None:
    assert fitter.calibration is not None
    prediction, reading = seen(head, fitter.calibration, {"jawOpen": jaw})
    fitted = fitter.fit(prediction, reading, None, SIZE)
    code = torch.zeros(len(head.expression))
    code[head.expression_names.index("jawOpen")] = jaw
    true = lip_gap(head.vertices(None, code).numpy(), head)
    found = lip_gap(fitted.vertices, head)
    if jaw == 0:  # the mean head's lips stand 0.8 mm apart, which means a closed mouth
        assert (found >= 0).all()
        assert (found < 0.8).all()
    else:
        np.testing.assert_allclose(found, true, atol=max(0.8, 0.12 * true.max()))


@pytest.mark.parametrize("blink", [0.0, 0.5, 1.0])
def test_lids_shut_as_they_are_seen(head: LinearHead, fitter: FaceFitter, blink: float) -> None:
    assert fitter.calibration is not None
    shapes = {"eyeBlinkLeft": blink, "eyeBlinkRight": blink}
    prediction, reading = seen(head, fitter.calibration, shapes)
    fitted = fitter.fit(prediction, reading, None, SIZE)
    marks = fitted.vertices[head.dense.numpy()[:68]]
    opening = 1000 * (marks[[37, 38, 43, 44], 1] - marks[[41, 40, 47, 46], 1])
    code = torch.zeros(len(head.expression))
    for name in shapes:
        code[head.expression_names.index(name)] = blink
    plain = head.vertices(None, code).numpy()[head.dense.numpy()[:68]]
    true = 1000 * (plain[[37, 38, 43, 44], 1] - plain[[41, 40, 47, 46], 1])
    np.testing.assert_allclose(opening, true, atol=1.2)


@pytest.mark.parametrize("gaze", [(0.3, 0.0), (-0.25, 0.2)])
def test_irises_lie_where_they_are_seen(head: LinearHead, fitter: FaceFitter, gaze: tuple[float, float]) -> None:
    assert fitter.calibration is not None
    prediction, reading = seen(head, fitter.calibration, {}, gaze)
    fitted = fitter.fit(prediction, reading, None, SIZE)
    np.testing.assert_allclose(fitted.gaze, gaze, atol=0.12)
    pupils = fitted.vertices[head.dense.numpy()[-2:]].astype(np.float64)
    found = fitted.camera.project(pupils)[:, :2]
    assert np.abs(found - prediction.points[-2:]).max() < 2.0


def test_without_the_committee_the_dense_points_are_followed(head: LinearHead) -> None:
    calibration, _ = load_calibration()
    prediction, _ = seen(head, calibration, {"jawOpen": 0.4})
    fitted = FaceFitter(head, None).fit(prediction, None, None, SIZE)
    shown = fitted.camera.project(fitted.vertices[head.dense.numpy()[:68]].astype(np.float64))[:, :2]
    assert np.linalg.norm(shown - prediction.points[:68], axis=1).mean() < 2.0
    np.testing.assert_array_equal(fitted.gaze, prediction.gaze)


def test_a_head_without_the_points_is_refused(head: LinearHead) -> None:
    calibration, _ = load_calibration()
    strange = replace(calibration, surface_vertices=calibration.surface_vertices + len(head.mean))
    with pytest.raises(UsageError) as caught:
        FaceFitter(head, strange)
    assert caught.value.code == "head_unsupported"
    assert "own" in str(caught.value)


def test_openings_follow_the_rims(head: LinearHead, fitter: FaceFitter, repository: Path) -> None:
    from headform.pipeline._mask import openings_in_photo

    assert fitter.calibration is not None
    _, reading = seen(head, fitter.calibration, {"jawOpen": 0.5})
    openings = openings_in_photo(fitter.calibration, reading)
    assert [len(eye) for eye in openings.eyes] == [16, 16]
    assert openings.eyes[0][:, 0].max() < openings.eyes[1][:, 0].min()  # the subject's right eye first

    def area(rim: np.ndarray) -> float:
        x, y = rim.T
        return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2

    right, left = (area(eye) for eye in openings.eyes)
    assert right == pytest.approx(left, rel=0.03)
    assert area(openings.mouth) > right  # wide open
