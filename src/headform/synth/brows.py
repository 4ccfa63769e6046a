"""Brows of synthetic faces: coordinates over the forehead in which they are drawn, and their landmarks.

V head vertices. A brow is drawn per pixel in two coordinates: along it (0 at the outer end of the bone's brow line, 1 at its
inner end, both continued) and above the line, centimeters. It may lie anywhere in them, whatever the bone does.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from headform.geometry.landmarks68 import LEFT_BROW, RIGHT_BROW
from headform.heads.linear import PARTS, LinearHead
from headform.synth.randomization import BrowRandomization

_FAR = 9.0
_MARGIN_CM = 0.01  # around a triangle, for places on its edge
_REACH_CM = 2.4  # distance from the line up to which the coordinates are defined
_ALONG = (-0.35, 1.3)  # their range along the line
_STATIONS, _HEIGHTS = 34, 41
_HEIGHT_CM = 2.0  # half range of the grid of landmark positions
_FRONT_CM = 3.0  # vertices behind this are not on the forehead


@dataclass(frozen=True)
class Brow:
    """One drawn brow.

    Attributes:
        outer: Coordinate along the line where it ends toward the temple.
        inner: Coordinate along the line where it begins.
        lift: Height of its middle above the line, cm.
        slant: Rise from the outer to the inner end, cm.
        arch: Rise of the middle over the ends, cm.
        half_height: Half of its height, cm.
        opacity: Opacity of its densest strands.
        map: Number of its picture.
    """

    outer: float
    inner: float
    lift: float
    slant: float
    arch: float
    half_height: float
    opacity: float
    map: int

    def spine(self, along: Float[np.ndarray, " P"]) -> Float[np.ndarray, " P"]:
        """Height of its middle line above the bone's line, cm."""
        return np.asarray(self.lift + self.slant * (along - 0.5) + self.arch * (1 - 4 * (along - 0.45) ** 2))

    def row(self) -> tuple[float, ...]:
        """Return the parameters in the order of the pixel kernel."""
        return (
            self.outer,
            self.inner,
            self.lift,
            self.slant,
            self.arch,
            self.half_height,
            self.opacity,
            float(self.map),
        )


@dataclass(frozen=True)
class BrowCoordinates:
    """Coordinates of both brows on one head model.

    Attributes:
        along: Coordinate along the line.
        above: Height above the line, cm.
        side: 0 near the subject's right brow, 1 near the left, 9 elsewhere.
        grid_vertices: Head vertices of the triangle at each place of a grid of (side, along, above).
        grid_weights: Their barycentric weights.
    """

    along: Float32[np.ndarray, " V"]
    above: Float32[np.ndarray, " V"]
    side: Float32[np.ndarray, " V"]
    grid_vertices: Int[np.ndarray, "2 A H 3"]
    grid_weights: Float[np.ndarray, "2 A H 3"]

    def landmarks(self, brows: tuple[Brow, Brow], verts: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "10 3"]:
        """Return the ten landmarks (17 to 26 of the 68) on the middle lines of the drawn brows of a person."""
        rows = []
        for side, brow in enumerate(brows):
            along = np.linspace(brow.outer, brow.inner, 5)
            spine = brow.spine(along)
            rows.append(self._at(side, along, spine, verts))
        right, left = rows
        return np.concatenate([right, left[::-1]])

    def _at(
        self,
        side: int,
        along: Float[np.ndarray, " N"],
        above: Float[np.ndarray, " N"],
        verts: Float[np.ndarray, "V 3"],
    ) -> Float[np.ndarray, "N 3"]:
        """Interpolate the grid of surface positions."""
        x = np.clip((along - _ALONG[0]) / (_ALONG[1] - _ALONG[0]), 0, 1) * (_STATIONS - 1)
        y = np.clip((above + _HEIGHT_CM) / (2 * _HEIGHT_CM), 0, 1) * (_HEIGHTS - 1)
        i, j = np.minimum(x.astype(int), _STATIONS - 2), np.minimum(y.astype(int), _HEIGHTS - 2)
        a, b = x - i, y - j
        total = np.zeros((len(x), 3))
        for di, dj, weight in ((0, 0, (1 - a) * (1 - b)), (1, 0, a * (1 - b)), (0, 1, (1 - a) * b), (1, 1, a * b)):
            corners = verts[self.grid_vertices[side, i + di, j + dj]]
            total += weight[:, None] * (self.grid_weights[side, i + di, j + dj][:, None] @ corners)[:, 0]
        return total


