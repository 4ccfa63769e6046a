"""Brows of MakeHuman, straightened: opacity over the way along the brow and the height above its spine.

Meters on the mean open head. A brow is unrolled onto a plane first: u runs outward along the forehead (arc length of the
horizontal section), v is the height.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, UInt8
from PIL import Image
from scipy import ndimage

from tools.appearance.alignment import Alignment
from tools.appearance.makehuman import PolygonMesh, fitted_vertices, read_obj

ALONG, ACROSS = 256, 64
REACH = 1.6
"""Largest distance from the spine that the maps show, in half heights."""
_PITCH_M = 0.0001
_FAINT = 0.08
SPINE_DEGREE = 4


@dataclass(frozen=True)
class StraightBrow:
    """Both brows of a style, the right one first.

    Attributes:
        alpha: (2, 64, 256) opacity; column 0 at the outer end, row 0 `REACH` half heights above the spine.
        spine: (2, 5) polynomial of the spine's height over the way along (0 outer, 1 inner), lowest power first, in lengths.
        length: (2,) from end to end, meters.
        half_height: (2,) meters.
        middle: (2, 3) middle of the chord on the mean head, meters.
    """

    alpha: UInt8[np.ndarray, "2 64 256"]
    spine: Float32[np.ndarray, "2 5"]
    length: Float32[np.ndarray, " 2"]
    half_height: Float32[np.ndarray, " 2"]
    middle: Float32[np.ndarray, "2 3"]


def straighten(folder: Path, base: PolygonMesh, alignment: Alignment) -> StraightBrow:
    """Straighten a style."""
    path = folder / f"{folder.name}.obj"
    mesh = read_obj(path)
    position = alignment.carry(fitted_vertices(path.with_suffix(".mhclo"), base.vertices))
    picture = np.asarray(Image.open(path.with_suffix(".png")).convert("RGBA"), np.float64)
    ink = picture[..., 3] / 255.0 * (1 - picture[..., :3].mean(2) / 255.0)
    sides = [_one(mesh, position, ink, sign) for sign in (-1.0, 1.0)]
    return StraightBrow(*(np.stack([s[k] for s in sides]) for k in range(5)))


def _one(
    mesh: PolygonMesh, position: Float64[np.ndarray, "W 3"], ink: Float64[np.ndarray, "H L"], sign: float
) -> tuple[np.ndarray, np.ndarray, np.float32, np.float32, np.ndarray]:
    """Straighten the brow of one side."""
    own = (sign * position[mesh.faces][..., 0] > 0).all(1)
    faces, uv_faces = mesh.faces[own], mesh.uv_faces[own]
    ids = np.unique(faces)
    across = sign * position[:, 0]
    order = ids[np.argsort(across[ids])]
    # depth of the forehead as a smooth function of the way outward, and its arc length
    bend = np.polynomial.Polynomial.fit(across[order], position[order, 2], 3)
    x = np.linspace(across[ids].min() - 0.005, across[ids].max() + 0.005, 400)
    arc = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(bend(x))))])
    plane = np.stack([np.interp(across, x, arc), position[:, 1]], 1)
    low, high = plane[ids].min(0) - 0.003, plane[ids].max(0) + 0.003
    shape = np.ceil((high - low) / _PITCH_M).astype(int)[::-1]
    image = _unrolled(plane, mesh, faces, uv_faces, ink, low, (int(shape[0]), int(shape[1])))
    # ends and spine by the ink
    column = image.sum(0)
    total = np.cumsum(column) / column.sum()
    start, end = (int(np.searchsorted(total, q)) for q in (0.004, 0.996))
    rows = np.arange(len(image))[:, None]
    weight = image[:, start:end]
    center = (weight * rows).sum(0) / np.maximum(weight.sum(0), 1e-6)
    way = np.linspace(1, 0, end - start)  # u runs outward: the inner end comes first
    length = (end - start) * _PITCH_M
    height = low[1] + (center + 0.5) * _PITCH_M
    trust = np.sqrt(weight.sum(0))
    spine = np.polynomial.polynomial.polyfit(way, height, SPINE_DEGREE, w=trust + 1e-3)
    off = rows * _PITCH_M + low[1] - np.polynomial.polynomial.polyval(way, spine)
    spread = np.sqrt((weight * off**2).sum(0) / np.maximum(weight.sum(0), 1e-6))
    half = 2.0 * float(np.quantile(spread[weight.sum(0) > _FAINT * weight.sum(0).max()], 0.75))
    middle_height = float(np.polynomial.polynomial.polyval(0.5, spine))
    s = (np.arange(ALONG) + 0.5) / ALONG
    t = (1 - 2 * (np.arange(ACROSS) + 0.5) / ACROSS) * REACH * half
    level = np.polynomial.polynomial.polyval(s, spine)
    at_row = (level[None] + t[:, None] - low[1]) / _PITCH_M - 0.5
    at_column = (start + (1 - s) * (end - start))[None].repeat(ACROSS, 0)
    step = max(1.0, 2 * REACH * half / ACROSS / _PITCH_M / 2)
    smooth = ndimage.gaussian_filter(image, (0.35 * step, 0.35 * (end - start) / ALONG))
    alpha = ndimage.map_coordinates(smooth, [at_row, at_column], order=1)
    inner_x = np.interp(low[0] + start * _PITCH_M, arc, x)
    outer_x = np.interp(low[0] + end * _PITCH_M, arc, x)
    mid = (inner_x + outer_x) / 2
    spine[0] -= middle_height
    return (
        np.round(255 * alpha.clip(0, 1)).astype(np.uint8),
        (spine / length).astype(np.float32),
        np.float32(length),
        np.float32(half),
        np.array([sign * mid, middle_height, bend(mid)], np.float32),
    )


def _unrolled(
    plane: Float64[np.ndarray, "W 2"],
    mesh: PolygonMesh,
    faces: np.ndarray,
    uv_faces: np.ndarray,
    ink: Float64[np.ndarray, "H L"],
    low: Float64[np.ndarray, "2"],
    shape: tuple[int, int],
) -> Float64[np.ndarray, "R C"]:
    """Draw the picture over the plane; row 0 at the bottom."""
    out = np.zeros(shape)
    side = len(ink)
    for f, g in zip(faces, uv_faces, strict=True):
        corner = (plane[f] - low) / _PITCH_M - 0.5
        first, last = np.floor(corner.min(0)).astype(int), np.ceil(corner.max(0)).astype(int) + 1
        if not np.isfinite(corner).all():
            continue
        c, r = np.meshgrid(np.arange(first[0], last[0]), np.arange(first[1], last[1]))
        edge = np.array([corner[1] - corner[0], corner[2] - corner[0]]).T
        if abs(np.linalg.det(edge)) < 1e-9:
            continue
        w = np.linalg.solve(edge, np.stack([c.ravel(), r.ravel()]) - corner[0][:, None])
        inside = (w[0] >= -1e-6) & (w[1] >= -1e-6) & (w.sum(0) <= 1 + 1e-6)
        r, c, w = r.ravel()[inside], c.ravel()[inside], w[:, inside]
        uv = (
            mesh.uv[g[0]]
            + w[0][:, None] * (mesh.uv[g[1]] - mesh.uv[g[0]])
            + w[1][:, None] * (mesh.uv[g[2]] - mesh.uv[g[0]])
        )
        value = ndimage.map_coordinates(ink, [(1 - uv[:, 1]) * side - 0.5, uv[:, 0] * side - 0.5], order=1)
        out[r, c] = np.maximum(out[r, c], value)
    return out
