"""Detail of a photo that is skin: what the albedo of a head at rest may take over beside its smooth fill.

V vertices, h w patch pixels, B patch pixels per pixel of the broad photo along an axis.

Three kinds of detail are none of it:

- folds of the expression (`fit.expression_folds`). They lie where the surface is pressed together and up to a centimeter
  beside it, since a head model shortens its triangles where skin folds. Lids are always folded; lips and beards
  (`fit.facial_hair`) never are, since they have more detail than folds. What is finer than `PORE_METERS` and faint stays:
  pores (`fit._pixel_albedo`).
- whatever ends where the photo does: freckles up to a line look like a mask. Toward the border of what is seen of the face,
  on either half, detail fades over a centimeter; brows do not, since they are not repeated beyond it, and beards do later.
- shine (`fit._pixel_albedo`).
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from headform.fit._mesh_diffusion import averaged, head_graph
from headform.fit.plain_skin import lids_of
from headform.fit.ramps import smoothstep
from headform.fit.vertex_colors import PHOTO_PARTS, PhotoSurface, region_share
from headform.heads.linear import PARTS, LinearHead
from headform.kernels.jit import njit

PRESSED = (0.03, 0.10)
"""Mean shortening of the skin around between which its detail is taken for folds: half of a slight smile's cheeks have 0.03,
a tenth of a broad one's 0.16."""
FOLDED, LIDS = 0.95, 0.7
"""Share of folds in the detail where the skin is pressed together, and least share on lids."""
SHOWN = (0.5, 0.85)
"""Mean visibility of the skin around between which detail is kept: at a straight border it is 0.5."""
HAIR_SHOWN = 0.35
"""Visibility by which hair is taken for better seen: a beard without its sides looks worse than one with an edge."""
SPREAD_STEPS = 24
"""Averages over neighbors by which both are spread, about a centimeter on the open head."""
LID_METERS, BROW_METERS, LIP_METERS = (0.0, 0.006), (0.0, 0.004), (0.0, 0.002)
"""Distances from lids, brows and lips over which their rules end."""
PORE_METERS = 0.0025
"""Width of the finest detail, which is skin on folds too."""


@dataclass(frozen=True, eq=False)
class PhotoDetail:
    """Shares of the photo's detail at the vertices; see the module docstring.

    Attributes:
        kept: (V,) share that is kept, 0 to 1; 0 where the seen part of the face ends.
        folds: (V,) share of what is kept that folds make, 0 to 1, of both halves.
        hair: (V,) share of hair on the skin, 0 to 1.
        pressed: (V,) how surely skin is pressed together there, 0 to 1, with hair or without; 0 on lids.
    """

    kept: Float64[np.ndarray, " V"]
    folds: Float64[np.ndarray, " V"]
    hair: Float64[np.ndarray, " V"]
    pressed: Float64[np.ndarray, " V"]

    @classmethod
    def of(
        cls,
        head: LinearHead,
        surface: PhotoSurface,
        shown: Float[np.ndarray, " V"],
        hair: Float[np.ndarray, " V"],
    ) -> "PhotoDetail":
        """Compute the shares.

        Args:
            head: Head model.
            surface: Photo on the head.
            shown: Visibility of each vertex or its mirror image, 0 to 1.
            hair: Share of hair on the skin of each vertex, 0 to 1, which is no fold.
        """
        lids = lids_of(head)
        skin = np.isin(head.part.numpy(), [PARTS.index(name) for name in PHOTO_PARTS]) & ~lids
        both = np.maximum(surface.pressed, surface.pressed[head.mirror.numpy()])
        around = averaged(head_graph(head), np.column_stack([both, shown]).astype(np.float64), skin, SPREAD_STEPS)
        lid = region_share(head, "eyes", LID_METERS)
        pressed = smoothstep(around[:, 0], *PRESSED)
        free = np.maximum(hair, region_share(head, "lips", LIP_METERS))
        folds = np.maximum(FOLDED * pressed * (1 - free), LIDS * lid)
        kept = np.where(skin, smoothstep(around[:, 1] + HAIR_SHOWN * hair, *SHOWN), 1.0)
        brows = region_share(head, "brows", BROW_METERS)
        return cls(np.maximum(kept, brows), folds, hair, np.where(skin, pressed, 0.0))


def broad_photo(linear: Float32[np.ndarray, "h w 3"], px_per_meter: float) -> tuple[Float32[np.ndarray, "_ _ 3"], int]:
    """Average a patch of a photo over blocks as wide as the finest detail.

    Args:
        linear: Patch, linear RGB.
        px_per_meter: Its pixels per meter at the head.

    Returns:
        The blocks' mean linear RGB (h / B, w / B, 3), the last ones of what there is; and B.
    """
    block = max(1, round(PORE_METERS * px_per_meter))
    rows, columns = (-(-side // block) for side in linear.shape[:2])
    out = np.empty((rows, columns, 3), np.float32)
    _block_kernel(np.ascontiguousarray(linear), block, out)
    return out, block


@njit(cache=True, nogil=True)
@typing.no_type_check
def _block_kernel(linear, block, out):
    """Write the means of blocks of linear (h, w, 3), of what there is of them at the far edges."""
    height, width = linear.shape[:2]
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            red = green = blue = np.float32(0)
            for y in range(r * block, min((r + 1) * block, height)):
                for x in range(c * block, min((c + 1) * block, width)):
                    red += linear[y, x, 0]
                    green += linear[y, x, 1]
                    blue += linear[y, x, 2]
            share = np.float32(1) / (
                (min((r + 1) * block, height) - r * block) * (min((c + 1) * block, width) - c * block)
            )
            out[r, c, 0], out[r, c, 1], out[r, c, 2] = red * share, green * share, blue * share
