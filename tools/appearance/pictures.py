"""Pictures of the asset: hair and lashes with opacity, eyes, panoramas.

H x L texels; sRGB unless said otherwise.
"""

import io

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8
from PIL import Image, ImageDraw
from scipy import ndimage

from headform.images.transfer import linear_from_srgb, srgb_from_linear

HAIR_LEVEL = 0.3
"""Mean linear value of hair pictures: strands three times as bright still fit."""
_KEPT_CHROMA = 0.25
_EVENED = 0.4
"""Exponent by which painted highlights wider than `_HIGHLIGHT` texels are taken out."""
_HIGHLIGHT = 24.0
_CONTRAST = 0.42
"""Largest standard deviation of the logarithm of the tone: highlights painted on black hair are far brighter."""
_PAINTED_CONTRAST = 0.3
_EDGE = 10.0  # texels from the edge of a card where painted hair begins to thin
_EYE_SIDE = 256
_BALL = 0.9  # radius of the eyeball in half widths, beyond which its last color goes on
_PANORAMA = (64, 128)


def webp(rgba: UInt8[np.ndarray, "H L C"], quality: int = 82) -> UInt8[np.ndarray, " N"]:
    """Encode as WebP; colors under full transparency are kept."""
    store = io.BytesIO()
    Image.fromarray(rgba).save(store, "WEBP", quality=quality, alpha_quality=85, method=6, exact=True)
    return np.frombuffer(store.getvalue(), np.uint8)


def lossless_webp(gray: UInt8[np.ndarray, "H L"]) -> UInt8[np.ndarray, " N"]:
    """Encode one channel as lossless WebP."""
    store = io.BytesIO()
    Image.fromarray(gray).save(store, "WEBP", lossless=True, method=6)
    return np.frombuffer(store.getvalue(), np.uint8)


def hair_picture(
    picture: UInt8[np.ndarray, "H L 4"], uv: Float64[np.ndarray, "T 2"], faces: Int64[np.ndarray, "F 3"]
) -> UInt8[np.ndarray, "H L 4"]:
    """Make a picture of hair recolorable: mean linear RGB `HAIR_LEVEL`, hardly a hue, opaque only where used."""
    used = _used(uv, faces, picture.shape[0])
    alpha = picture[..., 3] / 255.0 * used
    rgb = linear_from_srgb(torch.from_numpy(picture[..., :3] / 255.0)).numpy()
    seen = alpha > 0.5
    rgb = rgb / np.maximum(rgb[seen].mean(0), 1e-4)
    tone = rgb.mean(2, keepdims=True)
    rgb = np.maximum(tone + _KEPT_CHROMA * (rgb - tone), 0.02)
    wide = ndimage.gaussian_filter(tone[..., 0] * seen, _HIGHLIGHT) / np.maximum(
        ndimage.gaussian_filter(seen.astype(float), _HIGHLIGHT), 1e-3
    )
    rgb = rgb / np.maximum(wide, 0.05)[..., None] ** _EVENED
    rgb = rgb ** min(1.0, _CONTRAST / float(np.log(rgb[seen]).std()))
    rgb = rgb / np.maximum(rgb[seen].mean(0), 1e-4) * HAIR_LEVEL
    nearest = ndimage.distance_transform_edt(~seen, return_indices=True)[1]
    rgb = rgb[nearest[0], nearest[1]]
    out = np.concatenate([srgb_from_linear(torch.from_numpy(rgb.clip(0, 1))).numpy(), alpha[..., None]], 2)
    return np.round(out * 255).astype(np.uint8)


