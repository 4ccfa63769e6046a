"""Distance of the open head's skin from the model it was made from.

V source vertices, W vertices of the open head, P points, N candidate triangles. Millimeters where said so.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree

from headform.heads.linear import PARTS, LinearHead
from headform.openhead._source import OpenSource

_CANDIDATES = 24
"""Triangles that are tried for each point."""
_SEED = 20240302
_PEOPLE = 6
_MAX_SIGMA = 2
_SHAPES = ("jawOpen", "mouthSmileLeft", "mouthPucker", "eyeBlinkRight", "browInnerUp", "mouthRollLower")


@dataclass(frozen=True)
class Fidelity:
    """Distance in mm from the source's skin vertices to the open head's surface, over several shapes together."""

    median: float
    percentile_99: float
    greatest: float


def measure_fidelity(head: LinearHead, source: OpenSource) -> Fidelity:
    """Measure the distance over a few people within ±2σ and a few expressions.

    Only the triangles whose centers are nearest on the mean are tried, so that each distance is an upper bound.
    """
    skin = np.flatnonzero(source.part <= PARTS.index("head"))
    mean = head.mean.double().numpy() * 100
    faces = head.faces.numpy()
    outer = faces[(head.part.numpy()[faces] <= PARTS.index("head")).any(1)]
    near = cKDTree(mean[outer].mean(1)).query(source.mean[skin], k=_CANDIDATES)[1]
    rng = np.random.default_rng(_SEED)
    codes = [(np.clip(rng.normal(size=len(head.identity)), -_MAX_SIGMA, _MAX_SIGMA), "") for _ in range(_PEOPLE)]
    codes += [(np.zeros(len(head.identity)), name) for name in _SHAPES]
    gaps = []
    for identity, name in codes:
        expression = np.zeros(len(head.expression))
        if name:
            expression[head.expression_names.index(name)] = 1.0
        wanted = source.mean[skin] + np.tensordot(identity, source.identity[:, skin], 1)
        wanted = wanted + np.tensordot(expression, source.expression[:, skin], 1)
        built = head.vertices(torch.from_numpy(identity).float(), torch.from_numpy(expression).float()).double().numpy()
        gaps.append(_to_triangles(wanted, built[outer][near] * 100) * 10)
    gap = np.concatenate(gaps)
    return Fidelity(float(np.median(gap)), float(np.percentile(gap, 99)), float(gap.max()))


def _to_triangles(points: Float[np.ndarray, "P 3"], corners: Float[np.ndarray, "P N 3 3"]) -> Float[np.ndarray, " P"]:
    """Return the distance from each point to the nearest of its own N triangles."""
    p = points[:, None]
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    normal = np.cross(b - a, c - a)
    size = (normal**2).sum(-1)
    inside = size > 0
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= (np.cross(end - start, p - start) * normal).sum(-1) >= 0
    height = ((p - a) * normal).sum(-1) ** 2 / np.maximum(size, 1e-300)
    best = np.where(inside, height, np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        way = end - start
        along = ((p - start) * way).sum(-1) / np.maximum((way**2).sum(-1), 1e-300)
        gap = p - start - np.clip(along, 0, 1)[..., None] * way
        best = np.minimum(best, (gap**2).sum(-1))
    return np.asarray(np.sqrt(best.min(1)))
