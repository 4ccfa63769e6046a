"""Losses of the student; each counts the labels that a source gives, by their weights.

B batch, N dense points, E expressions, T side of the mask.

Points: Gaussian negative log-likelihood (Wood et al. 2022, eq. 1) with the L1 distance on the surface, and with the wing
loss (Feng et al. 2018) on the annotators' points, which weighs small errors more. Openings of lids and lips: the outputs of
their own by likelihood and L1, and, by L1, the openings between the points of either head; they have a sign, so that lips
that cross are wrong, too. Visibility and skin: cross-entropy. Expression: displacement of the dense points; rotation:
Frobenius distance.
"""

import math
from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headform.geometry.rotation import rotation_from_6d
from headform.heads.linear import LinearHead
from headform.nets.landmarks.student_net import OPENING_PAIRS, StudentOutput
from headform.train.loss_weights import StudentLossWeights
from headform.train.step import Losses
from headform.train.student_batches import StudentTargets

WING_WIDTH, WING_CURVATURE = 0.04, 0.008
"""Error up to which the wing loss is a logarithm, and its curvature there: 5 and 1 of 256 pixels, in crop coordinates."""


def wing(error: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
    """Return the wing loss of errors in crop coordinates, in the same unit for large errors (slope 1)."""
    size = error.abs()
    scale = WING_WIDTH / math.log1p(WING_WIDTH / WING_CURVATURE)
    near = scale * torch.log1p(size / WING_CURVATURE)
    return torch.where(size < WING_WIDTH, near, size)


def openings_between(
    points68: Float[Tensor, "B K 2"], down: Float[Tensor, "B 2"], size: Float[Tensor, " B"]
) -> Float[Tensor, "B 7"]:
    """Return the openings between points down the face, in face sizes; negative where they cross.

    Args:
        points68: points, the first 68 of which are iBUG's, crop coordinates.
        down: unit vector down the face.
        size: face size, crop coordinates.
    """
    upper, lower = (list(rows) for rows in zip(*OPENING_PAIRS, strict=True))
    return ((points68[:, lower] - points68[:, upper]) * down[:, None]).sum(2) / size[:, None]


class StudentLosses:
    """Losses listed in the module docstring.

    Args:
        head: Head model of the dense points and expressions.
        weights: Factors of the losses in the total.
        device: Device of network and labels.
    """

    def __init__(self, head: LinearHead, weights: StudentLossWeights, device: torch.device | str | None = None) -> None:
        self._factors = asdict(weights)
        weight = torch.ones(len(head.dense))
        weight[:68] = 2.0
        self._weight = (weight / weight.mean()).to(device)
        shapes = head.expression[:, head.dense].flatten(1) * 100.0  # (E, 3N) cm
        self._gram = (shapes @ shapes.T / len(head.dense)).to(device)  # (E, E) mean squared displacement, cm^2

    def __call__(self, net: nn.Module, images: Float[Tensor, "B 3 S S"], targets: StudentTargets) -> Losses:
        """Compute the losses by name; ``total`` is minimized."""
        out = net(images)
        with torch.autocast(images.device.type, enabled=False):
            return self.of(out, targets)

    def of(self, out: StudentOutput, targets: StudentTargets) -> Losses:
        """Compute the losses of outputs."""
        t, fitted = targets, targets.fit_weight
        dense_weight = t.points_weight * self._weight
        off, off68 = out.points - t.points, out.points68 - t.points68
        wrong = out.expression - t.expression
        moved = torch.einsum("be,ef,bf->b", wrong, self._gram, wrong)
        turned = (rotation_from_6d(out.rotation6) - t.rotation).square().sum((1, 2))
        opened = out.openings - t.openings
        between68, between = (
            (openings_between(points, t.down, t.size) - t.openings).abs() for points in (out.points68, out.points)
        )
        entropy = functional.binary_cross_entropy_with_logits
        losses = {
            "nll": _mean(_nll(off.square().sum(-1), out.log_variance, 2), dense_weight),
            "l1": _mean(off.abs().mean(-1), dense_weight),
            "nll68": _mean(_nll(off68.square().sum(-1), out.log_variance68, 2), t.weight68),
            "wing68": _mean(wing(off68).mean(-1), t.weight68),
            "first68": _mean(wing(out.first68 - t.points68).mean(-1), t.weight68),
            "nll_openings": _mean(_nll(opened.square(), out.log_variance_openings, 1), t.openings_weight),
            "openings": _mean(opened.abs(), t.openings_weight),
            "openings68": _mean(between68, t.openings_weight),
            "openings_dense": _mean(between, t.openings_weight),
            "visible": _mean(entropy(out.visible_logits, t.visible, reduction="none"), t.visible_weight),
            "expression_cm2": _mean(moved, fitted),
            "expression_mse": _mean(wrong.square().mean(1), fitted),
            "rotation": _mean(turned, fitted),
            "gaze": _mean((out.gaze - t.gaze).abs().mean(1), fitted),
            "mask": _mean(entropy(out.mask_logits, t.mask, reduction="none"), t.mask_weight),
        }
        losses["total"] = torch.stack([self._factors[name] * loss for name, loss in losses.items()]).sum()
        return losses


def _nll(squared: Float[Tensor, "B K"], log_variance: Float[Tensor, "B K"], coordinates: int) -> Float[Tensor, "B K"]:
    """Return the negative log-likelihood of errors of as many coordinates, without the constant."""
    return 0.5 * squared * torch.exp(-log_variance) + 0.5 * coordinates * log_variance


def _mean(values: Float[Tensor, "*S"], weight: Float[Tensor, "*S"]) -> Float[Tensor, ""]:
    """Return the weighted mean; 0 where nothing has a weight."""
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)
