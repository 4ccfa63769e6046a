"""Outfits: what a synthetic person wears and what covers the face.

V head vertices.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from headform.heads.linear import LinearHead
from headform.synth.piece import Piece, Wearer
from headform.synth.randomization import RandomizationConfig
from headform.synth.wear.clothes import Clothing, clothes
from headform.synth.wear.fitting import Fitting, HeadPlaces
from headform.synth.wear.glasses import glasses
from headform.synth.wear.torso import Torso, TorsoPlaces


@dataclass(frozen=True)
class Outfit:
    """Clothes, glasses and other pieces of one person, and the head that they fit.

    Attributes:
        vertices: Head vertices, the neck turned against the torso and, under clothes, moved below them.
        pieces: Clothes, glasses and what else there is.
    """

    vertices: Float32[np.ndarray, "V 3"]
    pieces: list[Piece]


class Wardrobe:
    """Maker of outfits for people of one head model; what they share is computed once."""

    def __init__(self, head: LinearHead) -> None:
        self._places = HeadPlaces(head)
        self._torso = TorsoPlaces(self._places)

    def dress(self, rng: np.random.Generator, wearer: Wearer, config: RandomizationConfig) -> Outfit:
        """Draw an outfit for one person."""
        fitting = Fitting(self._places, wearer)
        torso = self.torso(rng, wearer, config)
        dressed = Clothing([], None)
        if rng.random() < config.clothes.rate:
            dressed = clothes(rng, torso, wearer.skin_rgb, config.clothes)
        pieces = list(dressed.pieces)
        if rng.random() < config.glasses.rate:
            pieces += glasses(rng, fitting, config.glasses)
        return Outfit(torso.bust(dressed.edge), pieces)

    def torso(self, rng: np.random.Generator, wearer: Wearer, config: RandomizationConfig) -> Torso:
        """Draw the shoulders of one person, and how far they turn with the head."""
        c = config.clothes
        yaw = -wearer.yaw * rng.uniform(*c.yaw)
        pitch = -wearer.pitch * rng.uniform(*c.pitch)
        return Torso(
            common=self._torso,
            vertices=wearer.vertices,
            width=rng.uniform(*c.shoulder_width),
            raised=rng.uniform(*c.shoulder_height),
            yaw=float(np.clip(yaw, -c.most_turn, c.most_turn)),
            pitch=float(np.clip(pitch, -c.most_turn, c.most_turn)),
        )
