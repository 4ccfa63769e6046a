"""What may be faces, before doubles are suppressed.

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
        """The candidates of several searches of one picture."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.points for part in parts]),
        )

    def chosen(self, rows: Int[np.ndarray, " K"] | Bool[np.ndarray, " N"]) -> "Candidates":
        """Some of them."""
        return Candidates(self.boxes[rows], self.scores[rows], self.points[rows])

    def faces(self, overlap: float) -> list[Face]:
        """Faces in falling order of box area times score.

        Args:
            overlap: of two boxes that share more than this of their union, the one with the better score stays.
        """
        kept = self.chosen(suppress(self.boxes, self.scores, overlap))
        rows = zip(kept.boxes, kept.points, kept.scores.tolist(), strict=True)
        return by_prominence([Face(box, points, score) for box, points, score in rows])
