"""Distances between predicted and true heads of one topology, as they are and after the best similarity.

B heads, V vertices.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from headform.geometry.units import MM_PER_M


@dataclass(frozen=True, eq=False)
class ShapeErrors:
    """Mean distance of the vertices of each head, millimeters.

    Attributes:
        metrical: both centered, rotated onto each other, size kept.
        aligned: after the best similarity: shape alone.
    """

    metrical: Float64[np.ndarray, " B"]
    aligned: Float64[np.ndarray, " B"]


def shape_errors(found: Float[Tensor, "B V 3"], wanted: Float[Tensor, "B V 3"]) -> ShapeErrors:
    """Measure heads after the least-squares rigid motion, and after the least-squares similarity (Umeyama 1991).

    Args:
        found: (B, V, 3) predicted vertices, meters.
        wanted: (B, V, 3) true ones.
    """
    a = found.double() - found.double().mean(1, keepdim=True)
    b = wanted.double() - wanted.double().mean(1, keepdim=True)
    u, singular, vh = torch.linalg.svd(a.mT @ b)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.sign(torch.linalg.det(u @ vh))
    turned = a @ (u * sign[:, None]) @ vh
    scale = (singular * sign).sum(1) / a.square().sum((1, 2)).clamp(min=1e-30)

    def distance(points: Float[Tensor, "B V 3"]) -> Float64[np.ndarray, " B"]:
        return np.asarray(MM_PER_M * (points - b).norm(dim=-1).mean(1).cpu(), np.float64)

    return ShapeErrors(distance(turned), distance(turned * scale[:, None, None]))
