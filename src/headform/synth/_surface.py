"""Surface of a synthetic head: what each vertex adds to the skin texture, and the plain colors of the inner parts.

V head vertices. Colors are linear RGB.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from headform.heads.linear import PARTS, LinearHead
from headform.synth._pixel_kernels import ATTRIBUTES, BROW_ABOVE, BROW_ALONG, BROW_SIDE, GROWTH, LIP, MIX
from headform.synth.brows import BrowCoordinates
from headform.synth.randomization import EyeRandomization
from headform.synth.skin import HAEMOGLOBIN, MELANIN, SkinAttributes, skin_rgb
from headform.synth.skin_fields import SkinFields
from headform.synth.skin_maps import SkinMaps

_TINT = 6  # first column of the texture's factor
_HIDDEN_BLOOD = 0.6  # share of the blood's color that melanin of absorbance 1 hides
_HOLLOW_CM = 0.7  # distance from the eye at which the darkness of its lids has fallen to 1 / e
_VARIATION = 0.5  # of the procedural pigments, since the textures vary themselves
_SHADOW = 0.08  # opacity of a beard from which maps with one are chosen
_PAINTED = 0.35  # weight of a painted map over one mixed from photos
_ALIKE = 0.12  # distance of log colors within which a texture fits a skin as it is
_GUMS_RGB, _TONGUE_RGB, _MOUTH_RGB, _SOCKET_RGB = (
    (0.36, 0.12, 0.11),
    (0.42, 0.16, 0.15),
    (0.20, 0.06, 0.05),
    (0.5, 0.27, 0.23),
)
_TEETH_RGB = (0.80, 0.75, 0.65)


@dataclass(frozen=True)
class Surface:
    """Looks of one head.

    Attributes:
        attributes: Interpolated attributes of the skin, those of the light still empty.
        plain: Albedo of the parts without a texture.
        gloss: Specular strength.
        first: Number of the first skin map.
        second: Number of the second.
        rgb: Color of the skin.
    """

    attributes: Float32[np.ndarray, "V 17"]
    plain: Float32[np.ndarray, "V 3"]
    gloss: Float32[np.ndarray, " V"]
    first: int
    second: int
    rgb: Float[np.ndarray, "3"]


class SurfacePainter:
    """Painter of people on one head model."""

    def __init__(self, head: LinearHead, fields: SkinFields, coordinates: BrowCoordinates, maps: SkinMaps) -> None:
        self._fields, self._maps = fields, maps
        self._part = head.part.numpy()
        self._name = {n: i for i, n in enumerate(PARTS)}
        base = np.zeros((len(self._part), ATTRIBUTES), np.float32)
        base[:, BROW_ALONG], base[:, BROW_ABOVE] = coordinates.along, coordinates.above
        base[:, BROW_SIDE] = coordinates.side
        base[:, LIP] = fields.lip
        self._base = base

    def paint(self, rng: np.random.Generator, a: SkinAttributes, eyes: EyeRandomization) -> Surface:
        """Paint one person, bald."""
        f = self._fields
        count = f.noise.shape[0]

        def noise(scale: int) -> Float[np.ndarray, " V"]:
            return np.asarray(f.noise[scale + 5 * int(rng.integers(count // 5))])

        # melanin lies above the blood and hides it
        rgb = skin_rgb(a.melanin, a.haemoglobin * (1 - _HIDDEN_BLOOD * min(a.melanin, 1.0)))
        first, second = self._choose(rng, rgb, max(a.beard, a.moustache) > _SHADOW)
        blood = 0.4 * a.flush * f.flush + 0.12 * a.unevenness * noise(2) + 0.10 * a.under_eye * f.under_eye
        melanin = 0.10 * a.unevenness * (noise(3) + 0.4 * noise(1)) + 0.2 * a.under_eye * f.under_eye
        melanin = melanin * (0.4 + min(a.melanin, 1.0)) * _VARIATION
        mixed = np.clip(0.5 + 0.9 * noise(4), 0, 1)
        level = self._maps.level[first] * (1 - mixed[:, None]) + self._maps.level[second] * mixed[:, None]
        tint = rgb / level * np.exp(-melanin[:, None] * MELANIN - (_VARIATION * blood)[:, None] * HAEMOGLOBIN)
        tint *= np.exp(-f.lip * a.lip_red * 0.5)[:, None] ** HAEMOGLOBIN
        lash = np.exp(-np.abs(f.eye_distance) / 0.07) * a.lashes * rng.uniform(*eyes.lash_line)
        tint *= 1 - 0.8 * lash[:, None]
        hollow = np.exp(-np.clip(f.eye_distance, 0, 9) / _HOLLOW_CM) * rng.uniform(*eyes.lid_shade)
        tint *= np.exp(-hollow[:, None] * (MELANIN + HAEMOGLOBIN) / 1.5)
        if a.eye_shadow:
            shade = np.exp(-np.clip(f.eye_distance, 0, 9) / 0.6) * a.eye_shadow
            tint *= 1 + shade[:, None] * (np.asarray(a.eye_shadow_rgb) - 1)
        attributes = self._base.copy()
        attributes[:, _TINT : _TINT + 3] = tint
        attributes[:, MIX] = mixed
        if a.beard or a.moustache:
            low = np.clip(1.2 - 2.0 * a.beard_low * np.abs(f.centimeters[:, 0]) / 7.0, 0, 1)
            growth = np.maximum(f.beard_growth * low * a.beard, f.moustache * a.moustache)
            attributes[:, GROWTH] = np.clip(growth * (1 + 0.25 * noise(1)), 0, 1)
        gloss = (
            a.gloss
            * (1 + 0.3 * noise(2)).clip(0.2, 2)
            * (0.6 + 0.8 * f.flush + 0.8 * self._t_zone())
            * (1 + 0.4 * f.lip)
        )
        plain = np.zeros((len(self._part), 3), np.float32)
        for part, color in (("teeth", _TEETH_RGB), ("tongue", _TONGUE_RGB), ("mouth", _MOUTH_RGB)):
            plain[self._part == self._name[part]] = np.array(color) * (a.teeth if part == "teeth" else 1)
            gloss[self._part == self._name[part]] = 0.35
        for part in ("socket_right", "socket_left"):
            plain[self._part == self._name[part]] = np.array(_SOCKET_RGB) * (0.35 + 0.65 * rgb / rgb.max())
            gloss[self._part == self._name[part]] = 0.5
        for part in ("eye_right", "eye_left"):
            gloss[self._part == self._name[part]] = 0.05
        return Surface(attributes, plain, gloss.astype(np.float32), first, second, rgb)

    def _t_zone(self) -> Float[np.ndarray, " V"]:
        """Oily skin: forehead and nose."""
        x, y, _ = self._fields.centimeters.T
        return np.asarray(np.exp(-((x / 2.2) ** 2)) * (y > -1.5))

    def _choose(self, rng: np.random.Generator, rgb: Float[np.ndarray, "3"], bearded: bool) -> tuple[int, int]:
        """Choose two skin maps whose color is near; those with facial hair only for who has some."""
        away = np.abs(np.log(self._maps.level / rgb)).mean(1)
        weight = np.exp(-away / _ALIKE) * np.where(self._maps.painted, _PAINTED, 1.0)
        weight[self._maps.bearded & (not bearded)] = 0
        chosen = rng.choice(len(weight), 2, replace=False, p=(weight + 1e-9) / (weight + 1e-9).sum())
        return int(chosen[0]), int(chosen[1])
