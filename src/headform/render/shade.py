"""Matt shading: spherical-harmonic light and, if wanted, one lamp. Linear RGB throughout.

Letters: B any leading axes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headform.geometry.spherical_harmonics import sh_basis


def shade(
    albedo: Float[Tensor, "*B 3"],
    normals: Float[Tensor, "*B 3"],
    light: Float[Tensor, "9 3"],
    *,
    lamp_direction: Float[Tensor, "3"] | None = None,
    lamp_color: Float[Tensor, "3"] | None = None,
) -> Float[Tensor, "*B 3"]:
    """Color of a matt surface, `albedo (max(sh . light, 0) + lamp max(n . d, 0))`.

    Args:
        albedo: (*B, 3) linear RGB.
        normals: (*B, 3) unit vectors in the frame of the light, in headform the camera's.
        light: (9, 3) shading coefficients; see `geometry.spherical_harmonics`.
        lamp_direction: (3,) unit vector toward a lamp, same frame.
        lamp_color: (3,) linear RGB that a surface facing the lamp shows at albedo 1; white if
            only the direction is given.
    """
    shading = (sh_basis(normals) @ light).clamp(min=0)
    if lamp_direction is not None:
        color = torch.ones_like(lamp_direction) if lamp_color is None else lamp_color
        shading = shading + (normals @ lamp_direction).clamp(min=0)[..., None] * color
    return albedo * shading
