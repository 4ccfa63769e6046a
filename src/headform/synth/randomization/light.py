"""Randomization of lamps and ambient light."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


@dataclass(frozen=True)
class LightRandomization:
    """One to three lamps and ambient light; overall brightness is arbitrary, exposure comes later."""

    lamps: IntRange = (1, 4)
    lamp_depth: Range = (0.2, 1.5)  # factor of the direction's component toward the camera
    lamp_height: tuple[float, float] = (0.7, -0.35)  # factor and shift of the downward component: rather from above
    lamp: Range = (0.1, 1.6)  # brightness
    lamp_tint_sd: float = 0.12  # warm against cold
    ambient: Range = (0.12, 0.8)  # brightness
    ambient_tint_sd: float = 0.08
    ambient_up: tuple[float, float, float] = (0.0, -1.0, -0.3)  # mean direction of its gradient, camera frame
    ambient_up_sd: float = 0.5
    ambient_slope: Range = (0.1, 0.55)  # linear terms, of the brightness
    ambient_curve_sd: float = 0.06  # quadratic terms, of the brightness
    ambient_slope_tint_sd: float = 0.1
    most_hardness: float = 1.0  # greatest share of a lamp's light that a shadow takes away
    contrast: float = 1.0  # factor of lamps against ambient light
    shininess: Range = (5.0, 45.0)  # Blinn-Phong exponent, log-uniform
    shine: Range = (0.0, 0.3)  # factor of the highlights
    occlusion: Range = (0.6, 1.4)  # exponent of the ambient occlusion
