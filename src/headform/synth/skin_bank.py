"""Bank of skins: albedo maps on the open head's atlas, each mixed from the skins of many people, and natural colors.

M maps of S = 512 texels a side. The maps hold no light, no brows and no lashes. `tools/appearance/portrait_bank` makes them.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from headform.errors import WeightsError
from headform.io.model_file import load_model

SIDE = 512
"""Side of the maps, texels."""
KIND = "skin bank"
_PICTURE = "map."
_FIELDS = ("median_rgb", "melanin", "haemoglobin", "bearded", "wrinkles")
_AGAIN = "install headform again"


@dataclass(frozen=True, eq=False)
class SkinBank:
    """Maps with what is known of each.

    Attributes:
        maps: (M, S, S, 3) sRGB; row 0 is v = 1; charts are extended by 8 texels beyond their border.
        median_rgb: (M, 3) linear RGB of the face's skin.
        melanin: (M,) absorbance in the model of `headform.synth.skin`.
        haemoglobin: (M,) absorbance.
        bearded: (M,) True where stubble or a short beard is part of the skin.
        wrinkles: (M,) folds of forehead and eyes, 0 (least of the bank) to 1 (most).
    """

    maps: UInt8[np.ndarray, "M S S 3"]
    median_rgb: Float32[np.ndarray, "M 3"]
    melanin: Float32[np.ndarray, " M"]
    haemoglobin: Float32[np.ndarray, " M"]
    bearded: Bool[np.ndarray, " M"]
    wrinkles: Float32[np.ndarray, " M"]

    def __len__(self) -> int:
        return len(self.maps)


def load_skin_bank(path: Path | None = None) -> SkinBank:
    """Load the shipped bank, or another file of the same kind; the shipped one is read once and must not be changed.

    Raises:
        WeightsError: `weights_kind` for a file that holds no bank, and those of `io.model_file.load_model`.
    """
    return _shipped() if path is None else _read(path)


@lru_cache(maxsize=1)
def _shipped() -> SkinBank:
    with as_file(files("headform.synth") / "assets") as folder:
        bank = _read(Path(folder) / "skin_bank.safetensors")
    bank.maps.setflags(write=False)
    return bank


def _read(path: Path) -> SkinBank:
    tensors, card = load_model(path)
    pictures = sorted(name for name in tensors if name.startswith(_PICTURE))
    if card.get("kind") != KIND or not pictures or any(name not in tensors for name in _FIELDS):
        raise WeightsError("weights_kind", "the file holds no bank of skins", repr(str(path)), _AGAIN)
    maps = np.stack([_decode(tensors[name].numpy(), path) for name in pictures])
    values = {name: tensors[name].numpy() for name in _FIELDS}
    values["bearded"] = values["bearded"] != 0
    return SkinBank(maps, **values)


def _decode(data: UInt8[np.ndarray, " B"], path: Path) -> UInt8[np.ndarray, "S S 3"]:
    try:
        with Image.open(io.BytesIO(data.tobytes()), formats=("WEBP",)) as picture:
            if picture.size != (SIDE, SIDE):
                raise ValueError(f"a map of {picture.size}")
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            "weights_kind", f"a map of the bank cannot be read: {error}", repr(str(path)), _AGAIN
        ) from error
