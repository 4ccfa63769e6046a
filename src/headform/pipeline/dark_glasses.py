"""Eyes behind dark glasses, by the parsed face.

The network of covers misses lenses through which a little of the eyes shows, and landmarks stay where eyes are expected:
nothing else tells that these eyes are guessed.
"""

import numpy as np
from jaxtyping import Bool, Float

from headform.geometry.face_classes import GLASSES
from headform.geometry.landmarks68 import LEFT_EYE, RIGHT_EYE
from headform.images.sampling import bilinear_value32
from headform.images.warp import apply
from headform.nets.parsing_predictor import ParsedFace

LENS = 0.5
"""Mean probability of glasses over the opening of an eye from which its points count as covered: clear lenses show the eye,
and frames that cross it hide less than half."""


def behind_dark_glasses(parsed: ParsedFace, points68: Float[np.ndarray, "68 2"]) -> Bool[np.ndarray, "68"]:
    """Mask the points of each eye that lies behind a dark lens.

    Args:
        parsed: The parsed face.
        points68: The 68 points, pixels of the photo.
    """
    out = np.zeros(68, bool)
    probability = np.ascontiguousarray(parsed.probability[GLASSES])
    side = probability.shape[0]
    for eye in (RIGHT_EYE, LEFT_EYE):
        rim = points68[eye]
        middle = rim.mean(axis=0)
        places = apply(parsed.crop, np.vstack([middle, (rim + middle) / 2]))
        inside = (places >= 0).all() and (places <= side).all()
        out[eye] = inside and np.mean([bilinear_value32(probability, x, y) for x, y in places]) >= LENS
    return out
