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
    # patterns; periods in meters
    stripe_period: Range = (0.015, 0.06)
    stripe_sharpness: Range = (2.0, 12.0)
    stripe_balance: Range = (-0.35, 0.7)  # -1 all of the second color, 1 none
    across_rate: float = 0.75  # share of stripes that run around the body
    pinstripe_period: Range = (0.009, 0.018)
    pinstripe_contrast: Range = (0.2, 0.7)
    diagonal_period: Range = (0.02, 0.06)
    plaid_period: Range = (0.02, 0.07)
    plaid_contrast: Range = (0.3, 0.5)
    dot_period: Range = (0.009, 0.022)
    print_cells: tuple[int, int] = (8, 26)  # across half a meter
    print_sharpness: Range = (4.0, 14.0)
    white_rate: float = 0.55  # of light shirts
    white: Range = (0.65, 0.85)
    pale_blue_rate: float = 0.6  # of other light shirts
    # necklines
    crew_row: Range = (2.0, 2.9)
    crew_drop: Range = (0.0, 0.6)  # lower in front, rows
    vneck_row: Range = (3.6, 5.8)  # lowest point of a V or scoop
    scoop_rate: float = 0.4
    turtleneck_row: Range = (0.1, 0.9)
    straps_row: Range = (4.6, 5.6)
    strap_width: Range = (0.004, 0.03)
    vneck_band_rate: float = 0.4  # ribbed band along a V or scoop
    band_width: Range = (0.004, 0.011)  # half width
    string_albedo: Range = (0.02, 0.8)  # of hoods
    string_row: Range = (5.2, 6.6)  # where they end
    turtleneck_thickness: Range = (0.004, 0.009)
    folded_rate: float = 0.7  # of turtlenecks
    turtleneck_fold: Range = (0.7, 1.0)  # length of the fold, two rows each
    # shirts
    collar_top: Range = (0.55, 1.05)  # row of the upper edge of a collar
    collar_point: Range = (2.7, 3.6)  # row of its points
    collar_spread: Range = (0.25, 0.75)  # turn of its points, radians
    open_collar_row: Range = (2.2, 3.8)  # where an open shirt is buttoned
    open_shirt_rate: float = 0.75  # of shirts without a jacket
    open_collar_rate: float = 0.15  # of shirts under suits
    button_tone: Range = (0.35, 1.1)  # brightness relative to the shirt
    tie_rate: float = 0.8  # of closed shirts under suits
    bow_tie_rate: float = 0.06  # of ties
    knot_length: Range = (1.6, 2.1)  # of its half width
    tie_width: Range = (0.026, 0.042)  # half width at the lower end
    knot_width: Range = (0.016, 0.024)  # half width above
    # jackets
    opening: Range = (0.75, 1.15)  # turn of the lapel's fold beside the neck, radians
    button_row: Range = (7.6, 8.8)  # where a jacket is buttoned
    lapel_width: Range = (0.045, 0.095)
    shoulder_pad: Range = (0.002, 0.014)
    notch_row: Range = (3.3, 3.9)
    lapel_peak: Range = (-0.2, 0.9)  # outward reach of its upper corner, relative to the last step of its outline
    lapel_tone: Range = (0.85, 1.1)  # brightness relative to the jacket
    suit_cloth_rate: float = 0.4  # share of blazers with a suit's color
    top_drop: Range = (0.0, 2.4)  # neckline under a blazer, lower in front, rows
    top_shape: Range = (1.0, 2.5)  # exponent of its outline: 1 a V, 2.5 a scoop
