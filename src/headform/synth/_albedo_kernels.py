"""Compiled sampling of a head's own colors at its vertices, by the code that shades pixels.

V head vertices, F triangles, T side of a texture. Colors are linear RGB.
"""

import typing

import numpy as np

from headform.kernels.jit import njit
from headform.synth._pixel_kernels import (
    EYE_MATERIAL,
    LIGHT,
    SHINE,
    SKIN_MATERIAL,
    _eye_sample,
    _skin_sample,
)

_OWN, _OTHER = 2 / 3, 1 / 6
"""Weights of a corner's sample: the middle of its third of the triangle."""


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def sample_vertices(
    faces, material, attributes, plain, uv, uv_faces, first, second, stubble, brow_maps, brows, paint,
    local, eye_of, eyes, looks, pictures, lamps, count, out, at, color,
):  # fmt: skip
    """Average the albedo over the thirds of the triangles round each vertex.

    faces (F, 3); material (F,); attributes (V, 17), whose columns of light are overwritten by white light without shine;
    plain (V, 3) colors of parts without texture; the others as in `shade_head`, without lamps.
    out (V, 3) is written; count (V,) of zeros, at (17,) and color (3,) are scratch.
    """
    own, other = np.float32(_OWN), np.float32(_OTHER)
    out[:] = 0
    attributes[:, LIGHT : LIGHT + 3] = 1
    attributes[:, SHINE : SHINE + 3] = 0
    for f in range(faces.shape[0]):
        for k in range(3):
            w0 = own if k == 0 else other
            w1 = own if k == 1 else other
            w2 = own if k == 2 else other
            v = faces[f, k]
            if material[f] == SKIN_MATERIAL:
                _skin_sample(
                    f, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble,
                    brow_maps, brows, paint, at, color,
                )  # fmt: skip
            elif material[f] == EYE_MATERIAL:
                _eye_sample(f, w0, w1, w2, faces, attributes, local, eye_of, eyes, looks, pictures, lamps, lamps, color)
            else:
                for n in range(3):
                    color[n] = plain[v, n]
            # a triangle between two parts belongs to the inner one, whose plain color its outer corners lack
            if material[f] == SKIN_MATERIAL or material[f] == EYE_MATERIAL or plain[v, 0] > 0:
                for n in range(3):
                    out[v, n] += color[n]
                count[v] += 1
    for v in range(out.shape[0]):
        for n in range(3):
            out[v, n] /= max(count[v], np.float32(1))
