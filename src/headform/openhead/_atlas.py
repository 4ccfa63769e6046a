"""Pack the charts of the open head into one square without overlaps.

T texture vertices, F triangles, C cells of the packing grid. Origin bottom-left, everything in [0, 1].

The chart of the face gets a fixed share of the square in one corner. The others are scaled by their importance and placed,
largest first, at the first free place of a grid; the common scale is the largest that fits.
"""

import typing
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from headform.heads.linear import PARTS
from headform.kernels.jit import njit
from headform.mesh.topology import chart_labels

FACE_SIDE = 0.62
"""Side of the square that holds the chart of the face."""
GRID = 512
"""Cells along a side of the packing grid."""
_GUTTER = 3
"""Cells between charts: six texels of a 1024 texture."""
_FACE_MARGIN = 2
"""Cells between the chart of the face and the border of the square."""
_BISECTIONS = 9
"""Steps in the search for the scale: to a thousandth."""
_GOLDEN = 0.6180339887498949
_DENSITY = {  # linear texel density of a part's chart, as a multiple of the face's
    "face": 1.0, "head": 0.85, "mouth": 0.55, "socket_right": 0.6, "socket_left": 0.6, "tongue": 0.9,
    "teeth": 1.5, "eye_right": 2.2, "eye_left": 2.2,
}  # fmt: skip
_EYE_BACK = 0.5
"""Factor for the hidden half of an eyeball."""

Chart: TypeAlias = tuple[Int[np.ndarray, " _"], Int[np.ndarray, "_ 3"]]
"""Texture vertices of a chart, and its triangles over them."""


