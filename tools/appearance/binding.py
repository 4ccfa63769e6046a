"""Bind points beside the open head to its vertices: sparse linear weights, so that they follow identity and expression.

V vertices of the head, W points, A anchors, K weights a point. Meters, mean head.
"""

from dataclasses import dataclass

import numpy as np
import scipy.spatial
from jaxtyping import Float64, Int64

from headform.heads.linear import PARTS, LinearHead
from headform.registration.surface import SurfaceIndex

CLEARANCE_M = 0.002
"""Least height of hair above the skin."""
_SHARES = 6
_HAIR_ANCHORS = 500
_EDGE_RING = 3
"""Edges from the border of skin and eye socket, which lies behind the lid, to the lid's outer edge."""
RIM_SHARES, LASH_SHARES = 6, 8
_RIM_SPAN_M = 0.003
_LASH_M, _TURN = 0.008, 0.6
"""Length of a lash, and by which share of the lid's way its tip moves beyond its root."""
_EYE_CORNERS = {"right": (36, 39), "left": (45, 42)}
"""Landmarks of the outer and the inner corner."""
_CORNER_M = 0.001  # below the line between the corners, the upper lid still


@dataclass(frozen=True)
class Binding:
    """Weights of head vertices whose displacements move a point; they sum to 1 but may be negative."""

    anchor: Int64[np.ndarray, "W K"]
    weight: Float64[np.ndarray, "W K"]


class Binder:
    """The open head's mean prepared for binding."""

    def __init__(self, head: LinearHead) -> None:
        self.mean = head.mean.double().numpy()
        self.part = head.part.numpy()
        faces = head.faces.numpy()
        self.skin = np.isin(self.part, [PARTS.index("face"), PARTS.index("head")])
        self.surface = SurfaceIndex.of(self.mean, faces[self.skin[faces].all(1)])
        self._ears = head.regions["ears"].numpy()
        self._anchors = spread(self.mean, np.flatnonzero(self.skin & ~self._ears), _HAIR_ANCHORS)
        self.lids = {side: _lids(head, side) for side in _EYE_CORNERS}
        marks = head.landmark_vertices.numpy()[:, 0]
        self.corners = {side: marks[list(ids)] for side, ids in _EYE_CORNERS.items()}

    def outside(self, points: Float64[np.ndarray, "W 3"], clearance: float = CLEARANCE_M) -> Float64[np.ndarray, "W 3"]:
        """Push points that are inside the skin, or nearer to it than the clearance, out; ears may pierce hair."""
        found = self.surface.closest(points)
        height = ((points - found.positions) * found.normals).sum(1)
        low = (height < clearance) & (found.distance < 0.03)
        ear = self._ears[self.surface.faces[found.triangle]].all(1)
        low &= ~ear
        out = points + found.normals * np.where(low, clearance - height, 0.0)[:, None]
        return np.asarray(out)

    def soft(self, points: Float64[np.ndarray, "W 3"]) -> Binding:
        """Bind to well-spread anchors with weights that fall smoothly to zero at the next nearest one."""
        tree = scipy.spatial.cKDTree(self.mean[self._anchors])
        distance, near = tree.query(points, _SHARES + 1)
        share = np.maximum(1 - (distance[:, :-1] / distance[:, -1:]) ** 2, 1e-6) ** 2
        return Binding(self._anchors[near[:, :-1]], share / share.sum(1, keepdims=True))

    def lash(
        self, points: Float64[np.ndarray, "W 3"], roots: Float64[np.ndarray, "W 3"], side: str, upper: bool
    ) -> Binding:
        """Bind lashes to the rim of their lid, so that they move and turn with it.

        The farther a point is from its root, the more it moves beyond what the rim does relative to the corners of the eye.
        """
        rim, corners = self.lids[side][0 if upper else 1], self.corners[side]
        sideways = np.abs(roots[:, None, 0] - self.mean[rim][None, :, 0])
        near = np.argsort(sideways, axis=1)[:, :RIM_SHARES]
        share = np.exp(-((np.take_along_axis(sideways, near, 1) / _RIM_SPAN_M) ** 2))
        share /= share.sum(1, keepdims=True)
        turn = _TURN * np.minimum(np.linalg.norm(points - roots, axis=1, keepdims=True) / _LASH_M, 1.2)
        anchor = np.concatenate([rim[near], np.tile(corners, (len(points), 1))], 1)
        return Binding(anchor, np.concatenate([share * (1 + turn), np.repeat(-turn / 2, 2, 1)], 1))


def _lids(head: LinearHead, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Find the vertices of the outer edges of the upper and the lower lid, from corner to corner."""
    mean, part, faces = head.mean.double().numpy(), head.part.numpy(), head.faces.numpy()
    face, socket = PARTS.index("face"), PARTS.index(f"socket_{side}")
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0)
    mixed = (part[edges] == face).any(1) & (part[edges] == socket).any(1)
    border = np.unique(edges[mixed])
    border = border[part[border] == face]
    rings = _rings(edges[(part[edges] == face).all(1)], border, len(mean), _EDGE_RING)
    own = np.flatnonzero(rings == _EDGE_RING)
    own = own[np.argsort(mean[own, 0])]
    outer, inner = head.landmarks(head.mean, offset=False).double().numpy()[list(_EYE_CORNERS[side])]
    along = (mean[own] - outer) @ (inner - outer) / ((inner - outer) @ (inner - outer))
    height = mean[own, 1] - (outer[1] + along * (inner[1] - outer[1]))
    return own[height > -_CORNER_M], own[height < _CORNER_M]


def _rings(edges: Int64[np.ndarray, "E 2"], start: Int64[np.ndarray, " N"], count: int, most: int) -> np.ndarray:
    """Count the edges from the starting vertices to each vertex; -1 beyond the most."""
    ring = np.full(count, -1)
    ring[start] = 0
    for k in range(most):
        for a, b in ((0, 1), (1, 0)):
            next_ = edges[(ring[edges[:, a]] == k) & (ring[edges[:, b]] < 0), b]
            ring[next_] = k + 1
    return ring


def spread(points: Float64[np.ndarray, "V 3"], ids: Int64[np.ndarray, " N"], count: int) -> Int64[np.ndarray, " K"]:
    """Choose vertices far from each other: each is the farthest from those chosen before."""
    chosen = [int(ids[0])]
    distance = np.linalg.norm(points[ids] - points[ids[0]], axis=1)
    while len(chosen) < count:
        far = int(distance.argmax())
        chosen.append(int(ids[far]))
        distance = np.minimum(distance, np.linalg.norm(points[ids] - points[ids[far]], axis=1))
    return np.array(chosen)
