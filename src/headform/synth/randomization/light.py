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
    occlusion: Range = (0.7, 1.7)  # exponent of the ambient occlusion


@dataclass(frozen=True)
class SceneLightRandomization:
    """Panoramas and studio lamps beside the free lamps of `LightRandomization`."""

    panorama_rate: float = 0.45
    studio_rate: float = 0.4  # the rest is lit by free lamps
    pitch_sd: float = 0.08  # of the camera in a panorama, radians
    white_balance: Range = (0.7, 1.0)  # share of the light's color that the camera takes away
    flash_rate: float = 0.12  # probability of a lamp beside the lens in a panorama
    flash: Range = (0.2, 1.0)  # its brightness over the panorama's
    fill: Range = (0.0, 0.6)  # light from the camera's side that is added to a panorama's shadows, of its mean
    key_yaw: Range = (0.15, 1.1)  # of a studio's key lamp from the lens, radians
    key_height: Range = (0.15, 0.9)  # of its elevation, radians
    key_softness: Range = (0.4, 1.0)
    fill_share: Range = (0.05, 0.6)  # of the fill lamp's brightness
    rim_rate: float = 0.4  # probability of a lamp behind the head
    rim: Range = (0.2, 1.2)
    ambient_share: Range = (0.15, 0.8)  # of the studio's ambient light
    warmth: float = 0.09  # mean by which studio lamps are red rather than blue, relative
    tint_sd: float = 0.05  # its standard deviation
    shadow: Range = (0.5, 1.0)  # hardness of the shadows of suns and small lamps
