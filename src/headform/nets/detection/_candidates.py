"""Candidates for faces, before non-maximum suppression.

N candidates. Coordinates in pixels, origin at the top-left corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from headform.nets.detection._boxes import suppress
from headform.nets.detection.face import Face, by_prominence


@dataclass(frozen=True)
class Candidates:
    """Boxes with a score and five points each; see `Face` for their meaning."""

    boxes: Float64[np.ndarray, "N 4"]
    scores: Float64[np.ndarray, " N"]
    points: Float64[np.ndarray, "N 5 2"]

    @classmethod
    def joined(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """Join the candidates of several searches of one picture."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.points for part in parts]),
        )

    def chosen(self, rows: Int[np.ndarray, " K"] | Bool[np.ndarray, " N"]) -> "Candidates":
        """Select some of them."""
        return Candidates(self.boxes[rows], self.scores[rows], self.points[rows])

    def faces(self, overlap: float) -> list[Face]:
        """Return faces in descending order of box area times score.

        Args:
            overlap: greatest intersection over union of two faces; above it the better one is kept.
        """
        kept = self.chosen(suppress(self.boxes, self.scores, overlap))
        rows = zip(kept.boxes, kept.points, kept.scores.tolist(), strict=True)
        return by_prominence([Face(box, points, score) for box, points, score in rows])
