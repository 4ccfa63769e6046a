"""Rotations against scipy, as properties over all angles, with float64 gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from headform.geometry import rotation

VECTORS = arrays(np.float64, 3, elements=st.floats(-4, 4).map(lambda x: x * 10 ** min(0, x)))


def _sixd(matrix: torch.Tensor) -> torch.Tensor:
    """First two columns."""
    return torch.cat([matrix[..., 0], matrix[..., 1]], dim=-1)


@given(VECTORS)
def test_rotvec_is_scipys(vector: np.ndarray) -> None:
    expected = Rotation.from_rotvec(vector).as_matrix()
    got = rotation.rotation_from_rotvec(torch.from_numpy(vector)).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-14)
    np.testing.assert_allclose(rotation.rotation_from_rotvec(vector), expected, atol=1e-14)


@given(VECTORS)
def test_rotvec_comes_back(vector: np.ndarray) -> None:
    matrix = Rotation.from_rotvec(vector).as_matrix()
    back = rotation.rotvec_from_rotation(torch.from_numpy(matrix)).numpy()
    assert np.linalg.norm(back) <= np.pi + 1e-12
    np.testing.assert_allclose(Rotation.from_rotvec(back).as_matrix(), matrix, atol=1e-13)
    np.testing.assert_allclose(rotation.rotvec_from_rotation(matrix), back, atol=1e-15)
    q = rotation.quaternion_from_rotation(torch.from_numpy(matrix)).numpy()
    expected = Rotation.from_matrix(matrix).as_quat()[[3, 0, 1, 2]]
    assert abs(q @ expected) == pytest.approx(1, abs=1e-13)
    assert q[0] >= 0


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 0.0999, 0.1001, 3.0, np.pi - 1e-9, np.pi])
def test_rotvec_keeps_its_angle_everywhere(angle: float) -> None:
    axis = np.array([0.6, -0.48, 0.64])
    matrix = rotation.rotation_from_rotvec(axis * angle)
    back = rotation.rotvec_from_rotation(matrix)
    sign = np.sign(back @ axis) if angle > 3.1 else 1.0  # at a half turn both axes are right
    np.testing.assert_allclose(sign * back, axis * angle, rtol=1e-9, atol=1e-15)


@given(arrays(np.float64, 6, elements=st.floats(-2, 2)))
def test_sixd_is_gram_schmidt(sixd: np.ndarray) -> None:
    first, second = sixd[:3], sixd[3:]
    if np.linalg.norm(np.cross(first, second)) < 1e-2:
        return
    q, r = np.linalg.qr(np.column_stack([first, second]))
    q = q * np.sign(np.diag(r))
    got = rotation.rotation_from_6d(torch.from_numpy(sixd)).numpy()
    np.testing.assert_allclose(got[:, :2], q, atol=1e-9)
    np.testing.assert_allclose(got @ got.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(got) == pytest.approx(1)
    again = _sixd(torch.from_numpy(got))
    np.testing.assert_allclose(rotation.rotation_from_6d(again), got, atol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 1e-5, 0.09, 0.11, 2.0, 3.1])
def test_gradients(angle: float) -> None:
    axis = torch.tensor([0.6, -0.48, 0.64], dtype=torch.float64)
    vector = (axis * angle).requires_grad_()
    assert gradcheck(rotation.rotation_from_rotvec, (vector,))
    matrix = rotation.rotation_from_rotvec(vector.detach()).requires_grad_()
    assert gradcheck(rotation.rotvec_from_rotation, (matrix,))
    assert gradcheck(rotation.rotation_from_6d, (_sixd(matrix).detach().requires_grad_(),))


def test_batches_are_the_single_ones() -> None:
    vectors = torch.randn(2, 3, 3, dtype=torch.float64)
    together = rotation.rotation_from_rotvec(vectors)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(together[i, j], rotation.rotation_from_rotvec(vectors[i, j]))
    torch.testing.assert_close(rotation.rotvec_from_rotation(together)[1, 2],
                               rotation.rotvec_from_rotation(together[1, 2]))  # fmt: skip
