"""Real spherical harmonics of bands 0 to 2, and what they mean as light.

Letters: B any leading axes, C color channels.

The nine functions are orthonormal on the unit sphere, in this order (n = (x, y, z) unit):

    0: 1/2 √(1/π)
    1: √(3/4π) y        2: √(3/4π) z        3: √(3/4π) x
    4: 1/2 √(15/π) xy   5: 1/2 √(15/π) yz   6: 1/4 √(5/π) (3z² - 1)
    7: 1/2 √(15/π) xz   8: 1/4 √(15/π) (x² - y²)

(all signs positive, no Condon-Shortley phase). Throughout headform a `light` (9, C) holds the
coefficients of the SHADING `irradiance / π` over the surface normal: a matt surface of albedo a
has the color `a * (sh_basis(normal) @ light)`, linear RGB. An environment of constant radiance 1
therefore is `light[0] = √(4π)` and nothing else, and leaves the albedo as it is.
"""

import math
from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

C0 = math.sqrt(1 / math.pi) / 2
C1 = math.sqrt(3 / (4 * math.pi))
C2 = math.sqrt(15 / math.pi) / 2
C20 = math.sqrt(5 / math.pi) / 4
C22 = math.sqrt(15 / math.pi) / 4

AMBIENT = math.sqrt(4 * math.pi)
"""Coefficient 0 of a light that leaves the albedo as it is."""

COSINE_LOBE = (1.0, *(2 / 3,) * 3, *(1 / 4,) * 5)
"""Shading coefficient per radiance coefficient: the clamped cosine over π, band by band.

π, 2π/3 and π/4, each divided by π (Ramamoorthi and Hanrahan 2001, equation 8).
"""


@overload
def sh_basis(normals: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 9"]: ...
@overload
def sh_basis(normals: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 9"]: ...
def sh_basis(
    normals: Float[np.ndarray, "*B 3"] | Float[Tensor, "*B 3"],
) -> Float[np.ndarray, "*B 9"] | Float[Tensor, "*B 9"]:
    """The nine basis functions at unit vectors; NumPy or torch, dtype kept, differentiable.

    Args:
        normals: (*B, 3) unit vectors (not normalized here).

    Returns:
        (*B, 9) values in the order of the module's table.
    """
    if isinstance(normals, np.ndarray):
        x, y, z = normals[..., 0], normals[..., 1], normals[..., 2]
        return np.stack(_basis(np.ones_like(x), x, y, z), axis=-1)
    u, v, w = normals[..., 0], normals[..., 1], normals[..., 2]
    return torch.stack(_basis(torch.ones_like(u), u, v, w), dim=-1)


def _basis(one: Any, x: Any, y: Any, z: Any) -> list[Any]:
    return [
        *(C0 * one, C1 * y, C1 * z, C1 * x),
        *(C2 * x * y, C2 * y * z, C20 * (3 * z * z - 1), C2 * x * z, C22 * (x * x - y * y)),
    ]


def shading_from_radiance(radiance: Float[np.ndarray, "9 C"]) -> Float[np.ndarray, "9 C"]:
    """A `light` from the coefficients of the incoming radiance; linear RGB, dtype kept.

    Args:
        radiance: (9, C) coefficients of the radiance arriving from each direction.
    """
    lobe = np.array(COSINE_LOBE, radiance.dtype)
    return lobe[:, None] * radiance
