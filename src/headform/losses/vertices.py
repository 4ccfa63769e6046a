"""Losses between the vertices of two meshes in correspondence: region-weighted, and Euclidean.

Letters: B batch, V vertices, C channels.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headform.geometry.array_checks import require_tensor
from headform.losses._safe_sqrt import safe_sqrt

MICA_REGION_WEIGHTS: Mapping[str, float] = {"eyeballs": 0.01, "ears": 0.01, "face": 150.0}
"""MICA's published weights (Zielonka et al. 2022), in the order in which later ones prevail; 1 elsewhere."""
_TINY = 1e-12
MILLIMETERS = 1000.0
"""MICA's scale: meters to millimeters."""


def region_weights(
    regions: Mapping[str, Bool[Tensor, " V"]], weights: Mapping[str, float] = MICA_REGION_WEIGHTS
) -> Float[Tensor, " V"]:
    """Build vertex weights from regions: 1, then each region's weight in the order given.

    Args:
        regions: masks by name; must hold every name in `weights`.
        weights: weight of each region.

    Raises:
        ValueError: a region that the head does not have.
    """
    missing = [name for name in weights if name not in regions]
    if missing or not weights:
        raise ValueError(f"no region {', '.join(missing) or 'at all'}; there are {', '.join(regions)}")
    first = regions[next(iter(weights))]
    found = torch.ones(len(first), device=first.device)
    for name, weight in weights.items():
        found[regions[name]] = weight
    return found


def region_weighted_loss(
    predicted: Float[Tensor, "B V 3"],
    target: Float[Tensor, "B V 3"],
    weights: Float[Tensor, " V"],
    scale: float = MILLIMETERS,
) -> Float[Tensor, ""]:
    """Mean over batch, vertices and axes of `scale w_i |v_i - v_i*|` (Xu et al. 2024, equation 4; L1 and mean as in MICA).

    Args:
        predicted: (B, V, 3) meters: shape alone, no expression and pose, as the registered scans are.
        target: (B, V, 3) meters.
        weights: (V,) from `region_weights`.
        scale: Factor to the unit of the loss.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`; nothing is broadcast.
    """
    require_tensor("predicted", predicted, ("B", "V", 3))
    require_tensor("target", target, tuple(predicted.shape))
    require_tensor("weights", weights, (predicted.shape[1],))
    return scale * (weights.to(predicted)[:, None] * (predicted - target).abs()).mean()


def vertex_loss(
    first: Float[Tensor, "B V C"], second: Float[Tensor, "B V C"], weights: Float[Tensor, "B V"] | None = None
) -> Float[Tensor, ""]:
    """Mean over batch and vertices of the Euclidean distance (Lin et al. 2020, L_vert); gradient zero where it is zero.

    Args:
        first: (B, V, C) such as positions or colors.
        second: (B, V, C).
        weights: (B, V) weights of the mean, such as visibility, 0 or more; all alike if absent. 0 if all are 0.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`; nothing is broadcast.
    """
    require_tensor("first", first, ("B", "V", "C"))
    require_tensor("second", second, tuple(first.shape))
    distance = safe_sqrt((first - second).square().sum(-1))
    if weights is None:
        return distance.mean()
    require_tensor("weights", weights, tuple(first.shape[:2]))
    return (weights * distance).sum() / weights.sum().clamp(min=_TINY)
