"""Randomization of what cameras, time and the internet do to a photo."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class DegradationRandomization:
    """Degradations of photos, in the order in which they happen; most photos are mild.

    Each photo has a severity in 0..1, `u**severity_power` of a uniform u. An amount is drawn uniformly from its range, whose
    upper end is brought down to the lower one by a severity of 0. Lengths are pixels of a picture of 256.
    """

    strength: float = 1.0  # factor of all rates; 0 leaves a picture as it is
    severity_power: float = 1.6
    # light that reaches the sensor, linear
    exposure_rate: float = 0.5
    exposure: Range = (0.05, 0.9)  # stops, brighter or darker
    white_balance_rate: float = 0.5
    white_balance: Range = (0.01, 0.22)  # log of the gain of red against blue; green by a third
    vignetting_rate: float = 0.25
    vignetting: Range = (0.05, 0.6)  # light lost at a corner of the photo, whose middle is anywhere in the picture
    # lens
    defocus_rate: float = 0.3
    defocus: Range = (0.3, 3.2)  # radius of the disk
    motion_rate: float = 0.08
    motion: Range = (1.0, 12.0)  # length of the line
    aberration_rate: float = 0.15
    aberration: Range = (0.1, 1.2)  # shift of red against blue
    # sensor
    small_rate: float = 0.3  # share of photos taken or kept at fewer pixels and scaled up in the end
    small: Range = (0.0, 0.85)  # share of the side that is lost
    box_rate: float = 0.5  # share scaled down by box averages, others bilinearly
    bicubic_rate: float = 0.6  # share scaled up bicubically, others bilinearly
    noise_rate: float = 0.75
    shot_noise: Range = (0.003, 0.07)  # standard deviation at white, of white; falls with the root of the light
    read_noise: Range = (0.0005, 0.012)  # standard deviation in the dark, of white
    color_noise: Range = (0.4, 1.0)  # share of the noise that differs from channel to channel; the rest is common
    blue_noise: Range = (1.0, 1.8)  # factor of the noise of blue, half of it for red
    blotches: Range = (0.0, 0.012)  # standard deviation of coarse colored noise, of white
    smear_rate: float = 0.15  # share of noisy photos whose noise was removed, and detail with it
    smear: Range = (6.0, 30.0)  # differences that are smeared, 0..255
    # development
    curve_rate: float = 0.5
    contrast: Range = (0.0, 0.35)  # log of the slope at the middle, steeper or flatter
    mid_tone: Range = (0.0, 0.25)  # log of the exponent of the curve, brighter or darker
    saturation_rate: float = 0.3
    saturation: Range = (0.05, 0.7)  # log of the factor, up or down
    sharpening_rate: float = 0.4
    sharpening: Range = (0.1, 1.6)  # share of the detail added again
    halo: Range = (0.6, 2.2)  # radius of that detail
    # age and fashion
    monochrome_rate: float = 0.06
    filter_sd: float = 0.25  # weights of the channels in the gray, of their usual weight
    tone_rate: float = 0.3  # share of monochrome photos that are toned
    sepia_rgb: tuple[float, float, float] = (1.07, 0.94, 0.74)  # color of a fully toned gray, of the gray
    old_rate: float = (
        0.03  # share of old photos: most are monochrome, all have faded and carry grain, scratches and dust
    )
    old_monochrome_rate: float = 0.7
    faded: Range = (0.05, 0.35)  # lift of black and fall of white, of the whole range
    cast: Range = (0.01, 0.1)  # greatest change of a channel by a color cast, of the whole range
    old_rgb: tuple[float, float, float] = (1.0, 0.25, -0.9)  # usual direction of the cast of an old photo
    old_rgb_sd: float = 0.4
    grain: Range = (2.0, 16.0)  # standard deviation, 0..255
    scratches: IntRange = (0, 7)
    dust: IntRange = (0, 40)
    cast_rate: float = 0.04  # share of other photos with a color cast
    # copies
    print_rate: float = 0.02  # share of scanned halftone prints
    print_period: Range = (2.2, 5.0)  # pixels from dot to dot
    print_strength: Range = (0.25, 1.0)
    screen_rate: float = 0.02  # share of photos of a screen, with the grid of its pixels and moire
    screen_period: Range = (1.6, 4.5)  # pixels of the picture from pixel to pixel of the screen
    screen_strength: Range = (0.1, 0.5)
    # compression
    jpeg_rate: float = 0.75
    jpeg_quality: IntRange = (30, 97)  # severity 0 has the highest
    second_jpeg_rate: float = 0.25  # share of these that are compressed again
