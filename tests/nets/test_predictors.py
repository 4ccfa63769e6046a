"""Predictors: what the mirror image of a photo must give, and where points land."""

import numpy as np
import torch

from headform.heads import load_open
from headform.heads.mirror import mirrored_expressions
from headform.images.warp import square_matrix
from headform.nets.landmarks.dense_net import DenseNet, DenseNetConfig
from headform.nets.landmarks.dense_predictor import DensePredictor

SMALL = DenseNetConfig(channels=(8, 8, 8, 8), depths=(1, 1, 1, 1), hidden=32)


def _photo() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (150, 150, 3), dtype=np.uint8)


def test_a_mirrored_photo_gives_mirrored_points() -> None:
    head = load_open()
    torch.manual_seed(1)
    predictor = DensePredictor(DenseNet(SMALL).eval(), head)
    photo, crop = _photo(), square_matrix(11.0, 11.0, 128.0, 128)
    (here,) = predictor.predict([photo], [crop])
    (there,) = predictor.predict([photo[:, ::-1]], [crop])
    order = head.dense_mirror.numpy()
    np.testing.assert_allclose(150 - there.points[order, 0], here.points[:, 0], atol=1e-3)
    np.testing.assert_allclose(there.points[order, 1], here.points[:, 1], atol=1e-3)
    np.testing.assert_allclose(there.sigma[order], here.sigma, rtol=1e-3)
    names = mirrored_expressions(head.expression_names)
    np.testing.assert_allclose(there.expression[names], here.expression, atol=1e-4)
    signs = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]])
    np.testing.assert_allclose(there.rotation * signs, here.rotation, atol=1e-3)
    np.testing.assert_allclose(there.mask[:, ::-1], here.mask, atol=1e-4)


def test_predictions_follow_the_crop() -> None:
    head = load_open()
    torch.manual_seed(1)
    predictor = DensePredictor(DenseNet(SMALL).eval(), head, mirror=False)
    photo = _photo()
    moved = np.roll(photo, (4, 6), axis=(0, 1))  # what is in the crop stays the same
    (here,) = predictor.predict([photo], [square_matrix(5.0, 5.0, 128.0, 128)])
    (there,) = predictor.predict([moved], [square_matrix(11.0, 9.0, 128.0, 128)])
    np.testing.assert_allclose(there.points, here.points + [6, 4], atol=1e-3)
    np.testing.assert_allclose(there.rotation, here.rotation, atol=1e-5)


def test_a_turned_crop_turns_points_and_rotation() -> None:
    head = load_open()
    torch.manual_seed(1)
    predictor = DensePredictor(DenseNet(SMALL).eval(), head, mirror=False)
    photo = _photo()[:128, :128]
    (here,) = predictor.predict([photo], [square_matrix(0.0, 0.0, 128.0, 128)])
    # the same pixels, seen through a photo that was turned by 90 degrees and a crop that turns back
    turned = np.ascontiguousarray(np.rot90(photo))  # (x, y) -> (y, 128 - x)
    back = np.array([[0.0, -1.0, 128.0], [1.0, 0.0, 0.0]])
    (there,) = predictor.predict([turned], [back])
    expected = np.stack([here.points[:, 1], 128 - here.points[:, 0]], 1)
    np.testing.assert_allclose(there.points, expected, atol=1e-3)
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(there.rotation, quarter @ here.rotation, atol=1e-5)
