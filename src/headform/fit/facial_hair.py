"""Beards and stubble in a photo, told by their texture: where hair grows, the finest detail is strong all over.

V vertices, h w patch pixels, B patch pixels per pixel of the broad photo along an axis.

A crease has as much contrast as hair, but is a line: averaged over a centimeter it has a third of it. Freckles and pores
have less. What passes for hair in a few spots only is none.
"""

import numpy as np
from jaxtyping import Float32, Float64

from headform.fit._mesh_diffusion import averaged, head_graph
from headform.fit.photo_patch import sample_points_kernel
from headform.fit.plain_skin import below_nose, face_skin
from headform.fit.ramps import smoothstep
from headform.fit.vertex_colors import PhotoSurface
from headform.heads.linear import PARTS, LinearHead

CONTRAST = (0.11, 0.17)
"""Mean contrast of the finest detail, natural logarithm, between which skin is taken for hairy: most of the
beards of four photos lie beyond, eight shaved or bare faces below save at the nostrils."""
SPREAD_STEPS = 24
"""Averages over neighbors by which it is spread, about a centimeter on the open head."""
NOSE_METERS = (-0.005, 0.005)
"""Heights above the bottom of the nose over which beards end."""
COVERED = (0.1, 0.18)
"""Share of the seen face below the nose that is hairy, between which a beard is believed: a mustache alone has 0.2 of it,
four beards 0.6 or more; creases at the corners of a shaved mouth that smiles have less than 0.1."""
_LEAST_SEEN = 0.05
_DARKEST = 1e-3


def facial_hair(
    head: LinearHead, surface: PhotoSurface, broad: Float32[np.ndarray, "_ _ 3"], block: int
) -> Float64[np.ndarray, " V"]:
    """Compute the share of hair on the skin below the nose, 0 to 1.

    Args:
        head: Head model; none has hair without landmarks that tell where the nose ends.
        surface: Photo on the head.
        broad: (h / B, w / B, 3) photo without its finest detail, linear RGB.
        block: B.
    """
    weight, patch = surface.colors.weight, surface.patch
    skin = np.asarray(head.part.numpy() == PARTS.index("face"))
    if "lips" in head.regions:
        skin &= ~head.regions["lips"].numpy()
    points = np.where(weight[:, None] > 0, surface.projected, np.nan)
    fine, around = np.zeros((2, len(points), 3), np.float32)
    sample_points_kernel(patch.linear, points, fine)
    sample_points_kernel(broad, points / [block, block, 1], around)
    light, dark = (np.maximum(each.mean(axis=1), _DARKEST) for each in (fine, around))
    contrast = np.abs(np.log(light / dark)) * weight
    spread = averaged(head_graph(head), np.column_stack([contrast, weight]).astype(np.float64), skin, SPREAD_STEPS)
    share = smoothstep(spread[:, 0] / np.maximum(spread[:, 1], _LEAST_SEEN), *CONTRAST)
    below = below_nose(head, NOSE_METERS)
    share = share * skin * below
    place = face_skin(head) * below * weight
    covered = np.asarray((place * share).sum() / max(place.sum(), _LEAST_SEEN))
    share = share * smoothstep(covered, *COVERED)
    return np.maximum(share, share[head.mirror.numpy()])  # one side may lie in the dark
