"""Probabilities and ranges from which synthetic faces are sampled.

FULL randomizes everything; EASY (near frontal, neutral, mild light) is where the training of an identity network starts.
A field named `..._rate` is a probability in 0..1, `..._sd` a standard deviation, a `Range` is uniform unless it says
otherwise. Colors and albedo are linear RGB, head lengths centimeters or meters as stated, pixels those of the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

Range = tuple[float, float]
IntRange = tuple[int, int]
"""Lowest value and one more than the highest."""

GAMMA = 2.2  # exponent of the generator's approximate sRGB curve


@dataclass(frozen=True)
class BlendshapeGroup:
    """Blendshapes that are added together."""

    rate: float  # probability of the group
    weights: tuple[tuple[str, Range], ...]  # ARKit name, or the stem of a Left/Right pair; range of the weight


@dataclass(frozen=True)
class ExpressionRandomization:
    """Sparse, plausible mixtures of ARKit blendshapes."""

    rate: float = 0.85  # probability that a face is not neutral and looks straight ahead
    asymmetry_sd: float = 0.15  # relative difference of a pair's two sides
    # one main expression at most
    smile_rate: float = 0.34
    open_mouth_rate: float = 0.18
    single_rate: float = 0.28
    smile: Range = (0.2, 1.0)  # weight of mouthSmile
    smile_proportional: tuple[tuple[str, Range], ...] = (  # weights relative to mouthSmile
        ("cheekSquint", (0.0, 0.8)),
        ("eyeSquint", (0.0, 0.8)),
        ("mouthUpperUp", (0.0, 0.8)),
        ("mouthLowerDown", (0.0, 0.8)),
    )
    smile_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(0.45, (("jawOpen", (0.0, 0.6)),)),
        BlendshapeGroup(0.4, (("mouthStretch", (0.0, 0.6)),)),
        BlendshapeGroup(0.3, (("mouthDimple", (0.0, 0.6)),)),
    )
    open_mouth_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(1.0, (("jawOpen", (0.1, 1.0)), ("browInnerUp", (0.0, 0.6)), ("eyeWide", (0.0, 0.8)))),
        BlendshapeGroup(0.3, (("mouthFunnel", (0.0, 0.6)),)),
        BlendshapeGroup(0.4, (("mouthLowerDown", (0.0, 0.9)), ("mouthUpperUp", (0.0, 0.9)))),
        BlendshapeGroup(0.3, (("mouthStretch", (0.0, 1.0)),)),
    )
    single_count: IntRange = (1, 7)  # number of single blendshapes
    single_beta: Range = (1.2, 2.5)  # parameters a, b of their weights' beta distribution
    single_scale: float = 1.1  # factor of the beta variate
    single_pair_rate: float = 0.75  # probability that the other side of a pair joins
    # additions to any main expression
    blink_rate: float = 0.25
    partial_blink_rate: float = 0.6  # share of blinks that are not complete
    partial_blink: Range = (0.1, 1.0)  # weight of eyeBlink
    blink_asymmetry_sd: float = 0.1
    brow_down: BlendshapeGroup = BlendshapeGroup(0.3, (("browDown", (0.0, 0.9)),))
    brow_up: BlendshapeGroup = BlendshapeGroup(0.35, (("browInnerUp", (0.0, 0.9)), ("browOuterUp", (0.0, 0.9))))
    """Given that the brows are not down."""
    mouth_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(0.1, (("mouthPucker", (0.2, 1.0)),)),
        BlendshapeGroup(0.1, (("mouthFrown", (0.2, 0.9)),)),
        BlendshapeGroup(
            0.08, (("mouthPress", (0.2, 0.9)), ("mouthRollLower", (0.0, 0.6)), ("mouthRollUpper", (0.0, 0.6)))
        ),
    )
    gaze_rate: float = 0.6
    gaze_sd: tuple[float, float] = (0.22, 0.16)  # yaw and pitch of both eyes, radians
    gaze_full: tuple[float, float] = (0.55, 0.45)  # yaw and pitch at which the eyeLook weights are 1, radians


@dataclass(frozen=True)
class PoseRandomization:
    """Head rotation relative to the camera, degrees; vergence in radians."""

    frontal_rate: float = 0.5  # share drawn from the narrow, normal yaw distribution
    frontal_yaw_sd: float = 18.0
    wide_yaw: float = 82.0  # greatest absolute yaw of the others, uniform
    pitch_sd: float = 13.0
    most_pitch: float = 42.0  # greatest absolute pitch
    roll_sd: float = 11.0
    most_roll: float = 38.0  # greatest absolute roll
    vergence: Range = (0.0, 0.06)  # inward rotation of each eye


@dataclass(frozen=True)
class SkinRandomization:
    """Skin, eyes, make-up and facial hair; see `skin.SkinAttributes` for the amounts, 0..1."""

    melanin: Range = (0.06, 2.0)  # absorbance, log-uniform
    haemoglobin: Range = (0.15, 0.75)  # absorbance
    flush: Range = (0.0, 1.0)
    under_eye: Range = (0.0, 1.0)
    unevenness: Range = (0.0, 1.0)
    freckles_rate: float = 0.2
    freckles: Range = (0.3, 1.0)
    moles_rate: float = 0.2
    moles: Range = (0.3, 1.0)
    dark_hair_rate: tuple[float, float] = (
        0.35,
        0.95,
    )  # probability at melanin 0, growing by 1 per absorbance; its limit
    hair_tint_sd: float = 0.15  # relative, per channel
    hair_tint: Range = (0.3, 2.0)  # limits of the factor
    iris_brightness: Range = (0.6, 1.5)  # factor
    stubble_rate: float = 0.22
    stubble: Range = (0.1, 0.5)  # beard opacity
    beard_rate: float = 0.20
    beard: Range = (0.5, 1.0)  # beard opacity
    beard_low_rate: float = 0.5
    beard_low: Range = (0.0, 1.0)
    moustache_as_beard_rate: float = 0.8  # probability that the moustache is as dense as the beard
    moustache_rate: float = 0.3  # probability of a moustache of its own otherwise
    moustache: Range = (0.0, 1.0)
    beard_volume_rate: float = 0.6  # probability that a dense beard stands out from the skin
    beard_volume: Range = (0.0, 0.012)  # meters
    lip_red: Range = (0.0, 1.0)
    lip_paint_rate: float = 0.2
    lip_paint: Range = (0.3, 1.0)
    lip_paint_rgb: tuple[tuple[float, float, float], tuple[float, float, float]] = ((0.3, 0.02, 0.05), (0.8, 0.3, 0.35))
    """Lowest and highest color."""
    eye_shadow_rate: float = 0.25
    eye_shadow: Range = (0.2, 0.8)
    eye_shadow_rgb: Range = (0.4, 1.0)  # per channel
    brow_density: Range = (0.3, 1.0)
    brow_thickness_cm: Range = (0.16, 0.52)
    brow_lift_cm: Range = (-0.4, 0.12)
    brow_sharpness: Range = (2.0, 5.0)
    lashes: Range = (0.2, 1.0)
    iris_radius_cm: Range = (0.53, 0.63)
    pupil_radius_cm: Range = (0.14, 0.32)
    sclera: Range = (0.55, 1.0)
    teeth: Range = (0.5, 1.05)
    gloss: Range = (0.0, 1.0)


@dataclass(frozen=True)
class HairRandomization:
    """Hair and hats; lengths in centimeters beyond the hairline."""

    rate: float = 0.9
    natural_color_rate: float = 0.93  # others have any color
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


@dataclass(frozen=True)
class AccessoryRandomization:
    """Glasses, shoulders and objects before the face."""

    glasses_rate: float = 0.22
    glasses_distance: Range = (0.008, 0.018)  # lens before the eye, meters
    lens_half_width: Range = (0.33, 0.46)  # interpupillary distances
    lens_aspect: Range = (0.55, 1.0)  # height over width
    lens_power: Range = (2.0, 6.0)  # exponent of the superellipse: 2 round, 6 nearly square
    lens_drop: Range = (-0.006, 0.003)  # shift up, meters
    wire: Range = (0.0006, 0.0035)  # radius, meters
    bow: Range = (1.0, 5.0)  # curvature of the front, 1/m
    dark_frame_rate: float = 0.6
    dark_frame: Range = (0.0, 0.05)  # albedo per channel
    colored_frame: Range = (0.0, 0.8)
    clear_lens_rate: float = 0.45
    tinted_lens_rate: float = 0.27  # others are sunglasses
    tinted_lens: Range = (0.03, 0.4)  # opacity
    tinted_lens_rgb: Range = (0.0, 1.0)  # per channel
    sunglasses: Range = (0.7, 1.0)  # opacity
    sunglasses_rgb: Range = (0.0, 0.05)
    reflection_rate: float = 0.5  # share of opaque lenses with a reflection
    reflection_frequency: Range = (0.02, 0.1)  # radians per half pixel
    torso_rate: float = 0.8
    shoulder_width: Range = (0.85, 1.15)  # factor
    shoulder_height_cm: Range = (-2.5, 1.5)  # shift up
    torso_yaw: Range = (0.2, 0.9)  # share of the head's yaw that the neck makes
    torso_pitch: Range = (0.3, 1.0)  # share of the head's pitch that the neck makes
    pattern_rate: float = 0.2
    collar_rate: float = 0.5
    collar_rows: IntRange = (1, 3)
    occluder_rate: float = 0.14
    occluder_count: IntRange = (1, 4)
    occluder_offset_sd: float = 0.12  # from a point of the jaw line, face heights
    hand_rate: float = 0.45
    hand_brightness: Range = (0.6, 1.2)  # factor of the skin color
    finger_width: Range = (0.07, 0.11)  # face heights
    finger_count: IntRange = (1, 5)
    finger_length: Range = (0.4, 0.8)  # face heights
    finger_brightness: Range = (0.85, 1.1)  # factor, per finger
    bar_rate: float = 0.5  # share of other objects that are bars, the rest are blobs
    bar_length: Range = (0.2, 1.2)  # face heights
    bar_width: Range = (0.04, 0.2)  # face heights
    blob_radius: Range = (0.06, 0.28)  # face heights


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


@dataclass(frozen=True)
class CameraRandomization:
    """Distance, framing and exposure."""

    distance: Range = (0.30, 2.5)  # camera to the middle of the face, meters, log-uniform
    crop_scale_sd: float = 0.09  # log of the size of the loose crop
    crop_shift_sd: float = 0.055  # crop sizes
    point_jitter_px: float = 1.0  # noise of the points that align the tight crop, pixels of 128
    exposure_sd: float = 0.4  # log of the brightness of the skin
    skin_level: Range = (0.02, 0.65)  # limits of the brightness of the skin, linear
    gain: Range = (0.1, 12.0)  # limits of the factor from radiance to picture


@dataclass(frozen=True)
class BackgroundRandomization:
    """Crops of procedural scenes behind the head."""

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
    contrast: Range = (0.8, 3.0)  # factor
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
class DegradationRandomization:
    """Degradations of photos by cameras and the internet."""

    strength: float = 1.0  # factor of all rates
    blur_rate: float = 0.45  # probability of blur or low resolution
    gaussian_rate: float = 0.45  # share of them that is Gaussian blur
    gaussian: float = 0.7  # mean radius, pixels, exponential
    low_resolution: Range = (0.25, 0.8)  # share of the side
    box_rate: float = 0.5  # share scaled down by box averages, others bilinearly
    bicubic_rate: float = 0.6  # share scaled up bicubically, others bilinearly
    noise_rate: float = 0.6
    color_noise_rate: float = 0.6
    noise: float = 4.5  # mean standard deviation, 0..255, exponential
    desaturation_rate: float = 0.3
    desaturation: Range = (0.0, 1.0)  # share of the color that is lost
    monochrome_rate: float = 0.35  # share of the desaturated that are gray
    contrast_rate: float = 0.5
    contrast: Range = (0.6, 1.35)  # factor
    brightness_sd: float = 14.0  # 0..255
    jpeg_rate: float = 0.45
    jpeg_quality: IntRange = (25, 93)


@dataclass(frozen=True)
class RandomizationConfig:
    """Configuration of the generator, by group."""

    identity_scale: Range = (0.7, 1.25)  # standard deviation of the identity coefficients
    expression: ExpressionRandomization = ExpressionRandomization()
    pose: PoseRandomization = PoseRandomization()
    skin: SkinRandomization = SkinRandomization()
    hair: HairRandomization = HairRandomization()
    accessories: AccessoryRandomization = AccessoryRandomization()
    light: LightRandomization = LightRandomization()
    camera: CameraRandomization = CameraRandomization()
    background: BackgroundRandomization = BackgroundRandomization()
    scene: SceneRandomization = SceneRandomization()
    degradation: DegradationRandomization = DegradationRandomization()

    def with_changes(self, **groups: Mapping[str, Any]) -> "RandomizationConfig":
        """Return a copy in which some fields of some groups have other values: `with_changes(pose={"roll_sd": 8.0})`."""
        return replace(self, **{name: replace(getattr(self, name), **fields) for name, fields in groups.items()})


FULL = RandomizationConfig()
EASY = FULL.with_changes(
    expression={"rate": 0.0},
    pose={"frontal_rate": 1.0, "frontal_yaw_sd": 9.0, "pitch_sd": 6.0, "roll_sd": 4.0},
    accessories={"glasses_rate": 0.0, "occluder_rate": 0.0},
    light={"most_hardness": 0.6, "contrast": 0.7},
    camera={"distance": (0.8, 2.5)},
    degradation={"strength": 0.4},
)
