"""Procedural skin: a face's color from a few named attributes.

V vertices. Colors are linear RGB in [0, 1].

Skin color follows Beer-Lambert absorption by melanin and haemoglobin in three bands, a coarse form of the two-pigment
model of Jimenez et al., "A Practical Appearance Model for Dynamic Facial Color" (2010); the coefficients here were chosen
by eye so that melanin 0.1 to 2 spans light to dark skin.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from headform.heads.linear import PARTS, LinearHead
from headform.synth.randomization import FULL, GAMMA, Range, SkinRandomization
from headform.synth.skin_fields import SkinFields

BASE = np.array([0.80, 0.66, 0.56])
MELANIN = np.array([1.10, 1.45, 1.75])
HAEMOGLOBIN = np.array([0.06, 0.55, 0.42])
_HAIR_SRGB = (
    (15, 12, 10), (35, 24, 18), (60, 40, 28), (100, 66, 38), (150, 110, 62),
    (205, 170, 110), (120, 50, 25), (150, 150, 150), (225, 222, 215),
)  # fmt: skip
_BROW_INNER_END, _BROW_OUTER_END = (0.85, 1.1), (-0.15, 0.12)  # along the brow line, 0 its outer end, 1 its inner
_DARK_HAIR = 3  # the first hair colors, which go with any skin
_IRIS = ((0.07, 0.035, 0.02), (0.13, 0.07, 0.035), (0.2, 0.17, 0.08), (0.15, 0.24, 0.3),
         (0.2, 0.3, 0.42), (0.04, 0.02, 0.015))  # fmt: skip


@dataclass(frozen=True)
class SkinAttributes:
    """Attributes of a person's coloring. Amounts are 0 (none) to 1 (much) unless stated otherwise."""

    melanin: float = 0.35  # absorbance, about 0.05 (light) to 2 (dark)
    haemoglobin: float = 0.35  # absorbance, about 0.1 to 0.9
    flush: float = 0.3
    under_eye: float = 0.3
    unevenness: float = 0.3
    freckles: float = 0.0
    moles: float = 0.0
    beard: float = 0.0  # opacity of the beard
    beard_low: float = 0.0  # 0: cheeks as well, 1: chin only
    moustache: float = 0.0
    lip_red: float = 0.4
    lip_paint: float = 0.0  # lipstick
    brow_density: float = 0.7
    brow_thickness_cm: float = 0.32
    brow_lift_cm: float = -0.12
    brow_sharpness: float = 3.0
    lashes: float = 0.5
    eye_shadow: float = 0.0
    iris_radius_cm: float = 0.58
    pupil_radius_cm: float = 0.22
    sclera: float = 0.8
    teeth: float = 0.8
    gloss: float = 0.3
    hair_rgb: tuple[float, float, float] = (0.03, 0.02, 0.015)
    iris_rgb: tuple[float, float, float] = (0.13, 0.07, 0.035)
    lip_paint_rgb: tuple[float, float, float] = (0.5, 0.05, 0.08)
    eye_shadow_rgb: tuple[float, float, float] = (0.5, 0.4, 0.5)
    noise_seed: int = 0


def skin_rgb(melanin: float, haemoglobin: float) -> Float[np.ndarray, "3"]:
    """Return the linear RGB of uniform skin."""
    return np.asarray(BASE * np.exp(-melanin * MELANIN - haemoglobin * HAEMOGLOBIN))


