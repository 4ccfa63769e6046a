"""Codes of Deng et al. as faces: published formulas by hand, the frame of the photo, light, and heads that are others."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.errors import FaceError, UsageError
from headform.geometry.spherical_harmonics import AMBIENT, sh_basis
from headform.heads.linear import LinearHead
from headform.images.transfer import linear_from_srgb, srgb_from_linear
from headform.nets.basel_regressor_net import BaselRegressor
from headform.registration.regressed_face import (
    FaceRegressor,
    code_camera,
    displayed_shading,
    linear_light,
    regressed_face,
)
from tests.registration.other_heads import basel_face, face_only

CROP = np.array([[0.5, 0.0, -40.0], [0.0, 0.5, 12.0]])


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return basel_face()


def test_the_camera_is_the_published_projection() -> None:
    rng = np.random.default_rng(0)
    points, angles, shift = rng.normal(0, 0.5, (20, 3)), np.array([0.3, -0.4, 0.2]), np.array([0.1, -0.2, 0.4])
    # the published code: row vectors, R transposed, distance minus z, y of the picture up
    moved = points @ Rotation.from_euler("xyz", angles).as_matrix().T + shift
    depth = 10.0 - moved[:, 2]
    x, y = 1015 * moved[:, 0] / depth + 112, 224 - (1015 * moved[:, 1] / depth + 112)
    found = code_camera(angles, shift, CROP).project(0.1 * points)
    in_crop = found[:, :2] @ CROP[:, :2].T + CROP[:, 2]
    np.testing.assert_allclose(in_crop, np.column_stack([x, y]), atol=1e-6)
    np.testing.assert_allclose(found[:, 2], 0.1 * depth, atol=1e-9)


def test_parts_of_the_code_go_where_they_belong(head: LinearHead) -> None:
    code = np.random.default_rng(1).normal(0, 0.1, 257)
    found = regressed_face(code, head, CROP)
    np.testing.assert_array_equal(found.shape.identity, code[:80])
    np.testing.assert_array_equal(found.shape.expression, code[80:144])
    np.testing.assert_array_equal(found.lit.albedo_code, code[144:224])
    expected = code_camera(code[224:227], code[254:257], CROP)
    np.testing.assert_array_equal(found.shape.camera.R, expected.R)
    np.testing.assert_array_equal(found.shape.camera.t, expected.t)


def test_a_light_without_coefficients_is_even() -> None:
    normals = Rotation.random(6, random_state=0).as_matrix()[:, 0]
    np.testing.assert_allclose(displayed_shading(normals, np.zeros(27)), 0.8 * np.sqrt(np.pi) / 2)
    light = linear_light(np.zeros(27), np.full(3, 0.3))
    np.testing.assert_allclose(light[1:], 0, atol=1e-9)
    shade = float(srgb_from_linear(torch.tensor(0.3, dtype=torch.float64))) * 0.8 * np.sqrt(np.pi) / 2
    wanted = float(linear_from_srgb(torch.tensor(shade, dtype=torch.float64))) / 0.3 * AMBIENT
    np.testing.assert_allclose(light[0], wanted, rtol=1e-9)


@pytest.mark.parametrize(
    ("coefficient", "brighter"), [(1, (0, -1, 0)), (2, (0, 0, 1)), (3, (-1, 0, 0)), (5, (0, -0.7, 0.7))]
)
def test_signs_of_the_published_harmonics(coefficient: int, brighter: tuple[float, float, float]) -> None:
    light = np.zeros(27)
    light[9 + coefficient] = 0.3  # of green
    toward, away = np.array(brighter) * [[1.0], [1.0]] * [[1, 1, 1], [-1, -1, 1]]
    shade = displayed_shading(np.stack([toward, away if coefficient != 2 else -toward]), light)
    assert shade[0, 1] > shade[1, 1]
    assert shade[0, 0] == shade[1, 0] == shade[0, 2]


def test_linear_light_gives_the_published_picture_of_the_skin() -> None:
    rng = np.random.default_rng(2)
    code, skin = rng.normal(0, 0.08, 27), np.array([0.45, 0.28, 0.2])
    normals = Rotation.random(400, random_state=1).as_matrix()[:, 2]
    normals = normals[normals[:, 2] > 0.2]
    displayed = srgb_from_linear(torch.from_numpy(skin)).numpy() * displayed_shading(normals, code)
    lit = skin * (sh_basis(normals * [1, -1, -1]) @ linear_light(code, skin))
    assert np.abs(srgb_from_linear(torch.from_numpy(lit)).numpy() - displayed).mean() < 0.01


def test_other_heads_are_refused(head: LinearHead) -> None:
    with torch.device("meta"):
        net = BaselRegressor()
    for other in (face_only("bfm2017"), replace(head, identity=head.identity[:70])):
        with pytest.raises(UsageError) as caught:
            FaceRegressor(net, other)
        assert caught.value.code == "regressor_head"


@pytest.mark.parametrize("fault", ["behind", "nan"])
def test_a_face_that_is_lost_is_an_error(head: LinearHead, fault: str) -> None:
    code = np.zeros(257)
    code[256] = 10.5 if fault == "behind" else np.nan
    with pytest.raises(FaceError) as caught:
        regressed_face(code, head, CROP)
    assert caught.value.code == "regressor_lost"
