"""Randomization of the eyeballs and of the brows."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range


@dataclass(frozen=True)
class EyeRandomization:
    """Eyeballs; the sizes of iris and pupil are in `SkinRandomization`."""

    held_back: float = 0.35  # share by which white and iris are darker, per absorbance of melanin in the skin
    brown_rate: tuple[float, float] = (
        0.2,
        0.98,
    )  # probability of brown irises without melanin, by absorbance; its limit
    sclera: Range = (0.8, 1.35)  # factor of the picture's white
    iris_level: Range = (0.8, 1.7)  # factor of the picture's iris
    highlight_rate: float = 0.85  # probability that the cornea mirrors the lamps
    highlight: Range = (0.2, 1.0)  # radiance of the mirrored lamps over their irradiance
    highlight_degrees: Range = (2.5, 8.0)  # angular radius of a mirrored lamp
    lid_shadow: Range = (0.55, 1.1)  # factor of the shadow that the lids cast
    lash_line: Range = (0.15, 0.5)  # darkness of the rims of the lids
    lid_shade: Range = (0.05, 0.4)  # darkness of the lids' skin, and of the hollow between eye and brow


@dataclass(frozen=True)
class BrowRandomization:
    """Brows, drawn wherever these numbers put them; lengths in units of the bone's brow line or in centimeters.

    Height, length, slant and arch have the means of the hand-placed contours of 108 open portraits (London and Canada).
    """

    outer: tuple[float, float] = (-0.15, 0.07)  # mean and standard deviation of the outer end's coordinate
    inner: tuple[float, float] = (1.03, 0.06)  # of the inner end's
    lift_cm: tuple[float, float] = (
        -0.85,
        0.3,
    )  # of the height above the bone's line: 0.28 pupil distances above the pupils
    slant_cm: tuple[float, float] = (-0.85, 0.3)  # of the rise from the outer to the inner end
    arch_cm: tuple[float, float] = (-0.2, 0.14)  # of the rise of the middle
    half_height_cm: Range = (0.4, 0.85)  # half of the picture's height, of which strands fill about a half
    opacity: Range = (0.6, 1.0)
    bare_rate: float = 0.03  # probability of hardly any brows
    bare_opacity: Range = (0.0, 0.3)
    asymmetry: float = 0.12  # standard deviation of a side's difference, in those of the numbers above
    darker: Range = (0.55, 1.0)  # factor of the hair's color
    skin_share: Range = (0.0, 0.35)  # share of the skin's color in the brows'
