"""Openings of a head whose two rims meet: lips and lids that close exactly, part a little, and never cross.

V vertices, R rim vertices of one side, T places along the seam, M moved vertices.

Both rims run from one corner of the opening to the other, over vertices. A place t along them is 0 at the first corner, and
counts pairs of vertices that must meet (the landmarks that face each other), arc length of the mean shape between them.
A rim is moved by bringing its vertices to a curve; the surface around follows with a weight that falls from 1 near the rim
to 0 at `reach` along the surface.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra


@dataclass(frozen=True)
class _Rim:
    """One side of an opening: its vertices, their places, and the vertices that follow them."""

    ids: Int[np.ndarray, " R"]
    places: Float[np.ndarray, " R"]
    followers: Int[np.ndarray, " M"]
    guide: Int[np.ndarray, "M 2"]  # rows of `ids` that each follower follows
    weight: Float[np.ndarray, "M 2"]


@dataclass(frozen=True)
class Approach:
    """Movement of the two rims of a seam.

    Attributes:
        gap: Height of the upper over the lower rim at each place before the movement, meters; negative where they cross.
        upper: Displacement of the upper rim's vertices.
        lower: Displacement of the lower rim's vertices.
    """

    gap: Float[np.ndarray, " T"]
    upper: Float[np.ndarray, "R 3"]
    lower: Float[np.ndarray, "R_ 3"]


class Seam:
    """The line along which the two rims of an opening can meet.

    Args:
        mean: Mean shape of the head, meters.
        faces: Its triangles.
        upper: Vertices that the upper rim passes, from corner to corner; the path between two is the shortest.
        lower: The same of the lower rim, between the same corners.
        pairs: Vertices of the upper and of the lower rim that meet, in the order of the path, without the corners.
        rigid: Distance from the rim up to which the surface moves with it, meters.
        reach: Distance from which it stays, meters.
        waves: Number of half waves of the curves along which the rims meet, beside the line from corner to corner; as many
            as the rims have vertices without it.
    """

    def __init__(
        self,
        mean: Float[np.ndarray, "V 3"],
        faces: Int[np.ndarray, "F 3"],
        upper: Sequence[int],
        lower: Sequence[int],
        pairs: Sequence[tuple[int, int]],
        rigid: float,
        reach: float,
        waves: int | None = None,
    ) -> None:
        graph = _edges(mean, faces)
        paths = [_path(graph, corners) for corners in (upper, lower)]
        anchors = [(upper[0], *(pair[k] for pair in pairs), upper[-1]) for k in (0, 1)]
        distances = np.stack([dijkstra(graph, indices=p, min_only=True, limit=reach) for p in paths])
        nearer = distances.argmin(0)
        rims = []
        for k in (0, 1):
            followers = np.flatnonzero((nearer == k) & (distances[k] < reach))
            followers = np.setdiff1d(followers, np.concatenate(paths))
            fade = np.clip((distances[k, followers] - rigid) / (reach - rigid), 0, 1)
            weight = 1 - fade * fade * (3 - 2 * fade)
            row, share = _nearest_on_line(mean[followers], mean[paths[k]])
            rims.append(
                _Rim(
                    ids=paths[k],
                    places=_places(mean, paths[k], anchors[k]),
                    followers=followers,
                    guide=np.stack([row, row + 1], 1),
                    weight=np.stack([weight * (1 - share), weight * share], 1),
                )
            )
        self.upper, self.lower = rims
        self.places = np.unique(np.concatenate([r.places for r in rims]).round(9))
        """The places t at which a vertex of either rim lies."""
        self.middle = np.flatnonzero(np.isin(self.places, np.arange(1, len(pairs) + 1)))
        """Rows of `places` at which the pairs of vertices lie."""
        self._upper_at, self._lower_at = (_interpolation(self.places, r.places) for r in rims)
        self._smoothing = np.eye(len(self.places)) if waves is None else _smoothing(self.places, waves)
        self._at_upper, self._at_lower = (_interpolation(r.places, self.places) for r in rims)

    @property
    def ids(self) -> Int[np.ndarray, " M"]:
        """Vertices that closing moves."""
        return np.concatenate([self.upper.ids, self.upper.followers, self.lower.ids, self.lower.followers])

    def lines(self, verts: Float[np.ndarray, "V 3"]) -> tuple[Float[np.ndarray, "T 3"], Float[np.ndarray, "T 3"]]:
        """Return the upper and the lower rim at each place."""
        return self._upper_at @ verts[self.upper.ids], self._lower_at @ verts[self.lower.ids]

    def gap(self, verts: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, " T"]:
        """Return the height of the upper over the lower rim at each place, meters; negative where they cross."""
        upper, lower = self.lines(verts)
        return np.asarray(upper[:, 1] - lower[:, 1])

    def close(self, verts: Float[np.ndarray, "V 3"], upper_share: float) -> None:
        """Bring both rims to one curve, in place; pairs meet exactly.

        Args:
            verts: Vertices of one person, meters.
            upper_share: Share of the way that the upper rim goes where the rims stand apart; half where they cross.
        """
        upper, lower = self.lines(verts)
        apart = np.clip((upper[:, 1] - lower[:, 1]) / _CROSSING, -1, 1)[:, None] * 0.5 + 0.5
        share = 0.5 + (upper_share - 0.5) * apart
        curve = self._smoothing @ (upper + share * (lower - upper))
        for rim, at in ((self.upper, self._at_upper), (self.lower, self._at_lower)):
            goal = (at @ curve).astype(verts.dtype)
            _follow(verts, rim, goal - verts[rim.ids])
            verts[rim.ids] = goal

    def part(self, verts: Float[np.ndarray, "V 3"], least: Float[np.ndarray, " T"], upper_share: float) -> None:
        """Raise the gap to at least `least` at each place, in place; moves the rims up and down.

        Args:
            verts: Vertices of one person, meters.
            least: Least gap, meters.
            upper_share: Share of the movement that the upper rim makes.
        """
        missing = np.maximum(least - self.gap(verts), 0)
        if not missing.any():
            return
        for rim, at, share in (
            (self.upper, self._at_upper, upper_share),
            (self.lower, self._at_lower, upper_share - 1),
        ):
            lift = np.zeros((len(rim.ids), 3), verts.dtype)
            lift[:, 1] = at @ (missing * share)
            _follow(verts, rim, lift)
            verts[rim.ids] += lift


_CROSSING = 5e-4
"""Gap in meters over which the shares of a closing movement change to halves where rims cross."""


def _follow(verts: Float[np.ndarray, "V 3"], rim: _Rim, moved: Float[np.ndarray, "R 3"]) -> None:
    """Move the surface around a rim with it, in place."""
    verts[rim.followers] += np.einsum("mk,mkc->mc", rim.weight, moved[rim.guide]).astype(verts.dtype)


def _edges(mean: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> csr_array:
    """Return the symmetric matrix of the edges' lengths."""
    both = np.concatenate([faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    edges = np.unique(np.sort(both, 1), axis=0)
    lengths = np.linalg.norm(mean[edges[:, 0]] - mean[edges[:, 1]], axis=1)
    half = coo_array((lengths, (edges[:, 0], edges[:, 1])), shape=(len(mean), len(mean)))
    return csr_array(half + half.T)


def _path(graph: csr_array, via: Sequence[int]) -> Int[np.ndarray, " R"]:
    """Return the vertices of the shortest path along the edges that passes given vertices in their order."""
    _, before = dijkstra(graph, indices=list(via), return_predecessors=True)
    path = [via[0]]
    for k, (start, end) in enumerate(pairwise(via)):
        leg = [end]
        while before[k, leg[-1]] != start:
            leg.append(int(before[k, leg[-1]]))
        path += leg[::-1]
    return np.array(path)


def _places(
    mean: Float[np.ndarray, "V 3"], path: Int[np.ndarray, " R"], anchors: Sequence[int]
) -> Float[np.ndarray, " R"]:
    """Return the place of each vertex of a rim: whole numbers at the anchors, arc length between."""
    along = np.concatenate([[0], np.linalg.norm(np.diff(mean[path], axis=0), axis=1).cumsum()])
    at = [int(np.flatnonzero(path == a)[0]) for a in anchors]
    return np.interp(along, along[at], np.arange(len(anchors)))


def _interpolation(wanted: Float[np.ndarray, " A"], known: Float[np.ndarray, " B"]) -> Float[np.ndarray, "A B"]:
    """Return the matrix of piecewise linear interpolation from values at `known` to values at `wanted` places."""
    return np.stack([np.interp(wanted, known, row) for row in np.eye(len(known))], 1)


def _smoothing(places: Float[np.ndarray, " T"], waves: int) -> Float[np.ndarray, "T T"]:
    """Return the matrix that replaces a curve by its ends' line and the nearest sum of sines, least squares."""
    along = places / places[-1]
    line = np.zeros((len(places), len(places)))
    line[:, 0], line[:, -1] = 1 - along, along
    sines = np.sin(np.pi * along[:, None] * np.arange(1, waves + 1))
    return np.asarray(line + sines @ np.linalg.pinv(sines) @ (np.eye(len(places)) - line))


def _nearest_on_line(
    points: Float[np.ndarray, "M 3"], line: Float[np.ndarray, "R 3"]
) -> tuple[Int[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Return, for each point, the segment of a polyline that is nearest, and the share of the way along it."""
    start, way = line[:-1], np.diff(line, axis=0)
    share = ((points[:, None] - start) * way).sum(2) / np.maximum((way * way).sum(1), 1e-18)
    share = np.clip(share, 0, 1)
    distance = np.linalg.norm(points[:, None] - start - share[..., None] * way, axis=2)
    row = distance.argmin(1)
    return row, share[np.arange(len(points)), row]
