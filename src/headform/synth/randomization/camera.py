"""Randomization of head pose, camera distance, framing and exposure."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range


@dataclass(frozen=True)
class PoseRandomization:
    """Head rotation relative to the camera, degrees; vergence in radians."""

    frontal_rate: float = 0.35  # share of portraits, which look nearly into the camera
    frontal_yaw_sd: float = 8.0
    turned_rate: float = 0.35  # share of heads that are turned a little
    turned_yaw_sd: float = 25.0
    wide_yaw: float = 90.0  # greatest absolute yaw; that of all others is uniform
    pitch_sd: float = 9.0
    tilted_rate: float = 0.15  # share of heads whose pitch and roll are uniform up to the greatest
    most_pitch: float = 40.0  # greatest absolute pitch
    roll_sd: float = 7.0
    most_roll: float = 38.0  # greatest absolute roll
    vergence: Range = (0.0, 0.06)  # inward rotation of each eye


@dataclass(frozen=True)
class CameraRandomization:
    """Distance, framing and exposure."""

    distance: Range = (0.25, 3.0)  # camera to the middle of the face, meters, log-uniform: from selfie to tele
    crop_scale_sd: float = 0.09  # log of the size of the loose crop
    crop_shift_sd: float = 0.055  # crop sizes
    point_jitter_px: float = 1.0  # noise of the points that align the tight crop, pixels of 128
    saturation: Range = (1.0, 1.5)  # factor of the colors in development: cameras make them livelier
    exposure_sd: float = 0.24  # log of the brightness of the skin
    skin_level: Range = (0.02, 0.65)  # limits of the brightness of the skin, linear
    gain: Range = (0.1, 12.0)  # limits of the factor from radiance to picture
