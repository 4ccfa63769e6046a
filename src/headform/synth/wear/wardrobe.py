"""Outfits: what a synthetic person wears and what covers the face.

V head vertices.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from headform.heads.linear import LinearHead
from headform.synth.piece import Piece, Wearer
from headform.synth.randomization import HatRandomization, RandomizationConfig
from headform.synth.wear.cloth import pick
from headform.synth.wear.clothes import Clothing, clothes
from headform.synth.wear.fitting import Fitting, HeadPlaces
from headform.synth.wear.glasses import glasses
from headform.synth.wear.hats import Hat, HatCover, beanie, brimmed, cap, headband
from headform.synth.wear.occluders import occluders
from headform.synth.wear.skull import Skull, SkullPlaces
from headform.synth.wear.strands import strands
from headform.synth.wear.torso import Torso, TorsoPlaces
from headform.synth.wear.wraps import headphones, headscarf, helmet, hood, turban

_HATS = {
    "cap": cap,
    "beanie": beanie,
    "brim": brimmed,
    "helmet": helmet,
    "headband": headband,
    "turban": turban,
    "headphones": headphones,
}
_WRAPS = {"scarf": headscarf, "hood": hood}


@dataclass(frozen=True)
class Outfit:
    """Clothes, glasses and other pieces of one person, and the head that they fit.

    Attributes:
        vertices: Head vertices: the neck turned against the torso, skin below clothes moved under them, ears pressed.
        pieces: Clothes, hat, glasses and occluders.
        cover: Region that a hat covers: hair is pressed or left out there; none without a hat.
    """

    vertices: Float32[np.ndarray, "V 3"]
    pieces: list[Piece]
    cover: HatCover | None


class Wardrobe:
    """Maker of outfits for people of one head model; what they share is computed once."""

    def __init__(self, head: LinearHead) -> None:
        self._places = HeadPlaces(head)
        self._torso = TorsoPlaces(self._places)
        self._skull = SkullPlaces(self._places)

    def dress(self, rng: np.random.Generator, wearer: Wearer, config: RandomizationConfig) -> Outfit:
        """Draw an outfit for one person."""
        fitting = Fitting(self._places, wearer)
        skull = Skull(self._skull, fitting)
        torso = self.torso(rng, wearer, config)
        dressed = Clothing([], None)
        if rng.random() < config.clothes.rate:
            dressed = clothes(rng, torso, wearer.skin_rgb, config.clothes)
        vertices = torso.bust(dressed.edge)
        pieces = list(dressed.pieces)
        worn: Hat | None = None
        if rng.random() < config.hats.rate:
            worn = hat(rng, skull, torso, config.hats)
            pieces += worn.pieces
            if worn.over_ears:
                vertices = skull.flat_ears(vertices)
        if rng.random() < config.glasses.rate:
            pieces += glasses(rng, fitting, config.glasses)
        if rng.random() < config.occluders.rate:
            pieces += occluders(rng, skull, torso, config.occluders)
        return Outfit(vertices, pieces, worn.cover if worn else None)

    def loose_hair(
        self, rng: np.random.Generator, wearer: Wearer, hair_rgb: Float[np.ndarray, "3"], config: RandomizationConfig
    ) -> list[Piece]:
        """Draw loose strands over the face, of linear color `hair_rgb`, for those who have any."""
        if rng.random() >= config.occluders.strands_rate:
            return []
        return strands(rng, Skull(self._skull, Fitting(self._places, wearer)), hair_rgb, config.occluders)

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


def hat(rng: np.random.Generator, skull: Skull, torso: Torso, config: HatRandomization) -> Hat:
    """Make a hat of one of the kinds."""
    kind = pick(rng, config.kinds)
    if kind in _WRAPS:
        return _WRAPS[kind](rng, skull, torso, config)
    return _HATS[kind](rng, skull, config)
