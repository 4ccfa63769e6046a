"""Class maps of portraits from landmarks alone: eyes and lips; unknown elsewhere.

S side of the crop. Pixel coordinates have their origin at the top-left corner.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8

from headform.data.contour_classes import OPEN, inside_polygon
from headform.geometry.face_classes import EYES, LIPS, MOUTH_INSIDE, UNKNOWN
from headform.geometry.landmarks68 import INNER_LIP_PAIRS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE, outer_eye_distance


def classes_of_landmarks(
    points68: Float[np.ndarray, "68 2"], trusted: Bool[np.ndarray, "68"], side: int
) -> UInt8[np.ndarray, "S S"]:
    """Draw eyes, lips and the inside of the mouth where all of their landmarks are trusted; all else is unknown."""
    shape = side, side
    out = np.full(shape, UNKNOWN, np.uint8)
    for eye in (RIGHT_EYE, LEFT_EYE):
        if trusted[eye].all():
            out[inside_polygon(points68[eye], shape)] = EYES
    if trusted[48:68].all():
        out[inside_polygon(points68[OUTER_LIPS], shape)] = LIPS
        gap = float(np.mean([points68[lower, 1] - points68[upper, 1] for upper, lower in INNER_LIP_PAIRS]))
        if gap > OPEN * outer_eye_distance(points68):
            out[inside_polygon(points68[60:68], shape)] = MOUTH_INSIDE
    return out
