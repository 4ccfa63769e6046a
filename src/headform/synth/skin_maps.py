"""Skin textures on the open head's atlas, from which each person's skin is mixed: the shipped bank and painted skins.

M maps, T side of a map.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageFilter

from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.synth.appearance import load_appearance
from headform.synth.skin_bank import load_skin_bank

_MEASURED = ("cheeks", "forehead", "nose")  # regions whose median color is that of the skin

_FINE_TEXELS, _FINE_PERCENT = 1.2, 90  # pores: radius and strength of the unsharp mask
_BROAD_TEXELS, _BROAD_PERCENT = 6.0, 45  # folds and spots


@dataclass(frozen=True, eq=False)
class SkinMaps:
    """Textures.

    Attributes:
        pictures: sRGB albedo.
        level: Median linear RGB of the skin of each.
        bearded: True where facial hair is part of the skin.
        painted: True where the map is painted rather than mixed from photos; such a scalp shows shaved hair.
    """

    pictures: UInt8[np.ndarray, "M T T 3"]
    level: Float[np.ndarray, "M 3"]
    bearded: Bool[np.ndarray, " M"]
    painted: Bool[np.ndarray, " M"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_crisp", {})

    def crisp(self, number: int) -> UInt8[np.ndarray, "T T 3"]:
        """Return a map with its pores and folds made out: portraits are softer than skin; kept once made."""
        known: dict[int, UInt8[np.ndarray, "T T 3"]] = self._crisp  # type: ignore[attr-defined]
        if number not in known:
            image = Image.fromarray(self.pictures[number])
            fine = image.filter(ImageFilter.UnsharpMask(_FINE_TEXELS, _FINE_PERCENT, 0))
            known[number] = np.asarray(fine.filter(ImageFilter.UnsharpMask(_BROAD_TEXELS, _BROAD_PERCENT, 0)))
        return known[number]


def load_skin_maps(head: LinearHead) -> SkinMaps:
    """Read the maps that ship, and measure the color of each on the head's atlas."""
    bank, pictures = load_skin_bank(), _pictures()
    rows = np.zeros(len(head.mean), bool)
    for name in _MEASURED:
        rows |= head.regions[name].numpy()
    inside = rows[head.faces.numpy()].all(1)
    uv = head.uv.numpy()[head.uv_faces.numpy()[inside].ravel()]
    side = pictures.shape[1]
    x = np.clip((uv[:, 0] * side).astype(int), 0, side - 1)
    y = np.clip(((1 - uv[:, 1]) * side).astype(int), 0, side - 1)
    level = np.median(LINEAR_FROM_SRGB8[pictures[:, y, x]], axis=1)
    others = np.zeros(len(pictures) - len(bank), bool)
    return SkinMaps(pictures, level, np.concatenate([bank.bearded, others]), np.arange(len(pictures)) >= len(bank))


@cache
def _pictures() -> UInt8[np.ndarray, "M T T 3"]:
    """Join the bank and the painted maps; shared, and must not be changed."""
    return np.concatenate([load_skin_bank().maps, list(load_appearance().skins.values())])
