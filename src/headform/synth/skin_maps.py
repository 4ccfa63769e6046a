"""Bank of skin textures on the open head's atlas, from which each person's skin is mixed.

M maps, T side of a map.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.synth.appearance import load_appearance


@dataclass(frozen=True)
class SkinMaps:
    """Bank of textures.

    Attributes:
        pictures: sRGB albedo.
        level: Median linear RGB of the skin of each.
    """

    pictures: UInt8[np.ndarray, "M T T 3"]
    level: Float[np.ndarray, "M 3"]


_MEASURED = ("cheeks", "forehead", "nose")  # regions whose median color is that of the skin


def load_skin_maps(head: LinearHead) -> SkinMaps:
    """Read the maps that ship, and measure the color of each on the head's atlas."""
    pictures = np.stack(list(load_appearance().skins.values()))
    rows = np.zeros(len(head.mean), bool)
    for name in _MEASURED:
        rows |= head.regions[name].numpy()
    inside = rows[head.faces.numpy()].all(1)
    uv = head.uv.numpy()[head.uv_faces.numpy()[inside].ravel()]
    side = pictures.shape[1]
    x = np.clip((uv[:, 0] * side).astype(int), 0, side - 1)
    y = np.clip(((1 - uv[:, 1]) * side).astype(int), 0, side - 1)
    level = np.median(LINEAR_FROM_SRGB8[pictures[:, y, x]], axis=1)
    return SkinMaps(pictures, level)
