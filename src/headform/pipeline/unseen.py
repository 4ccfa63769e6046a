"""Landmarks that a photo does not show: outside the picture, or covered by something in front of the face.

H W of the photo. Pixels have their origin at the top-left corner. "Right" and "left" are the subject's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from headform.geometry.landmarks68 import JAW, LEFT_BROW, LEFT_EYE, MOUTH, RIGHT_BROW, RIGHT_EYE
from headform.nets.crop_geometry import EyeFrame

PointState = Literal["seen", "outside", "covered"]
"""State of a landmark: inside the picture with nothing in front of the head, outside the picture, or covered. A point that
the head itself hides, such as the far jaw of a profile, counts as seen."""

PARTS: Mapping[str, slice] = {
    "right brow": RIGHT_BROW,
    "left brow": LEFT_BROW,
    "right eye": RIGHT_EYE,
    "left eye": LEFT_EYE,
    "nose": slice(27, 36),
    "mouth": MOUTH,
    "jaw": JAW,
}
"""Rows of the 68 points by part of the face."""
PART_SHARE = 1 / 3
"""Share of a part's points from which the part counts as not seen: an eye without one of its lids is not."""
EDGE = 0.01
"""Distance to the picture's edge below which a point counts as outside, in units of the face's size: about the error of the
landmarks, which gather inside the edge when the face goes on beyond it."""
UNSEEN_SHARE = 0.25
"""Share of the 68 points, outside or covered, from which a result is marked low_confidence."""


@dataclass(frozen=True)
class Unseen:
    """States of the 68 points, and what follows from them.

    Attributes:
        states: state of each of the 68 points.
        covered_area: share of the face's area that is covered. Landmarks of a half-hidden face gather in the half that is
            seen: its points alone would tell of less.
    """

    states: tuple[PointState, ...] = ("seen",) * 68
    covered_area: float = 0.0

    @classmethod
    def of(
        cls,
        points68: Float[np.ndarray, "68 2"],
        image_size: tuple[int, int],
        covered: Bool[np.ndarray, "68"] | None = None,
        covered_area: float = 0.0,
    ) -> "Unseen":
        """Return the states of landmarks.

        Args:
            points68: the 68 points, pixels.
            image_size: width and height of the photo, pixels.
            covered: points that something in front of the face covers; nowhere if None.
            covered_area: share of the face's area that is covered.
        """
        margin = EDGE * EyeFrame.of(points68).size
        outside = ((points68 < margin) | (points68 > np.array(image_size) - margin)).any(1)
        hidden = np.zeros(len(points68), bool) if covered is None else covered
        pairs = zip(np.asarray(outside), hidden, strict=True)
        states: tuple[PointState, ...] = tuple(
            "outside" if gone else "covered" if below else "seen" for gone, below in pairs
        )
        return cls(states, covered_area)

    @property
    def share(self) -> float:
        """Share of the points that are outside or covered, or the covered share of the area if that is larger."""
        points = sum(state != "seen" for state in self.states) / len(self.states)
        return max(points, self.covered_area)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the face that are mostly not seen, outside or covered; keys of `PARTS`."""
        return _parts(~self._rows("seen"))

    @property
    def is_doubtful(self) -> bool:
        """Indication that too little is seen: a quarter of points or area is not, or the mouth, or neither eye."""
        gone = self.parts
        return self.share >= UNSEEN_SHARE or "mouth" in gone or {"right eye", "left eye"} <= set(gone)

    def reasons(self) -> tuple[str, ...]:
        """Name the points that are not seen, as clauses: one for those outside, one for those covered."""
        sentences: Sequence[tuple[PointState, str]] = (
            ("outside", "lie outside the picture"),
            ("covered", "are covered"),
        )
        found = []
        for state, verb in sentences:
            rows = self._rows(state)
            count, total = int(rows.sum()), len(self.states)
            if count:
                named = ", ".join(_parts(rows))
                part = f": {named}" if named else ""
                found.append(f"{count} of the {total} points ({100 * count / total:.0f} %) {verb}{part}")
        if self.covered_area >= UNSEEN_SHARE:
            found.append(f"{100 * self.covered_area:.0f} % of the face's area is covered")
        return tuple(found)

    def _rows(self, state: PointState) -> Bool[np.ndarray, "68"]:
        return np.array([each == state for each in self.states])


def _parts(rows: Bool[np.ndarray, "68"]) -> tuple[str, ...]:
    return tuple(name for name, part in PARTS.items() if rows[part].mean() >= PART_SHARE)
