"""The value of a quadric is the squared distance from its plane."""

import numpy as np
import pytest

from headform.mesh._quadric import quadric_value


def test_is_the_squared_distance_from_the_planes() -> None:
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(3, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    planes = np.concatenate([normals, rng.normal(size=(3, 1))], axis=1)
    quadric = sum(np.outer(p, p)[np.triu_indices(4)] for p in planes)
    point = rng.normal(size=3)
    distances = planes[:, :3] @ point + planes[:, 3]
    assert quadric_value(quadric, *point) == pytest.approx((distances**2).sum(), rel=1e-12)
