"""Photo at the texels of a head's atlas: weights and colors, which depend on neither light nor skin.

V vertices, C covered texels of the atlas, N of them that the photo may show, itself or its mirror image.

All is known as soon as the head is fitted; `fit.texture` composes textures of it once light and albedo are known, too.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from headform.fit._texture_kernels import seen_kernel
from headform.fit.vertex_colors import PhotoSurface
from headform.heads.linear import LinearHead
from headform.kernels.threads import run_all
from headform.render.unwrapping import unwrap_head

_SLICE = 25_000
"""Texels of a slice of the work."""


@dataclass(frozen=True, eq=False)
class SeenTexels:
    """Texels that the photo may show; see the module docstring.

    Attributes:
        rows: (N,) their numbers among the covered texels of the `Unwrap`, ascending.
        own: (N,) weight of the photo, 0 to 1.
        across: (N,) weight of the mirror image, where the surface there faces the camera and is lit; 0 where `own` is 1.
        here: (N, 3) color of the photo, linear RGB; undefined where `own` is 0.
        there: (N, 3) color of the mirror image, likewise of `across`.
    """

    rows: Int32[np.ndarray, " N"]
    own: Float32[np.ndarray, " N"]
    across: Float32[np.ndarray, " N"]
    here: Float32[np.ndarray, "N 3"]
    there: Float32[np.ndarray, "N 3"]

    @classmethod
    def of(cls, head: LinearHead, surface: PhotoSurface, size: int) -> "SeenTexels":
        """Read the photo at the texels.

        Args:
            head: Head model.
            surface: Photo with the head's surface in it.
            size: Side of the texture, texels.
        """
        atlas, patch = unwrap_head(head, size), surface.patch
        mirror = head.mirror.numpy()
        projected, facing = surface.projected, surface.facing
        field = np.ascontiguousarray(
            np.column_stack([projected, facing, projected[mirror], facing[mirror]]), np.float32
        )  # fmt: skip
        faced = (np.maximum(facing, facing[mirror]) > 0)[surface.faces].any(axis=1)
        rows = np.flatnonzero(faced[atlas.face]).astype(np.int32)
        own, across = np.zeros((2, len(rows)), np.float32)
        here, there = np.empty((2, len(rows), 3), np.float32)
        points, layers = patch.buffer_points(), surface.eye_faces

        def read(first: int, last: int) -> None:
            seen_kernel(
                first, last, rows, atlas.face, atlas.barycentric, layers, surface.faces, field, points,
                patch.fragments.face_index, patch.linear, patch.mask, surface.trust, np.float32(patch.buffer_scale),
                own, across, here, there,
            )  # fmt: skip

        run_all(read, [(first, min(first + _SLICE, len(rows))) for first in range(0, len(rows), _SLICE)])
        return cls(rows, own, across, here, there)
