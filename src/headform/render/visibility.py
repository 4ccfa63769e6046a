"""Visibility of surface points to a camera, and distance of pixels to the outline.

V vertices, F faces, N points, H W pixels of a depth buffer.

A point is compared with the plane of the face that its pixel shows, evaluated at the point itself,
not with the depth of the pixel's center: that difference grows with the slope, and a tolerance that
covers it would let the cheek show the nose.
"""

import typing

import numpy as np
from jaxtyping import Bool, Float, Float32, Integer

from headform.errors import InputError
from headform.geometry.array_checks import kernel_array, require_array, require_faces, require_indices, require_number
from headform.kernels.jit import njit
from headform.render.rasterize import Fragments, rasterize

TOLERANCE = 5e-4
"""Depth by which a point may lie behind the plane that its pixel shows and still count as visible, meters."""


@njit(cache=True, nogil=True, borrowed=True, error_model="numpy")
@typing.no_type_check
def is_seen(x, y, z, points, faces, face_index, tolerance):
    """Return whether a point at pixel (x, y), depth z is the surface that the depth buffer shows there.

    points (V, 3) projected vertices, faces (F, 3), face_index (H, W). The plane's depth is limited
    to the depths of its face, and half their range is tolerated: faces next to an outline are
    nearly parallel to the view.
    """
    height, width = face_index.shape
    if not (0.0 <= x < width and 0.0 <= y < height):
        return False
    f = face_index[int(y), int(x)]
    if f < 0:
        return False
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
    x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
    x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
    nearest = min(z0, min(z1, z2))
    furthest = max(z0, max(z1, z2))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    shown = furthest
    if area != 0.0:
        w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
        w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
        inverse = (1.0 - w1 - w2) / z0 + w1 / z1 + w2 / z2  # linear over the picture
        if inverse > 0.0:
            shown = min(furthest, max(nearest, 1.0 / inverse))
    return z <= shown + tolerance + 0.5 * (furthest - nearest)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _seen_kernel(query, points, faces, face_index, tolerance, seen):
    """Test query (N, 3) against the buffer; seen (N,) is written."""
    for n in range(query.shape[0]):
        seen[n] = is_seen(query[n, 0], query[n, 1], query[n, 2], points, faces, face_index, tolerance)


def visible_points(
    query: Float[np.ndarray, "N 3"],
    points: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    fragments: Fragments,
    *,
    tolerance: float = TOLERANCE,
) -> Bool[np.ndarray, " N"]:
    """Find the points on (or near) a rasterized surface that it does not hide.

    Args:
        query: (N, 3) pixel x, pixel y, depth in meters. NaN or outside the buffer: not seen.
        points: (V, 3) the projected vertices that were rasterized.
        faces: (F, 3) the faces that were rasterized.
        fragments: Result of `rasterize(points, faces, ...)`.
        tolerance: Depth that a point may lie behind the surface, meters.

    Raises:
        InputError: `mesh_index` when `fragments` or `faces` lead outside, as those of another mesh do; `array_kind` when
            `fragments` is none; for other arrays those of `geometry.array_checks`.
    """
    query, points = require_array("query", query, ("N", 3)), require_array("points", points, ("V", 3))
    rows = require_faces("faces", faces, len(points), np.int32)
    if not isinstance(fragments, Fragments):
        raise InputError("array_kind", f"fragments is a {type(fragments).__name__}, expected a result of rasterize")
    shown = require_indices(
        "fragments.face_index", fragments.face_index, ("H", "W"), len(rows), np.int32, least=-1, of="faces"
    )
    seen = np.zeros(len(query), np.bool_)
    _seen_kernel(
        kernel_array(query, np.float64),
        kernel_array(points, np.float64),
        rows,
        shown,
        require_number("tolerance", tolerance),
        seen,
    )
    return seen


def visible_vertices(
    points: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    height: int,
    width: int,
    *,
    tolerance: float = TOLERANCE,
) -> Bool[np.ndarray, " V"]:
    """Find the vertices of a projected mesh that are inside the picture and hidden by no face.

    Args:
        points: (V, 3) pixel x, pixel y, depth in meters.
        faces: (F, 3) vertex indices.
        height: rows of the picture.
        width: columns of the picture.
        tolerance: Depth that a vertex may lie behind the surface, meters.

    Raises:
        InputError: as of `rasterize`.
    """
    fragments = rasterize(points, faces, height, width)
    return visible_points(points, points, faces, fragments, tolerance=tolerance)


def outline_distance(
    depth: Float32[np.ndarray, "H W"], *, step: float, reach: float
) -> tuple[Float32[np.ndarray, "H W"], Float32[np.ndarray, "H W"]]:
    """Compute the distance of every pixel to the outline against the background and to what hides it.

    Args:
        depth: (H, W) depth buffer, inf where empty.
        step: Meters: a neighbor nearer by more than this hides what continues behind it.
        reach: Distances are cut off here, pixels.

    Returns:
        (to_empty, to_occluder), (H, W) float32 pixels, 0 on empty pixels and on pixels beside an
        occluder, by 3-4 chamfer (within 8 % of Euclidean). The picture's edge is no outline.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `array_value`.
    """
    buffer = kernel_array(require_array("depth", depth, ("H", "W")), np.float32)
    empty = np.zeros(depth.shape, np.float32)
    hidden = np.zeros(depth.shape, np.float32)
    _outline_kernel(buffer, require_number("step", step), require_number("reach", reach, 0.0), empty, hidden)
    return empty, hidden


@njit(cache=True, nogil=True)
@typing.no_type_check
def _outline_kernel(depth, step, reach, empty, hidden):
    height, width = depth.shape
    for r in range(height):
        for c in range(width):
            d = depth[r, c]
            empty[r, c] = 0.0 if d == np.inf else reach
            hidden[r, c] = reach
            if d < np.inf:
                for k in range(4):
                    rr = r + (k == 0) - (k == 1)
                    cc = c + (k == 2) - (k == 3)
                    if 0 <= rr < height and 0 <= cc < width and depth[rr, cc] < d - step:
                        hidden[r, c] = 0.0
    for field in (empty, hidden):
        for r in range(height):
            for c in range(width):
                best = field[r, c]
                if c > 0:
                    best = min(best, field[r, c - 1] + 1.0)
                if r > 0:
                    best = min(best, field[r - 1, c] + 1.0)
                    if c > 0:
                        best = min(best, field[r - 1, c - 1] + 4.0 / 3.0)
                    if c + 1 < width:
                        best = min(best, field[r - 1, c + 1] + 4.0 / 3.0)
                field[r, c] = best
        for r in range(height - 1, -1, -1):
            for c in range(width - 1, -1, -1):
                best = field[r, c]
                if c + 1 < width:
                    best = min(best, field[r, c + 1] + 1.0)
                if r + 1 < height:
                    best = min(best, field[r + 1, c] + 1.0)
                    if c > 0:
                        best = min(best, field[r + 1, c - 1] + 4.0 / 3.0)
                    if c + 1 < width:
                        best = min(best, field[r + 1, c + 1] + 4.0 / 3.0)
                field[r, c] = best