def brow_coordinates(head: LinearHead) -> BrowCoordinates:
    """Compute the coordinates on a head's mean shape (about 0.2 s; keep the result)."""
    verts = head.mean.double().numpy() * 100.0  # cm
    marks = verts[head.dense.numpy()[:68]]
    part = head.part.numpy()
    front = (part == PARTS.index("face")) & (verts[:, 2] > _FRONT_CM)
    faces = head.faces.numpy()
    along, above = np.zeros(len(verts)), np.full(len(verts), _FAR)
    side = np.full(len(verts), _FAR)
    grid_vertices = np.zeros((2, _STATIONS, _HEIGHTS, 3), np.int64)
    grid_weights = np.zeros((2, _STATIONS, _HEIGHTS, 3))
    lines = (marks[RIGHT_BROW, :2], marks[LEFT_BROW, :2][::-1])
    for number, (line, sign) in enumerate(zip(lines, (-1.0, 1.0), strict=True)):
        at = np.linspace(*_ALONG, 200)
        curve, normal = _curve(line, at)
        near = np.flatnonzero(front & (verts[:, 0] * sign > 0))
        offset = verts[near, None, :2] - curve  # (P, 200, 2)
        best = (offset**2).sum(-1).argmin(1)
        height = (offset[np.arange(len(near)), best] * normal[best]).sum(1)
        distance = np.sqrt((offset[np.arange(len(near)), best] ** 2).sum(1))
        inside = (distance < _REACH_CM) & (best > 0) & (best < len(at) - 1)
        rows = near[inside]
        along[rows], above[rows], side[rows] = at[best[inside]], height[inside], number
        stations = np.linspace(*_ALONG, _STATIONS)
        feet, up = _curve(line, stations)
        heights = np.linspace(-_HEIGHT_CM, _HEIGHT_CM, _HEIGHTS)
        places = feet[:, None] + up[:, None] * heights[:, None]
        of_front = faces[front[faces].all(1)]
        grid_vertices[number], grid_weights[number] = _locate(places, verts, of_front)
    return BrowCoordinates(
        along.astype(np.float32), above.astype(np.float32), side.astype(np.float32), grid_vertices, grid_weights
    )


def _curve(
    line: Float[np.ndarray, "5 2"], at: Float[np.ndarray, " P"]
) -> tuple[Float[np.ndarray, "P 2"], Float[np.ndarray, "P 2"]]:
    """Fit a quadratic through the five points of a brow line: positions and upward unit normals at `at`."""
    fit = np.polynomial.polynomial.polyfit(np.linspace(0, 1, 5), line, 2)  # (3, 2)
    place = fit[0] + at[:, None] * fit[1] + at[:, None] ** 2 * fit[2]
    slope = fit[1] + 2 * at[:, None] * fit[2]
    normal = np.column_stack([-slope[:, 1], slope[:, 0]])
    normal *= np.sign(normal[:, 1:]) / np.linalg.norm(normal, axis=1, keepdims=True)
    return place, normal


def _locate(
    places: Float[np.ndarray, "A H 2"], verts: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> tuple[Int[np.ndarray, "A H 3"], Float[np.ndarray, "A H 3"]]:
    """Find the triangle of the front that each place lies on, seen from the front; the nearest one beyond its edge."""
    corners = verts[faces]  # (F, 3, 3)
    flat = places.reshape(-1, 2)
    a, b, c = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    good = area > 1e-6  # those that face the front
    every = (faces[good], corners[good], a[good], b[good], c[good], area[good])
    low, high = corners[good][..., :2].min(1), corners[good][..., :2].max(1)
    close = (low <= flat.max(0) + _MARGIN_CM).all(1) & (high >= flat.min(0) - _MARGIN_CM).all(1)
    around = tuple(x[close] for x in every)
    found, weights = np.zeros((len(flat), 3), np.int64), np.zeros((len(flat), 3))
    for n, p in enumerate(flat):
        for triangles in (around, every):  # a place beyond all edges may be nearest to any
            faces, corners, a, b, c, area = triangles
            w1 = ((p[0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (p[1] - a[:, 1])) / area
            w2 = ((b[:, 0] - a[:, 0]) * (p[1] - a[:, 1]) - (p[0] - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
            worst = np.minimum(np.minimum(w1, w2), 1 - w1 - w2)
            inside = worst > -1e-6
            if inside.any():
                break
        depth = (1 - w1 - w2) * corners[:, 0, 2] + w1 * corners[:, 1, 2] + w2 * corners[:, 2, 2]
        best = int(np.argmax(np.where(inside, depth, -np.inf))) if inside.any() else int(np.argmax(worst))
        w = np.clip([1 - w1[best] - w2[best], w1[best], w2[best]], 0, 1)
        found[n], weights[n] = faces[best], w / w.sum()
    shape = (*places.shape[:2], 3)
    return found.reshape(shape), weights.reshape(shape)


def sample_brows(rng: np.random.Generator, maps: int, config: BrowRandomization) -> tuple[Brow, Brow]:
    """Draw the subject's right and left brow: alike, up to a little asymmetry."""
    c = config
    ranges = (c.outer, c.inner, c.lift_cm, c.slant_cm, c.arch_cm)
    middle = [rng.normal(*r) for r in ranges]
    half = rng.uniform(*c.half_height_cm)
    opacity = rng.uniform(*(c.bare_opacity if rng.random() < c.bare_rate else c.opacity))
    number = int(rng.integers(maps))

    def one() -> Brow:
        outer, inner, lift, slant, arch = (
            m + c.asymmetry * rng.normal(0, r[1]) for m, r in zip(middle, ranges, strict=True)
        )
        return Brow(outer, max(inner, outer + 0.5), lift, slant, arch, half, opacity, number)

    return one(), one()
