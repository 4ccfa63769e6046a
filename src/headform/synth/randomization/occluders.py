"""Randomization of what covers a face."""

from dataclasses import dataclass

from headform.synth.randomization.ranges import Range

Rates = tuple[tuple[str, float], ...]
"""Names and their relative frequencies."""


@dataclass(frozen=True)
class Gesture:
    """Placement of a hand of the subject's right that touches the face; angles in degrees, lengths in meters.

    Attributes:
        poses: Names of bends, see `synth.wear.hands.POSES`.
        turn: Place on the head that the palm touches, around the vertical, negative to the subject's right.
        polar: Angle of that place from the crown.
        fingers: Direction of the fingers around the outward normal: 0 up, 90 to the subject's left.
        lift: Distance between palm and skin.
        lean: Rotation of the palm about the fingers' direction.
        upright: Factor of the vertical part of the outward normal; 0 keeps the palm upright.
    """

    poses: tuple[str, ...]
    turn: Range
    polar: Range
    fingers: Range
    lift: Range = (0.002, 0.012)
    lean: Range = (-15.0, 15.0)
    upright: float = 0.35


TOUCHES = (
    ("mouth", Gesture(("flat", "soft", "fist"), (-14.0, 6.0), (124.0, 134.0), (25.0, 80.0))),
    ("cheek", Gesture(("flat", "soft", "fist"), (-58.0, -42.0), (114.0, 128.0), (-25.0, 35.0))),
    ("forehead", Gesture(("flat", "soft"), (-30.0, 10.0), (58.0, 74.0), (20.0, 85.0), upright=1.0)),
    ("eyes", Gesture(("flat", "open"), (-25.0, -5.0), (84.0, 98.0), (15.0, 70.0))),
    ("temple", Gesture(("point", "soft", "pinch"), (-66.0, -50.0), (98.0, 112.0), (10.0, 50.0))),
    (
        "chin",
        Gesture(("fist", "fist", "pinch"), (-18.0, 4.0), (148.0, 150.0), (20.0, 75.0), (-0.004, 0.004), upright=0.7),
    ),
)
"""Gestures that touch the face, by name."""


@dataclass(frozen=True)
class OccluderRandomization:
    """Masks, scarves, hands, things that they hold, and other things before the face; loose hair. Lengths in meters."""

    rate: float = 0.2
    second_rate: float = 0.1  # probability of another one
    kinds: Rates = (
        ("hand", 0.34),
        ("mask", 0.16),
        ("scarf", 0.06),
        ("microphone", 0.12),
        ("phone", 0.06),
        ("cup", 0.06),
        ("cigarette", 0.03),
        ("sheet", 0.05),
        ("bars", 0.04),
        ("leaves", 0.04),
        ("neighbor", 0.04),
    )
    # masks
    mask_gap: Range = (0.003, 0.008)  # above the skin
    mask_types: Rates = (("surgical", 0.55), ("beak", 0.2), ("cloth", 0.25))
    nose_free_rate: float = 0.10
    chin_rate: float = 0.08  # pulled down below the lips
    # scarves over the mouth; polar angle of the upper edge, degrees
    scarf_top: Range = (112.0, 136.0)
    # hands
    gestures: Rates = (
        ("mouth", 0.16),
        ("cheek", 0.22),
        ("chin", 0.2),
        ("forehead", 0.08),
        ("eyes", 0.06),
        ("temple", 0.08),
        ("peace", 0.07),
        ("wave", 0.06),
        ("thumb", 0.04),
        ("point", 0.03),
    )
    touches: tuple[tuple[str, Gesture], ...] = TOUCHES
    both_rate: float = 0.12  # the same gesture with both hands
    other_skin_rate: float = 0.08  # somebody else's hand
    other_melanin: Range = (0.06, 1.8)  # absorbance of their skin
    hand_size: Range = (0.88, 1.12)
    finger_bend_sd: float = 6.0  # degrees
    nail_paint_rate: float = 0.15
    sleeve_rate: float = 0.7
    # things
    held_rate: float = 0.6  # probability of a hand around microphones, phones and cups
    bars: tuple[int, int] = (1, 5)  # number, the second excluded
    bar_radius: Range = (0.003, 0.02)
    leaves: tuple[int, int] = (4, 16)
    before: Range = (0.02, 0.10)  # distance of bars, leaves and sheets before the face
    # loose hair
    strands_rate: float = 0.12
    strand_groups: tuple[int, int] = (1, 5)
    strand_width: Range = (0.001, 0.008)
    strand_opacity: Range = (0.35, 0.95)