def sample_skin(rng: np.random.Generator, config: SkinRandomization = FULL.skin) -> SkinAttributes:
    """Draw a person's coloring; broad, with independent attributes except hair against skin."""
    c = config

    def draw(limits: Range) -> float:
        return float(rng.uniform(*limits))

    def sometimes(rate: float, limits: Range) -> float:
        return draw(limits) if rng.random() < rate else 0.0

    melanin = float(np.exp(rng.uniform(*np.log(c.melanin))))
    lowest, highest = c.dark_hair_rate
    dark_hair = rng.random() < min(highest, lowest + melanin)
    hair = _HAIR_SRGB[int(rng.integers(_DARK_HAIR if dark_hair else len(_HAIR_SRGB)))]
    hair_linear = (np.array(hair) / 255.0) ** GAMMA * np.clip(1 + rng.normal(0, c.hair_tint_sd, 3), *c.hair_tint)
    iris = np.array(_IRIS[int(rng.integers(len(_IRIS)))]) * rng.uniform(*c.iris_brightness)
    kind = rng.random()
    bearded = c.stubble_rate <= kind < c.stubble_rate + c.beard_rate
    beard = draw(c.stubble) if kind < c.stubble_rate else draw(c.beard) if bearded else 0.0
    return SkinAttributes(
        melanin=melanin,
        haemoglobin=draw(c.haemoglobin),
        flush=draw(c.flush),
        under_eye=draw(c.under_eye),
        unevenness=draw(c.unevenness),
        freckles=sometimes(c.freckles_rate, c.freckles),
        moles=sometimes(c.moles_rate, c.moles),
        beard=beard,
        beard_low=sometimes(c.beard_low_rate, c.beard_low),
        moustache=_moustache(rng, c, beard),
        lip_red=draw(c.lip_red),
        lip_paint=sometimes(c.lip_paint_rate, c.lip_paint),
        brow_density=draw(c.brow_density),
        brow_thickness_cm=draw(c.brow_thickness_cm),
        brow_lift_cm=draw(c.brow_lift_cm),
        brow_sharpness=draw(c.brow_sharpness),
        lashes=draw(c.lashes),
        eye_shadow=sometimes(c.eye_shadow_rate, c.eye_shadow),
        iris_radius_cm=draw(c.iris_radius_cm),
        pupil_radius_cm=draw(c.pupil_radius_cm),
        sclera=draw(c.sclera),
        teeth=draw(c.teeth),
        gloss=draw(c.gloss),
        hair_rgb=_rgb(np.clip(hair_linear, 0.003, 1)),
        iris_rgb=_rgb(np.clip(iris, 0, 1)),
        lip_paint_rgb=_rgb(rng.uniform(*c.lip_paint_rgb)),
        eye_shadow_rgb=_rgb(rng.uniform(*c.eye_shadow_rgb, 3)),
        noise_seed=int(rng.integers(2**31)),
    )


def _moustache(rng: np.random.Generator, config: SkinRandomization, beard: float) -> float:
    if rng.random() < config.moustache_as_beard_rate:
        return beard
    amount = float(rng.uniform(*config.moustache))
    return amount * (rng.random() < config.moustache_rate)


def clean(attributes: SkinAttributes) -> SkinAttributes:
    """Return the same person without beard, moustache and make-up."""
    return replace(attributes, beard=0.0, moustache=0.0, lip_paint=0.0, eye_shadow=0.0)


