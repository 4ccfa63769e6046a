"""Occluders that a parsed face shows amid its own skin: highlights on a chin, beards, which are no occluders.

C classes, N cells to a side.

What hides a face reaches it from outside: hands, microphones, masks and scarves touch the background, the neck or the
clothes beyond it.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32
from scipy.ndimage import binary_dilation, find_objects, label

from headform.geometry.face_classes import BROWS, EYES, LIPS, MOUTH_INSIDE, OCCLUDER, SKIN
from headform.nets.parsing_predictor import ParsedFace

SHOWN = 0.3
"""Probability from which a cell belongs to an occluder."""
FACE = (SKIN, BROWS, EYES, LIPS, MOUTH_INSIDE)
"""Classes of the face's own surface."""
ENCLOSED = 0.9
"""Share of the cells around an occluder that must show the face's own surface."""
MOST_CELLS = 0.02
"""Largest share of the map's cells: a larger one, such as a blurred half of a face, is believed."""
HALO = 6
"""Cells around such an occluder in which fainter traces of it go too."""


def without_enclosed_occluders(parsed: ParsedFace) -> ParsedFace:
    """Return the parsed face with small occluders that lie amid the face turned into skin."""
    probability = parsed.probability
    occluder = probability[OCCLUDER]
    moved = np.where(_enclosed(probability), occluder, np.float32(0))
    if not moved.any():
        return parsed
    out = probability.copy()
    out[OCCLUDER] -= moved
    out[SKIN] += moved
    return replace(parsed, probability=out)


def _enclosed(probability: Float32[np.ndarray, "C N N"]) -> Bool[np.ndarray, "N N"]:
    """Mask the enclosed occluders and their halos."""
    found = np.zeros(probability.shape[1:], bool)
    groups, _ = label(probability[OCCLUDER] > SHOWN)
    for number, box in enumerate(find_objects(groups), 1):
        window = tuple(slice(max(side.start - HALO, 0), side.stop + HALO) for side in box)
        inside = groups[window] == number
        if inside.sum() > MOST_CELLS * found.size:
            continue
        rim = binary_dilation(inside, iterations=2) & ~inside
        around = probability[:, *window][:, rim].argmax(0)
        if len(around) and np.isin(around, FACE).mean() >= ENCLOSED:
            others = (groups[window] > 0) & ~inside
            found[window] |= binary_dilation(inside, iterations=HALO) & ~others
    return found
