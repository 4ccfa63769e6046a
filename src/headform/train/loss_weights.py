"""Weights of the losses of each training stage: part of its configuration, hence of config.json."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LandmarkLossWeights:
    """Factors of the losses in the total; names as in `LandmarkLosses`."""

    nll: float = 1.0
    l1: float = 20.0
    expression_cm2: float = 20.0
    expression_mse: float = 1.0
    rotation: float = 2.0
    gaze: float = 0.5
    mask: float = 0.5
