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


@dataclass(frozen=True)
class StudentLossWeights:
    """Factors of the losses in the total; names as in `StudentLosses`."""

    nll: float = 1.0
    l1: float = 20.0
    nll68: float = 1.0
    wing68: float = 20.0
    first68: float = 10.0
    nll_openings: float = 0.3
    openings: float = 20.0
    openings68: float = 10.0
    openings_dense: float = 10.0
    visible: float = 0.5
    expression_cm2: float = 20.0
    expression_mse: float = 1.0
    rotation: float = 2.0
    gaze: float = 0.5
    mask: float = 0.5
