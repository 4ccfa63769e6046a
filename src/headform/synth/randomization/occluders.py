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
    mask_top: Range = (-0.1, 0.75)  # upper edge, from point 28 of the nose to 29
    mask_low: Range = (2.0, 5.0)  # lower edge below the chin, degrees
    mask_width: Range = (0.88, 0.98)  # of the way to the jaw
    pleats: Range = (2.6, 3.4)  # number
    beak: Range = (0.006, 0.014)  # height of the fold
    mask_gloss: Range = (0.0, 0.1)
    colored_mask_rate: float = 0.15  # any color, of those that are not of cloth
    mask_print_rate: float = 0.4  # of masks of any color
    nose_free_rate: float = 0.10
    chin_rate: float = 0.08  # pulled down below the lips
    # scarves over the mouth; polar angle of the upper edge, degrees
    scarf_top: Range = (112.0, 136.0)
    scarf_thickness: Range = (0.008, 0.02)
    scarf_stripes_rate: float = 0.4
    scarf_stripes: Range = (10.0, 60.0)  # radians from edge to edge
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
    hand_tone: Range = (0.85, 1.15)  # brightness relative to the face
    free_tilt: Range = (-30.0, 25.0)  # of hands that do not touch the face, degrees
    free_lean: Range = (-0.15, 0.15)  # of their fingers toward the camera
    free_turn: Range = (-0.4, 0.4)  # of their palms to a side
    free_place_sd: float = 0.015
    finger_bend_sd: float = 6.0  # degrees
    nail_paint_rate: float = 0.15
    sleeve_rate: float = 0.7
    # things
    held_rate: float = 0.6  # probability of a hand around microphones, phones and cups
    bars: tuple[int, int] = (1, 5)  # number, the second excluded
    bar_radius: Range = (0.003, 0.02)
    leaves: tuple[int, int] = (4, 16)
    before: Range = (0.02, 0.10)  # distance of bars, leaves and sheets before the face
    # microphones
    microphone_radius: Range = (0.018, 0.036)
    handle_way: tuple[Range, Range, Range] = ((-0.2, 0.9), (0.5, 1.2), (-0.1, 0.5))
    """Direction of the handle to a side, down and forward, before it is normalized."""
    microphone_rise: Range = (-0.045, 0.006)  # above the mouth
    microphone_gap: Range = (0.006, 0.04)  # before the mouth
    handle_length: Range = (0.16, 0.24)
    microphone_stretch: Range = (1.0, 1.35)  # of its head along the handle
    foam_rate: float = 0.6  # others have a grille of metal
    black_rate: float = 0.65  # of microphones and phones
    black: Range = (0.005, 0.04)  # albedo
    thing_albedo: Range = (0.006, 0.65)  # of things of any color, per channel
    metal: Range = (0.2, 0.5)
    grip: Range = (0.08, 0.12)  # where the handle is held
    held_spin: Range = (25.0, 75.0)  # of a holding hand about what it holds, degrees
    # phones
    phone_size: Range = (0.92, 1.08)  # factor of 7.4 by 15 cm
    ear_rate: float = 0.55  # at the ear, others are held up before the face
    phone_tilt: Range = (-0.25, 0.25)  # radians
    lying_rate: float = 0.2  # held across
    phone_shift_sd: float = 0.03  # sideways, from a point of the face
    phone_drop: Range = (0.0, 0.05)  # down
    phone_ahead: Range = (0.04, 0.09)
    thing_gloss: Range = (0.0, 0.7)
    # cups
    cup_tip: Range = (0.1, 1.0)  # how far it is tipped, radians
    cup_height: Range = (0.08, 0.13)
    cup_radius: Range = (0.03, 0.045)
    cup_drop: Range = (0.0, 0.02)  # rim below the lips
    cup_base: Range = (0.68, 1.0)  # width of the bottom relative to the rim
    white_rate: float = 0.5  # of cups
    white: Range = (0.3, 0.8)
    cup_band_rate: float = 0.4  # a band of another color
    # cigarettes, pens and straws
    lips_place: Range = (-0.35, 0.35)  # between the corners of the lips
    stick_aside: Range = (-0.6, 0.6)  # direction, relative to forward
    stick_up: Range = (-0.6, 0.15)
    stick_length: Range = (0.06, 0.15)
    stick_radius: Range = (0.0025, 0.0048)
    tobacco_rate: float = 0.6  # others are of any color
    # sheets
    sheet_turn_sd: float = 15.0  # about the line of sight, degrees; from below, or from a side half as often
    sheet_edge: Range = (0.1, 0.9)  # of the way from the middle of the face back and on, where the sheet begins
    sheet_length: Range = (0.12, 0.3)
    sheet_half_width: Range = (0.08, 0.16)
    sheet_bend: Range = (-0.03, 0.03)  # of its edges toward the camera
    paper: Range = (0.01, 0.8)  # albedo per channel
    printed_rate: float = 0.6
    text_rate: float = 0.5  # of prints, others are pictures
    picture_cells: tuple[int, int] = (3, 12)
    picture_contrast: Range = (2.0, 12.0)
    # bars
    bar_turn_sd: float = 0.25  # from the vertical or the horizontal, radians
    bar_gap: Range = (0.05, 0.10)
    bar_shift_sd: float = 0.05
    # leaves
    leaf_rgb: tuple[Range, Range, Range] = ((0.02, 0.25), (0.08, 0.3), (0.01, 0.06))
    twig_end: Range = (0.0, 0.05)  # from a point of the face outward
    leaf_length: Range = (0.03, 0.075)
    leaf_tone: Range = (0.6, 1.1)  # brightness of each
    # other people before the camera, from behind
    neighbor_aside: Range = (0.12, 0.2)  # of their head
    neighbor_below: Range = (0.02, 0.16)
    neighbor_ahead: Range = (0.16, 0.24)
    neighbor_hair: Range = (0.004, 0.25)  # albedo per channel
    # loose hair
    strands_rate: float = 0.12
    strand_groups: tuple[int, int] = (1, 5)
    strand_width: Range = (0.001, 0.008)
    strand_opacity: Range = (0.35, 0.95)
    strands_together: tuple[int, int] = (1, 5)
    strand_root: Range = (-60.0, 60.0)  # turn of the place from which a group hangs, degrees
    strand_front: Range = (28.0, 78.0)  # length of those in front and at the sides, degrees
    strand_side: Range = (45.0, 95.0)
    strand_sweep_sd: float = 26.0  # sideways, degrees
    strand_lift: Range = (0.0, 0.010)
    strand_tone: Range = (0.7, 1.3)  # brightness relative to the hair
