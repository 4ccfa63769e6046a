"""Lambertian shading: spherical-harmonic light and an optional lamp, in linear RGB.

B any leading axes, or pictures; N seen pixels; C channels.
"""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from headform.geometry.array_checks import require_tensor
from headform.geometry.spherical_harmonics import sh_basis
from headform.kernels.functorch import transformed
from headform.kernels.threads import run_all
from headform.render._compiled import compilable, second_derivatives
from headform.render._pixel_kernels import TINY, shade_backward, shade_forward
from headform.render.seen_pixels import SeenPixels


def shade(
    albedo: Float[Tensor, "*B 3"],
    normals: Float[Tensor, "*B 3"],
    light: Float[Tensor, "9 3"],
    *,
    lamp_direction: Float[Tensor, "3"] | None = None,
    lamp_color: Float[Tensor, "3"] | None = None,
) -> Float[Tensor, "*B 3"]:
    """Compute the color of a Lambertian surface, `albedo (max(sh . light, 0) + lamp max(n . d, 0))`.

    Args:
        albedo: (*B, 3) linear RGB.
        normals: (*B, 3) unit vectors in the frame of the light, in headform the camera's.
        light: (9, 3) shading coefficients; see `geometry.spherical_harmonics`.
        lamp_direction: (3,) unit vector toward a lamp, same frame.
        lamp_color: (3,) linear RGB that a surface facing the lamp shows at albedo 1; white if
            only the direction is given.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`.
    """
    for name, tensor in (("albedo", albedo), ("normals", normals)):
        require_tensor(name, tensor, ("*B", 3))
    require_tensor("light", light, (9, 3))
    shading = (sh_basis(normals) @ light).clamp(min=0)
    if lamp_direction is not None:
        color = torch.ones_like(lamp_direction) if lamp_color is None else lamp_color
        shading = shading + (normals @ lamp_direction).clamp(min=0)[..., None] * color
    return albedo * shading


def shade_batch(
    albedo: Float[Tensor, "N C"],
    normals: Float[Tensor, "N 3"],
    light: Float[Tensor, "B 9 C"],
    seen: SeenPixels,
) -> tuple[Float[Tensor, "N C"], Float[Tensor, "N 3"]]:
    """Shade the seen pixels of a batch, each by the light of its picture: `albedo max(sh(n) . light, 0)`.

    Args:
        albedo: (N, C) linear.
        normals: (N, 3) in the frame of the light; of any length, such as interpolation leaves them.
        light: (B, 9, C) shading coefficients.
        seen: the pixels.

    Returns:
        Colors, and the normals as unit vectors.
    """
    if not compilable(albedo, normals, light):
        return _shade_reference(albedo, normals, light, seen)
    return _Shading.apply(seen, albedo, normals, light)  # type: ignore[no-any-return, no-untyped-call]


def _shade_reference(
    albedo: Float[Tensor, "N C"], normals: Float[Tensor, "N 3"], light: Float[Tensor, "B 9 C"], seen: SeenPixels
) -> tuple[Float[Tensor, "N C"], Float[Tensor, "N 3"]]:
    unit = normalize(normals, dim=1, eps=TINY)
    parts = zip(sh_basis(unit).split([b - a for a, b in pairwise(seen.starts)]), light, strict=True)
    return albedo * torch.cat([part @ own for part, own in parts]).clamp(min=0), unit


class _Shading(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, seen: SeenPixels, albedo: Tensor, normals: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
        ctx.seen = seen
        ctx.save_for_backward(albedo, normals, light)
        color, unit = torch.empty_like(albedo), torch.empty_like(normals)
        own = [t.detach().contiguous().numpy() for t in (albedo, normals, light)]
        out_color, out_unit = color.numpy(), unit.numpy()

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            shade_forward(own[0][at], own[1][at], own[2][item], out_unit[at], out_color[at])

        run_all(one, [(item,) for item in range(len(light))])
        return color, unit

    @staticmethod
    def backward(ctx: Any, grad: Tensor, grad_unit: Tensor) -> tuple[Tensor | None, ...]:
        inputs, seen = ctx.saved_tensors, ctx.seen
        if torch.is_grad_enabled() or transformed(grad):

            def reference(albedo: Tensor, normals: Tensor, light: Tensor) -> Tensor:
                return torch.cat(_shade_reference(albedo, normals, light, seen), dim=1)

            both, wants = torch.cat([grad, grad_unit], dim=1), ctx.needs_input_grad[1:]
            return None, *second_derivatives(reference, inputs, both, wants)
        own = [t.detach().contiguous().numpy() for t in (*inputs, grad, grad_unit)]
        found = [torch.empty_like(t) for t in inputs[:2]]
        lights = torch.zeros(inputs[2].shape, dtype=torch.float64)
        out = [t.numpy() for t in (*found, lights)]

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            shade_backward(
                *(own[k][at] for k in (0, 1)), own[2][item], *(own[k][at] for k in (3, 4)),
                out[0][at], out[1][at], out[2][item],
            )  # fmt: skip

        run_all(one, [(item,) for item in range(len(inputs[2]))])
        return None, *found, lights.to(inputs[2].dtype)
