"""Losses of vertices and of signals on a mesh.

Letters: B batch, V vertices, F faces, C channels, D features.
"""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headform.losses._safe_sqrt import safe_sqrt
from headform.losses.identity import cosine_loss

MICA_REGION_WEIGHTS: Mapping[str, float] = {"eyeballs": 0.01, "ears": 0.01, "face": 150.0}
"""MICA's published weights (Zielonka et al. 2022), in the order in which later ones prevail; 1 elsewhere."""
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
    """
    return scale * (weights.to(predicted)[:, None] * (predicted - target).abs()).mean()


def vertex_loss(first: Float[Tensor, "B V C"], second: Float[Tensor, "B V C"]) -> Float[Tensor, ""]:
    """Mean over batch and vertices of the Euclidean distance (Lin et al. 2020, L_vert); gradient zero where it is zero."""
    return safe_sqrt((first - second).square().sum(-1)).mean()


class MeshIdentityLoss(nn.Module):
    """3D-ID loss: cosine loss of a frozen mesh encoder's features (Xu et al. 2024, equations 5 and 6).

    Args:
        encoder: (B, V, 3) meshes in meters to (B, D) features, such as `MeshAutoencoder.encode_linear`. What it belongs to
            is frozen by the caller and is no part of this module.
    """

    def __init__(self, encoder: Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B D"]]) -> None:
        super().__init__()
        self._frozen = (encoder,)

    def forward(self, predicted: Float[Tensor, "B V 3"], target: Float[Tensor, "B V 3"]) -> Float[Tensor, ""]:
        """Mean of one minus the cosine of both meshes' features; the target is a constant."""
        with torch.no_grad():
            wanted = self._frozen[0](target)
        return cosine_loss(self._frozen[0](predicted), wanted)


def laplacian_loss(signal: Float[Tensor, "B V C"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, ""]:
    """Mean over batch and vertices of `||x_i - mean of its neighbors||^2`; a vertex without neighbors adds 0."""
    count = signal.shape[1]
    rows = torch.cat([faces, faces.flip(1)]).long()
    ends = torch.cat([rows[:, [k, (k + 1) % 3]] for k in range(3)])
    pairs = torch.unique(ends[:, 0] * count + ends[:, 1])
    tail, head = pairs // count, pairs % count
    degree = signal.new_zeros(count).index_add(0, tail, signal.new_ones(len(tail)))
    sums = torch.zeros_like(signal).index_add(1, tail, signal[:, head])
    off = signal - sums / degree.clamp(min=1)[:, None]
    return (off.square().sum(-1) * (degree > 0)).mean()


def symmetry_loss(
    signal: Float[Tensor, "B V C"], mirror: Int[Tensor, " V"], epsilon: float = 1e-8
) -> Float[Tensor, ""]:
    """Mean over batch and vertices of `sqrt(||x_i - x_mirror(i)||^2 + epsilon)` (Lin et al. 2020, published code)."""
    return ((signal - signal[:, mirror]).square().sum(-1) + epsilon).sqrt().mean()
