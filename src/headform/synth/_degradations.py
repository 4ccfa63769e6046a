"""Degradations of photos by cameras and the internet: blur, low resolution, noise, contrast, compression.

S side in pixels. Images are sRGB, float32 in [0, 255].
"""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter

from headform.images.transfer import LUMA_REC601
from headform.synth.randomization import DegradationRandomization


def degrade_photo(
    rng: np.random.Generator, image: Float[np.ndarray, "S S 3"], config: DegradationRandomization
) -> UInt8[np.ndarray, "S S 3"]:
    """Degrade a picture; strength 0 leaves it as it is."""
    c, pixels = config, image
    if rng.random() < c.blur_rate * c.strength:
        pixels = _blur(rng, pixels, c)
    if rng.random() < c.noise_rate * c.strength:
        channels = 3 if rng.random() < c.color_noise_rate else 1
        grain = rng.standard_normal((*image.shape[:2], channels), dtype=np.float32)
        pixels = pixels + grain * np.float32(rng.exponential(c.noise))
    if rng.random() < c.desaturation_rate * c.strength:
        gray = pixels @ np.array(LUMA_REC601, np.float32)
        pixels = pixels + (gray[..., None] - pixels) * np.float32(rng.uniform(*c.desaturation))
        if rng.random() < c.monochrome_rate:
            pixels = np.repeat(gray[..., None], 3, axis=2)
    if rng.random() < c.contrast_rate * c.strength:
        mean = pixels.mean()
        pixels = (pixels - mean) * np.float32(rng.uniform(*c.contrast)) + mean
        pixels = pixels + np.float32(rng.normal(0, c.brightness_sd))
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < c.jpeg_rate * c.strength:
        buffer = io.BytesIO()
        Image.fromarray(result).save(buffer, "JPEG", quality=int(rng.integers(*c.jpeg_quality)))
        result = np.asarray(Image.open(buffer))
    return result


def _blur(
    rng: np.random.Generator, image: Float[np.ndarray, "S S 3"], config: DegradationRandomization
) -> Float[np.ndarray, "S S 3"]:
    """Apply Gaussian blur, or scale down and up again."""
    kind, side = rng.random(), image.shape[0]
    picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    if kind < config.gaussian_rate:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.exponential(config.gaussian))))
    else:
        low = int(side * rng.uniform(*config.low_resolution))
        down = Image.Resampling.BOX if rng.random() < config.box_rate else Image.Resampling.BILINEAR
        up = Image.Resampling.BICUBIC if rng.random() < config.bicubic_rate else Image.Resampling.BILINEAR
        picture = picture.resize((low, low), down).resize((side, side), up)
    return np.asarray(picture, np.float32)
