"""Light on synthetic faces: a soft environment in spherical harmonics and one to three lamps.

N lamps. Colors are linear RGB; directions point from the face to the light, camera frame (x right, y down, z forward).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.synth.randomization import RandomizationConfig


@dataclass(frozen=True)
class Lighting:
    """See `sample_light`."""

    ambient: Float[np.ndarray, "9 3"]  # irradiance coefficients on 1, y, z, x, xy, yz, 3z2-1, xz, x2-y2
    directions: Float[np.ndarray, "N 3"]
    colors: Float[np.ndarray, "N 3"]
    hardness: float  # share of a lamp's light that a shadow takes away
    shininess: float  # Blinn-Phong exponent


def sample_light(rng: np.random.Generator, recipe: RandomizationConfig) -> Lighting:
    """Draw one lighting; overall brightness is arbitrary, exposure comes later."""

    def tint(spread: float) -> Float[np.ndarray, "3"]:
        warm = rng.normal(0, spread) * np.array([1.0, 0.2, -1.0])
        return np.clip(1 + warm + rng.normal(0, spread * 0.3, 3), 0.3, 1.8)

    count = int(rng.integers(1, 4))
    directions = rng.normal(0, 1, (count, 3))
    directions[:, 2] = -np.abs(directions[:, 2]) * rng.uniform(0.2, 1.5)  # from the camera's side
    directions[:, 1] = directions[:, 1] * 0.7 - 0.35  # and rather from above
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    colors = np.stack([rng.uniform(0.1, 1.6) * tint(0.12) for _ in range(count)])
    ambient = np.zeros((9, 3))
    level = rng.uniform(0.12, 0.8)
    ambient[0] = level * tint(0.08)
    up = rng.normal(0, 0.5, 3) + [0, -1, -0.3]
    up /= np.linalg.norm(up)
    slope = level * rng.uniform(0.1, 0.55) * tint(0.1)
    ambient[1:4] = np.array([up[1], up[2], up[0]])[:, None] * slope
    ambient[4:] = rng.normal(0, 0.06 * level, (5, 1)) * tint(0.1)
    return Lighting(
        ambient=ambient.astype(np.float32),
        directions=directions.astype(np.float32),
        colors=(colors * recipe.light_contrast).astype(np.float32),
        hardness=float(rng.uniform(0, recipe.hard_light)),
        shininess=float(np.exp(rng.uniform(np.log(5), np.log(45)))),
    )