def strand_picture(
    uv: Float64[np.ndarray, "T 2"], faces: Int64[np.ndarray, "F 3"], side: int, *, curly: bool, seed: int
) -> UInt8[np.ndarray, "H L 4"]:
    """Paint hair where a style comes without a picture: strands along v, or curls; thin at the edges of what is used."""
    rng = np.random.default_rng(seed)
    used = _used(uv, faces, side)
    if curly:
        waves = [ndimage.gaussian_filter(rng.normal(size=(side, side)), s, mode="wrap") for s in (1.0, 2.5)]
        tone = sum(np.sin(9 * w / w.std() / 3) for w in waves)
    else:
        tone = sum(w * _unit(rng, (60 * s, s), side) for s, w in ((0.5, 1.0), (1.2, 1.0), (4.0, 0.7)))
    tone = np.exp(_PAINTED_CONTRAST * (tone - tone.mean()) / tone.std())
    depth = ndimage.distance_transform_edt(used)
    alpha = np.clip((depth - 2 + 4 * _unit(rng, 0.8 if curly else (9, 0.7), side)) / 2, 0, 1) * used
    alpha = np.where(depth > _EDGE, 1.0, alpha)
    rgb = (tone / tone[used].mean() * HAIR_LEVEL).clip(0, 1)[..., None].repeat(3, 2)
    return np.round(
        np.concatenate([srgb_from_linear(torch.from_numpy(rgb)).numpy(), alpha[..., None]], 2) * 255
    ).astype(np.uint8)


def _unit(rng: np.random.Generator, sigma: float | tuple[float, float], side: int) -> Float64[np.ndarray, "P P"]:
    """Draw smooth noise of unit variance."""
    noise = ndimage.gaussian_filter(rng.normal(size=(side, side)), sigma, mode="wrap")
    return np.asarray(noise / noise.std())


def eye_picture(picture: UInt8[np.ndarray, "H L 3"]) -> tuple[UInt8[np.ndarray, "256 256 3"], float, float]:
    """Cut one eyeball out of MakeHuman's picture of two.

    Returns:
        Picture centered on the pupil, and the radii of iris and pupil in half widths.
    """
    half, center = 73, np.array([75.5, 180.5])  # of the lower left eye, column and row
    box = (center[0] - half, center[1] - half, center[0] + half, center[1] + half)
    cut = Image.fromarray(picture).resize((_EYE_SIDE, _EYE_SIDE), Image.Resampling.LANCZOS, box=box)
    gray = np.asarray(cut.convert("L"), float)
    row, column = np.indices(gray.shape) + 0.5 - _EYE_SIDE / 2
    radius = np.hypot(row, column)
    ring = np.array([gray[(radius >= r) & (radius < r + 2)].mean() for r in range(126)])
    slope = np.diff(ndimage.gaussian_filter1d(ring, 1.5))
    iris = 35 + int(slope[35:80].argmax()) + 1.5
    pupil = 6 + int(slope[6:34].argmax()) + 1.5
    inward = np.minimum(1.0, _BALL * _EYE_SIDE / 2 / np.maximum(radius, 1.0))
    at = [(x * inward + _EYE_SIDE / 2 - 0.5).round().astype(int) for x in (row, column)]
    return np.asarray(cut)[at[0], at[1]], iris / (_EYE_SIDE / 2), pupil / (_EYE_SIDE / 2)


def panorama(radiance: Float[np.ndarray, "H L 3"]) -> Float[np.ndarray, "64 128 3"]:
    """Reduce a panorama by averaging."""
    rows, columns = _PANORAMA
    blocks = radiance.astype(np.float64).reshape(rows, len(radiance) // rows, columns, -1, 3)
    return np.minimum(blocks.mean((1, 3)), 6e4).astype(np.float16)


def _used(uv: Float64[np.ndarray, "T 2"], faces: Int64[np.ndarray, "F 3"], side: int) -> np.ndarray:
    """Mask of the texels that triangles use, and two around them."""
    mask = Image.new("1", (side, side))
    draw = ImageDraw.Draw(mask)
    for corners in uv[faces] * [side, -side] + [0, side]:
        draw.polygon([tuple(c) for c in corners], fill=1, outline=1)
    return np.asarray(ndimage.binary_dilation(np.asarray(mask), iterations=2))
