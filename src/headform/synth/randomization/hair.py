"""Randomization of hair, beards and lashes."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range

HAIR_STYLES = (
    ("short01", 1.2), ("short02", 1.2), ("short03", 0.5), ("short04", 1.4), ("afro01", 0.7), ("bob01", 0.1), ("bob02", 0.7),
    ("long01", 1.3), ("ponytail01", 0.9), ("braid01", 0.5),
)  # fmt: skip
"""Names of styles and how often they are drawn, relative to each other."""


@dataclass(frozen=True)
class HairRandomization:
    """Hair: its style, cut and combing; lengths in meters."""

    natural_color_rate: float = 0.97  # others have any color
    bald_rate: float = 0.05  # of all heads: no hair at all
    shaved_rate: float = 0.08  # hair that is painted on the scalp alone
    shaved: Range = (0.05, 0.8)  # its density
    styles: tuple[tuple[str, float], ...] = HAIR_STYLES
    short_if_bearded_rate: float = 0.85  # probability that a bearded head has one of the short styles
    mirror_rate: float = 0.5
    volume: Range = (-0.35, 0.35)  # relative change of the distance from the skull
    afro_volume: Range = (-0.5, 0.7)
    length: Range = (0.45, 1.1)  # of what hangs below the middle of the ears
    fringe_rate: float = 0.35  # probability that short hair falls on the forehead
    fringe: Range = (0.004, 0.028)  # by which it is longer there
    clear_rate: float = 0.85  # probability that hair which hides an eye is cut above it
    clear_height: Range = (0.052, 0.085)  # height where that ends on the mean head, whose brows lie at 0.06
    clear_slant: Range = (-0.02, 0.02)  # its slant, meters a radian around the head
    wave_rate: float = 0.4
    wave: Range = (0.001, 0.006)  # amplitude
    wave_length: Range = (0.025, 0.09)
    lumps: Range = (0.0005, 0.004)  # standard deviation of uneven thickness
    usual_hairline: Range = (-0.004, 0.002)  # shift upward
    recede_rate: float = 0.22
    recede: Range = (0.004, 0.045)  # shift of the hairline upward, most at the temples
    crown_rate: float = 0.05  # probability that only sides and back have hair
    thin_rate: float = 0.15
    thin: Range = (0.1, 0.3)  # share of the strands that is missing
    root_tone: Range = (0.7, 1.0)  # brightness near the skull
    tip_tone: Range = (0.95, 1.3)  # brightness far from it
    card_tone_sd: float = 0.12  # relative difference between locks
    streaks: Range = (0.0, 0.3)  # standard deviation of the logarithm of the tone from strand to strand
    gloss: Range = (0.2, 0.8)


@dataclass(frozen=True)
class StrayHairRandomization:
    """Hair that does not lie with the rest; lengths in meters."""

    cards: IntRange = (250, 700)  # groups of strands along the hairline
    card_width: Range = (0.003, 0.007)
    hairline_length: Range = (0.006, 0.02)
    standing: IntRange = (0, 120)  # single strands that leave the outline
    standing_length: Range = (0.015, 0.06)
    standing_width: float = 0.0005
    lift: Range = (0.05, 0.6)  # share of the length by which they leave it
    opacity: Range = (0.4, 0.95)


@dataclass(frozen=True)
class LashRandomization:
    """Lashes."""

    rate: float = 0.95
    length: Range = (0.4, 0.9)  # of the painted ones, which are long
    opacity: Range = (0.35, 0.95)
    made_up_rate: float = 0.15  # probability of long, opaque, black ones
    made_up_length: Range = (0.8, 1.15)
    tone: Range = (0.005, 0.03)  # linear gray
    hair_share: Range = (0.0, 0.5)  # of the hair's color in that of the lashes


@dataclass(frozen=True)
class BeardRandomization:
    """Beards of strands that stand out from the skin; lengths in meters."""

    rate: float = 0.7  # probability that a dense painted beard has strands
    least_growth: float = 0.45  # painted opacity from which it may
    short: Range = (0.002, 0.010)
    long_rate: float = 0.2
    long: Range = (0.012, 0.06)
    moustache: Range = (0.003, 0.012)
    cards: IntRange = (500, 1100)
    lift: Range = (0.15, 0.5)  # share of the direction that points away from the skin
    ragged: Range = (0.1, 0.4)  # relative difference of lengths
