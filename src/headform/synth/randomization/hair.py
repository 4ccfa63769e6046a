"""Randomization of hair and hats."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class HairRandomization:
    """Hair and hats; lengths in centimeters beyond the hairline."""

    rate: float = 0.9
    natural_color_rate: float = 0.97  # others have any color
    root_softness: Range = (0.1, 0.5)  # cm over which the hairline fades into the skin
    scalp_rate: float = 0.5  # probability that a head without hair has a shadow of hair on the scalp
    scalp: Range = (0.0, 0.5)  # its opacity
    short_rate: float = 0.5
    hat_rate: float = 0.05
    short_sides: Range = (0.0, 1.5)
    long_sides: Range = (6.0, 30.0)
    short_back: Range = (0.0, 3.0)
    back_beyond_sides: Range = (0.0, 8.0)  # of long hair
    fringe_rate: float = 0.35
    fringe: Range = (1.0, 6.5)
    thin_rate: float = 0.6  # share of short hair that is thin
    thin: Range = (0.25, 1.2)  # thickness, cm
    thick: Range = (0.6, 3.5)  # thickness of other hair, cm
    usual_hairline_rate: float = 0.8
    hairline_sd: float = 0.8  # shift of a usual hairline, cm up
    receding: Range = (0.0, 4.5)  # shift of the others
    flare: Range = (-0.05, 0.35)  # outward slope of the tips
    ragged: Range = (0.0, 1.0)
    parting: Range = (-1.2, 1.2)  # radians around the head, twice
    loose_rate: float = 0.15  # probability of strands over the face
    loose_count: IntRange = (3, 22)
    loose_opacity: Range = (120.0, 255.0)  # of 255
    loose_width: IntRange = (1, 4)  # half pixels
