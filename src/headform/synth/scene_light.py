"""Light of a synthetic picture: a panorama's suns and harmonics, a studio's lamps, or free lamps.

N lamps. Camera frame (x right, y down, z forward), linear RGB.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from headform.synth.light import Lighting, sample_light
from headform.synth.panoramas import Environment, ambient_of, camera_rotation
from headform.synth.randomization import LightRandomization, SceneLightRandomization

_MOST_LAMPS = 4
_FACE_BALANCE = 0.8  # weight of the light on the face in a camera's white balance; the rest is the scene's


@dataclass(frozen=True)
class SceneLight:
    """Light, and the panorama it comes from.

    Attributes:
        lamps: Ambient light and lamps.
        softness: Apparent size of each lamp, 0 a point to 1 a wide panel.
        environment: The panorama, if there is one.
        rotation: Camera from panorama.
        balance: Factors by which the camera's white balance multiplies the panorama.
    """

    lamps: Lighting
    softness: Float32[np.ndarray, " N"]
    environment: Environment | None
    rotation: Float[np.ndarray, "3 3"]
    balance: Float[np.ndarray, "3"]


def sample_scene_light(
    rng: np.random.Generator,
    environments: list[Environment],
    config: SceneLightRandomization,
    free: LightRandomization,
) -> SceneLight:
    """Draw the light of one picture."""
    base = sample_light(rng, free)  # gives the shininess of every kind
    kind = rng.random()
    if environments and kind < config.panorama_rate:
        return _from_panorama(rng, environments[int(rng.integers(len(environments)))], config, base)
    if kind < config.panorama_rate + config.studio_rate:
        return _studio(rng, config, base)
    soft = rng.uniform(0, 1, len(base.colors)).astype(np.float32)
    return SceneLight(base, soft, None, np.eye(3), np.ones(3))


def _from_panorama(
    rng: np.random.Generator, environment: Environment, config: SceneLightRandomization, base: Lighting
) -> SceneLight:
    rotation = camera_rotation(rng.uniform(0, 2 * np.pi), rng.normal(0, config.pitch_sd))
    ambient = ambient_of(environment, rotation)
    directions = environment.sun_directions @ rotation.T
    colors = environment.sun_colors
    # cameras balance for the face: what falls on a surface that looks at the lens, of all light and of its mean
    front = ambient[0] - ambient[2] + 2 * ambient[6] + np.maximum(-directions[:, 2], 0) @ colors
    mean = _FACE_BALANCE * np.maximum(front, 0) + (1 - _FACE_BALANCE) * (ambient[0] + 0.3 * colors.sum(0))
    share = rng.uniform(*config.white_balance)
    balance = (mean.mean() / np.maximum(mean, 1e-6)) ** share / mean.mean()
    ambient, colors = ambient * balance, colors * balance
    softness = np.zeros(len(colors))
    if rng.random() < config.flash_rate:
        lens = np.array([[rng.normal(0, 0.15), rng.normal(-0.15, 0.1), -1.0]])
        directions = np.concatenate([directions, lens / np.linalg.norm(lens)])
        colors = np.concatenate([colors, np.full((1, 3), rng.uniform(*config.flash))])
        softness = np.append(softness, 0.2)
    # what the ground, the photographer and walls outside the panorama's resolution give back
    ambient = ambient.copy()
    fill = rng.uniform(*config.fill) * 0.5
    ambient[0] += fill
    ambient[2] -= 0.6 * fill
    lamps = Lighting(
        ambient.astype(np.float32),
        directions.reshape(-1, 3).astype(np.float32)[:_MOST_LAMPS],
        colors.reshape(-1, 3).astype(np.float32)[:_MOST_LAMPS],
        float(rng.uniform(*config.shadow)),
        base.shininess,
    )
    return SceneLight(lamps, softness[:_MOST_LAMPS].astype(np.float32), environment, rotation, balance)


def _studio(rng: np.random.Generator, config: SceneLightRandomization, base: Lighting) -> SceneLight:
    c = config

    def tint() -> Float[np.ndarray, "3"]:
        return np.clip(1 + rng.normal(c.warmth, c.tint_sd) * np.array([1.0, 0.2, -1.0]), 0.5, 1.6)

    side = rng.choice([-1.0, 1.0])
    lamps = [(side * rng.uniform(*c.key_yaw), rng.uniform(*c.key_height), 1.0, rng.uniform(*c.key_softness))]
    lamps.append((-side * rng.uniform(*c.key_yaw), rng.uniform(0, 0.5), rng.uniform(*c.fill_share), 1.0))
    if rng.random() < c.rim_rate:
        lamps.append((rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 2.9), rng.uniform(0.2, 0.9), rng.uniform(*c.rim), 0.3))
    directions = [(np.sin(y) * np.cos(e), -np.sin(e), -np.cos(y) * np.cos(e)) for y, e, _, _ in lamps]
    colors = np.stack([level * tint() for _, _, level, _ in lamps])
    ambient = np.zeros((9, 3))
    ambient[0] = rng.uniform(*c.ambient_share) * tint()
    ambient[1] = -rng.uniform(0.1, 0.4) * ambient[0]  # more from above
    hardness = rng.uniform(*c.shadow) * (1 - 0.5 * lamps[0][3])
    lighting = Lighting(
        ambient.astype(np.float32),
        np.array(directions, np.float32),
        colors.astype(np.float32),
        float(hardness),
        base.shininess,
    )
    return SceneLight(lighting, np.array([s for *_, s in lamps], np.float32), None, np.eye(3), np.ones(3))
