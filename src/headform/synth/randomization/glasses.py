"""Randomization of glasses."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range

Color = tuple[float, float, float]


@dataclass(frozen=True)
class FrameShape:
    """Family of outlines of a lens; widths and heights are those of the lens without the rim.

    The outline is a superellipse (2 round, 6 nearly square) that is warped by the other fields, lengths relative to half the
    width, positive to the temple and up.
    """

    rate: float  # share of the glasses
    width: Range  # meters
    aspect: Range  # height over width
    power: Range
    taper: Range = (0.0, 0.0)  # widening of the top and narrowing of the bottom
    lift: Range = (0.0, 0.0)  # rise of the upper outer corner
    drop: Range = (0.0, 0.0)  # lowering of the lower outer part, as of aviators
    metal_rate: float = 0.4
    half_rim_rate: float = 0.1  # no rim below
    rimless_rate: float = 0.05
    browline_rate: float = 0.05  # thick above, thin below


SHAPES = (
    FrameShape(0.16, (0.042, 0.050), (0.90, 1.0), (2.0, 2.3), metal_rate=0.6),
    FrameShape(0.14, (0.044, 0.053), (0.68, 0.82), (2.0, 2.6), metal_rate=0.6, rimless_rate=0.2),
    FrameShape(0.34, (0.048, 0.057), (0.52, 0.72), (3.0, 6.0), (0.0, 0.08), half_rim_rate=0.2, rimless_rate=0.15),
    FrameShape(0.18, (0.048, 0.055), (0.74, 0.88), (2.8, 4.2), (0.06, 0.16), (0.0, 0.12), metal_rate=0.1, browline_rate=0.2),
    FrameShape(0.10, (0.052, 0.062), (0.76, 0.90), (2.3, 2.8), (0.04, 0.14), drop=(0.08, 0.16), metal_rate=0.9),
    FrameShape(0.08, (0.050, 0.057), (0.66, 0.82), (2.3, 3.2), (0.02, 0.12), (0.18, 0.34), metal_rate=0.1),
)  # fmt: skip
"""Round, oval, rectangular, wayfarer, aviator, cat-eye."""


@dataclass(frozen=True)
class GlassesRandomization:
    """Glasses: shape, fit, material and lenses."""

    rate: float = 0.24
    shapes: tuple[FrameShape, ...] = SHAPES
    size: Range = (0.94, 1.10)  # factor of the width
    # fit
    vertex_distance: Range = (0.009, 0.015)  # lens before the cornea, meters
    clearance: float = 0.0012  # least distance of the rims from the skin, meters
    most_push: float = 0.012  # greatest distance that brows and cheeks push the front forward, meters
    bridge: Range = (0.015, 0.021)  # least distance between the lenses, meters
    decentering: Range = (-0.001, 0.0035)  # optical center of the lens outward of the pupil, meters
    low_rate: float = 0.1  # reading glasses far down the nose
    low: Range = (0.006, 0.016)  # meters down
    height: Range = (-0.004, 0.002)  # middle of the lens above the pupil, meters
    tilt: Range = (0.05, 0.20)  # bottom of the lenses toward the cheeks, radians
    wrap: Range = (0.0, 2.2)  # curvature of the front, 1/m
    askew_sd: float = 0.015  # rotation in the plane of the face, radians
    bridge_height: Range = (0.15, 0.5)  # above the middle of the lens, half heights
    bridge_rise: Range = (0.0015, 0.0035)  # of its middle, meters
    bridge_width: Range = (1.0, 1.5)  # of acetate, widths of the rim
    second_bar_rate: float = 0.5  # of high metal frames
    # material
    metal_radius: Range = (0.0006, 0.0012)  # meters
    acetate_width: Range = (0.0014, 0.0034)  # half width of the rim seen from the front, meters
    acetate_depth: Range = (0.0014, 0.0024)  # half depth, meters
    acetate_temple: Range = (0.0025, 0.0075)  # half height of the temples at the hinge, meters
    black_rate: float = 0.42  # of acetate
    tortoise_rate: float = 0.28
    clear_rate: float = 0.08  # transparent acetate
    clear_opacity: Range = (0.35, 0.75)
    two_tone_rate: float = 0.1  # the lower half of acetate lighter than the upper
    black: Range = (0.003, 0.03)  # albedo
    colored: Range = (0.01, 0.5)  # albedo per channel
    tortoise_dark: Color = (0.012, 0.006, 0.003)
    tortoise_light: Color = (0.28, 0.11, 0.025)
    metals: tuple[Color, ...] = (
        (0.55, 0.53, 0.50),
        (0.62, 0.42, 0.16),
        (0.10, 0.10, 0.11),
        (0.02, 0.02, 0.02),
        (0.45, 0.25, 0.16),
    )
    """Silver, gold, gunmetal, black, copper."""
    metal_tone: Range = (0.8, 1.2)
    metal_gloss: Range = (0.6, 1.0)
    acetate_gloss: Range = (0.2, 0.9)
    # lenses
    sunglasses_rate: float = 0.2
    sun_opacity: Range = (0.72, 0.99)
    sun_albedo: Range = (0.0, 0.02)
    gradient_rate: float = 0.4  # share of sunglasses that are lighter below
    mirrored_rate: float = 0.15  # share of sunglasses that are mirrored
    mirrored: Range = (0.05, 0.6)  # albedo per channel
    tint_rate: float = 0.12  # share of other lenses that are tinted
    tint_opacity: Range = (0.08, 0.4)
    tint: Range = (0.02, 0.5)  # albedo per channel
    clear_lens: Range = (0.01, 0.06)  # opacity of the haze of untinted lenses
    glare_rate: float = 0.3  # share of lenses that reflect a window or a lamp
    glare: Range = (0.08, 0.5)  # its opacity
    glare_size: Range = (0.15, 0.55)  # of the lens
    glare_x: Range = (-0.6, 0.6)  # its middle, half lenses to the temple
    glare_y: Range = (-0.2, 0.7)  # up
    glare_slant_sd: float = 0.35
    window_rate: float = 0.45  # share of windows, then of round lamps; others are streaks
    lamp_rate: float = 0.3
    window_sharpness: Range = (4.0, 14.0)
    panes_rate: float = 0.6  # of windows
    glare_tint_sd: float = 0.08  # coatings reflect green or blue
