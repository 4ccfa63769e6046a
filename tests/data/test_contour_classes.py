"""Classes of an annotated portrait, on a drawn face before a shaded backdrop."""

import numpy as np
import pytest

from headform.data import contours
from headform.data.backdrop import backdrop_masks
from headform.data.contour_classes import contour_classes, hair_band, inside_polygon
from headform.data.contours import AnnotatedFace
from headform.data.open_portraits import fold_of
from headform.geometry.face_classes import BACKGROUND, BROWS, EYES, HAIR, LIPS, MOUTH_INSIDE, SKIN, UNKNOWN

SIDE = 240


def ellipse(center: tuple[float, float], radii: tuple[float, float], degrees: np.ndarray) -> np.ndarray:
    angle = np.deg2rad(degrees)
    return np.column_stack([center[0] + radii[0] * np.cos(angle), center[1] - radii[1] * np.sin(angle)])


@pytest.fixture(scope="module")
def drawn() -> tuple[AnnotatedFace, np.ndarray]:
    points = np.zeros((189, 2))
    points[[0, 1]] = [[100, 110], [140, 110]]
    points[list(contours.HAIRLINE)] = ellipse((120, 120), (40, 60), np.linspace(180, 0, 13))
    points[list(contours.JAW)] = ellipse((120, 120), (40, 60), np.linspace(190, 350, 11))
    points[[185, 110, 186]] = points[111] + np.array([[0, -6], [0, -4], [0, -2]])
    points[[187, 113, 188]] = points[114] + np.array([[0, -6], [0, -4], [0, -2]])
    points[list(contours.HAIR_OUTLINE[3:10])] = ellipse((120, 120), (55, 85), np.linspace(180, 0, 7))
    for k, x in enumerate((100, 140)):
        points[list(contours.UPPER_LID[k])] = ellipse((x, 110), (10, 5), np.linspace(180, 0, 5))
        points[list(contours.LOWER_LID[k])] = ellipse((x, 110), (10, 5), np.linspace(180, 360, 5))
        points[list(contours.BROW_UPPER[k])] = ellipse((x, 96), (12, 6), np.linspace(180, 0, 6))
        points[list(contours.BROW_LOWER[k])] = ellipse((x, 96), (12, 3), np.linspace(180, 360, 4))
        points[list(contours.EAR_RIM[k][1:6])] = (
            points[contours.EAR_RIM[k][0]] + np.array([[0, 5]]) * np.arange(1, 6)[:, None]
        )
    points[list(contours.LIP_OUTER_UPPER)] = ellipse((120, 150), (16, 8), np.linspace(180, 0, 7))
    points[list(contours.LIP_OUTER_LOWER)] = ellipse((120, 150), (16, 8), np.linspace(180, 360, 7))
    points[list(contours.LIP_INNER_UPPER)] = ellipse((120, 150), (16, 3), np.linspace(180, 0, 7))
    points[list(contours.LIP_INNER_LOWER)] = ellipse((120, 150), (16, 3), np.linspace(180, 360, 7))
    y, x = np.mgrid[:SIDE, :SIDE]
    rgb = np.repeat((190 + x / 12 - y / 8)[..., None], 3, -1)
    rgb[(abs(x - 120) < 60) & (y > 30) & (y < 200)] = [60, 40, 20]  # hair, taller and wider than the outline
    rgb[((x - 120) / 40) ** 2 + ((y - 120) / 60) ** 2 < 1] = [210, 160, 130]
    rgb[(y > 190)] = [20, 40, 120]  # clothes reach both sides
    return AnnotatedFace("drawn.png", points), rgb.astype(np.uint8)


def test_each_class_lies_where_it_was_drawn(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    face, rgb = drawn
    classes = contour_classes(face, rgb)
    expected = {
        (120, 80): SKIN,
        (100, 110): EYES,
        (140, 110): EYES,
        (100, 93): BROWS,
        (120, 144): LIPS,
        (120, 156): LIPS,
        (120, 150): MOUTH_INSIDE,
        (120, 45): HAIR,
        (65, 90): HAIR,  # beyond the outline of the head
        (65, 150): UNKNOWN,  # below the ears
        (20, 20): BACKGROUND,
        (220, 150): BACKGROUND,
        (20, 185): UNKNOWN,  # below the chin
        (120, 220): UNKNOWN,
        (62, 125): UNKNOWN,
    }
    for (x, y), label in expected.items():
        assert classes[y, x] == label, (x, y)
    assert (classes == HAIR).sum() == pytest.approx(119 * 90 - np.pi * 40 * 60 / 2, rel=0.06)


def test_the_border_of_the_face_may_be_left_out(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    face, rgb = drawn
    sharp, loose = contour_classes(face, rgb), contour_classes(face, rgb, band=0.1)
    changed = sharp != loose
    assert changed.any()
    assert (loose[changed] == UNKNOWN).all()
    assert loose[177, 120] == UNKNOWN  # the lowest point of the jaw is at 180
    assert sharp[177, 120] == SKIN


def test_a_fringe_across_the_hairline_is_unknown(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    face, rgb = drawn
    covered = rgb.copy()
    covered[64:80, 110:130] = [60, 40, 20]
    changed = contour_classes(face, covered) != contour_classes(face, rgb)
    assert changed[66:78, 112:128].all()
    assert (contour_classes(face, covered)[changed] == UNKNOWN).all()
    assert not changed[90:].any()
    assert not changed[:, :100].any()


def test_a_mouth_that_is_all_but_closed_has_no_inside(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    face, rgb = drawn
    points = face.points.copy()
    points[list(contours.LIP_INNER_UPPER)] = ellipse((120, 150), (16, 0.1), np.linspace(180, 0, 7))
    points[list(contours.LIP_INNER_LOWER)] = ellipse((120, 150), (16, 0.1), np.linspace(180, 360, 7))
    classes = contour_classes(AnnotatedFace("closed.png", points), rgb)
    assert (classes[142:158] != MOUTH_INSIDE).all()
    assert classes[150, 120] == LIPS


def test_the_band_of_hair_ends_at_the_outline(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    band = hair_band(drawn[0], (SIDE, SIDE))
    assert band[45, 120]
    assert not band[33, 120]
    assert not band[70, 120]


def test_a_shaded_backdrop_is_told_from_what_is_before_it(drawn: tuple[AnnotatedFace, np.ndarray]) -> None:
    backdrop, front = backdrop_masks(drawn[1])
    assert backdrop[:28].all()
    assert backdrop[100, :50].all()
    assert front[40:180, 65:175].all()
    assert not (backdrop & front).any()


def test_polygons_hold_the_pixels_whose_centers_they_hold() -> None:
    square = np.array([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]])
    mask = inside_polygon(square, (6, 6))
    assert mask.sum() == 6
    assert mask[1:3, 1:4].all()
    triangle = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    centers = np.indices((8, 8)) + 0.5
    np.testing.assert_array_equal(inside_polygon(triangle, (8, 8)), centers.sum(0) < 8)
    assert not inside_polygon(square + 100, (6, 6)).any()


def test_a_person_has_one_fold() -> None:
    assert fold_of("london/007_neutral.jpg", 3) == fold_of("london/007_smiling.jpg", 3)
    folds = [fold_of(f"london/{k:03d}_neutral.jpg", 2) for k in range(1, 103)]
    assert 30 < sum(folds) < 72
