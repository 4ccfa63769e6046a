"""Colors of teeth and eyes in a photo, which tell how bright the light on a face is.

H W of the photo. Pixels have their origin at the top-left corner.
"""

import numpy as np
from jaxtyping import Float, Float64, UInt8
from PIL import Image, ImageDraw

from headform.fit.exposure import LightGauges
from headform.fit.openings import Openings
from headform.geometry.face_classes import EYES, MOUTH_INSIDE
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.nets.parsing_predictor import ParsedFace

LEAST_TEETH = 100
"""Pixels of teeth from which they are believed."""
LEAST_EYE_HEIGHT = 14.0
"""Height of an eye's opening, pixels, from which its white is: in smaller ones lashes darken every pixel."""
QUARTER = 0.75
"""Part of the pixels that lie below the brightness that is read: the cavity and the lips' shadow, or iris and lashes."""
IVORY = 2.2
"""Largest ratio of a tooth's red to its blue: tongue and gums have more."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def light_gauges(rgb: UInt8[np.ndarray, "H W 3"], openings: Openings | None, parsed: ParsedFace | None) -> LightGauges:
    """Read the colors of teeth and eyes.

    Args:
        rgb: Photo, sRGB.
        openings: Rims of eyes and mouth.
        parsed: Classes of the pixels.
    """
    if openings is None or parsed is None:
        return LightGauges()
    teeth = _upper_quarter(rgb, openings.mouth, parsed, MOUTH_INSIDE, LEAST_TEETH)
    if teeth is not None and teeth[0] > IVORY * teeth[2]:
        teeth = None
    tall = [rim for rim in openings.eyes if len(rim) and float(np.ptp(rim[:, 1])) >= LEAST_EYE_HEIGHT]
    whites = [color for rim in tall if (color := _upper_quarter(rgb, rim, parsed, EYES, 24)) is not None]
    return LightGauges(teeth, np.mean(whites, axis=0) if whites else None)


def _upper_quarter(
    rgb: UInt8[np.ndarray, "H W 3"],
    rim: Float[np.ndarray, "N 2"],
    parsed: ParsedFace,
    face_class: int,
    least: int,
) -> Float64[np.ndarray, "3"] | None:
    """Return the color of the pixel of a class within a rim that a quarter of them exceed in brightness; None of too few."""
    limit = np.array([rgb.shape[1], rgb.shape[0]])
    low = np.clip(np.floor(rim.min(axis=0)), 0, limit).astype(int)
    high = np.clip(np.ceil(rim.max(axis=0)), 0, limit).astype(int)
    width, height = (high - low).tolist()
    if width <= 0 or height <= 0:
        return None
    picture = Image.new("L", (width, height))
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in rim - low - 0.5], fill=1)
    window = slice(low[1], high[1]), slice(low[0], high[0])
    inside = (np.asarray(picture) > 0) & (parsed.within(low).share([face_class], (width, height)) > 0.5)
    linear = LINEAR_FROM_SRGB8[rgb[window][inside]]
    if len(linear) < least:
        return None
    order = np.argsort(linear @ _LUMINANCE)
    about = order[int((QUARTER - 0.05) * len(order)) : int((QUARTER + 0.05) * len(order)) + 1]
    return np.asarray(linear[about].mean(axis=0), np.float64)
