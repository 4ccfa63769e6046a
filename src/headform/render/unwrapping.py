"""Texture atlas of a head as an image: the face of each texel, and the source texels of gutters.

V vertices, F faces, T texture vertices, S side of the square texture, C covered texels.

Row 0 of a texture is its top, v = 1: the texel in row r, column c is sampled at
u = (c + 0.5) / S, v = 1 - (r + 0.5) / S.
"""

import typing
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer

from headform.geometry.array_checks import require_array, require_count
from headform.heads.linear import LinearHead
from headform.kernels.jit import njit
from headform.render.rasterize import rasterize

GUTTER = 8
"""Width of the gutter around charts, which repeats their color, texels."""


@dataclass(frozen=True, eq=False)
class Unwrap:
    """Texels of an atlas.

    Attributes:
        size: side S of the texture, texels.
        texels: (C,) int32 index r * S + c of each covered texel, ascending.
        face: (C,) int32 the face that covers it.
        barycentric: (C, 3) float32 weights of the face's corners there.
        gutter: (G,) int32 texels around the charts, up to `GUTTER` away.
        gutter_source: (G,) int32 the covered texel whose color each repeats.
    """

    size: int
    texels: Int32[np.ndarray, " C"]
    face: Int32[np.ndarray, " C"]
    barycentric: Float32[np.ndarray, "C 3"]
    gutter: Int32[np.ndarray, " G"]
    gutter_source: Int32[np.ndarray, " G"]


def unwrap(uv: Float[np.ndarray, "T 2"], uv_faces: Integer[np.ndarray, "F 3"], size: int) -> Unwrap:
    """Rasterize the texture triangles.

    Args:
        uv: (T, 2) texture coordinates, origin at the bottom left.
        uv_faces: (F, 3) indices into `uv`.
        size: S, texels.

    Raises:
        InputError: as of `rasterize`.
    """
    uv, size = require_array("uv", uv, ("T", 2)), require_count("size", size, 1)
    flat = np.stack([uv[:, 0] * size, (1 - uv[:, 1]) * size, np.ones(len(uv))], axis=1)
    fragments = rasterize(flat, uv_faces, size, size)
    texels = np.flatnonzero(fragments.face_index >= 0).astype(np.int32)
    source = np.full(size * size, -1, np.int32)
    source[texels] = texels
    ring = _spread(source.reshape(size, size), GUTTER)
    gutter = np.flatnonzero(ring.reshape(-1) > 0).astype(np.int32)
    return Unwrap(
        size=size,
        texels=texels,
        face=fragments.face_index.reshape(-1)[texels],
        barycentric=fragments.barycentric.reshape(-1, 3)[texels],
        gutter=gutter,
        gutter_source=source[gutter],
    )


_OVERLAP = 1.1
"""Area of all texture triangles in that of the covered texels from which charts lie on top of each other."""


def has_own_texels(uv: Float[np.ndarray, "T 2"], uv_faces: Integer[np.ndarray, "F 3"]) -> bool:
    """Tell if an atlas can hold a picture of its own: within [0, 1], and no chart on top of another."""
    if not len(uv) or not len(uv_faces) or uv.min() < 0 or uv.max() > 1:
        return False
    size = 512
    a, b, c = uv[uv_faces].astype(np.float64).transpose(1, 0, 2)
    (x, y), (z, w) = (b - a).T, (c - a).T
    area = 0.5 * float(np.abs(x * w - y * z).sum()) * size * size
    return 0 < area < _OVERLAP * len(unwrap(uv, uv_faces, size).texels)


_KNOWN: WeakKeyDictionary[LinearHead, dict[int, Unwrap]] = WeakKeyDictionary()


def unwrap_head(head: LinearHead, size: int) -> Unwrap:
    """Unwrap a head's atlas; computed once per head and size."""
    sizes = _KNOWN.setdefault(head, {})
    if size not in sizes:
        sizes[size] = unwrap(head.uv.numpy(), head.uv_faces.numpy(), size)
    return sizes[size]


@njit(cache=True, nogil=True)
@typing.no_type_check
def _spread(source, rings):
    """Fill source (S, S) outwards ring by ring, in place, and return the ring number of each texel, 0 elsewhere."""
    height, width = source.shape
    ring = np.zeros((height, width), np.uint8)
    for k in range(1, rings + 1):
        for r in range(height):
            for c in range(width):
                if source[r, c] >= 0:
                    continue
                for n in range(8):
                    rr = r + (0, 0, 1, -1, 1, 1, -1, -1)[n]
                    cc = c + (1, -1, 0, 0, 1, -1, 1, -1)[n]
                    inside = 0 <= rr < height and 0 <= cc < width
                    if inside and source[rr, cc] >= 0 and ring[rr, cc] < k:
                        source[r, c] = source[rr, cc]
                        ring[r, c] = k
                        break
    return ring
