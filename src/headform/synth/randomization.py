"""How varied synthetic faces are: the dials of the generator.

EASY is for the first lessons of an identity network (near frontal, neutral, mild light); FULL randomizes everything.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RandomizationConfig:
    """Ranges and rates. Angles in degrees, distances in meters, rates in 0..1."""

    identity_scale: tuple[float, float] = (0.7, 1.25)  # standard deviation of the coefficients
    frontal_rate: float = 0.5  # share drawn from the narrow yaw distribution
    frontal_yaw_sd: float = 18.0
    wide_yaw: float = 82.0  # the others: uniform within this
    pitch_sd: float = 13.0
    roll_sd: float = 11.0
    expression_rate: float = 0.85
    distance: tuple[float, float] = (0.30, 2.5)  # log-uniform
    hard_light: float = 1.0  # greatest share of light that a shadow takes away
    light_contrast: float = 1.0  # scales directional against ambient light
    hair_rate: float = 0.9
    glasses_rate: float = 0.22
    occluder_rate: float = 0.14
    torso_rate: float = 0.8
    damage: float = 1.0  # scales blur, noise, compression, contrast changes
    crop_scale_sd: float = 0.09  # log of the size of the loose crop
    crop_shift_sd: float = 0.055  # in crop sizes
    point_jitter_px: float = 1.0  # noise on the points that align the tight crop, px of 128


FULL = RandomizationConfig()
EASY = replace(
    FULL,
    frontal_rate=1.0,
    frontal_yaw_sd=9.0,
    pitch_sd=6.0,
    roll_sd=4.0,
    expression_rate=0.0,
    distance=(0.8, 2.5),
    hard_light=0.6,
    light_contrast=0.7,
    glasses_rate=0.0,
    occluder_rate=0.0,
    damage=0.4,
)
