"""Colors of the classes of a parsed face, and a photo tinted with them. H W of the photo."""

import numpy as np
from jaxtyping import UInt8

from headform.geometry.face_classes import FACE_CLASSES

CLASS_COLORS: dict[str, tuple[int, int, int]] = {
    "background": (40, 50, 110),
    "skin": (235, 175, 145),
    "brows": (250, 220, 40),
    "eyes": (60, 225, 235),
    "lips": (235, 40, 90),
    "mouth_inside": (255, 255, 255),
    "hair": (150, 80, 30),
    "glasses": (20, 20, 20),
    "hat": (200, 60, 220),
    "occluder": (40, 150, 60),
    "neck": (205, 125, 95),
    "clothes": (110, 120, 215),
}
"""sRGB of each class."""
_TINT = 0.55


def tinted(rgb: UInt8[np.ndarray, "H W 3"], labels: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Tint the pixels of a photo with the colors of their classes; those without a class stay as they are."""
    table = np.array([CLASS_COLORS[name] for name in FACE_CLASSES], np.float32)
    out = rgb.astype(np.float32)
    known = labels < len(FACE_CLASSES)
    out[known] += (table[labels[known]] - out[known]) * _TINT
    return out.round().astype(np.uint8)
