"""Randomization of what cameras and the internet do to a photo."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class DegradationRandomization:
    """Degradations of photos by cameras and the internet."""

    strength: float = 1.0  # factor of all rates
    blur_rate: float = 0.45  # probability of blur or low resolution
    gaussian_rate: float = 0.45  # share of them that is Gaussian blur
    gaussian: float = 0.7  # mean radius, pixels, exponential
    low_resolution: Range = (0.25, 0.8)  # share of the side
    box_rate: float = 0.5  # share scaled down by box averages, others bilinearly
    bicubic_rate: float = 0.6  # share scaled up bicubically, others bilinearly
    noise_rate: float = 0.6
    color_noise_rate: float = 0.6
    noise: float = 4.5  # mean standard deviation, 0..255, exponential
    desaturation_rate: float = 0.3
    desaturation: Range = (0.0, 1.0)  # share of the color that is lost
    monochrome_rate: float = 0.35  # share of the desaturated that are gray
    contrast_rate: float = 0.5
    contrast: Range = (0.6, 1.35)  # factor
    brightness_sd: float = 14.0  # 0..255
    jpeg_rate: float = 0.45
    jpeg_quality: IntRange = (25, 93)