def pack_charts(
    uv: Float[np.ndarray, "T 2"],
    uv_faces: Int[np.ndarray, "F 3"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    part: UInt8[np.ndarray, " V"],
) -> tuple[Float[np.ndarray, "U 2"], Int[np.ndarray, "F 3"]]:
    """Give every chart its own place.

    Args:
        uv: Texture coordinates in which each chart by itself is valid: no overlap, positive areas.
        uv_faces: Triangles over `uv`; connected ones are a chart.
        vertices: Positions, for the texel density.
        faces: Triangles over `vertices`, aligned with `uv_faces`.
        part: Index into `PARTS` per vertex.

    Returns:
        Coordinates in [0, 1] of the texture vertices in use, and the triangles over them.
    """
    used, numbered = np.unique(uv_faces, return_inverse=True)
    numbered = numbered.reshape(-1, 3)
    flat = uv[used].copy()
    label = chart_labels(numbered, len(used))
    charts: list[Chart] = []
    sizes = []
    for chart in np.unique(label):
        triangles = np.flatnonzero(label == chart)
        ids = np.unique(numbered[triangles])
        local = np.searchsorted(ids, numbered[triangles])
        density = _density(part[faces[triangles, 0]], vertices[faces[triangles]])
        surface = _areas(vertices[faces[triangles]]).sum()
        picture = np.abs(_signed_areas(flat[ids][local])).sum()
        flat[ids] = (flat[ids] - flat[ids].min(0)) * np.sqrt(surface / picture) * density
        charts.append((ids, local))
        sizes.append(surface * density**2)
    face = int(np.argmax([len(local) * (part[faces[label == n, 0]][0] == 0) for n, (_, local) in enumerate(charts)]))
    order = sorted((n for n in range(len(charts)) if n != face), key=lambda n: (-sizes[n], n))
    ids, local = charts[face]
    extent = float(np.ptp(flat[ids], axis=0).max())
    margin = _FACE_MARGIN / GRID
    flat[ids] = (flat[ids] - flat[ids].min(0)) / extent * (FACE_SIDE - margin) + margin
    occupied = np.zeros((GRID, GRID), np.bool_)
    occupied |= covered_cells(flat[ids], local, GRID)
    low, high, best = 0.0, 2.0 / extent, None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        placed = _place(flat, charts, order, occupied.copy(), middle)
        if placed is None:
            high = middle
        else:
            low, best = middle, placed
    if best is None:
        raise ValueError("the charts do not fit into the square at any scale")
    for chart, coordinates in best.items():
        flat[charts[chart][0]] = coordinates
    return flat, numbered


def _place(
    flat: Float[np.ndarray, "T 2"],
    charts: list[Chart],
    order: list[int],
    occupied: Bool[np.ndarray, "C C"],
    scale: float,
) -> dict[int, Float[np.ndarray, "_ 2"]] | None:
    """Place the charts in `order` at `scale`; None if they do not fit."""
    placed = {}
    for chart in order:
        ids, local = charts[chart]
        options = []
        for quarter in (False, True):
            here = flat[ids] * scale
            if quarter:
                here = np.column_stack([-here[:, 1], here[:, 0]])
            here = here - here.min(0)
            if here.max() > 1.0 - 2 * _GUTTER / GRID:
                continue
            mask = covered_cells(here + _GUTTER / GRID, local, GRID)
            rows, columns = np.nonzero(mask)
            spread = _spread(mask, _GUTTER)
            spread = spread[: rows.max() + _GUTTER + 1, : columns.max() + _GUTTER + 1]
            row, column = _first_fit(occupied, *_probes(spread), spread.shape[0], spread.shape[1])
            if row >= 0:
                options.append((row + spread.shape[0], column, row, mask, here))
        if not options:
            return None
        _, column, row, mask, here = min(options, key=lambda option: option[:2])
        rows, columns = np.nonzero(mask)
        occupied[rows + row, columns + column] = True
        placed[chart] = here + np.array([column + _GUTTER, row + _GUTTER]) / GRID
    return placed


def _probes(mask: Bool[np.ndarray, "h w"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return the cells of a mask in a scattered sequence, which finds collisions early."""
    rows, columns = np.nonzero(mask)
    scatter = np.argsort((np.arange(len(rows)) * _GOLDEN) % 1.0, kind="stable")
    return rows[scatter], columns[scatter]


def _spread(mask: Bool[np.ndarray, "C C"], cells: int) -> Bool[np.ndarray, "C C"]:
    """Grow a mask by `cells` in every direction, corners included."""
    for axis in (0, 1):
        grown = mask.copy()
        for k in range(1, cells + 1):
            ahead, behind = np.roll(mask, k, axis), np.roll(mask, -k, axis)
            wrapped = [slice(None), slice(None)]
            wrapped[axis] = slice(0, k)
            ahead[tuple(wrapped)] = False
            wrapped[axis] = slice(-k, None)
            behind[tuple(wrapped)] = False
            grown |= ahead | behind
        mask = grown
    return mask


@njit(cache=True, nogil=True)
@typing.no_type_check
def _first_fit(occupied, rows, columns, height, width):
    """Find the lowest, then leftmost place at which none of the cells is occupied; (-1, -1) if there is none."""
    for y in range(occupied.shape[0] - height + 1):
        for x in range(occupied.shape[1] - width + 1):
            free = True
            for i in range(len(rows)):
                if occupied[y + rows[i], x + columns[i]]:
                    free = False
                    break
            if free:
                return y, x
    return -1, -1


def covered_cells(
    uv: Float[np.ndarray, "T 2"], triangles: Int[np.ndarray, "F 3"], grid: int
) -> Bool[np.ndarray, "C C"]:
    """Return the cells of a grid over [0,1]² that any triangle touches; row 0 is at the bottom."""
    mask = np.zeros((grid, grid), np.bool_)
    _cover(np.ascontiguousarray(uv[triangles] * grid), mask)
    return mask


@njit(cache=True, nogil=True)
@typing.no_type_check
def _cover(corners, mask):
    grid = mask.shape[0]
    for f in range(len(corners)):
        x0, y0 = corners[f, 0]
        x1, y1 = corners[f, 1]
        x2, y2 = corners[f, 2]
        left, right = max(int(min(x0, x1, x2)), 0), min(int(max(x0, x1, x2)), grid - 1)
        low, high = max(int(min(y0, y1, y2)), 0), min(int(max(y0, y1, y2)), grid - 1)
        for row in range(low, high + 1):
            for column in range(left, right + 1):
                x, y = column + 0.5, row + 0.5
                inside = True
                for k in range(3):
                    ax, ay = corners[f, k]
                    bx, by = corners[f, (k + 1) % 3]
                    reach = 0.5 * (abs(bx - ax) + abs(by - ay))
                    if (bx - ax) * (y - ay) - (by - ay) * (x - ax) < -reach:
                        inside = False
                if inside:
                    mask[row, column] = True


def _density(part: UInt8[np.ndarray, " F"], corners: Float[np.ndarray, "F 3 3"]) -> float:
    name = PARTS[int(np.bincount(part).argmax())]
    density = _DENSITY[name]
    if name.startswith("eye"):
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(0)
        density *= _EYE_BACK if normal[2] < 0 else 1.0
    return density


def _areas(corners: Float[np.ndarray, "F 3 3"]) -> Float[np.ndarray, " F"]:
    return np.asarray(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    )


def _signed_areas(corners: Float[np.ndarray, "F 3 2"]) -> Float[np.ndarray, " F"]:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2)


def upright_charts(uv: Float[np.ndarray, "T 2"], uv_faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "T 2"]:
    """Flip the charts that show the surface from its back, so that their areas become positive."""
    label = chart_labels(uv_faces, len(uv))
    area = _signed_areas(uv[uv_faces])
    result = uv.copy()
    for chart in np.unique(label):
        own = label == chart
        if area[own].sum() < 0:
            ids = np.unique(uv_faces[own])
            result[ids, 0] = -result[ids, 0]
    return result
