"""Scaling of pixels of more than 8 bits, integers and floats, to 8 bits.

Cameras and scanners store 10 or 12 bits in files of 16. Which depth is meant is told by the greatest value alone: the
smallest of 8, 10, 12 and 16 bits that holds it.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Integer, Num, UInt8

_DEPTHS = (8, 10, 12, 16)
_SLACK = 1e-3  # tolerance beyond a float's range, since resizing overshoots


def sixteen_to_eight(
    values: Integer[np.ndarray, "*shape"], note: Callable[[str], None] = lambda clause: None
) -> UInt8[np.ndarray, "*shape"]:
    """Scale integers to 0..255, to nearest, by the depth that their greatest value needs.

    Args:
        values: Pixels; negative ones count as 0.
        note: Called with one clause about the scale.
    """
    top = int(values.max(initial=0))
    if top > 65535:
        note("32 bits scaled to 8 by the greatest value")
        return np.rint(np.clip(values, 0, None) * (255.0 / top)).astype(np.uint8)
    bits = next(depth for depth in _DEPTHS if top < 1 << depth)
    # a black picture has no depth of its own
    note("16 bits scaled to 8" if bits == 16 or top == 0 else f"{bits} bits in 16: scaled to 8")
    full = (1 << bits) - 1
    return ((np.clip(values, 0, None).astype(np.uint32) * 255 + full // 2) // full).astype(np.uint8)


def floats_to_eight(values: Num[np.ndarray, "*shape"], note: Callable[[str], None]) -> UInt8[np.ndarray, "*shape"]:
    """Scale floating-point pixels of a file to 0..255: from 0..1, 0..255 or 0..65535, else by the greatest value.

    Args:
        values: Pixels; NaN and negative values count as 0, infinity as the greatest finite value.
        note: Called with one clause about the scale.
    """
    finite = np.isfinite(values)
    top = float(values.max(initial=0.0, where=finite))
    if not finite.all():
        note("NaN or infinity among the pixels")
    ranges = (1.0, 255.0, 65535.0)
    full = next((limit for limit in ranges if top <= limit * (1 + _SLACK)), top)
    note(f"floating-point pixels scaled from 0..{full:g}")
    whole = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=full, neginf=0.0)
    return np.rint(np.clip(whole / full, 0, 1) * 255).astype(np.uint8)
