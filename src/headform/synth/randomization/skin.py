"""Randomization of skin, eyes, make-up and facial hair."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range


@dataclass(frozen=True)
class SkinRandomization:
    """Skin, eyes, make-up and facial hair; see `skin.SkinAttributes` for the amounts, 0..1."""

    melanin: Range = (0.06, 2.0)  # absorbance, log-uniform
    haemoglobin: Range = (0.15, 0.75)  # absorbance
    flush: Range = (0.2, 1.0)
    under_eye: Range = (0.0, 1.0)
    unevenness: Range = (0.2, 1.0)
    freckles_rate: float = 0.2
    freckles: Range = (0.3, 1.0)
    moles_rate: float = 0.2
    moles: Range = (0.3, 1.0)
    dark_hair_rate: tuple[float, float] = (
        0.35,
        0.95,
    )  # probability at melanin 0, growing by 1 per absorbance; its limit
    hair_tint_sd: float = 0.15  # relative, per channel
    hair_tint: Range = (0.3, 2.0)  # limits of the factor
    iris_brightness: Range = (0.6, 1.5)  # factor
    stubble_rate: float = 0.22
    stubble: Range = (0.1, 0.5)  # beard opacity
    beard_rate: float = 0.20
    beard: Range = (0.5, 1.0)  # beard opacity
    beard_low_rate: float = 0.5
    beard_low: Range = (0.0, 1.0)
    moustache_as_beard_rate: float = 0.8  # probability that the moustache is as dense as the beard
    moustache_rate: float = 0.3  # probability of a moustache of its own otherwise
    moustache: Range = (0.0, 1.0)
    beard_volume_rate: float = 0.6  # probability that a dense beard stands out from the skin
    beard_volume: Range = (0.0, 0.012)  # meters
    lip_red: Range = (-1.3, 0.2)  # over what the skin map has, in absorbance of haemoglobin; below 0 pale
    lip_paint_rate: float = 0.12
    lip_paint: Range = (0.3, 1.0)
    lip_paint_rgb: tuple[tuple[float, float, float], tuple[float, float, float]] = (
        (0.15, 0.01, 0.02),
        (0.45, 0.12, 0.15),
    )
    """Lowest and highest color."""
    eye_shadow_rate: float = 0.25
    eye_shadow: Range = (0.2, 0.8)
    eye_shadow_rgb: Range = (0.4, 1.0)  # per channel
    brow_density: Range = (0.3, 1.0)
    brow_thickness_cm: Range = (0.16, 0.52)
    brow_lift_cm: Range = (-0.4, 0.12)
    brow_sharpness: Range = (2.0, 5.0)
    lashes: Range = (0.2, 1.0)
    iris_radius_cm: Range = (0.53, 0.63)
    pupil_radius_cm: Range = (0.14, 0.32)
    sclera: Range = (0.55, 1.0)
    teeth: Range = (0.5, 1.05)
    gloss: Range = (0.0, 1.0)
