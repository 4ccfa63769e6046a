"""Surface of the head in a photo, by the parsed face: skin and features, without hair, glasses and what covers them.

H W of the photo, N cells of the map. Pixels have their origin at the top-left corner.
"""

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter, grey_dilation

from headform.geometry.face_classes import BACKGROUND, CLOTHES, GLASSES, HAIR, HAT, OCCLUDER
from headform.nets.parsing_predictor import ParsedFace

OTHERS = (BACKGROUND, HAIR, GLASSES, HAT, OCCLUDER, CLOTHES)
"""Classes that are not the head's own surface."""
SURE = (0.25, 0.6)
"""Probabilities of the others between which the trust that a pixel shows the head's own surface falls from 1 to 0."""
WIDENED = 3
"""Side of the square over which the others are widened, cells: single hairs and the rims of frames show beside them."""
SOFT = 1.2
"""Standard deviation by which the trust is smoothed, cells: a hard edge would show in the texture."""


def surface_in_photo(parsed: ParsedFace, size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
    """Return the trust in [0, 1] that each pixel shows the head's own surface; 1 beyond the parsed crop.

    Args:
        parsed: The parsed face.
        size: Width and height of the photo, pixels.
    """
    others = grey_dilation(parsed.probability[list(OTHERS)].sum(0), (WIDENED, WIDENED), mode="nearest")
    t = np.clip((others - SURE[0]) / (SURE[1] - SURE[0]), 0, 1)
    hidden = gaussian_filter(t * t * (3 - 2 * t), SOFT, mode="nearest").astype(np.float32)
    return np.asarray(1 - parsed.in_photo(hidden, size), np.float32)
