"""Lay MediaPipe's canonical face onto the open head: a triangle and weights for each of its 478 points.

Its rings of lids and lips go to the edges over which the head's skin turns inwards, point by point across the eye's or the
mouth's width; the rest follows by a thin-plate spline through the points that both models name, and then to the nearest
surface. Millimeters, mean head. P points, F triangles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator, RBFInterpolator

from headform.geometry.landmarks68 import INNER_LIP_PAIRS
from headform.geometry.mediapipe478 import (
    IRIS_LEFT,
    IRIS_RIGHT,
    LOWER_LID_LEFT,
    LOWER_LID_RIGHT,
    LOWER_LIP_INNER,
    LOWER_LIP_OUTER,
    SURFACE,
    TO_68,
    UPPER_LID_LEFT,
    UPPER_LID_RIGHT,
    UPPER_LIP_INNER,
    UPPER_LIP_OUTER,
)
from headform.geometry.similarity import fit_similarity
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.closest_point import closest_points

RINGS = (
    *UPPER_LID_RIGHT, *LOWER_LID_RIGHT, *UPPER_LID_LEFT, *LOWER_LID_LEFT, *UPPER_LIP_INNER, *LOWER_LIP_INNER,
)  # fmt: skip
"""Points whose place on the head is an edge, not a matter of statistics."""
_GRID = 12  # samples along a triangle's side
_COLUMN_MM = 0.12  # half the width of a column of samples


@dataclass
class Placement:
    """Triangle and barycentric weights of each point; filled in as they become known."""

    triangle: np.ndarray  # (P,) int64
    weights: np.ndarray  # (P, 3)

    def positions(self, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """(P, 3) places on a head's vertices (V, 3)."""
        return np.einsum("pk,pkc->pc", self.weights, vertices[faces[self.triangle]])


