"""The mirror map of the Basel mesh from ``face05_symlist.txt``, believed only where the mean head bears it out.

V vertices. The file is a list of vertex numbers, one for each vertex or in pairs; from which origin they count is not
documented, so that both are tried.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.io.file_bytes import read_bytes

_NEAR = 0.02
"""Largest median distance between a vertex and the image of its partner, as a share of the head's width."""


def read_mirror(path: Path, mean: Float[np.ndarray, "V 3"]) -> Int[np.ndarray, " V"]:
    """The partner of each vertex.

    Args:
        path: The text file.
        mean: Mean shape, any unit; its plane of symmetry is that of its middle x.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` where it holds anything but whole numbers;
            ``model_mismatch`` where it does not take this head to its mirror image.
    """
    try:
        words = read_bytes(path, max_bytes=1 << 24).decode("ascii").replace(",", " ").split()
        numbers = np.array([int(word) for word in words], np.int64)
    except (ValueError, OverflowError) as error:
        what = "not a list of whole numbers"
        raise WeightsError("weights_damaged", what, repr(str(path))) from error
    count = len(mean)
    for origin in (1, 0):
        for mirror in _readings(numbers - origin, count):
            if _fits(mirror, mean):
                return mirror
    what = f"it does not take this head of {count} vertices to its mirror image"
    raise WeightsError("model_mismatch", what, repr(str(path)), "give the list of this mesh")


def _readings(numbers: Int[np.ndarray, " N"], count: int) -> Iterator[Int[np.ndarray, " V"]]:
    """The partner of each vertex in each of the two forms that the list may have."""
    if not len(numbers) or int(numbers.min()) < 0 or int(numbers.max()) >= count:
        return
    if len(numbers) == count:
        yield numbers
    if len(numbers) % 2 == 0:
        pairs = numbers.reshape(-1, 2)
        mirror = np.arange(count)
        mirror[pairs[:, 0]] = pairs[:, 1]
        mirror[pairs[:, 1]] = pairs[:, 0]
        yield mirror


def _fits(mirror: Int[np.ndarray, " V"], mean: Float[np.ndarray, "V 3"]) -> bool:
    """Whether it is its own inverse and takes the head to its image."""
    if not np.array_equal(mirror[mirror], np.arange(len(mean))):
        return False
    low, high = mean[:, 0].min(), mean[:, 0].max()
    image = mean[mirror] * [-1, 1, 1] + [low + high, 0, 0]
    return float(np.median(np.linalg.norm(image - mean, axis=1))) < _NEAR * float(high - low)
