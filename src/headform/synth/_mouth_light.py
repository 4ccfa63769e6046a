"""Light inside of the mouth: less the deeper a tooth lies, and less beside the lips.

V head vertices, M vertices inside of the mouth.
"""

import numpy as np
from jaxtyping import Float, Float32, Int

from headform.heads.linear import PARTS, LinearHead

_FRONT = {"teeth": 0.8, "tongue": 0.45, "mouth": 0.2}
"""Share of the light at the depth of the front teeth, for each part."""
_REACH_CM = 1.9
"""Depth behind the front teeth at which that has fallen to 1 / e: cheeks and lips shade what lies behind them."""
_LEAST = 0.03
_LIP_SHADOW, _LIP_REACH_CM = 0.5, 0.28
"""Share of the light that the upper lip takes at its rim, and how far down that fades to 1 / e."""
_CORNER_SHADOW, _CORNER_REACH_CM = 0.6, 0.5
"""The same of the corners of the mouth, over the distance inward."""
_UPPER_RIM = [60, 61, 62, 63, 64]
"""Points of the inner rim of the upper lip, of the 68."""


class MouthLight:
    """Light that reaches teeth, tongue and the inside of the mouth of one head model.

    Attributes:
        ids: The vertices inside of the mouth.
    """

    def __init__(self, head: LinearHead) -> None:
        part, depth = head.part.numpy(), head.mean.numpy()[:, 2] * 100
        self.ids: Int[np.ndarray, " M"] = np.flatnonzero(np.isin(part, [PARTS.index(name) for name in _FRONT]))
        front = depth[part == PARTS.index("teeth")].max()
        at_front = np.zeros(len(PARTS), np.float32)
        for name, level in _FRONT.items():
            at_front[PARTS.index(name)] = level
        behind = np.maximum(front - depth[self.ids], 0) / _REACH_CM
        self._openness = np.maximum(at_front[part[self.ids]] * np.exp(-behind), _LEAST).astype(np.float32)

    def share(self, verts: Float[np.ndarray, "V 3"], marks: Float[np.ndarray, "68 3"]) -> Float32[np.ndarray, " M"]:
        """Compute the share of the light of each vertex inside of the mouth.

        Args:
            verts: Vertices of the person, meters, head frame.
            marks: Their 68 landmarks.
        """
        rim = marks[_UPPER_RIM] * 100
        order = rim[:, 0].argsort()
        x, y = verts[self.ids, 0] * 100, verts[self.ids, 1] * 100
        below = np.interp(x, rim[order, 0], rim[order, 1]) - y
        inward = np.minimum(x - rim[:, 0].min(), rim[:, 0].max() - x)
        dark = _LIP_SHADOW * np.exp(-np.maximum(below, 0) / _LIP_REACH_CM)
        dark += _CORNER_SHADOW * np.exp(-np.maximum(inward, 0) / _CORNER_REACH_CM)
        return (self._openness * np.clip(1 - dark, 0.15, 1)).astype(np.float32)
