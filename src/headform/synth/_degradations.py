"""What cameras and the internet do to a photo: blur, low resolution, noise, contrast, compression.

S side in pixels. Images are sRGB, float32 in [0, 255].
"""

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageFilter


def degrade_photo(
    rng: np.random.Generator, image: Float[np.ndarray, "S S 3"], amount: float
) -> UInt8[np.ndarray, "S S 3"]:
    """Degrade a picture; amount 0 leaves it as it is, 1 is what the internet does."""
    side = image.shape[0]
    pixels = image
    if rng.random() < 0.45 * amount:
        kind = rng.random()
        picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        if kind < 0.45:
            picture = picture.filter(ImageFilter.GaussianBlur(float(rng.exponential(0.7))))
        else:
            low = int(side * rng.uniform(0.25, 0.8))
            down = Image.Resampling.BOX if rng.random() < 0.5 else Image.Resampling.BILINEAR
            up = Image.Resampling.BICUBIC if rng.random() < 0.6 else Image.Resampling.BILINEAR
            picture = picture.resize((low, low), down).resize((side, side), up)
        pixels = np.asarray(picture, np.float32)
    if rng.random() < 0.6 * amount:
        channels = 3 if rng.random() < 0.6 else 1
        grain = rng.standard_normal((side, side, channels), dtype=np.float32)
        pixels = pixels + grain * np.float32(rng.exponential(4.5))
    if rng.random() < 0.3 * amount:
        gray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        pixels = pixels + (gray[..., None] - pixels) * np.float32(rng.uniform(0, 1))
        if rng.random() < 0.35:
            pixels = np.repeat(gray[..., None], 3, axis=2)
    if rng.random() < 0.5 * amount:
        mean = pixels.mean()
        pixels = (pixels - mean) * np.float32(rng.uniform(0.6, 1.35)) + mean
        pixels = pixels + np.float32(rng.normal(0, 14))
    result = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.45 * amount:
        buffer = io.BytesIO()
        Image.fromarray(result).save(buffer, "JPEG", quality=int(rng.integers(25, 93)))
        result = np.asarray(Image.open(buffer))
    return result
