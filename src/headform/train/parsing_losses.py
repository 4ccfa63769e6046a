"""Losses of the parsing network, masked where the class is unknown.

B batch, C classes, M side of the map, K cells whose class is known.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from headform.geometry.face_classes import FACE_CLASSES, OUTSIDE

CLASS_WEIGHTS = {
    "background": 0.6,
    "skin": 0.7,
    "brows": 1.6,
    "eyes": 1.6,
    "lips": 1.6,
    "mouth_inside": 1.6,
    "hair": 1.0,
    "glasses": 1.4,
    "hat": 1.2,
    "occluder": 1.2,
    "neck": 0.8,
    "clothes": 0.7,
}
"""Weights of the cross-entropy: about the inverse fourth root of the classes' areas, which differ by a factor of fifty."""


@dataclass(frozen=True)
class ParsingLossWeights:
    """Factors of the losses.

    Attributes:
        dice: Dice loss, beside the cross-entropy.
        consistency: Cross-entropy of varied crops without labels against the averaged network's classes.
        confidence: Probability from which these count.
    """

    dice: float = 0.5
    consistency: float = 0.5
    confidence: float = 0.8


def class_weights(classes: int = len(FACE_CLASSES)) -> Float[Tensor, " C"]:
    """Return the weights of the cross-entropy in the order of the classes."""
    return torch.tensor([CLASS_WEIGHTS[name] for name in FACE_CLASSES[:classes]])


def parsing_losses(
    logits: Float[Tensor, "B C M M"], labels: Int[Tensor, "B M M"], weights: Float[Tensor, " C"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Compute the balanced cross-entropy and the Dice loss over the cells whose class is known.

    Args:
        logits: Logits of the network.
        labels: Class numbers; `UNKNOWN` and `OUTSIDE` are masked.
        weights: Weights of the classes.

    Returns:
        Both losses; 0 where nothing is known.
    """
    known = (labels < OUTSIDE).flatten()
    rows = logits.permute(0, 2, 3, 1).flatten(0, 2)[known].float()  # (K, C) known cells; as they lie in memory
    target = labels.flatten()[known]
    if not len(target):
        return logits.sum() * 0, logits.sum() * 0
    log_probability = rows.log_softmax(1)
    entropy = functional.nll_loss(log_probability, target, weights)
    return entropy, _dice(log_probability.exp(), target)


def _dice(probability: Float[Tensor, "K C"], target: Int[Tensor, " K"]) -> Float[Tensor, ""]:
    """Mean over the classes that the batch shows of 1 - 2 |P T| / (|P| + |T|) (Milletari et al. 2016, without squares)."""
    classes = probability.shape[1]
    area = torch.bincount(target, minlength=classes)
    right = probability.gather(1, target[:, None])[:, 0]
    shared = torch.zeros_like(probability[0]).index_add(0, target, right)
    loss = 1 - (2 * shared + 1) / (probability.sum(0) + area + 1)
    there = area > 0
    return (loss * there).sum() / there.sum().clamp(min=1)


@torch.no_grad()
def confident_labels(
    logits: Float[Tensor, "B C M M"], inside: Float[Tensor, "B 1 S S"], confidence: float, unknown: int
) -> Int[Tensor, "B M M"]:
    """Return the averaged network's classes, `unknown` below the confidence and beyond the photo."""
    sure, labels = logits.float().softmax(1).max(1)
    there = functional.avg_pool2d(inside, inside.shape[-1] // labels.shape[-1])[:, 0] > 0.5
    return labels.masked_fill(~((sure >= confidence) & there), unknown)
