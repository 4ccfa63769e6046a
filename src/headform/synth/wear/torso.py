"""Surface of neck, shoulders and chest, on which clothes lie.

T rows from the upper neck down, C columns around, N points. The surface has two coordinates: `turn`, the angle around the
neck (0 in front, positive to the subject's left, radians), and `row`, 0 at the upper neck, 2 at its base, about 4 where the
head model ends, 6 at the shoulders, 9 at the hips. Meters, head frame of a person who looks straight ahead.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int

from headform.synth.wear._kernels import fit_surface, sample_surface, surface_normals, turn_points
from headform.synth.wear.fitting import HeadPlaces

ROWS = 9.0
"""Greatest row."""
_AXIS_Z = -0.015  # meters, of the vertical axis around which turns are counted
_RADIUS_CM = np.array([  # by row, at turns of 0, 30, ... 180 degrees
    [5.0, 5.9, 6.0, 5.3, 4.6, 4.3, 4.2],
    [5.0, 5.7, 6.0, 5.6, 5.0, 4.6, 4.4],
    [5.1, 5.7, 6.5, 6.5, 6.1, 5.5, 5.2],
    [6.0, 6.9, 8.3, 8.9, 8.2, 7.1, 6.5],
    [7.6, 8.8, 11.0, 12.4, 11.0, 9.2, 8.0],
    [9.6, 11.4, 14.4, 16.6, 14.2, 11.4, 9.7],
    [11.4, 13.8, 17.5, 20.2, 17.0, 13.4, 11.4],
    [12.8, 15.6, 19.2, 21.6, 18.6, 14.8, 12.8],
    [13.8, 16.6, 20.2, 22.6, 19.6, 15.6, 13.6],
    [14.5, 17.2, 20.6, 23.0, 20.0, 16.0, 14.0],
])  # fmt: skip
_HEIGHT_CM = np.array([
    [-9.5, -9.5, -8.6, -6.6, -6.0, -5.6, -5.4],
    [-12.2, -12.0, -11.0, -9.0, -8.2, -7.8, -7.8],
    [-14.8, -14.6, -13.6, -11.4, -10.3, -10.3, -10.2],
    [-16.8, -16.6, -15.6, -13.2, -12.0, -12.2, -12.4],
    [-18.6, -18.3, -17.0, -14.3, -13.6, -14.6, -15.2],
    [-21.0, -20.4, -18.8, -15.5, -15.6, -17.6, -18.4],
    [-24.5, -23.8, -22.0, -17.6, -18.8, -21.5, -22.2],
    [-29.0, -28.5, -27.6, -24.0, -25.5, -27.0, -27.5],
    [-36.0, -36.0, -36.0, -34.0, -35.0, -36.0, -36.0],
    [-50.0, -50.0, -50.0, -50.0, -50.0, -50.0, -50.0],
])  # fmt: skip
_STEPS, _COLUMNS = 5, 64  # rows of the grid per row of the tables, columns around
_BUST_END = 4.0  # row to which the grid lies on the head model
_FADE = 1.2  # rows beyond it over which a person's own neck fades into the common shoulders
_SHOULDER_ROW = 5.5
_TUCK_START, _TUCK_END = 0.15, 0.9  # rows below the edge of the clothes between which skin moves under them
_TUCK = np.array([0.006, -0.014])  # meters inward and up


def _flat(values: Float[np.ndarray, "*S"] | float) -> Float[np.ndarray, " N"]:
    return np.asarray(values, np.float64).reshape(-1)


_NO_OFFSET = np.zeros(1)


class TorsoPlaces:
    """The common surface, and what ties it to the vertices of a head model; computed once."""

    def __init__(self, places: HeadPlaces) -> None:
        self.places = places
        rows = np.linspace(0, ROWS, int(ROWS) * _STEPS + 1)
        radius = _resample(_RADIUS_CM / 100, rows)
        height = _resample(_HEIGHT_CM / 100, rows)
        turn = _turns()
        self.grid = np.stack([radius * np.sin(turn), height, _AXIS_Z + radius * np.cos(turn)], -1).astype(np.float32)
        bust = np.flatnonzero(places.neck & places.skin)
        on_bust = self.grid[: int(_BUST_END * _STEPS) + 1]
        nearest = _nearest(on_bust.reshape(-1, 3), places.mean[bust]).reshape(on_bust.shape[:2])
        self.vertex = bust[np.concatenate([nearest, np.repeat(nearest[-1:], len(rows) - len(nearest), 0)])]
        self.hold = np.exp(-np.clip(rows - _BUST_END, 0, None) / _FADE)[:, None].astype(np.float32)
        follow = (places.neck_weight[self.vertex] * (rows < _BUST_END)[:, None]).astype(np.float32)
        self.follow = np.repeat(follow[..., None], 3, -1)
        self.mean = places.mean[self.vertex].astype(np.float32)
        self.shoulder = _smoothstep((rows - 2.5) / (_SHOULDER_ROW - 2.5))[:, None].astype(np.float32)
        at = _nearest(places.mean[bust], self.grid.reshape(-1, 3))
        self.bust = bust
        self.bust_row, self.bust_turn = rows[at // _COLUMNS], turn[at % _COLUMNS]
        self.bust_turn = (self.bust_turn + np.pi) % (2 * np.pi) - np.pi
        self.moving = np.flatnonzero(places.neck_weight < 1)


def _turns() -> Float[np.ndarray, " C"]:
    return np.arange(_COLUMNS) * (2 * np.pi / _COLUMNS)


def _resample(table: Float[np.ndarray, "R 7"], rows: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T C"]:
    """Interpolate a table: cubic between rows, by cosines around, since the body is symmetric."""
    low = np.minimum(rows.astype(int), len(table) - 2)
    u = (rows - low)[:, None]
    padded = np.concatenate([2 * table[:1] - table[1:2], table, 2 * table[-1:] - table[-2:-1]])
    a, b, c, d = (padded[low + k] for k in range(4))
    dense = 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
    order = np.arange(7)
    basis = np.cos(np.outer(np.radians(30.0 * order), order))
    return dense @ np.linalg.inv(basis).T @ np.cos(np.outer(order, _turns()))


def _nearest(points: Float[np.ndarray, "N 3"], among: Float[np.ndarray, "M 3"]) -> Int[np.ndarray, " N"]:
    found = [np.argmin(((among - point) ** 2).sum(1)) for point in points]
    return np.array(found)


def _smoothstep(x: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


@lru_cache(maxsize=1)
def columns() -> Float[np.ndarray, " C"]:
    """Return turns around the whole neck, from the back over the right side and the front to the back again."""
    return np.linspace(-np.pi, np.pi, 49)


@dataclass(frozen=True)
class Torso:
    """Neck, shoulders and chest of one person.

    Attributes:
        common: Surface and places of the head model.
        vertices: Head vertices.
        width: Factor of the width of the shoulders.
        raised: Shoulders above the common ones, meters.
        yaw: Rotation of the torso relative to the head about the vertical, radians.
        pitch: Rotation forward or back.
    """

    common: TorsoPlaces
    vertices: Float32[np.ndarray, "V 3"]
    width: float
    raised: float
    yaw: float
    pitch: float

    @cached_property
    def pivot(self) -> Float[np.ndarray, "3"]:
        """Center of the rotation between head and torso."""
        return np.array([0.0, -0.10, -0.02])

    @cached_property
    def _grid(self) -> Float32[np.ndarray, "T C 3"]:
        c, grid = self.common, np.empty_like(self.common.grid)
        fit_surface(c.grid, c.vertex, c.mean, self.vertices, c.hold, c.shoulder, self.width, self.raised, grid)
        return grid

    @cached_property
    def _normals(self) -> Float32[np.ndarray, "T C 3"]:
        normals = np.empty_like(self._grid)
        surface_normals(self._grid, normals)
        return normals

    def at(
        self,
        turn: Float[np.ndarray, "*S"],
        row: Float[np.ndarray, "*S"],
        offset: Float[np.ndarray, "*S"] | float = 0.0,
    ) -> Float[np.ndarray, "*S 3"]:
        """Return points of the surface, moved outward by `offset` meters."""
        out = np.empty((*np.shape(turn), 3))
        sample_surface(self._grid, self._normals, *self._cells(turn, row), _flat(offset), out.reshape(-1, 3))
        return out

    def follow(self, turn: Float[np.ndarray, "*S"], row: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
        """Return the share of the head's rotation that the skin follows at points of the surface."""
        out = np.empty((*np.shape(turn), 3))
        field = self.common.follow
        sample_surface(field, field, *self._cells(turn, row), _NO_OFFSET, out.reshape(-1, 3))
        return out[..., 0]

    @staticmethod
    def _cells(
        turn: Float[np.ndarray, "*S"], row: Float[np.ndarray, "*S"]
    ) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, " N"]]:
        return _flat(turn) * (_COLUMNS / (2 * np.pi)), _flat(row) * _STEPS

    def turned(
        self, points: Float[np.ndarray, "N 3"], follow: Float[np.ndarray, " N"] | float = 0.0
    ) -> Float32[np.ndarray, "N 3"]:
        """Rotate points from the straight pose with the torso, less where they follow the head."""
        out = np.empty(points.shape, np.float32)
        turn_points(points, self.pivot, self.yaw, self.pitch, _flat(1 - np.asarray(follow)), out)
        return out

    def bust(self, edge: Float[np.ndarray, "C2 2"] | None) -> Float32[np.ndarray, "V 3"]:
        """Return the head's vertices with the neck turned against the torso and tucked under the clothes.

        Args:
            edge: Turn and row along the upper edge of the clothes, by increasing turn; none without clothes.
        """
        c = self.common
        vertices = self.vertices.copy()
        if edge is not None:
            below = c.bust_row - np.interp(c.bust_turn, edge[:, 0], edge[:, 1], period=2 * np.pi)
            amount = _smoothstep((below - _TUCK_START) / (_TUCK_END - _TUCK_START))[:, None].astype(np.float32)
            inward, up = _TUCK
            way = np.stack([-inward * np.sin(c.bust_turn), np.full(len(below), up), -inward * np.cos(c.bust_turn)], 1)
            vertices[c.bust] += amount * way.astype(np.float32)
        ids = c.moving
        vertices[ids] = self.turned(vertices[ids], c.places.neck_weight[ids])
        return vertices
