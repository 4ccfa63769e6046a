"""Head angles against scipy, as properties over all angles; what their signs mean in the picture."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from headform.geometry.camera import FRONTAL
from headform.geometry.head_angles import (
    aflw2000_degrees_from_rotation,
    euler_from_rotation,
    rotation_from_300wlp_angles,
    rotation_from_aflw2000_degrees,
    rotation_from_euler,
    rotation_from_synthetic_angles,
)

ANGLES = st.floats(-3.1, 3.1)


@given(ANGLES, st.floats(-1.57, 1.57), ANGLES)
def test_euler_is_scipys_and_comes_back(yaw: float, pitch: float, roll: float) -> None:
    expected = Rotation.from_euler("YXZ", [yaw, pitch, roll]).as_matrix()
    got = rotation_from_euler(yaw, pitch, roll)
    np.testing.assert_allclose(got, expected, atol=1e-14)
    angles = [torch.tensor(a, dtype=torch.float64) for a in (yaw, pitch, roll)]
    np.testing.assert_allclose(rotation_from_euler(*angles), expected, atol=1e-14)
    back = euler_from_rotation(expected)
    np.testing.assert_allclose(back[1], pitch, atol=1e-7)
    np.testing.assert_allclose(Rotation.from_euler("YXZ", back).as_matrix(), expected, atol=1e-12)


def test_euler_signs_are_those_of_the_words() -> None:
    nose, top = np.array([0.0, 0, 1]), np.array([0.0, 1, 0])
    assert (rotation_from_euler(0.3, 0.0, 0.0) @ nose)[0] > 0  # to the subject's left
    assert (rotation_from_euler(0.0, 0.3, 0.0) @ nose)[1] < 0  # bowed
    assert (rotation_from_euler(0.0, 0.0, 0.3) @ top)[0] < 0  # to the subject's right


@pytest.mark.parametrize("pitch", [np.pi / 2, -np.pi / 2])
def test_euler_at_the_poles(pitch: float) -> None:
    matrix = rotation_from_euler(0.4, pitch, -0.7)
    back = euler_from_rotation(matrix)
    np.testing.assert_allclose(rotation_from_euler(*back), matrix, atol=1e-12)


def test_batches_and_gradients_of_tensors() -> None:
    angles = [torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert rotation_from_euler(*angles).shape == (2, 3, 3, 3)
    assert gradcheck(rotation_from_euler, angles)
    matrix = rotation_from_euler(*angles).detach()
    assert gradcheck(euler_from_rotation, (matrix.requires_grad_(),))
    np.testing.assert_allclose(euler_from_rotation(matrix.detach().numpy()), euler_from_rotation(matrix).detach())


@given(ANGLES, st.floats(-1.5, 1.5), ANGLES)
def test_adapters_are_the_same_rotations(pitch: float, yaw: float, roll: float) -> None:
    of_300wlp = rotation_from_300wlp_angles(pitch, yaw, roll)
    np.testing.assert_allclose(of_300wlp, Rotation.from_euler("XYZ", [-pitch, -yaw, -roll]).as_matrix(), atol=1e-14)
    degrees = np.degrees([yaw, pitch, roll])
    of_aflw2000 = rotation_from_aflw2000_degrees(*degrees.tolist())
    np.testing.assert_allclose(of_aflw2000, FRONTAL @ of_300wlp, atol=1e-14)
    np.testing.assert_allclose(aflw2000_degrees_from_rotation(of_aflw2000), degrees, atol=1e-9)
    synthetic = rotation_from_synthetic_angles(yaw, pitch, roll)
    np.testing.assert_allclose(FRONTAL @ synthetic, rotation_from_euler(-yaw, -pitch, roll).T, atol=1e-14)
