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
_INNER_PARTS = ("teeth", "tongue", "mouth", "socket_right", "socket_left", "eye_right", "eye_left")
_ABSORPTION = -np.stack([MELANIN, HAEMOGLOBIN]).astype(np.float32)


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
        self._maps, self._log_level = maps, np.log(maps.level)
        single = np.float32  # a picture is no measurement
        self._noise = fields.noise.astype(single)
        self._flush, self._under_eye = fields.flush.astype(single), fields.under_eye.astype(single)
        self._lip, self._x = fields.lip.astype(single), np.abs(fields.centimeters[:, 0]).astype(single)
        self._lash = np.exp(-np.abs(fields.eye_distance) / 0.07).astype(single)
        self._hollow = np.exp(-np.clip(fields.eye_distance, 0, 9) / _HOLLOW_CM).astype(single)
        self._shade = np.exp(-np.clip(fields.eye_distance, 0, 9) / 0.6).astype(single)
        self._beard, self._moustache = fields.beard_growth.astype(single), fields.moustache.astype(single)
        self._oily = (0.6 + 0.8 * fields.flush + 0.8 * _t_zone(fields)) * (1 + 0.4 * fields.lip)
        self._oily = self._oily.astype(single)
        part = head.part.numpy()
        self._inner = {n: np.flatnonzero(part == PARTS.index(n)) for n in _INNER_PARTS}
        base = np.zeros((len(part), ATTRIBUTES), np.float32)
        base[:, BROW_ALONG], base[:, BROW_ABOVE] = coordinates.along, coordinates.above
        base[:, BROW_SIDE] = coordinates.side
        base[:, LIP] = fields.lip
        self._base = base

    def paint(self, rng: np.random.Generator, a: SkinAttributes, eyes: EyeRandomization) -> Surface:
        """Paint one person, bald."""
        noises = len(self._noise)

        def noise(scale: int) -> Float32[np.ndarray, " V"]:
            return np.asarray(self._noise[scale + 5 * int(rng.integers(noises // 5))])

        # melanin lies above the blood and hides it
        rgb = skin_rgb(a.melanin, a.haemoglobin * (1 - _HIDDEN_BLOOD * min(a.melanin, 1.0)))
        first, second = self._choose(rng, rgb, max(a.beard, a.moustache) > _SHADOW)
        pigment = np.empty((len(self._lip), 2), np.float32)
        blood = 0.4 * a.flush * self._flush + 0.12 * a.unevenness * noise(2) + 0.10 * a.under_eye * self._under_eye
        melanin = 0.10 * a.unevenness * (noise(3) + 0.4 * noise(1)) + 0.2 * a.under_eye * self._under_eye
        pigment[:, 0] = (0.4 + min(a.melanin, 1.0)) * _VARIATION * melanin
        pigment[:, 1] = _VARIATION * blood + 0.5 * a.lip_red * self._lip
        mixed = np.clip(0.5 + 0.9 * noise(4), 0, 1)
        levels = (self._maps.level[[first, second]] / rgb).astype(np.float32)
        lash = float(a.lashes * rng.uniform(*eyes.lash_line))
        pigment += (self._hollow * (rng.uniform(*eyes.lid_shade) / 1.5))[:, None]
        tint = np.exp(pigment @ _ABSORPTION) / (levels[0] + mixed[:, None] * (levels[1] - levels[0]))
        tint *= (1 - 0.8 * lash * self._lash)[:, None]
        if a.eye_shadow:
            tint *= 1 + (a.eye_shadow * self._shade)[:, None] * (np.asarray(a.eye_shadow_rgb, np.float32) - 1)
        attributes = self._base.copy()
        attributes[:, _TINT : _TINT + 3] = tint
        attributes[:, MIX] = mixed
        if a.beard or a.moustache:
            low = np.clip(1.2 - 2.0 / 7.0 * a.beard_low * self._x, 0, 1)
            growth = np.maximum(self._beard * low * a.beard, self._moustache * a.moustache)
            attributes[:, GROWTH] = np.clip(growth * (1 + 0.25 * noise(1)), 0, 1)
        gloss = a.gloss * np.clip(1 + 0.3 * noise(2), 0.2, 2) * self._oily
        plain = np.zeros((len(gloss), 3), np.float32)
        for part, color in (("teeth", _TEETH_RGB), ("tongue", _TONGUE_RGB), ("mouth", _MOUTH_RGB)):
            plain[self._inner[part]] = np.array(color) * (a.teeth if part == "teeth" else 1)
            gloss[self._inner[part]] = 0.35
        for part in ("socket_right", "socket_left"):
            plain[self._inner[part]] = np.array(_SOCKET_RGB) * (0.35 + 0.65 * rgb / rgb.max())
            gloss[self._inner[part]] = 0.5
        for part in ("eye_right", "eye_left"):
            gloss[self._inner[part]] = 0.05
        return Surface(attributes, plain, gloss.astype(np.float32, copy=False), first, second, rgb)

    def _choose(self, rng: np.random.Generator, rgb: Float[np.ndarray, "3"], bearded: bool) -> tuple[int, int]:
        """Choose two skin maps whose color is near; those with facial hair only for who has some."""
        away = np.abs(self._log_level - np.log(rgb)).mean(1)
        weight = np.exp(-away / _ALIKE) * np.where(self._maps.painted, _PAINTED, 1.0)
        weight[self._maps.bearded & (not bearded)] = 0
        chosen = rng.choice(len(weight), 2, replace=False, p=(weight + 1e-9) / (weight + 1e-9).sum())
        return int(chosen[0]), int(chosen[1])


def _t_zone(fields: SkinFields) -> Float[np.ndarray, " V"]:
    """Oily skin: forehead and nose."""
    x, y, _ = fields.centimeters.T
    return np.asarray(np.exp(-((x / 2.2) ** 2)) * (y > -1.5))
