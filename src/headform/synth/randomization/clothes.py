"""Randomization of clothes."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range

Rates = tuple[tuple[str, float], ...]
"""Names and their relative frequencies."""


@dataclass(frozen=True)
class ClothesRandomization:
    """Shoulders and what covers them. Rows are those of `synth.wear.torso`, lengths meters, albedo linear."""

    rate: float = 0.98  # probability of shoulders; otherwise the head ends at its neck
    shoulder_width: Range = (0.86, 1.12)  # factor
    shoulder_height: Range = (-0.018, 0.02)  # meters up
    yaw: Range = (0.1, 0.9)  # share of the head's yaw that the neck makes
    pitch: Range = (0.2, 0.9)  # share of the head's pitch that the neck makes
    most_turn: float = 0.9  # greatest angle between head and torso, radians
    kinds: Rates = (
        ("suit", 0.34),
        ("shirt", 0.16),
        ("tshirt", 0.15),
        ("vneck", 0.10),
        ("turtleneck", 0.06),
        ("blazer", 0.08),
        ("hoodie", 0.05),
        ("straps", 0.04),
        ("bare", 0.02),
    )
    # cloth
    fabrics: Rates = (
        ("plain", 0.62),
        ("stripes", 0.1),
        ("plaid", 0.08),
        ("dots", 0.03),
        ("print", 0.09),
        ("knit", 0.08),
    )
    suit_fabrics: Rates = (("plain", 0.7), ("pinstripes", 0.15), ("herringbone", 0.1), ("plaid", 0.05))
    shirt_fabrics: Rates = (("plain", 0.75), ("pinstripes", 0.15), ("plaid", 0.1))
    tie_fabrics: Rates = (("diagonal", 0.4), ("plain", 0.25), ("dots", 0.25), ("print", 0.1))
    suit_albedo: Range = (0.004, 0.09)
    suit_tint: float = 0.25  # relative difference of its channels; navy, charcoal, brown
    light_shirt_rate: float = 0.8  # white and pale shirts under suits
    light_shirt: Range = (0.45, 0.85)
    shirt_tint: float = 0.2
    cloth_albedo: Range = (0.005, 0.75)  # per channel
    grayness: tuple[float, float] = (2.0, 1.1)  # a, b of the beta distribution of the color that other clothes lack
    second_contrast: Range = (0.15, 0.9)  # of the second color of a pattern, share of the way to it
    relief: Range = (0.1, 0.5)  # greatest relative brightening by folds and weave
    gloss: Range = (0.0, 0.1)
    thickness: Range = (0.003, 0.007)
    # necklines
    crew_row: Range = (2.0, 2.9)
    crew_drop: Range = (0.0, 0.6)  # lower in front, rows
    vneck_row: Range = (3.6, 5.8)  # lowest point of a V or scoop
    scoop_rate: float = 0.4
    turtleneck_row: Range = (0.1, 0.9)
    straps_row: Range = (4.6, 5.6)
    strap_width: Range = (0.004, 0.03)
    # shirts
    collar_top: Range = (0.55, 1.05)  # row of the upper edge of a collar
    collar_point: Range = (2.7, 3.6)  # row of its points
    collar_spread: Range = (0.25, 0.75)  # turn of its points, radians
    open_collar_row: Range = (2.2, 3.8)  # where an open shirt is buttoned
    open_shirt_rate: float = 0.75  # of shirts without a jacket
    open_collar_rate: float = 0.15  # of shirts under suits
    tie_rate: float = 0.8  # of closed shirts under suits
    bow_tie_rate: float = 0.06  # of ties
    tie_width: Range = (0.026, 0.042)  # half width at the lower end
    knot_width: Range = (0.016, 0.024)  # half width above
    # jackets
    opening: Range = (0.75, 1.15)  # turn of the lapel's fold beside the neck, radians
    button_row: Range = (7.6, 8.8)  # where a jacket is buttoned
    lapel_width: Range = (0.045, 0.095)
    shoulder_pad: Range = (0.002, 0.014)
