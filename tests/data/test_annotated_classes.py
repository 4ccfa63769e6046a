"""Classes of contours drawn in code: places that are certainly of a class, and places of which nothing is known."""

import numpy as np

from headform.data import contours as c
from headform.data.annotated_classes import classes_of_contours, classes_of_landmarks
from headform.geometry.face_classes import BACKGROUND, BROWS, EYES, HAIR, LIPS, MOUTH_INSIDE, SKIN, UNKNOWN
from tests.data.drawn_contours import drawn_contours


def picture(hair: tuple[int, int, int] = (40, 30, 25)) -> np.ndarray:
    rgb = np.full((200, 200, 3), (220, 225, 220), np.uint8)
    rows, columns = np.mgrid[:200, :200] + 0.5
    rgb[((columns - 100) / 44) ** 2 + ((rows - 100) / 54) ** 2 < 1] = hair
    rgb[((columns - 100) / 30) ** 2 + ((rows - 100) / 32) ** 2 < 1] = (200, 160, 140)
    rgb[100:150, 70:130] = (200, 160, 140)
    return rgb


def test_each_class_lies_in_its_contour() -> None:
    found = classes_of_contours(drawn_contours(), picture())
    places = {
        (100, 115): SKIN, (100, 90): SKIN, (85, 100): EYES, (115, 100): EYES, (85, 88): BROWS, (115, 88): BROWS,
        (100, 131): LIPS, (100, 139): LIPS, (100, 135): MOUTH_INSIDE, (100, 57): HAIR, (20, 20): BACKGROUND,
        (180, 60): BACKGROUND, (100, 190): UNKNOWN, (64, 106): UNKNOWN, (20, 150): UNKNOWN,
    }  # fmt: skip
    assert {place: int(found[place[1], place[0]]) for place in places} == places


def test_area_of_a_polygon_is_that_of_its_pixels() -> None:
    found = classes_of_contours(drawn_contours(), picture())
    assert abs(int((found == BROWS).sum()) - 2 * 20 * 4) <= 16


def test_bald_crown_bun_and_fringe_are_unknown() -> None:
    bald = classes_of_contours(drawn_contours(), picture((200, 160, 140)))
    assert not (bald == HAIR).any()
    bun = picture()
    bun[10:35, 90:110] = (40, 30, 25)
    assert classes_of_contours(drawn_contours(), bun)[20, 100] == UNKNOWN
    fringe = picture()
    fringe[72:80, 80:120] = (60, 45, 40)
    found = classes_of_contours(drawn_contours(), fringe)
    assert found[76, 100] == UNKNOWN
    assert found[115, 100] == SKIN


def test_closed_mouth_has_no_inside() -> None:
    points = drawn_contours()
    for row in (c.LIP_INNER_UPPER, c.LIP_INNER_LOWER):
        points[list(row), 1] = 135
    assert not (classes_of_contours(points, picture()) == MOUTH_INSIDE).any()


def test_landmarks_draw_only_what_is_trusted() -> None:
    points = np.full((68, 2), 50.0)
    for first, x in ((36, 30.0), (42, 60.0)):
        points[first : first + 6] = np.array([(0, 0), (4, -3), (8, -3), (12, 0), (8, 3), (4, 3)]) + (x, 40)
    ring = np.linspace(np.pi, -np.pi, 13)[:-1]
    points[48:60] = np.column_stack([50 + 12 * np.cos(ring), 70 - 6 * np.sin(ring)])
    ring = np.linspace(np.pi, -np.pi, 9)[:-1]
    points[60:68] = np.column_stack([50 + 9 * np.cos(ring), 70 - 3 * np.sin(ring)])
    trusted = np.ones(68, bool)
    found = classes_of_landmarks(points, trusted, 100)
    assert [found[40, 36], found[40, 66], found[70, 50], found[74, 50]] == [EYES, EYES, MOUTH_INSIDE, LIPS]
    trusted[[37, 62]] = False
    found = classes_of_landmarks(points, trusted, 100)
    assert [found[40, 36], found[40, 66], found[70, 50]] == [UNKNOWN, EYES, UNKNOWN]
