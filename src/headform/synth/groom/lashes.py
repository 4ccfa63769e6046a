"""Lashes of one person: shorter and thinner than the painted ones, unless made up."""

import numpy as np
from jaxtyping import Float, Float32

from headform.synth.appearance import load_appearance
from headform.synth.piece import UNLABELED, Piece
from headform.synth.randomization.hair import LashRandomization


def lashes(
    rng: np.random.Generator,
    displacement: Float32[np.ndarray, "V 3"],
    hair_rgb: Float[np.ndarray, "3"],
    config: LashRandomization,
) -> list[Piece]:
    """Draw the lashes of one person, or none.

    Args:
        rng: Source of chance.
        displacement: Offsets of the person's head vertices from the mean head's, meters.
        hair_rgb: Linear RGB of the hair.
        config: Probabilities and ranges.
    """
    if rng.random() >= config.rate:
        return []
    styles = load_appearance().lashes
    asset = styles[sorted(styles)[int(rng.integers(len(styles)))]]
    made_up = rng.random() < config.made_up_rate
    length = rng.uniform(*(config.made_up_length if made_up else config.length))
    placed = asset.on(displacement)
    root = placed[asset.root]
    rgb = np.full(3, rng.uniform(*config.tone))
    if not made_up:
        rgb = rgb + rng.uniform(*config.hair_share) * hair_rgb
    return [
        Piece(
            vertices=(root + length * (placed - root)).astype(np.float32),
            faces=asset.faces,
            albedo=np.broadcast_to(rgb.astype(np.float32), placed.shape).copy(),
            label=UNLABELED,
            uv=asset.uv,
            texture=asset.picture,
            opacity=1.0 if made_up else float(rng.uniform(*config.opacity)),
        )
    ]