def paint(
    head: LinearHead, fields_: SkinFields, attributes: SkinAttributes
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, " V"]]:
    """Compute the albedo (V, 3), linear RGB, and specular strength (V,) of a person on `head`."""
    f, a = fields_, attributes
    rng = np.random.default_rng(a.noise_seed)
    part = head.part.numpy()
    count = f.noise.shape[0]

    def noise(scale: int) -> Float[np.ndarray, " V"]:
        return np.asarray(f.noise[scale + 5 * int(rng.integers(count // 5))])

    flat = skin_rgb(a.melanin, a.haemoglobin)
    # pigments vary over the face: blood at cheeks and nose, melanin in patches
    blood = 0.45 * a.flush * f.flush + 0.12 * a.unevenness * noise(2) + 0.15 * a.under_eye * f.under_eye
    melanin = 0.10 * a.unevenness * (noise(3) + 0.6 * noise(0)) + 0.25 * a.under_eye * f.under_eye
    if a.freckles:
        melanin = melanin + a.freckles * 0.9 * np.clip(noise(0) - 1.2, 0, 1) * (0.3 + f.flush)
    if a.moles:
        melanin = melanin + a.moles * 3.0 * np.clip(noise(0) - 2.6, 0, 1)
    melanin = melanin * (0.4 + min(a.melanin, 1.0))
    albedo = flat * np.exp(-melanin[:, None] * MELANIN - blood[:, None] * HAEMOGLOBIN)

    def blend(mask: Float[np.ndarray, " V"], rgb: Float[np.ndarray, "3"]) -> None:
        weight = np.clip(mask, 0, 1)[:, None]
        albedo[:] = albedo + (rgb - albedo) * weight

    hair = np.asarray(a.hair_rgb)
    lips = flat * np.exp(-HAEMOGLOBIN * (0.4 + 1.6 * a.lip_red) - 0.1 * MELANIN * a.melanin)
    blend(f.lip * 0.9, lips)
    blend(f.lip * a.lip_paint, np.asarray(a.lip_paint_rgb))
    if a.beard or a.moustache:
        low = np.clip(1.2 - 2.0 * a.beard_low * np.abs(f.centimeters[:, 0]) / 7.0, 0, 1)
        growth = np.maximum(f.beard * low * a.beard, f.moustache * a.moustache)
        stubble = hair if max(a.beard, a.moustache) > 0.5 else 0.5 * hair + 0.25 * flat
        blend(growth * (1 + 0.35 * noise(0)), stubble)
    if a.eye_shadow:
        shade = np.exp(-np.clip(f.eye_distance, 0, 9) / 0.6) * a.eye_shadow
        albedo *= 1 + shade[:, None] * (np.asarray(a.eye_shadow_rgb) - 1)
    lash = np.exp(-np.abs(f.eye_distance) / 0.09) * a.lashes
    albedo *= 1 - 0.8 * lash[:, None]
    blend(_brows(rng, f, a) * a.brow_density * (1 + 0.35 * noise(0)), np.minimum(hair, flat * 0.75))

    _paint_parts(albedo, part, f, a)
    gloss = a.gloss * (1 + 0.3 * noise(2)).clip(0.2, 2) * (1 + 2.0 * f.lip)
    name = {n: i for i, n in enumerate(PARTS)}
    for side in ("eye_right", "eye_left"):
        gloss[part == name[side]] = 0.9
    for side in ("mouth", "tongue", "teeth"):
        gloss[part == name[side]] = 0.2
    return np.clip(albedo, 0.002, 1).astype(np.float32), gloss.astype(np.float32)


def _brows(rng: np.random.Generator, f: SkinFields, a: SkinAttributes) -> Float[np.ndarray, " V"]:
    """Return the opacity of the brows: soft-edged bands along the brow lines, thinner at their outer ends."""
    inner_end, outer_end = rng.uniform(*_BROW_INNER_END), rng.uniform(*_BROW_OUTER_END)
    half = a.brow_thickness_cm * (0.35 + 0.65 * np.clip(f.brow_position * 1.6, 0, 1))
    brow = np.exp(-(np.abs((f.brow_offset - a.brow_lift_cm) / half) ** a.brow_sharpness))
    brow = brow / (1 + np.exp(-np.clip((f.brow_position - outer_end) / 0.04, -20, 20)))
    brow = brow / (1 + np.exp(np.clip((f.brow_position - inner_end) / 0.04, -20, 20)))
    return np.where(f.brow_offset < 5, brow, 0)  # 9 marks vertices far from the brows


def _paint_parts(albedo: Float[np.ndarray, "V 3"], part: np.ndarray, f: SkinFields, a: SkinAttributes) -> None:
    """Paint eyes, teeth, tongue and the inside of the mouth, in place."""
    name = {n: i for i, n in enumerate(PARTS)}
    albedo[part == name["teeth"]] = np.array([0.80, 0.75, 0.64]) * a.teeth
    albedo[part == name["tongue"]] = (0.5, 0.19, 0.18)
    albedo[part == name["mouth"]] = (0.26, 0.08, 0.07)
    eyes = (part == name["eye_right"]) | (part == name["eye_left"])
    distance = f.iris_distance[eyes]
    white = np.array([0.78, 0.74, 0.72]) * a.sclera
    rgb = white * (1 - 0.25 * np.clip(distance - 0.9, 0, 1))[:, None]
    iris = 1 / (1 + np.exp(np.clip((distance - a.iris_radius_cm) / 0.03, -20, 20)))
    ring = 1 - 0.5 * np.clip((distance - a.iris_radius_cm + 0.12) / 0.12, 0, 1)
    rgb = rgb * (1 - iris)[:, None] + np.asarray(a.iris_rgb) * (iris * ring)[:, None]
    pupil = 1 / (1 + np.exp(np.clip((distance - a.pupil_radius_cm) / 0.03, -20, 20)))
    albedo[eyes] = rgb * (1 - 0.95 * pupil)[:, None]


def _rgb(values: Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
