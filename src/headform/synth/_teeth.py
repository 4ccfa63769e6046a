"""Teeth and tongue that stay behind the lips and under the skin.

V vertices, P teeth's vertices.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy.spatial import cKDTree

from headform.heads.linear import PARTS, LinearHead
from headform.synth.seam import Seam

_LIP_THICKNESS = (2.5e-3, 5e-4)  # meters of closed and of open lips before the teeth, at their inner rim
_COVERED = 8e-3  # meters above and below that rim in which teeth are kept behind it
_SKIN_THICKNESS = 2e-3  # meters of skin before the roots
_JAW_MOVES = 1e-3  # meters by which opening the jaw moves lower teeth at least


@dataclass(frozen=True)
class _Arch:
    """One row of teeth.

    Attributes:
        teeth: Its vertices.
        moved: They, and what moves with them.
        roots: Those of `teeth` that are always under skin.
        skin: The vertex of the skin before each of these.
    """

    teeth: Int[np.ndarray, " P"]
    moved: Int[np.ndarray, " M"]
    roots: Int[np.ndarray, " R"]
    skin: Int[np.ndarray, " R"]


class Teeth:
    """Both rows of teeth of the open head, behind the lips of its mouth's seam."""

    def __init__(self, head: LinearHead, lips: Seam) -> None:
        mean, part = head.mean.numpy(), head.part.numpy()
        self._lips = lips
        teeth, tongue = (np.flatnonzero(part == PARTS.index(name)) for name in ("teeth", "tongue"))
        drop = head.expression.numpy()[head.expression_names.index("jawOpen")][teeth]
        of_jaw = np.abs(drop).sum(1) > _JAW_MOVES
        # the skin that looks forward, off the lips
        skin = np.flatnonzero(head.regions["face"].numpy() & ~head.regions["lips"].numpy())
        before = cKDTree(mean[skin, :2])
        lines = lips.lines(mean)
        self._arches = []
        for own, follow, line in ((teeth[~of_jaw], teeth[:0], lines[0]), (teeth[of_jaw], tongue, lines[1])):
            roots = own[~_beside(mean[own], line)]
            near = skin[before.query(mean[roots, :2])[1]]
            front = mean[near, 2] > mean[roots, 2]
            self._arches.append(_Arch(own, np.concatenate([own, follow]), roots[front], near[front]))

    def keep_inside(self, verts: Float32[np.ndarray, "V 3"], mouth_closed: bool) -> None:
        """Move teeth and tongue back where they would come through lips or skin, in place."""
        thickness = _LIP_THICKNESS[0 if mouth_closed else 1]
        for line, arch in zip(self._lips.lines(verts), self._arches, strict=True):
            covered = verts[arch.teeth[_beside(verts[arch.teeth], line)]]
            order = line[:, 0].argsort()
            beyond = covered[:, 2] + thickness - np.interp(covered[:, 0], line[order, 0], line[order, 2])
            through = verts[arch.roots, 2] + _SKIN_THICKNESS - verts[arch.skin, 2]
            most = max(beyond.max(initial=0.0), through.max(initial=0.0))
            if most > 0:
                verts[arch.moved, 2] -= np.float32(most)


def _beside(points: Float[np.ndarray, "P 3"], line: Float[np.ndarray, "T 3"]) -> Bool[np.ndarray, " P"]:
    """Mark the points a little above or below a rim, seen from the front."""
    order = line[:, 0].argsort()
    x, y = points[:, 0], points[:, 1]
    across = (x > line[:, 0].min()) & (x < line[:, 0].max())
    return np.asarray(across & (np.abs(y - np.interp(x, line[order, 0], line[order, 1])) < _COVERED))
