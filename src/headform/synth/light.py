"""Light on synthetic faces: a soft environment in spherical harmonics and one to three lamps.

N lamps. Colors are linear RGB; directions point from the face to the light, camera frame (x right, y down, z forward).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.synth.randomization import LightRandomization


@dataclass(frozen=True)
class Lighting:
    """Ambient light and N lamps."""

    ambient: Float[np.ndarray, "9 3"]  # irradiance coefficients on 1, y, z, x, xy, yz, 3z2-1, xz, x2-y2
    directions: Float[np.ndarray, "N 3"]
    colors: Float[np.ndarray, "N 3"]
    hardness: float  # share of a lamp's light that a shadow takes away
    shininess: float  # Blinn-Phong exponent


def sample_light(rng: np.random.Generator, config: LightRandomization) -> Lighting:
    """Draw one lighting; overall brightness is arbitrary, exposure comes later."""

    def tint(sd: float) -> Float[np.ndarray, "3"]:
        # most of a lamp's variation is between warm (red) and cold (blue)
        warm = rng.normal(0, sd) * np.array([1.0, 0.2, -1.0])
        return np.clip(1 + warm + rng.normal(0, sd * 0.3, 3), 0.3, 1.8)

    count = int(rng.integers(*config.lamps))
    directions = rng.normal(0, 1, (count, 3))
    directions[:, 2] = -np.abs(directions[:, 2]) * rng.uniform(*config.lamp_depth)  # from the camera's side
    factor, shift = config.lamp_height
    directions[:, 1] = directions[:, 1] * factor + shift
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    colors = np.stack([rng.uniform(*config.lamp) * tint(config.lamp_tint_sd) for _ in range(count)])
    ambient = np.zeros((9, 3))
    level = rng.uniform(*config.ambient)
    ambient[0] = level * tint(config.ambient_tint_sd)
    up = rng.normal(0, config.ambient_up_sd, 3) + config.ambient_up
    up /= np.linalg.norm(up)
    slope = level * rng.uniform(*config.ambient_slope) * tint(config.ambient_slope_tint_sd)
    ambient[1:4] = np.array([up[1], up[2], up[0]])[:, None] * slope
    ambient[4:] = rng.normal(0, config.ambient_curve_sd * level, (5, 1)) * tint(config.ambient_slope_tint_sd)
    return Lighting(
        ambient=ambient.astype(np.float32),
        directions=directions.astype(np.float32),
        colors=(colors * config.contrast).astype(np.float32),
        hardness=float(rng.uniform(0, config.most_hardness)),
        shininess=float(np.exp(rng.uniform(*np.log(config.shininess)))),
    )
