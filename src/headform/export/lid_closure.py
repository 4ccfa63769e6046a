"""Lids that shut: the blink shapes of a head model, fitted to one person's eyes.

V vertices, F triangles, N vertices and M triangles around an eye, C columns of a raster.

A blink of a linear model moves every person's lids by the same way. Eyes that are taller than the mean's stay open by a
bright slit, which is measured here in a picture of the shut eye, seen from the front; the upper lid goes that much farther
down.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from headform.render.rasterize import rasterize

CELL_METERS = 2e-4
"""Side of a cell of the raster."""
OVERLAP_METERS = 4e-4
"""Distance that the lids overlap when they are shut."""
MOST_FACTOR = 1.8
"""Largest factor of the lid's way."""
ROUNDS = 3
"""Pictures that are taken; each lengthens the way by the slit that is left."""
ABOVE_BALL_METERS = 5e-4
"""Distance of the lid from the eyeball that it slides over."""
AROUND_METERS = 4e-3
"""Distance from the eyeball up to which triangles are drawn."""
_SMOOTH = 6.0
"""Standard deviation over which the way is smoothed along the eye, cells: 1.2 mm."""
_DISTANCE = 1.0
"""Depth at which the head lies in the parallel picture, meters."""


def shut_lid(
    delta: Float[np.ndarray, "V 3"],
    neutral: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    eye: Int[np.ndarray, " eye"],
) -> tuple[Float64[np.ndarray, "V 3"], float]:
    """Lengthen the way of an upper lid until no eyeball shows.

    Args:
        delta: Blink shape at weight 1, meters.
        neutral: The person's neutral head, meters, y up, z out of the face.
        faces: Triangles that hide what lies behind them.
        eye: Vertices of the eyeball.

    Returns:
        The shape, and the factor by which the lid's way in the middle of the eye became longer, 1 or more.
    """
    out = np.array(delta, np.float64)
    if not len(eye):
        return out, 1.0
    around = _Eye.of(np.asarray(neutral, np.float64), faces, eye)
    base, given = neutral[around.ids].astype(np.float64), out[around.ids]
    lid = (given[:, 1] < -1e-5) & ~around.ball
    if not lid.any():
        return out, 1.0
    at = np.clip((base[:, 0] - around.low[0]) / CELL_METERS, 0, around.columns - 1)
    columns, way = np.arange(around.columns), _ways(at[lid], -given[lid, 1], around.columns)
    share = lid * np.clip(-given[:, 1] / np.maximum(np.interp(at, columns, way), 1e-9), 0.0, 1.0) ** 2
    longer, factor, moved = np.zeros(around.columns), np.ones(around.columns), given
    for _ in range(ROUNDS):
        slit = around.slits(base + moved)
        if not slit.any():
            break
        wide = maximum_filter1d(np.where(slit > 0, slit + OVERLAP_METERS, 0.0), int(2 * _SMOOTH))
        longer += gaussian_filter1d(wide, _SMOOTH)
        factor = np.minimum(1 + longer / np.maximum(way, 1e-6), MOST_FACTOR)
        moved = given * (1 + (np.interp(at, columns, factor) - 1) * share)[:, None]
        around.keep_outside(moved, base, lid)
    out[around.ids] = moved
    third = around.columns // 3
    return out, float(factor[third : 2 * third + 1].mean())


@dataclass(frozen=True, eq=False)
class _Eye:
    """Surroundings of an eyeball.

    Attributes:
        ids: vertices of the triangles around it.
        faces: these triangles, as rows of `ids`.
        ball: mask of the vertices of the eyeball.
        center: its center, meters.
        radius: half its width.
        low: least x and y of the raster.
        columns: number of columns, and of rows, of the raster.
    """

    ids: Int[np.ndarray, " N"]
    faces: Int[np.ndarray, "M 3"]
    ball: Bool[np.ndarray, " N"]
    center: Float64[np.ndarray, "3"]
    radius: float
    low: Float64[np.ndarray, "2"]
    columns: int

    @classmethod
    def of(
        cls, base: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], eye: Int[np.ndarray, " eye"]
    ) -> "_Eye":
        low, high = base[eye].min(axis=0), base[eye].max(axis=0)
        inside = ((base[:, :2] > low[:2] - AROUND_METERS) & (base[:, :2] < high[:2] + AROUND_METERS)).all(axis=1)
        near = faces[(inside & (base[:, 2] > low[2]))[faces].any(axis=1)]
        ids, rows = np.unique(near, return_inverse=True)
        return cls(
            ids,
            rows.reshape(-1, 3).astype(np.int32),
            np.isin(ids, eye),
            (low + high) / 2,
            float((high - low)[:2].max()) / 2,
            low[:2],
            int((high - low)[:2].max() / CELL_METERS) + 1,
        )

    def slits(self, vertices: Float64[np.ndarray, "N 3"]) -> Float64[np.ndarray, " C"]:
        """Return the height of the eyeball that is seen in every column, from the front, meters."""
        flat = (vertices[:, :2] - self.low) / CELL_METERS
        points = np.column_stack([flat, _DISTANCE - vertices[:, 2]])
        shown = rasterize(points, self.faces, self.columns, self.columns).face_index
        seen = (shown >= 0) & self.ball[self.faces[shown, 0]]
        return np.asarray(seen.sum(axis=0) * CELL_METERS)

    def keep_outside(
        self, delta: Float64[np.ndarray, "N 3"], base: Float64[np.ndarray, "N 3"], lid: Bool[np.ndarray, " N"]
    ) -> None:
        """Push out along z, in place, what slid into the eyeball; the lid's inner side, which lies in it, stays."""
        moved = base + delta - self.center
        inside = lid & (moved[:, 2] > 0) & (moved[:, 2] < self._height(moved) + ABOVE_BALL_METERS)
        inside &= base[:, 2] - self.center[2] >= self._height(base - self.center)
        delta[inside, 2] += (self._height(moved) + ABOVE_BALL_METERS - moved[:, 2])[inside]

    def _height(self, local: Float64[np.ndarray, "N 3"]) -> Float64[np.ndarray, " N"]:
        """Return z of the ball's front, -1 beside it."""
        across = (local[:, :2] ** 2).sum(axis=1)
        return np.where(across < self.radius**2, np.sqrt(np.maximum(self.radius**2 - across, 0.0)), -1.0)


def _ways(at: Float64[np.ndarray, " N"], down: Float64[np.ndarray, " N"], count: int) -> Float64[np.ndarray, " C"]:
    """Return how far the rim of the lid goes down, in every column: the greatest way about it."""
    way = np.zeros(count)
    np.maximum.at(way, at.astype(int), down)
    return np.asarray(gaussian_filter1d(maximum_filter1d(way, int(4 * _SMOOTH)), _SMOOTH))
