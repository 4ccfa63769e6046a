"""Surface of the head in polar coordinates, on which hats lie.

T rows, C columns, N points. `turn` is the angle around the vertical (0 in front, positive to the subject's left), `polar`
the angle from the crown, both in radians, seen from a point inside the head. Meters, head frame.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32

from headform.render.rasterize import rasterize_kernel
from headform.synth.wear._kernels import sample_radial
from headform.synth.wear.fitting import Fitting, HeadPlaces

CENTER = np.array([0.0, 0.045, 0.008])
"""Point inside the mean head from which angles are seen."""
LOWEST = np.radians(150.0)
"""Greatest polar angle of the surface."""
_ROWS, _COLUMNS = 51, 72
_EAR_FLAT = 0.4  # share of their distance from the head that is left to ears under a hat


class SkullPlaces:
    """Vertices of a head model that carry the surface; computed once. The ears are left out, the gap is bridged.

    Attributes:
        mark_turn: Turns at which the surface holds the 68 landmarks, whatever the person's expression.
        mark_polar: Polar angles at which it does.
    """

    def __init__(self, places: HeadPlaces) -> None:
        self.places = places
        usable = places.skin & ~places.ears
        faces = places.faces[usable[places.faces].all(1)]
        polar = places.mean - CENTER
        radius = np.linalg.norm(polar, axis=1)
        x = np.arctan2(polar[:, 0], polar[:, 2]) / (2 * np.pi) * _COLUMNS + _COLUMNS / 2
        y = np.arccos(np.clip(polar[:, 1] / radius, -1, 1)) / LOWEST * (_ROWS - 1) + 0.5
        corner = x[faces]
        corner -= _COLUMNS * np.round((corner - corner[:, :1]) / _COLUMNS)  # triangles across the back stay whole
        flat = np.stack([corner, y[faces], -radius[faces]], -1).reshape(-1, 3)
        shifted = [flat + [shift * _COLUMNS, 0, 0] for shift in (-1, 0, 1)]
        points = np.concatenate(shifted).astype(np.float32)
        triangles = np.arange(len(points), dtype=np.int32).reshape(-1, 3)
        index = np.empty((_ROWS, _COLUMNS), np.int32)
        weights, depth = np.empty((_ROWS, _COLUMNS, 3), np.float32), np.empty((_ROWS, _COLUMNS), np.float32)
        rasterize_kernel(points, triangles, False, False, 0.0, index, weights, depth)
        self.triangles = faces[index % len(faces)]
        self.weights = weights
        self._bridge(index >= 0)
        top = np.flatnonzero(usable)[
            np.argsort(np.linalg.norm((polar / radius[:, None])[usable] - [0, 1, 0], axis=1))[:3]
        ]
        self.triangles[0], self.weights[0] = top, np.float32(1 / 3)
        self.turns = (np.arange(_COLUMNS) + 0.5 - _COLUMNS / 2) / _COLUMNS * 2 * np.pi
        self.mean_grid = self.carry(places.mean.astype(np.float32))
        marks = places.marks - CENTER
        self.mark_turn = np.arctan2(marks[:, 0], marks[:, 2])
        self.mark_polar = np.arccos(marks[:, 1] / np.linalg.norm(marks, axis=1))

    def _bridge(self, hit: np.ndarray) -> None:
        """Note the neighbors to the left and right of places without a surface, and their shares."""
        self.left = np.empty((_ROWS, _COLUMNS), int)
        self.right = np.empty_like(self.left)
        self.share = np.zeros((_ROWS, _COLUMNS, 1), np.float32)
        column = np.arange(_COLUMNS)
        for row in range(_ROWS):
            found = np.flatnonzero(hit[row])
            if len(found) < 2:
                found = np.array([0, _COLUMNS // 2])
            around = np.concatenate([found - _COLUMNS, found, found + _COLUMNS])
            at = np.searchsorted(around, column, side="right") - 1
            low, high = around[at], around[at + 1]
            self.left[row], self.right[row] = low % _COLUMNS, high % _COLUMNS
            self.share[row, :, 0] = (column - low) / (high - low)

    def carry(self, vertices: Float32[np.ndarray, "V 3"]) -> Float32[np.ndarray, "T C 3"]:
        """Return the surface of a person."""
        points = np.einsum("tckx,tck->tcx", vertices[self.triangles], self.weights)
        row = np.arange(_ROWS)[:, None]
        left = points[row, self.left]
        return np.asarray(left + (points[row, self.right] - left) * self.share, np.float32)


@dataclass(frozen=True)
class Skull:
    """Surface of one person's head."""

    common: SkullPlaces
    fitting: Fitting

    @cached_property
    def grid(self) -> Float32[np.ndarray, "T C 3"]:
        """Points of the surface."""
        return self.common.carry(self.fitting.vertices)

    @cached_property
    def center(self) -> Float[np.ndarray, "3"]:
        """Point inside the head, between its sides."""
        top = self.grid[:26]
        return np.asarray(CENTER + (top - self.common.mean_grid[:26]).mean((0, 1)))

    def at(
        self,
        turn: Float[np.ndarray, "*S"],
        polar: Float[np.ndarray, "*S"],
        offset: Float[np.ndarray, "*S"] | float = 0.0,
    ) -> Float[np.ndarray, "*S 3"]:
        """Return points of the surface, moved away from the center by `offset` meters."""
        rows = np.asarray(polar, np.float64).reshape(-1) * ((_ROWS - 1) / LOWEST)
        columns = np.asarray(turn, np.float64).reshape(-1) * (_COLUMNS / (2 * np.pi)) + (_COLUMNS / 2 - 0.5)
        out = np.empty((*np.shape(turn), 3))
        away = np.asarray(offset, np.float64).reshape(-1)
        sample_radial(self.grid, self.center, columns, rows, away, out.reshape(-1, 3))
        return out

    def angles(
        self, points: Float[np.ndarray, "N 3"]
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        """Return turn, polar angle and distance from the center of points."""
        out = points - self.center
        radius = np.linalg.norm(out, axis=1) + 1e-9
        return np.arctan2(out[:, 0], out[:, 2]), np.arccos(np.clip(out[:, 1] / radius, -1, 1)), radius

    def flat_ears(self, vertices: Float32[np.ndarray, "V 3"]) -> Float32[np.ndarray, "V 3"]:
        """Return the head's vertices with the ears pressed against it, as under a hat."""
        ears = self.common.places.ears
        pressed = vertices.copy()
        at = vertices[ears]
        turn, polar, radius = self.angles(at)
        skin = np.linalg.norm(self.at(turn, polar) - self.center, axis=1)
        beyond = np.clip(radius - skin, 0, None) * (1 - _EAR_FLAT)
        pressed[ears] = at - (at - self.center) * (beyond / radius)[:, None]
        return pressed.astype(np.float32)
