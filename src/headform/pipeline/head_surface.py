"""Surface of the head in a photo, by the parsed face: skin, features and neck, without hair, glasses and what covers them.

H W of the photo. Pixels have their origin at the top-left corner.
"""

import numpy as np
from jaxtyping import Float32

from headform.geometry.face_classes import BROWS, EYES, LIPS, MOUTH_INSIDE, NECK, SKIN
from headform.nets.parsing_predictor import ParsedFace

OWN = (SKIN, BROWS, EYES, LIPS, MOUTH_INSIDE, NECK)
"""Classes of the head's own surface."""
SURE = (0.4, 0.8)
"""Probabilities between which the trust that a pixel shows the head's own surface rises from 0 to 1."""
EDGE = 0.04
"""Width of the fade at the picture's edge, in units of the face's size: such an edge would show in the texture."""


def surface_in_photo(parsed: ParsedFace, size: tuple[int, int], face_size: float) -> Float32[np.ndarray, "H W"]:
    """Return the trust in [0, 1] that each pixel shows the head's own surface; 0 beyond the parsed crop.

    Args:
        parsed: The parsed face.
        size: Width and height of the photo, pixels.
        face_size: Size of the face (`nets.crop_geometry.EyeFrame.size`), pixels.
    """
    t = np.clip((parsed.share(OWN, size) - SURE[0]) / (SURE[1] - SURE[0]), 0, 1)
    trust = t * t * (3 - 2 * t)
    width = max(EDGE * face_size, 1.0)
    for axis, length in enumerate(trust.shape):
        along = np.arange(length) + 0.5
        fade = np.minimum(np.minimum(along, length - along) / width, 1.0).astype(np.float32)
        trust = trust * (fade[:, None] if axis == 0 else fade[None])
    return np.asarray(trust, np.float32)
