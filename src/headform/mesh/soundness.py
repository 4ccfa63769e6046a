"""Flaws of a mesh of a file that make distances to it meaningless, or endless to compute.

V vertices, F triangles.
"""

import numpy as np
from jaxtyping import Float, Int, UInt64

FEWEST = 12
"""Triangles with an area that a mesh must have to be taken for the surface of a face: as many as a cube's."""

LARGEST = 1e12
"""Coordinates above it are no sizes in any unit, and their fourth powers leave few digits to distances."""

NO_AREA = 1e-12
"""Share of the square of its longest side that a triangle's area must have; below, it counts as a line or a point."""

REPEATS = 50
"""Triangles per different one, on average, above which a mesh is a pile of copies."""

LAYERS = 1000
"""Triangles, each taken as large as its longest side, that may cover the mesh's extent. Heads have about 10, and 100 with
combed hair; the time of a search for the closest point grows with it."""


def flaw(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> str:
    """Describe what makes a mesh unfit to measure distances to; empty if nothing does.

    Args:
        vertices: (V, 3) any unit.
        faces: (F, 3) indices below V.
    """
    if not np.isfinite(vertices).all():
        return "a coordinate is NaN or infinite"
    if not len(faces):
        return "the mesh has no triangles"
    corners = np.asarray(vertices[faces], np.float64)
    largest = float(np.abs(corners).max())
    if largest > LARGEST:
        return f"a coordinate is {largest:.3g}, which is no size"
    extent = np.ptp(corners.reshape(-1, 3), axis=0)
    scale = float(extent.max())
    if not scale > 0:
        return "all corners of its triangles coincide"
    sides = (corners[:, [1, 2, 0]] - corners) / scale
    longest = np.square(sides).sum(axis=2).max(axis=1)
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2
    sound = int((area > NO_AREA * longest).sum())
    if not sound:
        return "none of its triangles has an area"
    if sound < FEWEST:
        return f"it has {sound} triangle{'s' if sound > 1 else ''} with an area, too few for a face"
    different = _different(corners)
    if len(faces) > REPEATS * different:
        return f"its {len(faces)} triangles lie in {different} place{'s' if different > 1 else ''}, one on top of the other"
    # without the outermost hundredth, so that a stray vertex does not make the rest look thinly spread
    low, high = np.quantile((corners / scale).reshape(-1, 3), [0.01, 0.99], axis=0)
    room = float(np.square(high - low).sum())
    layers = float(np.minimum(longest, room).sum())
    if layers > LAYERS * room:
        return f"its {len(faces)} triangles lie one on top of the other"
    return ""


def _different(corners: Float[np.ndarray, "F 3 3"]) -> int:
    """Count triangles of different corners, in whatever order, by a hash: 64 bits of each corner, added up."""
    bits = np.ascontiguousarray(corners + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    mixed: UInt64[np.ndarray, "F 3"] = np.zeros(bits.shape[:2], np.uint64)
    for axis in range(3):
        mixed = _scrambled(mixed ^ bits[..., axis])
    return len(np.unique(mixed.sum(axis=1, dtype=np.uint64)))


def _scrambled(bits: UInt64[np.ndarray, "F 3"]) -> UInt64[np.ndarray, "F 3"]:
    """Finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
