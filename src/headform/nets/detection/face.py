"""A face as a detector reports it.

Pixel coordinates have their origin at the top-left corner of the picture: the center of the first
pixel is (0.5, 0.5). "Right" and "left" are the subject's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64


@dataclass(frozen=True)
class Face:
    """One detected face.

    Attributes:
        box: x0, y0, x1, y1 in pixels; may extend beyond the picture.
        points5: x, y in pixels of the right eye, left eye, nose tip, right and left corner of the
            mouth. In an upright face the right eye and the right corner lie left in the picture;
            a rotated face keeps the subject's sides.
        score: The detector's confidence, 0 to 1.
    """

    box: Float64[np.ndarray, "4"]
    points5: Float64[np.ndarray, "5 2"]
    score: float

    @property
    def area(self) -> float:
        """Area of the box, square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


def by_prominence(faces: list[Face]) -> list[Face]:
    """Sort faces in descending order of box area times score."""
    return sorted(faces, key=lambda face: -face.area * face.score)
