"""Measures of a head to which pieces are fitted: what is common to a head model, and what is one person's.

V head vertices, N face samples.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Int

from headform.heads.linear import PARTS, LinearHead
from headform.synth.piece import Wearer

_EAR_ROOT_BAND = 0.012  # meters below the highest point of the root of the ear that still count as its top
_SIDE_STEPS = 9  # samples of the side of the head between eye and ear
_FACE_STEP = 0.006  # meters between samples of the face's front
_FACE_LOWEST, _FACE_HIGHEST = -0.02, 0.085  # meters, heights between which glasses may touch a face


class HeadPlaces:
    """Places of a head model that pieces are fitted to; computed once.

    Attributes:
        ear_tops: Vertices around the top of the root of each ear, right then left.
        sides: Vertices of the side of the head from the outer corner of the eye back to the ear, right then left.
        eyes: Vertices of each eyeball, right then left.
        face: Samples of the face seen from the front.
        marks: The 68 landmarks of the mean head, meters.
        neck_weight: Share of the head's rotation that each vertex follows, 1 on the head, 0 on the shoulders.
    """

    def __init__(self, head: LinearHead) -> None:
        self.mean = head.mean.numpy()
        self.faces = head.faces.numpy().astype(np.int32)
        part = head.part.numpy()
        self.skin = (part == PARTS.index("face")) | (part == PARTS.index("head"))
        self.ears = np.asarray(head.regions["ears"])
        self.neck = np.asarray(head.regions["neck"])
        self.neck_weight = head.neck_weight.numpy() if len(head.neck_weight) else np.ones(len(self.mean), np.float32)
        self.eyes = [np.flatnonzero(part == PARTS.index(name)) for name in ("eye_right", "eye_left")]
        self.marks = marks = self.mean[head.dense.numpy()[:68]]
        self.ear_tops = [self._ear_top(side) for side in (-1.0, 1.0)]
        self.sides = [self._side(marks[corner], top) for corner, top in zip((36, 45), self.ear_tops, strict=True)]
        self.face = self._face_samples()

    def _ear_top(self, side: float) -> Int[np.ndarray, " E"]:
        """Return the vertices where the upper end of an ear meets the head."""
        on_side = self.ears[self.faces] & (self.mean[self.faces][..., 0] * side > 0)
        border = self.faces[on_side.any(1) & ~self.ears[self.faces].all(1)]
        root = np.unique(border[self.ears[border]])
        top = self.mean[root, 1].max()
        return root[self.mean[root, 1] > top - _EAR_ROOT_BAND]

    def _side(self, corner: Float[np.ndarray, "3"], ear_top: Int[np.ndarray, " E"]) -> Int[np.ndarray, " S"]:
        """Return the outermost skin vertices along a line from the eye's corner back to the ear."""
        ear = self.mean[ear_top].mean(0)
        candidates = np.flatnonzero(self.skin & ~self.ears & (self.mean[:, 0] * corner[0] > 0.03**2))
        points = self.mean[candidates]
        picks = []
        for share in np.linspace(0.15, 0.95, _SIDE_STEPS):
            height, depth = (corner + (ear - corner) * share)[1:]
            picks.append(int(candidates[np.argmin((points[:, 1] - height) ** 2 + (points[:, 2] - depth) ** 2)]))
        return np.array(picks)

    def _face_samples(self) -> Int[np.ndarray, " N"]:
        """Return the vertices nearest to the front in each cell of a grid over the face."""
        x, y, z = self.mean.T
        upper = (y > _FACE_LOWEST) & (y < _FACE_HIGHEST) & (z > 0.02) & (np.abs(x) < 0.085)
        candidates = np.flatnonzero(self.skin & ~self.ears & upper)
        cell = np.round(self.mean[candidates, :2] / _FACE_STEP).astype(int)
        order = np.lexsort((-self.mean[candidates, 2], cell[:, 1], cell[:, 0]))
        cell = cell[order]
        first = np.concatenate([[True], (np.diff(cell, axis=0) != 0).any(1)])
        return np.asarray(candidates[order][first])


@dataclass(frozen=True)
class Fitting:
    """One person who is dressed."""

    places: HeadPlaces
    wearer: Wearer

    @property
    def vertices(self) -> Float32[np.ndarray, "V 3"]:
        """Head vertices."""
        return self.wearer.vertices

    @property
    def marks(self) -> Float32[np.ndarray, "68 3"]:
        """The 68 landmarks."""
        return self.wearer.marks

    @cached_property
    def pupils(self) -> Float[np.ndarray, "2 3"]:
        """Centers of the eyeballs moved to the front of the corneas, right then left."""
        balls = [self.vertices[ids] for ids in self.places.eyes]
        return np.array([[*ball[:, :2].mean(0), ball[:, 2].max()] for ball in balls])

    @cached_property
    def ear_tops(self) -> Float[np.ndarray, "2 3"]:
        """Points between the head and the upper end of each ear, right then left."""
        return np.array([self.vertices[ids].mean(0) for ids in self.places.ear_tops])

    @cached_property
    def face(self) -> Float32[np.ndarray, "N 3"]:
        """Samples of the face around eyes and nose."""
        return self.vertices[self.places.face]

    def front(self, points: Float[np.ndarray, "P 2"]) -> Float[np.ndarray, " P"]:
        """Return the z of the face before or behind points of the frontal plane (x, y)."""
        at = points.astype(np.float32)
        square = (at[:, None, 0] - self.face[:, 0]) ** 2 + (at[:, None, 1] - self.face[:, 1]) ** 2
        weight = np.exp(square * np.float32(-1 / (0.8 * _FACE_STEP) ** 2)) + np.float32(1e-12)
        return np.asarray(weight @ self.face[:, 2] / weight.sum(1))
