"""Randomization of hats."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range

Rates = tuple[tuple[str, float], ...]
"""Names and their relative frequencies."""


@dataclass(frozen=True)
class HatRandomization:
    """Hats and headscarves. Angles are degrees from the crown, seen from inside the head; lengths meters."""

    rate: float = 0.13
    kinds: Rates = (
        ("cap", 0.26),
        ("beanie", 0.16),
        ("brim", 0.16),
        ("scarf", 0.12),
        ("hood", 0.09),
        ("helmet", 0.08),
        ("headband", 0.06),
        ("turban", 0.05),
        ("headphones", 0.02),
    )
    albedo: Range = (0.004, 0.75)  # linear, per channel
    grayness: tuple[float, float] = (2.0, 1.2)  # a, b of the beta distribution of the color that is missing
    fabrics: Rates = (("plain", 0.66), ("stripes", 0.08), ("plaid", 0.06), ("print", 0.2))
    # the lower edge
    forehead: Range = (54.0, 70.0)
    side: Range = (74.0, 84.0)  # above the ears
    over_ears: Range = (92.0, 108.0)
    back: Range = (84.0, 104.0)
    askew_sd: float = 3.0  # one side lower than the other, degrees
    # caps
    dome: Range = (0.006, 0.022)  # room above the head
    bill_length: Range = (0.055, 0.075)
    bill_curve: Range = (1.5, 7.0)  # curvature across, 1/m
    bill_slope: Range = (-0.05, 0.45)  # downward
    backward_rate: float = 0.08
    two_color_rate: float = 0.35  # bill of another color
    patch_rate: float = 0.4  # emblem in front
    # beanies
    cuff_rate: float = 0.7
    slack: Range = (0.002, 0.03)
    pompon_rate: float = 0.15
    ears_rate: float = 0.45  # share of beanies that cover the ears
    # hats with a brim all around
    crown_height: Range = (0.012, 0.045)  # above the head
    brim_width: Range = (0.035, 0.11)
    brim_wave: Range = (-0.012, 0.03)  # sides up
    brim_droop: Range = (-0.1, 0.35)  # downward slope
    ribbon_rate: float = 0.75
    # scarves and hoods
    wrap: Range = (0.003, 0.010)  # above the head
    hood_room: Range = (0.012, 0.035)
    # helmets
    shell: Range = (0.018, 0.034)
    visor_rate: float = 0.25
    band_width: Range = (6.0, 16.0)  # headbands, degrees
