"""Augmentation at each reading of a synthetic face: crop, mirror image, color, patches.

B batch, S side of the stored picture, P points.
"""

import numpy as np
from jaxtyping import Float, UInt8


def random_windows(rng: np.random.Generator, count: int, slack: int) -> np.ndarray:
    """Draw the upper left corners (count, 2), as x, y, of windows that may move by `slack` pixels."""
    return rng.integers(0, slack + 1, (count, 2))


def cut_windows(images: UInt8[np.ndarray, "B S S C"], corners: np.ndarray, side: int) -> UInt8[np.ndarray, "B T T C"]:
    """Cut a window of `side` pixels at the given corner of each picture."""
    return np.stack([im[y : y + side, x : x + side] for im, (x, y) in zip(images, corners, strict=True)])


def vary_color(rng: np.random.Generator, images: UInt8[np.ndarray, "B S S C"]) -> Float[np.ndarray, "B S S C"]:
    """Apply a random gain per channel and a random offset to each picture."""
    count, channels = len(images), images.shape[-1]
    gain = np.exp(rng.normal(0, 0.1, (count, 1, 1, channels))).astype(np.float32)
    lift = rng.normal(0, 8, (count, 1, 1, 1)).astype(np.float32)
    return np.clip(images * gain + lift, 0, 255)


def paste_patches(rng: np.random.Generator, images: Float[np.ndarray, "B S S C"], rate: float) -> None:
    """Cover a rectangle of some pictures with a patch of another, in place, as random occluders."""
    count, side = images.shape[:2]
    for k in np.flatnonzero(rng.random(count) < rate):
        height, width = (rng.uniform(0.1, 0.42, 2) * side).astype(int)
        y, x = int(rng.integers(0, side - height)), int(rng.integers(0, side - width))
        v, u = int(rng.integers(0, side - height)), int(rng.integers(0, side - width))
        other = int(rng.integers(count))
        images[k, y : y + height, x : x + width] = images[other, v : v + height, u : u + width]
