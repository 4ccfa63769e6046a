"""Degradation of real portraits as synthetic photos are degraded, for training on both.

S side of the picture.
"""

import numpy as np
from jaxtyping import UInt8

from headform.synth._degradations import degrade_photo
from headform.synth.randomization import RandomizationConfig


def degrade_portrait(
    rng: np.random.Generator, rgb: UInt8[np.ndarray, "S S 3"], randomization: RandomizationConfig
) -> UInt8[np.ndarray, "S S 3"]:
    """Degrade a picture: blur, noise, compression, age and exposure, with the rates of a randomization.

    Args:
        rng: generator of all that is drawn.
        rgb: sRGB.
        randomization: its degradations are applied.
    """
    return degrade_photo(rng, rgb.astype(np.float32), randomization.degradation)
