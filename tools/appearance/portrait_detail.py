"""One person's own skin: what is left of an albedo without tone, shared pattern and remaining light, in three bands.

H W texels of the face's chart; all values are logarithms of linear RGB.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter, map_coordinates, maximum_filter

from headform.geometry.spherical_harmonics import sh_basis
from tools.appearance.portrait_chart import FaceChart

BROAD, MIDDLE = 22.0, 5.0
"""Standard deviations that part broad variation, folds and fine detail, texels."""
BROAD_LIGHT, BROAD_COLOR = 0.3, 0.7
"""Parts of the broad variation of brightness and of color that are kept: most of the former is light."""
FOLD_LIGHT, FOLD_DARK_LIMIT, FOLD_BRIGHT_LIMIT = 0.8, 0.15, 0.07
"""The same of folds, and the deviations, log, to which they are limited: geometry and lamps draw shadows and gloss again."""
FINE_DARK_LIMIT, FINE_BRIGHT_LIMIT = 0.35, 0.15
FOLD_COLOR_LIMIT, FINE_COLOR = 0.08, 0.5
"""Limit of color in folds, and part of it in fine detail, which is the noise of compression."""
LASH_LIMIT = 0.07
"""Darkest deviation, log, of lashes and paint at the eyes."""
BROW_FOLDS = 0.4
"""Part of the folds between brow and lid that is kept: the brow's own hair and its shadow lie there."""
GAIN = 1.15
"""Sharpening of fine detail: portraits are softer than skin."""
OUTLIER = 0.42
"""Smooth deviation, log, beyond which a texel shows hair, glasses or a highlight."""
STEPS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""Standard deviations of the filters that fill texels which are not seen."""
_BLOCK = 4
_FALL = 0.02
"""Share of seen neighbors below which a filled value falls to zero."""


@dataclass(frozen=True)
class Detail:
    """Bands of one person's skin, from broad to fine."""

    bands: Float32[np.ndarray, "3 H W 3"]
    weight: Float32[np.ndarray, "H W"]

    def flipped(self) -> "Detail":
        """Mirror image."""
        return Detail(self.bands[:, :, ::-1], self.weight[:, ::-1])


def own_detail(log: Float32[np.ndarray, "H W 3"], weight: Float32[np.ndarray, "H W"], chart: FaceChart) -> Detail:
    """Part a skin, given relative to the shared pattern, into bands without light.

    Args:
        log: (H, W, 3).
        weight: (H, W) trust in [0, 1].
        chart: geometry.
    """
    log, weight = log.astype(np.float32), weight * _plausible(log, weight)
    log = log - _light(log, weight, chart)
    filled = fill(log, weight)
    broad = blur(filled, BROAD)
    coarse = blur(filled, MIDDLE)
    fold, fine = coarse - broad, (filled - coarse) * weight[..., None]
    light, color = _parts(broad)
    broad = BROAD_LIGHT * light + BROAD_COLOR * color
    broad = (broad + broad[:, ::-1]) / 2  # one side redder or darker than the other is lamps of two colors
    light, color = _parts(fold)
    fold = FOLD_LIGHT * _between(light, FOLD_DARK_LIMIT, FOLD_BRIGHT_LIMIT) + _limit(color, FOLD_COLOR_LIMIT)
    fold *= 1 - (1 - BROW_FOLDS) * chart.brow_shade[..., None]
    light, color = _parts(fine)
    fine = _between(GAIN * light, FINE_DARK_LIMIT, FINE_BRIGHT_LIMIT) + FINE_COLOR * _limit(color, FOLD_COLOR_LIMIT)
    spare = chart.lashes[..., None]
    fold = np.maximum(fold, -LASH_LIMIT) * spare + fold * (1 - spare)
    fine = np.maximum(fine, -LASH_LIMIT) * spare + fine * (1 - spare)
    return Detail(np.stack([broad, fold, fine]).astype(np.float32), weight.astype(np.float32))


