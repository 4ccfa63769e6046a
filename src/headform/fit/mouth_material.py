"""Material of the mouth: teeth of the photo's brightness, gums and tongue, darker toward the throat.

V vertices.

The model paints teeth, gums and tongue in one color each, which an engine without an occlusion map lights like the lips: a
white plate before a pink wall. The light that reaches them is therefore part of their color.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.heads.linear import PARTS, LinearHead

TEETH = (0.46, 0.415, 0.345)
"""Albedo of teeth, linear RGB: ivory, measured shades lie between 0.3 and 0.55."""
GUMS = (0.30, 0.105, 0.095)
"""Albedo of gums and the walls of the mouth."""
TONGUE = (0.32, 0.12, 0.11)
"""Albedo of the tongue."""
DEPTH = {"teeth": (0.020, 0.28), "mouth": (0.012, 0.10), "tongue": (0.022, 0.16)}
"""Depths behind the front of each part, meters, over which its light falls to 1/e, and the part that remains far inside."""
LIPS_LIGHT = {"teeth": 0.92, "mouth": 0.50, "tongue": 0.62}
"""Part of the light that passes the lips, at the front."""
GAINS = (0.7, 1.2)
"""Least and greatest brightness of a person's teeth by the generic ones."""
TEETH_TINT = 0.05
"""Largest difference of a channel's gain from their mean: the tint of the light is not known better."""
TEETH_SHOWN = 0.62
"""Light on the upper quarter of the pixels of teeth in photos, relative to the face's front, by `TEETH`: lips shade them,
flashes shine on them; the median of London's smiling portraits."""


def teeth_gain(color: Float[np.ndarray, "3"] | None, level: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    """Compute the gain of the teeth by the generic ones; 1 where the photo does not show them.

    Args:
        color: Linear RGB of the teeth in the photo; None without.
        level: Light on the face's front.
    """
    if color is None:
        return np.ones(3)
    gain = np.asarray(color, np.float64) / np.maximum(level, 1e-3) / (np.asarray(TEETH) * TEETH_SHOWN)
    mean = float(gain.mean())
    tint = np.clip(gain / max(mean, 1e-6), 1 - TEETH_TINT, 1 + TEETH_TINT)
    return np.asarray(np.clip(mean, *GAINS) * tint)


def paint_mouth(
    head: LinearHead, albedo: Float64[np.ndarray, "V 3"], teeth: Float[np.ndarray, "3"]
) -> Float64[np.ndarray, "V 3"]:
    """Return the albedo with the inside of the mouth painted.

    Args:
        head: Head model.
        albedo: Linear RGB of all vertices.
        teeth: Gain of the teeth.
    """
    out = albedo.copy()
    part, depth = head.part.numpy(), head.mean[:, 2].double().numpy()
    for name, color in (("teeth", np.asarray(TEETH) * teeth), ("mouth", GUMS), ("tongue", TONGUE)):
        ids = np.flatnonzero(part == PARTS.index(name))
        if len(ids):
            reach, rest = DEPTH[name]
            inside = np.exp(-(depth[ids].max() - depth[ids]) / reach)
            out[ids] = np.asarray(color) * (LIPS_LIGHT[name] * (rest + (1 - rest) * inside))[:, None]
    return out
