"""Signs of glasses in a skin: more fine contrast where rims lie than on the cheeks.

H W texels of the face's chart.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

from tools.appearance.portrait_chart import FaceChart

MOST = 0.1
"""Rim contrast, log, above which a portrait is taken to wear glasses: of 133 portraits, one with thin rims stayed below."""
_FINE, _COARSE = 1.0, 4.0
_CHEEKS = 1.5
"""Weight of the contrast of the cheeks, which wrinkles and noise raise as well."""


def rim_contrast(log: Float[np.ndarray, "H W 3"], weight: Float[np.ndarray, "H W"], chart: FaceChart) -> float:
    """Measure the contrast below the eyes, at the temples and on the bridge of the nose, less that of the cheeks."""
    light = log.mean(-1) * weight
    share = gaussian_filter(weight, _COARSE)
    around = gaussian_filter(light, _COARSE) / np.maximum(share, 0.1)
    fine = gaussian_filter(light, _FINE) - around * gaussian_filter(weight, _FINE)

    def contrast(area: Bool[np.ndarray, "H W"]) -> float:
        return float(np.sqrt(np.average(fine[area] ** 2, weights=weight[area] ** 2 + 1e-6)))

    below, temples, bridge, cheeks = chart.rim_areas
    return contrast(below) + contrast(temples) + contrast(bridge) - _CHEEKS * contrast(cheeks)
