"""Rasterization of triangles on the CPU: face, barycentric weights and depth of each pixel.

V vertices, F faces, H W pixels.

Pixel coordinates have their origin at the top-left corner of the image; the pixel in row r, column
c is sampled at its center (c + 0.5, r + 0.5). With y pointing down, a face whose vertices run
counter-clockwise seen from outside (the front) has a NEGATIVE signed area `(x1 - x0) (y2 - y0) -
(x2 - x0) (y1 - y0)`.
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer

from headform.geometry.array_checks import kernel_array, require_array, require_count, require_faces, require_number
from headform.kernels.jit import njit

NEAR = 1e-4
"""Default near plane: faces with a vertex at this depth or closer are dropped."""


@dataclass(frozen=True)
class Fragments:
    """Rasterized mesh: face, barycentric weights and depth at every pixel.

    Attributes:
        face_index: (H, W) int32, the nearest face; -1 where no face is seen.
        barycentric: (H, W, 3) float32, perspective-correct weights of the three vertices of that
            face; they sum to 1; all 0 where no face is seen.
        depth: (H, W) float32, depth of the surface at the pixel center; inf where no face is seen.
    """

    face_index: Int32[np.ndarray, "H W"]
    barycentric: Float32[np.ndarray, "H W 3"]
    depth: Float32[np.ndarray, "H W"]


@njit(cache=True, nogil=True)
@typing.no_type_check
def rasterize_kernel(points, faces, perspective, cull_back, near, face_index, barycentric, depth):
    """Clear the three buffers and rasterize into them; no argument is checked (`rasterize` does).

    Edge functions are evaluated as `(B y + C) + A x` in float64 without fused or reordered
    arithmetic. For the two faces of an edge, (A, B, C) differ exactly by sign, so every rounding
    does too: a pixel is never rejected by both, and no pixel on a shared edge is lost. Edges are
    inclusive. Depths are compared as float32; on a tie the smaller face index wins.

    Args:
        points: (V, 3) float32, pixel x, pixel y, depth; faces with a non-finite vertex are
            skipped.
        faces: (F, 3) int32, all within [0, V): the caller guarantees it.
        perspective: weights are perspective-correct and depths above `near`; else both are linear over the picture
            (parallel projection) and depths may have any sign.
        cull_back: drop faces seen from behind.
        near: faces with a vertex at this depth or closer are dropped, under perspective.
        face_index: (H, W) int32, written.
        barycentric: (H, W, 3) float32, written.
        depth: (H, W) float32, written.
    """
    height, width = face_index.shape
    face_index[:] = -1
    barycentric[:] = 0.0
    depth[:] = np.inf
    for f in range(faces.shape[0]):
        i0 = faces[f, 0]
        i1 = faces[f, 1]
        i2 = faces[f, 2]
        z0 = np.float64(points[i0, 2])
        z1 = np.float64(points[i1, 2])
        z2 = np.float64(points[i2, 2])
        if perspective:
            if not (z0 > near and z1 > near and z2 > near):  # also drops NaN
                continue
        elif not (np.isfinite(z0) and np.isfinite(z1) and np.isfinite(z2)):
            continue
        x0 = np.float64(points[i0, 0])
        y0 = np.float64(points[i0, 1])
        x1 = np.float64(points[i1, 0])
        y1 = np.float64(points[i1, 1])
        x2 = np.float64(points[i2, 0])
        y2 = np.float64(points[i2, 1])
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if cull_back and area >= 0.0:
            continue
        if not (0.0 < abs(area) < np.inf):  # degenerate, NaN or infinite
            continue

        # Pixel columns and rows whose centers lie within the bounding box; clamped before the cast
        # to integer.
        left = max(np.ceil(min(x0, x1, x2) - 0.5), 0.0)
        right = min(np.floor(max(x0, x1, x2) - 0.5), width - 1.0)
        top = max(np.ceil(min(y0, y1, y2) - 0.5), 0.0)
        bottom = min(np.floor(max(y0, y1, y2) - 0.5), height - 1.0)
        if left > right or top > bottom:
            continue
        column_first = int(left)
        column_last = int(right)

        # Edge k lies opposite vertex k; its function is positive inside (the sign flip keeps
        # exactness).
        a0 = y1 - y2
        b0 = x2 - x1
        c0 = x1 * y2 - x2 * y1
        a1 = y2 - y0
        b1 = x0 - x2
        c1 = x2 * y0 - x0 * y2
        a2 = y0 - y1
        b2 = x1 - x0
        c2 = x0 * y1 - x1 * y0
        if area < 0.0:
            a0, b0, c0 = -a0, -b0, -c0
            a1, b1, c1 = -a1, -b1, -c1
            a2, b2, c2 = -a2, -b2, -c2
        inverse_z0 = 1.0
        inverse_z1 = 1.0
        inverse_z2 = 1.0
        if perspective:
            inverse_z0 = 1.0 / z0
            inverse_z1 = 1.0 / z1
            inverse_z2 = 1.0 / z2

        for row in range(int(top), int(bottom) + 1):
            y = row + 0.5
            r0 = b0 * y + c0
            r1 = b1 * y + c1
            r2 = b2 * y + c2
            for column in range(column_first, column_last + 1):
                x = column + 0.5
                e0 = r0 + a0 * x
                e1 = r1 + a1 * x
                e2 = r2 + a2 * x
                if e0 >= 0.0 and e1 >= 0.0 and e2 >= 0.0:
                    w0 = e0 * inverse_z0
                    w1 = e1 * inverse_z1
                    w2 = e2 * inverse_z2
                    total = w0 + w1 + w2
                    if total > 0.0:
                        inverse_total = 1.0 / total
                        if perspective:
                            z = np.float32((e0 + e1 + e2) * inverse_total)
                        else:
                            z = np.float32((e0 * z0 + e1 * z1 + e2 * z2) * inverse_total)
                        if z < depth[row, column]:
                            depth[row, column] = z
                            face_index[row, column] = f
                            barycentric[row, column, 0] = w0 * inverse_total
                            barycentric[row, column, 1] = w1 * inverse_total
                            barycentric[row, column, 2] = w2 * inverse_total


def rasterize(
    points: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    height: int,
    width: int,
    *,
    cull_back: bool = False,
    near: float = NEAR,
) -> Fragments:
    """Rasterize a triangle mesh that is already projected to pixels.

    Args:
        points: (V, 3), x and y in pixels (origin at the top-left corner) and depth, positive in
            front of the camera. Faces that touch a NaN or infinite vertex are left out.
        faces: (F, 3) vertex indices.
        height: rows of the image.
        width: columns of the image.
        cull_back: leave out faces seen from behind (signed area >= 0 in pixels, y down).
        near: faces with a vertex at this depth or closer are left out; nothing is clipped.

    Returns:
        Fragments of (height, width). Edges are inclusive and the smaller face index wins a tie in
        depth.

    Raises:
        InputError: `array_value` for a size below 1 or a negative `near`; `mesh_index` for a face index outside [0, V); for
            other arrays those of `geometry.array_checks`.
    """
    points = require_array("points", points, ("V", 3))
    rows = require_faces("faces", faces, len(points), np.int32)
    height, width, near = require_raster(height, width, near)
    face_index = np.zeros((height, width), np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    depth = np.zeros((height, width), np.float32)
    rasterize_kernel(
        kernel_array(points, np.float32),
        rows,
        True,
        cull_back,
        near,
        face_index,
        barycentric,
        depth,
    )
    return Fragments(face_index, barycentric, depth)


def require_raster(height: int, width: int, near: float) -> tuple[int, int, float]:
    """Check the size of a picture and its near plane.

    Raises:
        InputError: `array_kind`, `array_value`.
    """
    return require_count("height", height, 1), require_count("width", width, 1), require_number("near", near, 0.0)
