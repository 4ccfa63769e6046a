"""Randomization of expressions and gaze."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import IntRange, Range


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
