"""Randomization of what is behind the head."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class BackgroundRandomization:
    """Behind the head: the panorama that lights it, a portrait's backdrop, or crops of procedural scenes."""

    panorama_rate: float = 0.75  # probability that a panorama which lights the face is seen as well
    backdrop_rate: float = 0.92  # share of other pictures with a backdrop
    panorama_level: Range = (0.5, 1.5)  # factor of the seen panorama's radiance
    panorama_gray: Range = (0.1, 0.5)  # share of its color that glare takes away
    gradient_rate: float = 0.15  # share of plain color gradients
    color_gradient_rate: float = 0.5  # share of gradients with color, others are gray
    crop: Range = (0.3, 1.0)  # side, share of the scene
    flip_rate: float = 0.5
    blur_rate: float = 0.5
    blur: Range = (0.5, 5.0)  # box radius, pixels
    contrast: Range = (0.4, 1.3)  # factor
    brightness: Range = (-0.1, 0.1)  # shift, sRGB 0..1
    tint_rate: float = 0.4
    tint: Range = (0.7, 1.2)  # factor per channel


@dataclass(frozen=True)
class SceneRandomization:
    """The procedural scenes themselves: layers of fractal color, then stripes, then shapes; 240 pixels wide."""

    color_rate: float = 0.7  # others are gray
    layer: Range = (0.1, 1.0)  # weight of a layer before its falloff
    layer_falloff: Range = (0.2, 1.0)  # exponent of a layer's cell count
    smooth_layer_rate: float = 0.7  # others have hard cells
    contrast: Range = (0.4, 1.6)  # factor
    mean: Range = (0.15, 0.8)  # sRGB 0..1
    tint_rate: float = 0.6
    tint: Range = (0.6, 1.2)  # factor per channel
    stripes_rate: float = 0.25
    stripe_step: Range = (8.0, 60.0)  # pixels
    stripe_width: Range = (2.0, 30.0)  # pixels
    stripe_opacity: Range = (60.0, 255.0)  # of 255
    horizontal_rate: float = 0.9  # share of horizontal stripes
    shapes: IntRange = (0, 22)
    shape_size: Range = (6.0, 180.0)  # pixels, log-uniform
    shape_opacity: Range = (80.0, 255.0)  # of 255
    rectangle_rate: float = 0.45
    ellipse_rate: float = 0.35
    triangle_rate: float = 0.1  # others are strokes
    blur_rate: float = 0.35
    blur: float = 4.0  # mean radius, pixels, exponential


@dataclass(frozen=True)
class BackdropRandomization:
    """Backdrops of portraits, sRGB."""

    kind_rates: tuple[float, ...] = (0.45, 0.25, 0.08, 0.14, 0.08)  # canvas, wall, curtain, flag, shelf
    blur: Range = (0.003, 0.025)  # radius, share of the picture's side
    brightness: Range = (0.6, 1.15)  # factor
    spot: Range = (0.5, 1.6)  # radius of the brighter spot, half sides
    spot_strength: Range = (0.0, 0.8)  # its factor less 1
    slope_sd: float = 0.12  # change of brightness from the middle to a side
