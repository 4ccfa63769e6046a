"""Randomization of expressions, lips, lids and gaze."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range
from headform.synth.randomization.strong_expressions import STRONG_EXPRESSIONS, BlendshapeGroup, NamedExpression


@dataclass(frozen=True)
class ExpressionRandomization:
    """Sparse, plausible mixtures of ARKit blendshapes, and contact of lips and lids."""

    rate: float = 0.85  # probability that a face is not neutral and looks straight ahead
    asymmetry_sd: float = 0.15  # relative difference of a pair's two sides, for each blendshape
    side_sd: float = 0.1  # log of the factor of each side of the lower and of the upper half of the face
    # lips
    closed_mouth_rate: float = 0.5  # share of mouths whose lips touch from corner to corner: label gap 0
    parted_rate: float = 0.4  # share of the other mouths that are open by `parted` alone
    parted: Range = (0.0005, 0.003)  # least gap in the middle of a mouth that is not closed, meters
    parted_width: Range = (0.3, 1.0)  # share of the mouth's width over which that gap closes to the sides
    lip_share: Range = (0.35, 0.65)  # share of the closing movement that the upper lip makes
    held_shut: Range = (0.0, 0.15)  # factor of blendshapes that open a mouth, where it is closed or parted
    opening_shapes: tuple[str, ...] = ("jawOpen", "mouthFunnel", "mouthLowerDown", "mouthUpperUp", "mouthClose")
    pulling_shapes: tuple[str, ...] = ("noseSneer", "mouthShrugLower", "mouthShrugUpper", "mouthRollUpper")
    held_pull: Range = (0.2, 0.5)  # factor of `pulling_shapes`, where a mouth is closed or parted
    # one main expression at most
    mild_smile_rate: float = 0.28
    mild_smile: Range = (0.08, 0.4)  # weight of mouthSmile
    smile_rate: float = 0.22
    open_mouth_rate: float = 0.14  # of mouths that are neither closed nor parted; the others have a mild smile
    strong_rate: float = 0.18
    strong: tuple[NamedExpression, ...] = STRONG_EXPRESSIONS
    strong_scale: Range = (0.5, 1.0)  # factor of all weights of a strong expression
    single_rate: float = 0.14
    smile: Range = (0.3, 1.0)  # weight of mouthSmile
    smile_proportional: tuple[tuple[str, Range], ...] = (  # weights relative to mouthSmile
        ("cheekSquint", (0.0, 0.8)),
        ("eyeSquint", (0.0, 0.6)),
        ("mouthUpperUp", (0.0, 0.8)),
        ("mouthLowerDown", (0.0, 0.8)),
    )
    smile_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(0.45, (("jawOpen", (0.0, 0.4)),)),
        BlendshapeGroup(0.4, (("mouthStretch", (0.0, 0.6)),)),
        BlendshapeGroup(0.3, (("mouthDimple", (0.0, 0.6)),)),
    )
    open_mouth_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(1.0, (("jawOpen", (0.1, 1.0)), ("browInnerUp", (0.0, 0.6)), ("eyeWide", (0.0, 0.6)))),
        BlendshapeGroup(0.3, (("mouthFunnel", (0.0, 0.6)),)),
        BlendshapeGroup(0.4, (("mouthLowerDown", (0.0, 0.9)), ("mouthUpperUp", (0.0, 0.9)))),
        BlendshapeGroup(0.3, (("mouthStretch", (0.0, 1.0)),)),
    )
    single_count: IntRange = (1, 7)  # number of single blendshapes
    single_beta: Range = (1.2, 2.5)  # parameters a, b of their weights' beta distribution
    single_scale: float = 1.1  # factor of the beta variate
    single_pair_rate: float = 0.75  # probability that the other side of a pair joins
    # additions to any main expression
    brow_groups: tuple[BlendshapeGroup, ...] = (  # the first that is drawn, none of the others
        BlendshapeGroup(0.25, (("browDown", (0.0, 0.9)),)),
        BlendshapeGroup(0.3, (("browInnerUp", (0.0, 0.9)), ("browOuterUp", (0.0, 0.9)))),
    )
    mouth_groups: tuple[BlendshapeGroup, ...] = (
        BlendshapeGroup(0.05, (("mouthPucker", (0.2, 1.0)),)),
        BlendshapeGroup(0.08, (("mouthFrown", (0.1, 0.8)),)),
        BlendshapeGroup(
            0.06, (("mouthPress", (0.2, 0.9)), ("mouthRollLower", (0.0, 0.6)), ("mouthRollUpper", (0.0, 0.6)))
        ),
    )
    # lids; at most one of the first five
    blink_rate: float = 0.08  # both eyes closed: label opening 0
    wink_rate: float = 0.03  # one eye closed
    wink_squint: Range = (0.2, 0.9)  # eyeSquint and cheekSquint of a winking eye
    half_closed_rate: float = 0.12
    half_closed: Range = (0.15, 0.75)  # weight of eyeBlink
    squint_rate: float = 0.1
    squint: Range = (0.3, 1.0)  # weight of eyeSquint
    wide_rate: float = 0.06
    wide: Range = (0.2, 1.0)  # weight of eyeWide
    lid_asymmetry_sd: float = 0.1  # relative difference of two half-closed, squinting or wide eyes
    lid_height: float = -0.15  # mean height of lids whatever the expression, in weights of eyeBlink; photos' are higher
    lid_height_sd: float = 0.08  # its standard deviation over people
    lid_height_side_sd: float = 0.03  # the same of each eye
    drooping_rate: float = 0.06  # probability that lids droop by `drooping` as well, half of them on one eye
    drooping: Range = (0.1, 0.4)  # in weights of eyeBlink
    most_raised: float = 0.35  # limit of lids raised by all of these, in weights of eyeBlink
    least_opening: float = 0.0007  # least height of an eye that is not closed, meters
    upper_lid_share: Range = (0.75, 0.95)  # share of the closing movement that the upper lid makes
    # gaze
    gaze_rate: float = 0.7  # probability that eyes do not look straight ahead
    camera_gaze_rate: float = 0.6  # share of these that look into the camera, as far as eyes can turn
    camera_gaze_sd: float = 0.03  # their error, radians
    gaze_sd: tuple[float, float] = (0.22, 0.16)  # yaw and pitch of both eyes otherwise, radians
    gaze_limit: tuple[float, float] = (0.6, 0.45)  # greatest yaw and pitch, radians
    gaze_full: tuple[float, float] = (0.55, 0.45)  # yaw and pitch at which the eyeLook weights are 1, radians
