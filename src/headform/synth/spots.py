"""Freckles and moles, drawn into a person's skin maps; the same in all photos of a person.

N spots, F triangles, T side of a map.

A spot adds melanin (`skin.MELANIN`) round a point of the skin: a freckle fades out, a mole is even up to its rim.
Freckles lie where the sun and blushing reach, cheeks and nose above all; moles anywhere on face and neck. Spots are round
on the skin, however the atlas stretches it.
"""

import typing
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from headform.heads.linear import PARTS, LinearHead
from headform.kernels.jit import njit
from headform.synth.skin import MELANIN, SkinAttributes
from headform.synth.skin_fields import SkinFields

_SRGB = 1 / 2.2  # a factor of linear light as one of sRGB values
_REACH = 2.2  # radii up to which a spot is drawn
_FRECKLES, _MOLES = 340, 9  # most spots of a person
_FRECKLE_CM, _MOLE_CM = (0.05, 0.13), (0.06, 0.16)  # radii
_FRECKLE_MELANIN, _MOLE_MELANIN = (0.12, 0.55), (0.5, 1.6)  # absorbance added at the middle
_ELSEWHERE = 0.06  # density of freckles on the rest of the face over that of the cheeks
_SHARP = 4.0  # power of the radius by which a mole ends; 2 for freckles


@dataclass(frozen=True, eq=False)
class Spots:
    """Spots of one person.

    Attributes:
        places: Texture coordinates, origin at the bottom left.
        metric: Squared distance on the skin, in radii, per squared step in texture coordinates: of u, of v, and twice of
            both.
        melanin: Absorbance added at the middle of each.
        power: Power of the radius in the exponent.
    """

    places: Float32[np.ndarray, "N 2"]
    metric: Float32[np.ndarray, "N 3"]
    melanin: Float32[np.ndarray, " N"]
    power: Float32[np.ndarray, " N"]


class SpotPainter:
    """Painter of spots on one head's atlas."""

    def __init__(self, head: LinearHead, fields: SkinFields) -> None:
        faces, part = head.faces.numpy(), head.part.numpy()
        skin = (part == PARTS.index("face")) | head.regions["neck"].numpy()
        # lips, lids and sockets stay clear
        clear = skin & (fields.lip < 0.2) & (fields.eye_distance > 0.15) & (fields.centimeters[:, 2] > 0)
        self._own: Int64[np.ndarray, " F"] = np.flatnonzero(clear[faces].all(1))
        corners = fields.centimeters[faces[self._own]].astype(np.float64)
        uv = head.uv.numpy()[head.uv_faces.numpy()[self._own]].astype(np.float64)
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = np.linalg.norm(np.cross(first, second), axis=1) / 2
        steps = np.stack([uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]], axis=-1)  # edges as columns
        to_skin = np.stack([first, second], axis=-1) @ np.linalg.pinv(steps)  # cm per step
        self._uv, self._metric = uv, to_skin.transpose(0, 2, 1) @ to_skin
        sunny = fields.flush[faces[self._own]].mean(1) + _ELSEWHERE
        self._freckled, self._plain = (w / w.sum() for w in (area * sunny, area))

    def sample(self, attributes: SkinAttributes) -> Spots:
        """Draw the spots of a person, from the person's own seed."""
        rng = np.random.default_rng(attributes.noise_seed)
        kinds = (
            (attributes.freckles, _FRECKLES, _FRECKLE_CM, _FRECKLE_MELANIN, 2.0, self._freckled),
            (attributes.moles, _MOLES, _MOLE_CM, _MOLE_MELANIN, _SHARP, self._plain),
        )
        places, metric, melanin, power = [], [], [], []
        for amount, most, radius, depth, sharp, density in kinds:
            count = int(rng.uniform(0.4, 1.0) * amount * most)
            chosen = rng.choice(len(self._own), count, p=density)
            weights = rng.dirichlet(np.ones(3), count)
            places.append(np.einsum("nk,nkx->nx", weights, self._uv[chosen]))
            small = rng.random(count) ** 2  # most are small and faint
            size = radius[0] + small * (radius[1] - radius[0])
            g = self._metric[chosen] / np.maximum(size, 1e-6)[:, None, None] ** 2
            metric.append(np.stack([g[:, 0, 0], g[:, 1, 1], 2 * g[:, 0, 1]], axis=1))
            melanin.append((depth[0] + rng.random(count) ** 1.5 * (depth[1] - depth[0])) * max(amount, 0.5))
            power.append(np.full(count, sharp))
        return Spots(*(np.concatenate(rows).astype(np.float32) for rows in (places, metric, melanin, power)))

    def draw(self, spots: Spots, maps: Iterable[UInt8[np.ndarray, "T T 3"]]) -> None:
        """Darken sRGB maps in place."""
        absorbed = np.asarray(_SRGB * MELANIN, np.float32)
        for picture in maps:
            _darken(picture, spots.places, spots.metric, spots.melanin, spots.power, absorbed)


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def _darken(picture, places, metric, melanin, power, absorbed):
    """Draw spots: picture (T, T, 3) in place; places (N, 2); metric (N, 3); melanin, power (N,); absorbed (3,)."""
    side, half, one, reach = picture.shape[0], np.float32(0.5), np.float32(1), np.float32(_REACH)
    for n in range(places.shape[0]):
        x, y = places[n, 0] * side - half, (one - places[n, 1]) * side - half
        # squared distance per texel; v points up, rows go down
        scale = one / np.float32(side * side)
        uu, vv, uv = metric[n, 0] * scale, metric[n, 1] * scale, metric[n, 2] * scale
        room = max(uu * vv - uv * uv / 4, np.float32(1e-9))
        wide, high = reach * (vv / room) ** half + one, reach * (uu / room) ** half + one
        if wide > side / 8 or high > side / 8:  # a fold of the atlas
            continue
        for row in range(max(0, int(y - high)), min(side, int(y + high) + 2)):
            for column in range(max(0, int(x - wide)), min(side, int(x + wide) + 2)):
                du, dv = column - x, y - row
                away = (uu * du * du + vv * dv * dv + uv * du * dv) ** half
                if away > reach:
                    continue
                depth = melanin[n] * np.exp(-(away ** power[n]))
                for c in range(3):
                    value = np.float32(picture[row, column, c]) * np.exp(-depth * absorbed[c])
                    picture[row, column, c] = np.uint8(value + half)