def canonical_face(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (478, 3), centimeters, and triangles of MediaPipe's canonical face with irises."""
    lines = [line.split() for line in path.read_text().splitlines()]
    vertices = [[float(x) for x in w[1:4]] for w in lines if w and w[0] == "v"]
    faces = [[int(x.split("/")[0]) - 1 for x in w[1:4]] for w in lines if w and w[0] == "f"]
    return np.array(vertices), np.array(faces)


class _Head:
    """The mean open head, millimeters, with what the placement asks of it."""

    def __init__(self, head: LinearHead) -> None:
        self.vertices = head.mean.double().numpy() * 1000
        self.faces = head.faces.numpy()
        self.part = head.part.numpy()
        self.skin = (self.part[self.faces] == PARTS.index("face")).all(1)
        self.marks = head.landmarks(head.mean, offset=False).double().numpy() * 1000
        self.chin = head.landmarks(head.mean).double().numpy()[8] * 1000
        self.mark_vertices = head.landmark_vertices.numpy()[:, 0]
        self.center = self.vertices[self.faces].mean(1)
        names = head.expression_names
        self.blink = {
            side: head.expression[names.index(f"eyeBlink{side}")].numpy()[:, 1] * 1000 for side in ("Right", "Left")
        }
        self.pupils = [int(v) for v in head.dense[-2:]]

    def at_vertex(self, vertex: int) -> tuple[int, np.ndarray]:
        rows = np.flatnonzero((self.faces == vertex).any(1))
        row = int(rows[self.skin[rows]][0]) if self.skin[rows].any() else int(rows[0])
        return row, (self.faces[row] == vertex).astype(float)

    def edge(
        self, triangles: np.ndarray, columns: Sequence[float], pick: Callable[[np.ndarray], np.intp]
    ) -> list[tuple[int, np.ndarray]]:
        """Within each column of x, the sample that `pick` chooses by its height."""
        grid = range(_GRID + 1)
        share = np.array([(i, j, _GRID - i - j) for i in grid for j in grid if i + j <= _GRID])
        share = share / _GRID
        rows = np.repeat(triangles, len(share))
        weights = np.tile(share, (len(triangles), 1))
        places = np.einsum("nk,nkc->nc", weights, self.vertices[self.faces[rows]])
        found = []
        for x in columns:
            column = np.flatnonzero(np.abs(places[:, 0] - x) < _COLUMN_MM)
            best = column[pick(places[column, 1])]
            found.append((int(rows[best]), weights[best]))
        return found


def register(head: LinearHead, canonical: np.ndarray, faces: np.ndarray) -> Placement:
    """Place all points.

    Args:
        head: the open head.
        canonical: (478, 3) centimeters.
        faces: triangles over them.
    """
    shape = _Head(head)
    rings = _lids(shape, canonical) | _inner_lips(shape, canonical)
    placed = {point: weights @ shape.vertices[shape.faces[row]] for point, (row, weights) in rings.items()}
    anchors = placed | _outer_lips(shape, canonical) | _named(shape, set(placed))
    ids = np.array(sorted(anchors))
    goal = np.array([anchors[i] for i in ids])
    moved = fit_similarity(canonical[ids], goal).apply(canonical)
    spline = RBFInterpolator(canonical[ids], goal - moved[ids], kernel="thin_plate_spline", smoothing=1e-3)
    warped = moved + spline(canonical)
    outer = np.flatnonzero((shape.part[shape.faces] <= PARTS.index("head")).all(1))
    surface = shape.faces[outer].astype(np.int64)
    settled = _settle(warped[:SURFACE], ids[ids < SURFACE], shape.vertices, surface, faces)
    nearest = closest_points(settled, shape.vertices, surface)
    triangle, weights = outer[nearest.triangle], nearest.weights.copy()
    for point, (row, share) in rings.items():
        triangle[point], weights[point] = row, share
    irises = [_iris(shape, canonical, rows, k) for k, rows in enumerate((IRIS_RIGHT, IRIS_LEFT))]
    triangle = np.concatenate([triangle, *[one.triangle for one in irises]])
    weights = np.concatenate([weights, *[one.weights for one in irises]])
    return Placement(triangle, weights)


def _across(canonical: np.ndarray, ring: Sequence[int], start: float, end: float) -> np.ndarray:
    """x of a ring's points, its ends moved to `start` and `end`."""
    x = canonical[list(ring), 0]
    return np.asarray(start + (x - x[0]) / (x[-1] - x[0]) * (end - start))


def _lids(shape: _Head, canonical: np.ndarray) -> dict[int, tuple[int, np.ndarray]]:
    found = {}
    for side, outer, inner, upper, lower in (
        ("Right", 36, 39, UPPER_LID_RIGHT, LOWER_LID_RIGHT),
        ("Left", 45, 42, UPPER_LID_LEFT, LOWER_LID_LEFT),
    ):
        middle = shape.marks[[outer, inner]].mean(0)
        near = shape.skin & (np.abs(shape.center - middle) < [16.0, 14.0, 25.0]).all(1)
        closes = shape.blink[side][shape.faces] < -2.0  # an upper lid comes down
        above = np.flatnonzero(near & closes.all(1))
        below = np.flatnonzero(near & (~closes).all(1) & (shape.center[:, 1] < middle[1] + 0.5))
        ends = float(shape.marks[outer, 0]), float(shape.marks[inner, 0])
        for ring, rows, pick in ((upper, above, np.argmin), (lower, below, np.argmax)):
            columns = _across(canonical, ring, *ends)[1:-1].tolist()
            found |= dict(zip(ring[1:-1], shape.edge(rows, columns, pick), strict=True))
        found[upper[0]] = shape.at_vertex(int(shape.mark_vertices[outer]))
        found[upper[-1]] = shape.at_vertex(int(shape.mark_vertices[inner]))
    return found


def _inner_lips(shape: _Head, canonical: np.ndarray) -> dict[int, tuple[int, np.ndarray]]:
    marks = shape.marks
    slit = np.stack(
        [
            marks[60],
            *[(marks[u] + marks[d]) / 2 for u, d in INNER_LIP_PAIRS],
            marks[64],
        ]
    )
    height = np.interp(shape.center[:, 0], slit[:, 0], slit[:, 1])
    near = shape.skin & (np.abs(shape.center[:, 1] - height) < 2.5)
    near &= (np.abs(shape.center[:, 0]) < 22.3) & (shape.center[:, 2] > 95)
    above = np.flatnonzero(near & (shape.center[:, 1] > height))
    below = np.flatnonzero(near & (shape.center[:, 1] < height))
    found = {}
    ends = float(marks[60, 0]), float(marks[64, 0])
    for ring, rows, pick in (
        (UPPER_LIP_INNER, above, np.argmin),
        (LOWER_LIP_INNER, below, np.argmax),
    ):
        columns = _across(canonical, ring, *ends)[1:-1].tolist()
        found |= dict(zip(ring[1:-1], shape.edge(rows, columns, pick), strict=True))
    for point, mark in ((UPPER_LIP_INNER[0], 60), (UPPER_LIP_INNER[-1], 64)):
        found[point] = shape.at_vertex(int(shape.mark_vertices[mark]))
    return found


def _outer_lips(shape: _Head, canonical: np.ndarray) -> dict[int, np.ndarray]:
    """Along the lips' border, which the head's landmarks outline."""
    found = {}
    for ring, marks in (
        (UPPER_LIP_OUTER, shape.marks[48:55]),
        (LOWER_LIP_OUTER, shape.marks[[48, 59, 58, 57, 56, 55, 54]]),
    ):
        x = _across(canonical, ring, float(marks[0, 0]), float(marks[-1, 0]))
        rest = PchipInterpolator(marks[:, 0], marks[:, 1:])(x)
        found |= {p: np.array([a, *b]) for p, a, b in zip(ring, x, rest, strict=True)}
    return found


def _named(shape: _Head, known: set[int]) -> dict[int, np.ndarray]:
    """Brows, nose and chin by the 68 points; the outer ends of the brows are other points than those of the usual list."""
    names = {k: int(TO_68[k]) for k in range(17, 36)} | {17: 70, 26: 300}
    found = {point: shape.marks[k] for k, point in names.items() if point not in known}
    return found | {152: shape.chin}


def _settle(
    warped: np.ndarray,
    fixed: np.ndarray,
    vertices: np.ndarray,
    surface: np.ndarray,
    faces: np.ndarray,
    rounds: int = 30,
) -> np.ndarray:
    """Move points (P, 3) onto the surface by displacements that are smooth over their own mesh."""
    count = len(warped)
    neighbors: list[set[int]] = [set() for _ in range(count)]
    for a, b, c in faces[(faces < count).all(1)].tolist():
        for i, j in ((a, b), (b, c), (c, a)):
            neighbors[i].add(j)
            neighbors[j].add(i)
    moved = warped.copy()
    for _ in range(rounds):
        nearest = closest_points(moved, vertices, surface)
        target = np.einsum("pk,pkc->pc", nearest.weights, vertices[surface[nearest.triangle]])
        step = target - warped
        step[fixed] = 0
        mean = np.stack([step[list(n)].mean(0) if n else step[i] for i, n in enumerate(neighbors)])
        step = (step + mean) / 2
        step[fixed] = 0
        moved = warped + step
    return moved


def _iris(shape: _Head, canonical: np.ndarray, rows: slice, eye: int) -> Placement:
    """Center and rim of an iris on the eyeball, millimeters from the pupil as on the canonical face."""
    part = PARTS.index(("eye_right", "eye_left")[eye])
    ball = np.flatnonzero((shape.part[shape.faces] == part).all(1))
    offset = (canonical[rows] - canonical[rows.start]) * 10
    wanted = shape.vertices[shape.pupils[eye]] + offset * [1, 1, 0]
    nearest = closest_points(wanted, shape.vertices, shape.faces[ball].astype(np.int64))
    return Placement(ball[nearest.triangle], nearest.weights)
