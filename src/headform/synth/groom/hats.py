"""Hats of one person."""

import numpy as np
from jaxtyping import Float, Float32

from headform.geometry.face_classes import HAT
from headform.synth.appearance import PieceAsset, load_appearance
from headform.synth.piece import Piece
from headform.synth.randomization.groom import HatRandomization

_CENTER = np.array([0.0, 0.06, 0.0])
_BAND = (0.015, 0.035)
"""Heights above the lowest point of the crown between which the ribbon lies, meters."""


def hat(
    rng: np.random.Generator,
    displacement: Float32[np.ndarray, "V 3"],
    config: HatRandomization,
) -> Piece:
    """Draw a hat: size, tilt, colors of felt and ribbon.

    Args:
        rng: Source of chance.
        displacement: Offsets of the person's head vertices from the mean head's, meters.
        config: Probabilities and ranges.
    """
    asset = load_appearance().hats[config.names[int(rng.integers(len(config.names)))]]
    placed = asset.on(displacement).astype(np.float64)
    pitch, yaw, roll = rng.normal(0, config.tilt_sd, 3)
    turn = _small_rotation(pitch, yaw, roll)
    placed = _CENTER + rng.uniform(*config.size) * (placed - _CENTER) @ turn.T
    value = np.exp(rng.uniform(*np.log(config.tone)))
    felt = value * np.exp(config.color_sd * rng.standard_normal(3))
    ribbon = felt * rng.uniform(*config.ribbon)
    albedo = np.where(_is_ribbon(asset)[:, None], ribbon, felt)
    return Piece(
        vertices=placed.astype(np.float32),
        faces=asset.faces,
        albedo=albedo.clip(0.003, 0.9).astype(np.float32),
        label=HAT,
        gloss=float(rng.uniform(*config.gloss)),
    )


def _is_ribbon(asset: PieceAsset) -> np.ndarray:
    """Mask of the vertices low on the crown."""
    x, y, z = asset.position.T
    crown = np.hypot(x, z - 0.005) < 0.105
    low = y[crown].min()
    return np.asarray(crown & (y > low + _BAND[0]) & (y < low + _BAND[1]))


def _small_rotation(pitch: float, yaw: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """Rotate about x, then y, then z."""
    (a, b), (c, d), (e, f) = ((np.cos(t), np.sin(t)) for t in (pitch, yaw, roll))
    about_x = np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    about_y = np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]])
    about_z = np.array([[e, -f, 0], [f, e, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)
