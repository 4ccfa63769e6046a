"""All hair of one person.

V head vertices.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from headform.heads.linear import LinearHead
from headform.synth.groom.beard import Barber
from headform.synth.groom.hair import Hairdresser
from headform.synth.groom.lashes import lashes
from headform.synth.groom.stray import StrayHair
from headform.synth.piece import Piece
from headform.synth.randomization import RandomizationConfig
from headform.synth.skin import SkinAttributes
from headform.synth.skin_fields import SkinFields
from headform.synth.wear.hats import HatCover

_DARKEST = 0.007  # linear; black hair, whose strands scatter a little
_GRAYER = 0.15  # share of gray: no hair lacks one of the primaries
_BRIGHTEST = 0.42  # linear; white hair, since its lit strands mirror too
_BEARDED = 0.2  # density of painted growth from which a head counts as bearded


@dataclass(frozen=True)
class Groomed:
    """Hair of one person.

    Attributes:
        hair: Hair of the scalp; none on a bald or shaved head, or where a hat hides it.
        others: Stray hair, beard and lashes.
        roots: Density of the hair on the scalp, 0..1, to be painted on the skin.
    """

    hair: Piece | None
    others: list[Piece]
    roots: Float32[np.ndarray, " V"]


class Groomer:
    """Groomer of people of one head model; what they share is computed once.

    Args:
        head: The open head.
        fields: Its fields.
    """

    def __init__(self, head: LinearHead, fields: SkinFields) -> None:
        self._hairdresser = Hairdresser(head, fields)
        self._stray = StrayHair(head, fields)
        self._barber = Barber(head, fields)

    def groom(
        self,
        rng: np.random.Generator,
        displacement: Float32[np.ndarray, "V 3"],
        hair_rgb: Float[np.ndarray, "3"],
        skin: SkinAttributes,
        config: RandomizationConfig,
        cover: HatCover | None = None,
    ) -> Groomed:
        """Draw the hair of one person.

        Args:
            rng: Source of chance.
            displacement: Offsets of the person's head vertices from the mean head's, meters.
            hair_rgb: Linear RGB of the hair.
            skin: Coloring, which says where a beard grows.
            config: Probabilities and ranges.
            cover: Region of a hat, if one is worn.
        """
        pale = (1 - _GRAYER) * hair_rgb + _GRAYER * hair_rgb.mean()
        hair_rgb = np.maximum(pale * min(1.0, _BRIGHTEST / float(pale.max())), _DARKEST)
        bearded = max(skin.beard, skin.moustache) > _BEARDED
        cut = self._hairdresser.cut(rng, displacement, hair_rgb, config.hair, bearded=bearded)
        others = []
        if cut.piece is not None and cut.open_hairline:
            others.append(self._stray.hairline(rng, displacement, hair_rgb, cut.shift, config.stray_hair))
        if cut.piece is not None:
            standing = self._stray.standing(rng, cut.piece.vertices, hair_rgb, config.stray_hair)
            others += [standing] if standing is not None else []
        hair = cut.piece
        if hair is not None and cover is not None:
            hair = None if cover.hides_hair else replace(hair, vertices=cover.press(hair.vertices))
            others = []
        others += self._barber.beard(rng, displacement, hair_rgb, skin, config.beard)
        others += lashes(rng, displacement, hair_rgb, config.lashes)
        return Groomed(hair, others, cut.roots)