def fill(
    value: Float[np.ndarray, "H W 3"], weight: Float[np.ndarray, "H W"], rest: Float[np.ndarray, "3"] | float = 0.0
) -> Float[np.ndarray, "H W 3"]:
    """Fill what is not seen from what is near, from fine to coarse; becomes `rest` far from anything seen."""
    out, trust = value * weight[..., None], np.clip(weight, 0, 1)
    both = np.concatenate([value * weight[..., None], weight[..., None]], axis=-1)
    for step in STEPS:
        blurred = blur(both, step, "constant")
        near = blurred[..., -1]
        mean = blurred[..., :-1] / np.maximum(near, _FALL)[..., None]
        rise = (1 - trust) * np.clip(near / 0.3, 0, 1)
        out += rise[..., None] * mean
        trust = trust + rise
    return np.asarray(out + (1 - trust)[..., None] * rest)


def _light(
    log: Float[np.ndarray, "H W 3"], weight: Float[np.ndarray, "H W"], chart: FaceChart
) -> Float[np.ndarray, "H W 3"]:
    """Fit brightness by harmonics of the normals to band 2, and color to band 1."""
    basis = sh_basis(np.nan_to_num(chart.normals))
    light, color = _parts(log)
    return _fitted(basis, light, weight) + _fitted(basis[..., :4], color, weight)


def _fitted(basis: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    rows = weight[::2, ::2] > 0.5
    a, b, w = basis[::2, ::2][rows], value[::2, ::2][rows], weight[::2, ::2][rows][:, None]
    for _ in range(3):
        code = np.linalg.solve((a * w).T @ a + 5.0 * np.eye(a.shape[1]), (a * w).T @ b)
        gap = np.abs(b - a @ code).mean(1, keepdims=True)
        w = weight[::2, ::2][rows][:, None] * np.minimum(1, 0.1 / np.maximum(gap, 1e-3))
    return np.asarray(basis @ code)


def _plausible(log: np.ndarray, weight: np.ndarray) -> np.ndarray:
    smooth = blur(log * weight[..., None], 2.0) / np.maximum(gaussian_filter(weight, 2.0), 0.05)[..., None]
    odd = (np.abs(smooth.mean(-1)) > OUTLIER) & (weight > 0.05)
    return 1 - gaussian_filter(np.asarray(maximum_filter(odd, 7), np.float64), 2.0)


def _parts(log: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    light = log.mean(-1, keepdims=True)
    return light, log - light


def _limit(value: np.ndarray, limit: float) -> np.ndarray:
    return np.asarray(limit * np.tanh(value / limit))


def _between(value: np.ndarray, dark: float, bright: float) -> np.ndarray:
    return np.where(value < 0, _limit(value, dark), _limit(value, bright))


def blur(value: np.ndarray, sigma: float, mode: str = "nearest") -> np.ndarray:
    """Blur the first two axes; wide filters work on means of blocks."""
    if sigma < 2 * _BLOCK:
        return np.asarray(gaussian_filter(value, (sigma, sigma, 0), mode=mode))
    rows, columns = value.shape[:2]
    more = (-rows % _BLOCK, -columns % _BLOCK)
    padded = np.pad(value, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge" if mode == "nearest" else "constant")
    high, wide = padded.shape[0] // _BLOCK, padded.shape[1] // _BLOCK
    small = padded.reshape(high, _BLOCK, wide, _BLOCK, -1).mean(axis=(1, 3))
    small = gaussian_filter(small, (sigma / _BLOCK, sigma / _BLOCK, 0), mode=mode)
    at = np.mgrid[:rows, :columns] / _BLOCK - 0.5 + 0.5 / _BLOCK
    return np.stack(
        [map_coordinates(layer, at, order=1, mode="nearest") for layer in small.transpose(2, 0, 1)], axis=-1
    )
