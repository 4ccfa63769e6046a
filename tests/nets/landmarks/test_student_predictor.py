"""The student's predictor: mirror images, frames, and its place in the pipeline and beside the committee."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.fit.gaps import Gaps
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import MIRROR68
from headform.heads import LinearHead
from headform.images.warp import square_matrix
from headform.nets.landmarks.dense_predictor import DensePredictor
from headform.nets.landmarks.student_net import OPENING_MIRROR, StudentNet
from headform.nets.landmarks.student_predictor import StudentPrediction, StudentPredictor
from headform.nets.shipped import load_landmarks_net, load_student
from headform.pipeline.face_fit import FaceFitter
from headform.pipeline.landmarks68 import points68
from headform.pipeline.reconstructor import Reconstructor
from headform.train.export_weights import export_weights
from tests.nets.landmarks.test_student_net import SMALL


def _photo() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (150, 150, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def predictor(head: LinearHead) -> StudentPredictor:
    torch.manual_seed(1)
    net = StudentNet(replace(SMALL, landmarks68="regression")).eval()
    net.start_at(torch.rand(336, 2) - 0.5)
    return StudentPredictor(net, head)


def _predict(predictor: StudentPredictor, photo: np.ndarray, crop: np.ndarray) -> StudentPrediction:
    (found,) = predictor.predict([photo], [crop])
    assert isinstance(found, StudentPrediction)
    return found


def test_a_mirrored_photo_gives_mirrored_points(head: LinearHead, predictor: StudentPredictor) -> None:
    photo, crop = _photo(), square_matrix(11.0, 11.0, 128.0, 128)
    here, there = _predict(predictor, photo, crop), _predict(predictor, photo[:, ::-1], crop)
    order = head.dense_mirror.numpy()
    np.testing.assert_allclose(150 - there.points[order, 0], here.points[:, 0], atol=1e-3)
    np.testing.assert_allclose(150 - there.points68[MIRROR68, 0], here.points68[:, 0], atol=1e-3)
    np.testing.assert_allclose(there.points68[MIRROR68, 1], here.points68[:, 1], atol=1e-3)
    np.testing.assert_allclose(there.sigma68[MIRROR68], here.sigma68, rtol=1e-3)
    np.testing.assert_allclose(there.openings[list(OPENING_MIRROR)], here.openings, atol=1e-3)
    np.testing.assert_allclose(there.visible[order], here.visible, atol=1e-4)
    np.testing.assert_allclose(there.mask[:, ::-1], here.mask, atol=1e-4)
    assert here.mask.shape == (64, 64)


def test_points_and_openings_follow_the_crop(predictor: StudentPredictor) -> None:
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[:150, :150] = _photo()
    double = photo[:150, :150].repeat(2, 0).repeat(2, 1)
    here = _predict(predictor, photo, square_matrix(20.0, 10.0, 100.0, 128))
    there = _predict(predictor, double, square_matrix(40.0, 20.0, 200.0, 128))
    # the crops are equal up to resampling
    np.testing.assert_allclose(there.points68, 2 * here.points68, atol=2.0)
    np.testing.assert_allclose(there.sigma68, 2 * here.sigma68, rtol=0.05)
    np.testing.assert_allclose(there.openings, 2 * here.openings, atol=1.0)
    assert (here.openings >= 0).all()


def test_reading_around_guides_is_predicting_their_loose_crop(predictor: StudentPredictor) -> None:
    guide = np.random.default_rng(5).uniform(40, 110, (68, 2))
    guide[36:48, 1] = 50.0  # upright
    guide[48:68, 1] = 100.0
    (found,) = predictor.read([_photo()], [guide])
    low, high = guide.min(0), guide.max(0)
    size = 1.35 * float((high - low).max())
    x, y = (low + high) / 2 - size / 2
    np.testing.assert_allclose(found.crop, square_matrix(x, y, size, 128), atol=1e-6)


def test_averages_keep_what_a_student_adds(predictor: StudentPredictor) -> None:
    photo = _photo()
    rows = [_predict(predictor, photo, square_matrix(x, 11.0, 128.0, 128)) for x in (9.0, 11.0)]
    mean = predictor.average(rows)
    assert isinstance(mean, StudentPrediction)
    low, high = (np.minimum, np.maximum)
    assert (mean.points68 >= low(rows[0].points68, rows[1].points68) - 1e-9).all()
    assert (mean.points68 <= high(rows[0].points68, rows[1].points68) + 1e-9).all()
    np.testing.assert_allclose(mean.openings, (rows[0].openings + rows[1].openings) / 2)


def test_the_pipeline_takes_points_and_openings_from_a_student(
    head: LinearHead, predictor: StudentPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _predict(predictor, _photo(), square_matrix(11.0, 11.0, 128.0, 128))
    seen: list[Gaps | None] = []

    def fit_points(*_: object, gaps: Gaps | None, **__: object) -> None:
        seen.append(gaps)
        raise RuntimeError("enough")

    monkeypatch.setattr("headform.pipeline.face_fit.fit_points", fit_points)
    with pytest.raises(RuntimeError, match="enough"):
        FaceFitter(head, None).fit(found, None, None, (150, 150))
    gaps = seen[0]
    assert gaps is not None
    np.testing.assert_array_equal(gaps.seen, found.openings)
    assert list(gaps.upper[-3:]) == [61, 62, 63]
    camera = PerspectiveCamera(np.diag([200.0, 200.0, 1.0]), np.eye(3), np.array([0.0, 0.0, 1.0]))
    assert points68(head, found, head.mean.float().numpy(), camera) is found.points68


def test_weights_are_written_and_loaded_by_their_kind(tmp_path: Path, head: LinearHead) -> None:
    net = StudentNet(SMALL).eval()
    path = tmp_path / "student_landmarks.safetensors"
    export_weights(net, {"config": {"seed": 0}, "minutes": 0.0}, path, command="headform train landmarks")
    again, card = load_landmarks_net(path)
    assert isinstance(again, StudentNet)
    assert again.config == SMALL
    assert card["kind"] == "student landmarks"
    images = torch.rand(1, 3, 64, 64) * 255
    torch.testing.assert_close(again(images).points68, net(images).points68, atol=5e-3, rtol=0)
    finder = Reconstructor.load(dense=path, landmarks_net="own", texture_size=0)._finder
    assert isinstance(finder._dense, StudentPredictor)
    assert isinstance(StudentPredictor.load(path), DensePredictor)
    with pytest.raises(WeightsError) as caught:
        load_student(tmp_path / "other.safetensors")
    assert caught.value.code == "weights_missing"
