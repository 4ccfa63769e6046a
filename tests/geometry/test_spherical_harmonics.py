"""The harmonics against scipy's and as integrals over the sphere."""

import numpy as np
import torch
from scipy.special import sph_harm_y
from torch.autograd import gradcheck

from headform.geometry.spherical_harmonics import (
    AMBIENT,
    sh_basis,
    shading_from_radiance,
)

ORDER = [(0, 0), (1, -1), (1, 0), (1, 1), (2, -2), (2, -1), (2, 0), (2, 1), (2, 2)]


def fibonacci(count: int) -> np.ndarray:
    """Points spread evenly over the unit sphere."""
    k = np.arange(count) + 0.5
    z, phi = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)


def test_real_parts_of_scipys_complex_harmonics() -> None:
    n = fibonacci(50)
    polar, azimuth = np.arccos(n[:, 2]), np.arctan2(n[:, 1], n[:, 0])
    for column, (degree, order) in enumerate(ORDER):
        y = sph_harm_y(degree, abs(order), polar, azimuth)
        # Without the Condon-Shortley phase that scipy includes.
        sign = (-1.0) ** order
        part = y.real if order >= 0 else y.imag
        expected = part * sign * (np.sqrt(2) if order else 1)
        np.testing.assert_allclose(sh_basis(n)[:, column], expected, atol=1e-12)
    np.testing.assert_allclose(sh_basis(torch.from_numpy(n)), sh_basis(n))


def test_orthonormal_over_the_sphere() -> None:
    basis = sh_basis(fibonacci(20000))
    np.testing.assert_allclose(4 * np.pi * basis.T @ basis / 20000, np.eye(9), atol=1e-3)


def test_shading_is_the_clamped_cosine_of_the_radiance() -> None:
    sky = fibonacci(40000)
    radiance = np.random.default_rng(0).normal(size=(9, 3))
    arriving = sh_basis(sky) @ radiance
    for normal in fibonacci(7):
        cosine = np.clip(sky @ normal, 0, None)
        irradiance = 4 * np.pi * (cosine[:, None] * arriving).mean(axis=0)
        got = sh_basis(normal) @ shading_from_radiance(radiance)
        np.testing.assert_allclose(got, irradiance / np.pi, atol=2e-3)


def test_constant_radiance_leaves_the_albedo() -> None:
    radiance = np.zeros((9, 3))
    radiance[0] = AMBIENT  # the coefficient of the constant 1
    np.testing.assert_allclose(sh_basis(fibonacci(9)) @ radiance, 1)
    np.testing.assert_allclose(sh_basis(fibonacci(9)) @ shading_from_radiance(radiance), 1)


def test_gradient() -> None:
    normals = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(sh_basis, (normals,))
