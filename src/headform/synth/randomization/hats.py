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
    ribs: tuple[int, int] = (14, 40)
    knit_band_rate: float = 0.25  # a darker band
    cuff_height: Range = (0.68, 0.82)  # where it begins, share of the way from the crown
    pompon_radius: Range = (0.02, 0.04)
    # hats with a brim all around
    crown_height: Range = (0.012, 0.045)  # above the head
    brim_width: Range = (0.035, 0.11)
    brim_wave: Range = (-0.012, 0.03)  # sides up
    brim_droop: Range = (-0.1, 0.35)  # downward slope
    ribbon_rate: float = 0.75
    bowler_rate: float = 0.25
    crown_taper: Range = (0.05, 0.22)
    crease: Range = (0.0, 0.02)  # depth of the fold along the top
    straw_rate: float = 0.15
    ribbon_height: Range = (0.1, 0.26)  # of the crown
    # scarves and hoods
    wrap: Range = (0.003, 0.010)  # above the head
    hood_room: Range = (0.012, 0.035)
    wrap_top: Range = (46.0, 60.0)  # upper end of the opening for the face
    wrap_opening: Range = (0.88, 1.04)  # factor of its width
    wrap_fall: Range = (3.2, 4.4)  # row of the shoulders to which the cloth falls, see `synth.wear.torso`
    hood_top: Range = (38.0, 56.0)
    hood_opening: Range = (1.02, 1.22)
    hem: Range = (0.003, 0.006)  # radius of the rim of a hood
    fur_rate: float = 0.4
    fur: Range = (0.012, 0.02)
    # turbans
    turban_ears_rate: float = 0.3  # over the ears
    turban_layers: tuple[int, int] = (4, 8)
    turban_slant: Range = (0.25, 0.6)
    turban_room: Range = (0.014, 0.03)
    # helmets
    helmet_fabrics: Rates = (("plain", 0.75), ("stripes", 0.25))
    helmet_gloss: Range = (0.2, 0.9)
    vents_rate: float = 0.45  # cyclists' helmets with vents, then workers' helmets with a peak
    peak_rate: float = 0.3
    strap_rate: float = 0.7
    visor_end: Range = (110.0, 140.0)  # lower edge
    visor_tone: Range = (0.2, 1.0)
    visor_opacity: Range = (0.06, 0.35)
    shell: Range = (0.018, 0.034)
    visor_rate: float = 0.25
    gloss: Range = (0.0, 0.6)  # of hard things
    forehead_band_rate: float = 0.5  # share of headbands around the forehead, others go over the top
    band_raise: Range = (0.0, 8.0)  # degrees above the usual edge
    hairband_width: Range = (0.002, 0.014)
    hairband_lift: Range = (0.006, 0.02)
    band_width: Range = (6.0, 16.0)  # headbands, degrees
