"""Losses of 68 projected landmarks, in normalized device coordinates.

Letters: B batch, L landmarks, P pairs.

Sources: Feng et al. 2021 (DECA), equations 4 and 5, and the weights of its published code.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from headform.geometry.array_checks import require_tensor
from headform.losses._safe_sqrt import safe_sqrt


def deca_landmark_weights() -> Float[Tensor, "68"]:
    """Build DECA's weights of the 68 points: jaw sides, nose, mouth and its corners count for more."""
    weights = torch.ones(68)
    weights[[5, 6, 10, 11]] = 2.0
    weights[27:36] = 1.5
    weights[48:68] = 1.5
    weights[[30, 31, 35, 48, 54]] = 3.0
    return weights


def landmark_loss(
    predicted: Float[Tensor, "B L 2"],
    target: Float[Tensor, "B L 2"],
    weights: Float[Tensor, " L"] | None = None,
    visible: Bool[Tensor, "B L"] | None = None,
) -> Float[Tensor, ""]:
    """Weighted L1 distance of landmarks: mean over the batch of `sum_k w_k v_k (|dx| + |dy|) / (2 sum_k w_k)`.

    Args:
        predicted: (B, L, 2) projected landmarks.
        target: (B, L, 2) annotated landmarks, same frame.
        weights: (L,) weight of each point; all alike if absent.
        visible: (B, L) points that count; all if absent. Hidden points may be NaN.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`; nothing is broadcast.
    """
    require_tensor("predicted", predicted, ("B", "L", 2))
    require_tensor("target", target, tuple(predicted.shape))
    if weights is not None:
        require_tensor("weights", weights, (predicted.shape[1],))
    if visible is not None:
        require_tensor("visible", visible, tuple(predicted.shape[:2]), "bool")
    off = predicted - target
    if visible is not None:
        off = torch.where(visible[..., None], off, torch.zeros_like(off))
    distance = off.abs().sum(-1)
    own = distance.new_ones(distance.shape[1]) if weights is None else weights.to(distance)
    return (distance * own).sum(-1).mean() / (2 * own.sum())


def pair_distance_loss(
    predicted: Float[Tensor, "B L 2"],
    target: Float[Tensor, "B L 2"],
    pairs: tuple[tuple[int, int], ...],
) -> Float[Tensor, ""]:
    """Mean absolute difference of the distances within pairs of landmarks.

    Pairs are `EYE_CLOSURE_PAIRS` and `INNER_LIP_PAIRS` of `geometry.landmarks68`, or others.

    An opening is compared with an opening, so that a common shift of both ends costs nothing (DECA's eye closure loss). A
    pair that coincides has distance zero and gradient zero.
    """
    first, second = torch.tensor(pairs, device=predicted.device).unbind(1)

    def opening(points: Float[Tensor, "B L 2"]) -> Float[Tensor, "B P"]:
        return safe_sqrt((points[:, first] - points[:, second]).square().sum(-1))

    return (opening(predicted) - opening(target)).abs().mean()
