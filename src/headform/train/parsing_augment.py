"""Crops of the parsing network while it learns: varied in frame, color, sharpness and compression.

S side of the crop, M = S / 2 side of the map, H W of a picture.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter

from headform.images.transfer import LUMA_REC601
from headform.images.warp import warp
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_crop import inside_photo, labels_of_cells
from headform.nets.parsing_net import CLOSE_MARGIN, INPUT_SIDE, WIDE_MARGIN

_GRAY = np.array(LUMA_REC601, np.float32)


@dataclass(frozen=True)
class ParsingAugmentation:
    """Ranges of the variation.

    Attributes:
        wide_rate: Share of wide crops; the others are close.
        margin_sd: Standard deviation of the logarithm of the crop's size.
        turn_sd: Standard deviation of its rotation, radians.
        shift_sd: Standard deviation of its shift along each axis, in sizes of the face.
        stretch_sd: Standard deviation of the logarithm of the ratio of width to height.
        color_sd: Standard deviation of the logarithm of each channel's gain.
        lift_sd: Standard deviation of the offset, levels.
        gamma_sd: Standard deviation of the logarithm of the exponent.
        gray_rate: Share of pictures without color.
        blur_rate: Share of blurred pictures.
        blur_max: Largest standard deviation of the blur, pixels of the crop.
        coarse_rate: Share of pictures of fewer pixels than the crop.
        coarse_least: Least side of these, as a share of the crop's.
        noise_rate: Share of noisy pictures.
        noise_max: Largest standard deviation of the noise, levels.
        jpeg_rate: Share of pictures compressed once more.
        jpeg_quality: Range of the quality.
    """

    wide_rate: float = 0.5
    margin_sd: float = 0.12
    turn_sd: float = 0.2
    shift_sd: float = 0.06
    stretch_sd: float = 0.04
    color_sd: float = 0.12
    lift_sd: float = 10.0
    gamma_sd: float = 0.25
    gray_rate: float = 0.12
    blur_rate: float = 0.2
    blur_max: float = 1.6
    coarse_rate: float = 0.2
    coarse_least: float = 0.3
    noise_rate: float = 0.25
    noise_max: float = 9.0
    jpeg_rate: float = 0.3
    jpeg_quality: tuple[int, int] = (25, 90)


@dataclass(frozen=True)
class ParsingCrop:
    """One crop: picture as it is, where it lies in the photo, classes of its cells (None where the photo has none)."""

    image: UInt8[np.ndarray, "S S 3"]
    inside: Bool[np.ndarray, "S S"]
    labels: UInt8[np.ndarray, "M M"] | None


def random_crop(
    rng: np.random.Generator,
    image: UInt8[np.ndarray, "H W 3"],
    points: Float[np.ndarray, "68 2"],
    classes: UInt8[np.ndarray, "H W"] | None,
    ranges: ParsingAugmentation,
) -> ParsingCrop:
    """Draw a crop of a face."""
    frame = EyeFrame.of(points.astype(np.float64))
    margin = WIDE_MARGIN if rng.random() < ranges.wide_rate else CLOSE_MARGIN
    matrix = frame.crop(INPUT_SIDE, margin * math.exp(rng.normal(0, ranges.margin_sd)))
    turn, stretch = rng.normal(0, ranges.turn_sd), math.exp(rng.normal(0, ranges.stretch_sd) / 2)
    about = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ np.diag(
        [stretch, 1 / stretch]
    )
    if rng.random() < 0.5:
        about = np.diag([-1.0, 1.0]) @ about  # mirror image; no class knows left from right
    pixels = math.sqrt(abs(float(np.linalg.det(matrix[:, :2])))) * frame.size
    middle = np.full(2, INPUT_SIDE / 2)
    matrix = np.column_stack(
        [
            about @ matrix[:, :2],
            about @ (matrix[:, 2] - middle) + middle + rng.normal(0, ranges.shift_sd, 2) * pixels,
        ]
    )
    size = image.shape[1], image.shape[0]
    labels = None if classes is None else labels_of_cells(classes, matrix)
    return ParsingCrop(warp(image, matrix, INPUT_SIDE), inside_photo(matrix, size), labels)


def vary_picture(
    rng: np.random.Generator, image: UInt8[np.ndarray, "S S 3"], ranges: ParsingAugmentation
) -> Float32[np.ndarray, "S S 3"]:
    """Vary color, sharpness, noise and compression of a crop."""
    side = image.shape[0]
    if rng.random() < ranges.coarse_rate:
        small = max(8, int(side * rng.uniform(ranges.coarse_least, 1.0)))
        picture = Image.fromarray(image).resize((small, small), Image.Resampling.BOX)
        image = np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))
    pixels = image.astype(np.float32)
    if rng.random() < ranges.blur_rate:
        sigma = rng.uniform(0.3, ranges.blur_max)
        pixels = gaussian_filter(pixels, (sigma, sigma, 0), truncate=2.5)
    levels = np.arange(256, dtype=np.float32)[:, None] / 255
    gamma = math.exp(rng.normal(0, ranges.gamma_sd))
    gain = np.exp(rng.normal(0, ranges.color_sd, 3)).astype(np.float32) * math.exp(rng.normal(0, ranges.color_sd))
    table = levels**gamma * 255 * gain + rng.normal(0, ranges.lift_sd)  # (256, 3)
    index = np.clip(pixels, 0, 255).astype(np.uint8)
    pixels = np.stack([table[index[..., k], k] for k in range(3)], -1)
    if rng.random() < ranges.gray_rate:
        pixels = np.repeat((pixels @ _GRAY)[..., None], 3, -1)
    if rng.random() < ranges.noise_rate:
        pixels += rng.normal(0, rng.uniform(0, ranges.noise_max), pixels.shape).astype(np.float32)
    pixels = np.clip(pixels, 0, 255).astype(np.float32)
    if rng.random() < ranges.jpeg_rate:
        pixels = _compressed(pixels, int(rng.integers(*ranges.jpeg_quality)))
    return pixels


def _compressed(pixels: Float32[np.ndarray, "S S 3"], quality: int) -> Float32[np.ndarray, "S S 3"]:
    with io.BytesIO() as stream:
        Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=quality)
        with Image.open(stream, formats=["JPEG"]) as picture:
            return np.asarray(picture, np.float32)
