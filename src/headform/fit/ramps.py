"""Ramps between two values."""

import numpy as np
from jaxtyping import Float


def smoothstep(value: Float[np.ndarray, "*shape"], low: float, high: float) -> Float[np.ndarray, "*shape"]:
    """Return the smoothstep of a value: 0 below `low`, 1 above `high`, 3x² - 2x³ between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
