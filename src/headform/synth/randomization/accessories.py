"""Randomization of glasses, shoulders and objects before the face."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class AccessoryRandomization:
    """Glasses, shoulders and objects before the face."""

    glasses_rate: float = 0.22
    glasses_distance: Range = (0.008, 0.018)  # lens before the eye, meters
    lens_half_width: Range = (0.33, 0.46)  # interpupillary distances
    lens_aspect: Range = (0.55, 1.0)  # height over width
    lens_power: Range = (2.0, 6.0)  # exponent of the superellipse: 2 round, 6 nearly square
    lens_drop: Range = (-0.006, 0.003)  # shift up, meters
    wire: Range = (0.0006, 0.0035)  # radius, meters
    bow: Range = (1.0, 5.0)  # curvature of the front, 1/m
    dark_frame_rate: float = 0.6
    dark_frame: Range = (0.0, 0.05)  # albedo per channel
    colored_frame: Range = (0.0, 0.8)
    clear_lens_rate: float = 0.45
    tinted_lens_rate: float = 0.27  # others are sunglasses
    tinted_lens: Range = (0.03, 0.4)  # opacity
    tinted_lens_rgb: Range = (0.0, 1.0)  # per channel
    sunglasses: Range = (0.7, 1.0)  # opacity
    sunglasses_rgb: Range = (0.0, 0.05)
    reflection_rate: float = 0.5  # share of opaque lenses with a reflection
    reflection_frequency: Range = (0.02, 0.1)  # radians per half pixel
    torso_rate: float = 0.8
    shoulder_width: Range = (0.85, 1.15)  # factor
    shoulder_height_cm: Range = (-2.5, 1.5)  # shift up
    torso_yaw: Range = (0.2, 0.9)  # share of the head's yaw that the neck makes
    torso_pitch: Range = (0.3, 1.0)  # share of the head's pitch that the neck makes
    pattern_rate: float = 0.2
    collar_rate: float = 0.5
    collar_rows: IntRange = (1, 3)
    occluder_rate: float = 0.14
    occluder_count: IntRange = (1, 4)
    occluder_offset_sd: float = 0.12  # from a point of the jaw line, face heights
    hand_rate: float = 0.45
    hand_brightness: Range = (0.6, 1.2)  # factor of the skin color
    finger_width: Range = (0.07, 0.11)  # face heights
    finger_count: IntRange = (1, 5)
    finger_length: Range = (0.4, 0.8)  # face heights
    finger_brightness: Range = (0.85, 1.1)  # factor, per finger
    bar_rate: float = 0.5  # share of other objects that are bars, the rest are blobs
    bar_length: Range = (0.2, 1.2)  # face heights
    bar_width: Range = (0.04, 0.2)  # face heights
    blob_radius: Range = (0.06, 0.28)  # face heights
