"""``FLAME_masks.pkl``: vertex numbers of named regions, as masks.

V 5023.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from headform.errors import WeightsError
from headform.heads.linear import PARTS
from headform.importers._flame_model import VERTICES, read_file

NAMES = (
    *("face", "forehead", "eye_region", "right_eye_region", "left_eye_region", "nose", "lips"),
    *("right_ear", "left_ear", "neck", "scalp", "boundary", "right_eyeball", "left_eyeball"),
)
"""The published regions; right and left are the subject's."""


def read_masks(path: Path) -> dict[str, Bool[np.ndarray, " V"]]:
    """Read every region of the file by its name, those of `NAMES` first.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_missing_key`` when none of
            FLAME's regions is there; ``model_shape``; ``model_mismatch`` when they are of another mesh.
    """
    where = repr(str(path))
    arrays = read_file(path)
    names = [*(name for name in NAMES if name in arrays), *sorted(set(arrays) - set(NAMES))]
    if not set(NAMES) & set(arrays):
        what = f"there is no region such as `face` or `scalp`; the file holds {', '.join(names[:20]) or 'nothing'}"
        raise WeightsError("model_missing_key", what, where, "give FLAME_masks.pkl")
    masks = {name: np.zeros(VERTICES, bool) for name in names}
    for name, mask in masks.items():
        ids = arrays[name]
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            what = f"region `{name}` is {ids.dtype} {ids.shape}, not a list of vertex numbers"
            raise WeightsError("model_shape", what, where, "give FLAME_masks.pkl")
        if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < VERTICES:
            what = f"region `{name}` has vertex {int(ids.max())}, FLAME has {VERTICES}"
            raise WeightsError("model_mismatch", what, where, "give the masks made for FLAME")
        mask[ids] = True
    return masks


def parts_of(masks: dict[str, Bool[np.ndarray, " V"]]) -> UInt8[np.ndarray, " V_"]:
    """Return `LinearHead.part`: face, eyeballs and the rest of the head; empty where a mask for that is missing."""
    named = {"face": "face", "eye_right": "right_eyeball", "eye_left": "left_eyeball"}
    if not set(named.values()) <= set(masks):
        return np.zeros(0, np.uint8)
    part = np.full(VERTICES, PARTS.index("head"), np.uint8)
    for name, region in named.items():
        part[masks[region]] = PARTS.index(name)
    return part
