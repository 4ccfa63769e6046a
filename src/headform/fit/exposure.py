"""Exposure of a photo: the light on a face, told apart from the brightness of its skin.

Bright skin in dim light and dark skin in bright light have the same color. What tells them apart is known only with some
spread, so the exposure is the mean of what each gauge says of it, weighted by its variance (in logarithms of linear RGB):

- photos are exposed for their subject: light on the face near 1;
- skins of the world have a luminance near 0.25;
- teeth and the white of the eyes are nearly the same in all people.

The tint of the light is shared likewise between light near white and skin of the usual hue.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

EXPOSURE, EXPOSURE_SPREAD = 1.1, 0.35
"""Light on the front of a face in photos, and the standard deviation of its logarithm."""
SKIN, SKIN_SPREAD = 0.25, 0.55
"""Luminance of skin and the standard deviation of its logarithm: from 0.06, the darkest, to 0.45, the fairest."""
TEETH, TEETH_SPREAD = 0.51, 0.25
"""Luminance of teeth in light of 1 and its spread: the upper quarter of the pixels of thirteen smiling portraits taken under
one exposure, whose own spread is 0.13; those of public people are whiter."""
WHITE, WHITE_SPREAD = 0.24, 0.6
"""The same of the white of the eyes; lids, lashes and few pixels make it vague."""
SHADED = 2.0
"""Factor of the spread of teeth that are darker than usual light makes them: lips shade them, nothing brightens them."""
TINT_SPREAD = 0.12
"""Standard deviation of the logarithm of a channel of the light by its luminance."""
HUE = (1.64, 0.78)
"""Red and blue of skin by its green."""
HUE_SPREAD = 0.12
"""Standard deviation of their logarithms."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class LightGauges:
    """Colors in the photo of what is alike in all people, linear RGB; None where it is not seen.

    Attributes:
        teeth: upper quarter of the pixels of teeth.
        white: upper quarter of the pixels of the eyes.
    """

    teeth: Float[np.ndarray, "3"] | None = None
    white: Float[np.ndarray, "3"] | None = None


def exposure_of(face: Float[np.ndarray, "3"], gauges: LightGauges | None = None) -> Float64[np.ndarray, "3"]:
    """Estimate the light on the front of a face, linear RGB, 1 for light that leaves the albedo as it is.

    Args:
        face: Median color of the face's skin in the photo, linear RGB.
        gauges: Colors of teeth and eyes in the photo.
    """
    gauges = gauges or LightGauges()
    face = np.maximum(np.asarray(face, np.float64), 1e-4)
    level = float(face @ _LUMINANCE)
    said = [(np.log(EXPOSURE), EXPOSURE_SPREAD), (np.log(level / SKIN), SKIN_SPREAD)]
    if gauges.teeth is not None:
        teeth = np.log(max(float(gauges.teeth @ _LUMINANCE), 1e-3) / TEETH)
        said.append((teeth, TEETH_SPREAD * (SHADED if teeth < np.log(EXPOSURE) - TEETH_SPREAD else 1.0)))
    if gauges.white is not None:
        said.append((np.log(max(float(gauges.white @ _LUMINANCE), 1e-3) / WHITE), WHITE_SPREAD))
    weights = np.array([1 / spread**2 for _, spread in said])
    strength = float(np.exp(weights @ np.array([value for value, _ in said]) / weights.sum()))
    hue = np.array([HUE[0], 1.0, HUE[1]])
    away = np.log((face / level) / (hue / (hue @ _LUMINANCE)))
    tint = np.exp(away * TINT_SPREAD**2 / (TINT_SPREAD**2 + HUE_SPREAD**2))
    return np.asarray(strength * tint / (tint @ _LUMINANCE))
