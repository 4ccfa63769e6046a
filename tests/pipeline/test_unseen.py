"""States of the 68 points, and what they say of a result."""

import numpy as np
import pytest

from headform.geometry.landmarks68 import LEFT_EYE, MOUTH, RIGHT_EYE
from headform.pipeline.unseen import PARTS, Unseen

SIZE = (100, 80)


def inside() -> np.ndarray:
    return np.random.default_rng(3).uniform(3, 77, (68, 2))


def test_every_point_belongs_to_one_part() -> None:
    rows = [k for part in PARTS.values() for k in range(68)[part]]
    assert sorted(rows) == list(range(68))


def test_points_beyond_each_edge_are_outside() -> None:
    points = inside()
    points[0], points[1], points[2], points[3] = (-0.1, 40), (100.1, 40), (50, -0.1), (50, 80.1)
    points[4], points[5] = (3, 3), (97, 77)
    unseen = Unseen.of(points, SIZE)
    assert unseen.states == ("outside",) * 4 + ("seen",) * 64
    assert unseen.share == pytest.approx(4 / 68)
    assert not unseen.is_doubtful
    assert unseen.reasons() == ("4 of the 68 points (6 %) lie outside the picture",)


def test_points_nearer_to_the_edge_than_landmarks_are_accurate_are_outside() -> None:
    """The face is 74 to 105 pixels wide, as its random eyes lie: a hundredth is about one pixel."""
    points = inside()
    points[:4] = (3, 3), (77, 77), (0.5, 40), (2, 40)
    assert Unseen.of(points, SIZE).states[:4] == ("seen", "seen", "outside", "seen")


def test_a_covered_point_outside_the_picture_is_outside() -> None:
    points = inside()
    points[0] = (-5, 5)
    states = Unseen.of(points, SIZE, np.arange(68) < 2).states
    assert states[:3] == ("outside", "covered", "seen")


def test_nothing_is_said_of_a_face_that_is_seen_whole() -> None:
    unseen = Unseen.of(inside(), SIZE)
    assert unseen == Unseen()
    assert (unseen.share, unseen.parts, unseen.reasons(), unseen.is_doubtful) == (0.0, (), (), False)


@pytest.mark.parametrize(("count", "doubtful"), [(16, False), (17, True)])
def test_a_quarter_of_the_points_is_too_much(count: int, doubtful: bool) -> None:
    """17 of 68, the jaw."""
    assert Unseen.of(inside(), SIZE, np.arange(68) < count).is_doubtful is doubtful


@pytest.mark.parametrize(
    ("rows", "parts", "doubtful"),
    [
        (range(68)[MOUTH], ("mouth",), True),
        (range(48, 55), ("mouth",), True),
        (range(48, 54), (), False),
        (range(68)[RIGHT_EYE], ("right eye",), False),
        ([*range(68)[RIGHT_EYE], *range(68)[LEFT_EYE]], ("right eye", "left eye"), True),
    ],
)
def test_the_mouth_or_both_eyes_are_too_much(rows: range, parts: tuple[str, ...], doubtful: bool) -> None:
    unseen = Unseen.of(inside(), SIZE, np.isin(np.arange(68), rows))
    assert unseen.parts == parts
    assert unseen.is_doubtful is doubtful
    (clause,) = unseen.reasons()
    assert clause.startswith(f"{len(rows)} of the 68 points ({100 * len(rows) / 68:.0f} %) are covered")
    assert all(part in clause for part in parts)


def test_points_outside_and_covered_count_together() -> None:
    points = inside()
    points[48:58, 1] = 90
    unseen = Unseen.of(points, SIZE, np.isin(np.arange(68), np.arange(58, 68)))
    assert unseen.parts == ("mouth",)
    assert len(unseen.reasons()) == 2
    points = inside()
    points[36:42, 0] = -3
    assert Unseen.of(points, SIZE, np.isin(np.arange(68), np.arange(42, 48))).is_doubtful, "an eye each"


def test_a_half_that_is_covered_counts_where_its_landmarks_are_misplaced() -> None:
    some = np.arange(68) < 5
    assert not Unseen.of(inside(), SIZE, some, 0.2).is_doubtful
    unseen = Unseen.of(inside(), SIZE, some, 0.4)
    assert unseen.is_doubtful
    assert unseen.share == pytest.approx(0.4)
    assert unseen.reasons()[-1] == "40 % of the face's area is covered"
