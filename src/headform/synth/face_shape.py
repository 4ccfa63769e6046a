"""Shape of synthetic people: modes of the head, lids at their height, lips and lids that meet, teeth behind the lips.

B people, V vertices.
"""

import numpy as np
from jaxtyping import Float32, UInt8

from headform.geometry.landmarks68 import EYE_CLOSURE_PAIRS, INNER_LIP_PAIRS
from headform.heads.linear import PARTS, LinearHead
from headform.synth._teeth import Teeth
from headform.synth.expressions import SIDES
from headform.synth.people import Person
from headform.synth.randomization import ExpressionRandomization
from headform.synth.seam import Seam

_UPPER_LID = (1916, 1917, 1918, 1919, 1920, 1921, 1922, 1923, 1924, 1925, 1926, 1927, 1907)
"""Vertices of the open head on the rim of the upper lid of the left eye, from the inner to the outer corner."""
_LOWER_LID = (1916, 1915, 1914, 1913, 1912, 1911, 1910, 1909, 1908, 1928, 1907)
_LIPS_RIGID, _LIPS_REACH = 0.003, 0.016  # meters: to the base of the nose there are 12 on the mean head
_LIDS_RIGID, _LIDS_REACH = 0.0015, 0.010  # meters
_LIP_WAVES, _LID_WAVES = 8, 3  # half waves of the lines of closed lips and lids
_CLEARANCE = (2.5e-4, 1.0e-3)  # meters of a lid's inner and outer side above the eyeball
_DEEPEST = 3e-3  # meters below the eyeball's surface to which a lid is looked for; what is deeper is the socket


class FaceShaper:
    """Vertices of synthetic people on the open head; the data that all of them share is computed once."""

    def __init__(self, head: LinearHead, config: ExpressionRandomization) -> None:
        self._config = config
        self._mean = head.mean.numpy()
        modes = np.concatenate([head.identity.numpy(), head.expression.numpy()])
        self._basis = modes.reshape(len(modes), self._mean.size)
        faces, part, mirror = head.faces.numpy(), head.part.numpy(), head.mirror.numpy()
        marks = head.dense.numpy()[:68]

        def pairs(of_marks: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
            return [(int(marks[a]), int(marks[b])) for a, b in of_marks]

        self.lips = Seam(
            self._mean, faces, marks[60:65].tolist(), marks[[60, 67, 66, 65, 64]].tolist(), pairs(INNER_LIP_PAIRS),
            _LIPS_RIGID, _LIPS_REACH, _LIP_WAVES,
        )  # fmt: skip
        """Seam of the inner lips, from the right corner to the left."""
        left = EYE_CLOSURE_PAIRS[2:]
        right = EYE_CLOSURE_PAIRS[1::-1]  # from the inner corner, too
        self.lids = tuple(
            Seam(self._mean, faces, upper, lower, pairs(of_marks), _LIDS_RIGID, _LIDS_REACH, _LID_WAVES)
            for upper, lower, of_marks in (
                (mirror[list(_UPPER_LID)].tolist(), mirror[list(_LOWER_LID)].tolist(), right),
                (_UPPER_LID, _LOWER_LID, left),
            )
        )
        """Seams of the right and of the left eye's lids, from the inner to the outer corner."""
        self._teeth = Teeth(head, self.lips)
        self._eyes = [np.flatnonzero(part == PARTS.index(f"eye_{side.lower()}")) for side in SIDES]
        self._clearance = [self._lid_clearance(side, part) for side in range(2)]
        self._blinks = [head.expression_names.index("eyeBlink" + side) for side in SIDES]
        # heights that rims have on the mean head: its corners cross a little, which is no fault
        self._lips_rest = np.minimum(self.lips.gap(self._mean), 0)
        self._lids_rest = [np.minimum(seam.gap(self._mean), 0) for seam in self.lids]

    def shape(self, people: list[Person]) -> Float32[np.ndarray, "B V 3"]:
        """Return the vertices of each person, meters; the eyes are not turned yet."""
        blinks = np.array([p.lid_height for p in people], np.float32)
        weights = np.stack([p.expression for p in people])
        for side, row in enumerate(self._blinks):
            # closed lids are closed, whatever their height
            weights[:, row] += np.where([p.face.eyes_closed[side] for p in people], 0, blinks[:, side])
        codes = np.concatenate([np.stack([p.identity for p in people]), weights], axis=1).astype(np.float32)
        verts = (codes @ self._basis).reshape(len(people), -1, 3) + self._mean
        for person, one in zip(people, verts, strict=True):
            if person.residual is not None:
                one += person.residual
            self._meet(person, one)
            self._teeth.keep_inside(one, person.face.mouth_closed)
        return verts

    def _meet(self, person: Person, verts: Float32[np.ndarray, "V 3"]) -> None:
        """Bring the lips and lids of one person together, or apart where they cross, in place."""
        face, lips = person.face, self.lips
        if face.mouth_closed:
            lips.close(verts, face.lip_share)
        else:
            along = np.abs(2 * lips.places / lips.places[-1] - 1) / face.lip_gap_width
            least = self._lips_rest + face.lip_gap * np.maximum(1 - along * along, 0)
            lips.part(verts, least, face.lip_share)
        for side, seam in enumerate(self.lids):
            if face.eyes_closed[side]:
                seam.close(verts, face.lid_share)
            else:
                along = 2 * seam.places / seam.places[-1] - 1
                least = self._lids_rest[side] + self._config.least_opening * np.maximum(1 - along**2, 0)
                seam.part(verts, least, face.lid_share)
            self._lay_on_eyeball(verts, side)

    def _lid_clearance(self, side: int, part: UInt8[np.ndarray, " V"]) -> Float32[np.ndarray, " M"]:
        """Return the least height above the eyeball of each vertex of the lids, meters."""
        ids = self.lids[side].ids
        height, _, _ = self._above_eyeball(self._mean, side)
        low, high = _CLEARANCE
        # rims that meet keep the same height
        rims = np.concatenate([self.lids[side].upper.ids, self.lids[side].lower.ids])
        outside = (part[ids] == PARTS.index("face")) & ~np.isin(ids, rims)
        return np.where(outside, np.clip(height / 2, low, high), low).astype(np.float32)

    def _above_eyeball(
        self, verts: Float32[np.ndarray, "V 3"], side: int
    ) -> tuple[Float32[np.ndarray, " M"], Float32[np.ndarray, "M 3"], Float32[np.ndarray, " M"]]:
        """Return the heights of a lid's vertices above the eyeball, from its center to them, and the lengths of that."""
        ball = verts[self._eyes[side]]
        center = ball.mean(0)
        ball = ball - center
        ball = ball[ball[:, 2] > 0]
        radius = np.sqrt((ball * ball).sum(1))
        out = verts[self.lids[side].ids] - center
        distance = np.sqrt((out * out).sum(1))
        nearest = (out @ (ball / radius[:, None]).T).argmax(1)
        return distance - radius[nearest], out, distance

    def _lay_on_eyeball(self, verts: Float32[np.ndarray, "V 3"], side: int) -> None:
        """Push lids that enter the eyeball out of it, in place; seen from its center, both are height fields."""
        ids = self.lids[side].ids
        height, out, distance = self._above_eyeball(verts, side)
        missing = self._clearance[side] - height
        inside = (missing > 0) & (height > -_DEEPEST) & (out[:, 2] > 0)
        verts[ids[inside]] += out[inside] * (missing / distance)[inside, None]
