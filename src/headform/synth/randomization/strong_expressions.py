"""Expressions that people have a word for, as mixtures of ARKit blendshapes."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range


@dataclass(frozen=True)
class BlendshapeGroup:
    """Blendshapes that are added together."""

    rate: float  # probability of the group
    weights: tuple[tuple[str, Range], ...]  # ARKit name, or the stem of a Left/Right pair; range of the weight


@dataclass(frozen=True)
class NamedExpression:
    """Mixture of blendshapes that people have a word for."""

    name: str
    closed: float  # relative frequency among strong expressions with closed lips
    open: float  # among those with open lips
    groups: tuple[BlendshapeGroup, ...]
    one_sided: bool = False  # pairs are added on one side of the face alone


STRONG_EXPRESSIONS = (
    NamedExpression(
        "anger",
        1.0,
        0.8,
        (
            BlendshapeGroup(1.0, (("browDown", (0.6, 1.0)), ("noseSneer", (0.1, 0.6)), ("eyeSquint", (0.1, 0.6)))),
            BlendshapeGroup(0.6, (("mouthPress", (0.2, 0.8)), ("mouthFrown", (0.1, 0.6)))),
            BlendshapeGroup(0.4, (("eyeWide", (0.2, 0.8)),)),
            BlendshapeGroup(0.3, (("jawForward", (0.1, 0.6)),)),
            BlendshapeGroup(0.7, (("jawOpen", (0.05, 0.5)), ("mouthUpperUp", (0.1, 0.6)))),
        ),
    ),
    NamedExpression(
        "disgust",
        0.8,
        0.8,
        (
            BlendshapeGroup(1.0, (("noseSneer", (0.5, 1.0)), ("browDown", (0.2, 0.8)), ("cheekSquint", (0.2, 0.7)))),
            BlendshapeGroup(1.0, (("mouthUpperUp", (0.1, 0.7)), ("eyeSquint", (0.2, 0.9)))),
            BlendshapeGroup(0.6, (("mouthFrown", (0.2, 0.7)), ("mouthShrugLower", (0.0, 0.4)))),
        ),
    ),
    NamedExpression(
        "laughter",
        0.0,
        2.5,
        (
            BlendshapeGroup(1.0, (("mouthSmile", (0.7, 1.0)), ("jawOpen", (0.15, 0.65)), ("cheekSquint", (0.4, 1.0)))),
            BlendshapeGroup(1.0, (("eyeSquint", (0.2, 0.9)), ("mouthUpperUp", (0.1, 0.7)))),
            BlendshapeGroup(0.5, (("mouthLowerDown", (0.1, 0.6)), ("mouthStretch", (0.0, 0.4)))),
            BlendshapeGroup(0.4, (("eyeBlink", (0.1, 0.6)), ("noseSneer", (0.0, 0.3)))),
        ),
    ),
    NamedExpression(
        "surprise",
        0.6,
        1.6,
        (
            BlendshapeGroup(1.0, (("browInnerUp", (0.5, 1.0)), ("browOuterUp", (0.5, 1.0)), ("eyeWide", (0.3, 1.0)))),
            BlendshapeGroup(0.9, (("jawOpen", (0.1, 0.9)),)),
            BlendshapeGroup(0.4, (("mouthFunnel", (0.1, 0.5)),)),
        ),
    ),
    NamedExpression(
        "fear",
        0.3,
        0.7,
        (
            BlendshapeGroup(1.0, (("browInnerUp", (0.6, 1.0)), ("eyeWide", (0.4, 1.0)), ("mouthStretch", (0.4, 1.0)))),
            BlendshapeGroup(0.5, (("browDown", (0.1, 0.5)),)),
            BlendshapeGroup(0.6, (("jawOpen", (0.05, 0.5)),)),
        ),
    ),
    NamedExpression(
        "sadness",
        1.4,
        0.4,
        (
            BlendshapeGroup(1.0, (("browInnerUp", (0.5, 1.0)), ("mouthFrown", (0.4, 1.0)))),
            BlendshapeGroup(0.6, (("mouthShrugLower", (0.1, 0.5)), ("mouthShrugUpper", (0.0, 0.4)))),
            BlendshapeGroup(0.5, (("eyeBlink", (0.05, 0.4)), ("eyeSquint", (0.0, 0.4)))),
        ),
    ),
    NamedExpression(
        "kiss",
        1.2,
        0.4,
        (
            BlendshapeGroup(1.0, (("mouthPucker", (0.6, 1.0)),)),
            BlendshapeGroup(0.4, (("mouthFunnel", (0.1, 0.4)),)),
            BlendshapeGroup(0.4, (("cheekSquint", (0.1, 0.5)), ("eyeSquint", (0.1, 0.5)))),
        ),
    ),
    NamedExpression(
        "puffed cheeks",
        0.8,
        0.0,
        (
            BlendshapeGroup(1.0, (("cheekPuff", (0.5, 1.0)),)),
            BlendshapeGroup(0.5, (("mouthPress", (0.2, 0.7)),)),
            BlendshapeGroup(0.4, (("eyeWide", (0.1, 0.6)), ("browInnerUp", (0.1, 0.6)))),
        ),
    ),
    NamedExpression(
        "contempt",
        0.8,
        0.2,
        (BlendshapeGroup(1.0, (("mouthSmile", (0.3, 0.9)), ("mouthDimple", (0.2, 0.8)), ("cheekSquint", (0.0, 0.5)))),),
        one_sided=True,
    ),
    NamedExpression(
        "shout",
        0.0,
        1.0,
        (
            BlendshapeGroup(1.0, (("jawOpen", (0.5, 1.0)), ("mouthUpperUp", (0.1, 0.7)))),
            BlendshapeGroup(0.7, (("mouthLowerDown", (0.2, 0.9)), ("mouthStretch", (0.0, 0.6)))),
            BlendshapeGroup(0.7, (("browDown", (0.2, 0.9)), ("noseSneer", (0.1, 0.7)), ("eyeSquint", (0.1, 0.8)))),
        ),
    ),
    NamedExpression(
        "pressed lips",
        1.0,
        0.0,
        (
            BlendshapeGroup(1.0, (("mouthPress", (0.3, 1.0)),)),
            BlendshapeGroup(0.6, (("mouthRollLower", (0.1, 0.7)), ("mouthRollUpper", (0.1, 0.7)))),
            BlendshapeGroup(0.4, (("mouthDimple", (0.1, 0.6)),)),
        ),
    ),
)
