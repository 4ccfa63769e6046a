"""Pictures of errors: the right color at the right place, and a scale that says what it means."""

import numpy as np
import pytest

from headform.viz.mesh_error_picture import STOPS, draw_errors, error_colors, error_sheet

# a plate that faces the viewer, its right half (the subject's left) with an error of 2
VERTICES = np.array([[x, y, 0.0] for y in (-1.0, 1.0) for x in (-1.0, -0.1, 0.1, 1.0)])
QUADS = [[k, k + 1, k + 5, k + 4] for k in range(3)]
FACES = np.array([[a, b, c] for a, b, c, d in QUADS] + [[a, c, d] for a, b, c, d in QUADS])
ERRORS = np.array([0.0, 0.0, 2.0, 2.0] * 2)


def test_colors_run_through_the_stops_and_stay_at_the_ends() -> None:
    marks = np.linspace(0, 3.0, len(STOPS))
    np.testing.assert_allclose(error_colors(marks, 3.0), STOPS)
    np.testing.assert_allclose(error_colors(np.array([9.0, -1.0]), 3.0), STOPS[[-1, 0]])
    between = error_colors(np.array([0.5]), len(STOPS) - 1.0)
    np.testing.assert_allclose(between[0], (STOPS[0] + STOPS[1]) / 2)
    luminance = STOPS @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) < 0).all()


def test_errors_are_seen_where_they_are() -> None:
    got = draw_errors(VERTICES, FACES, ERRORS, 4.0, side=60).astype(float)
    left, right = got[30, 20], got[30, 40]

    def nearest(color: np.ndarray) -> float:
        """Error whose color, up to shading, this is."""
        marks = np.linspace(0, 4, 401)
        table = error_colors(marks, 4.0)
        unit = table / np.linalg.norm(table, axis=1, keepdims=True)
        return float(marks[np.argmax(unit @ (color / np.linalg.norm(color)))])

    assert nearest(left) == pytest.approx(0.0, abs=0.1)
    assert nearest(right) == pytest.approx(2.0, abs=0.1)
    np.testing.assert_array_equal(got[2, 2], 255)  # ground


def test_turned_to_its_left_shows_the_right_side() -> None:
    depth = np.where(np.arange(8) % 4 == 0, -2.0, 0.0)  # the subject's right side runs backwards
    box = np.column_stack([VERTICES[:, :2], depth])
    marked = np.where(np.arange(8) % 4 == 0, 4.0, 0.0)
    front, turned = (draw_errors(box, FACES, marked, 4.0, yaw=y, side=60) for y in (0.0, 0.9))

    def dark(picture: np.ndarray) -> int:
        return int((picture.astype(int).sum(2) < 450).sum())

    assert dark(turned) > 1.15 * dark(front)


def test_sheet_has_a_column_per_model_and_a_scale() -> None:
    errors = {"A": ERRORS, "B": ERRORS / 2}
    got = error_sheet(VERTICES, FACES, errors, side=90, top=4.0)
    assert got.shape == (26 + 2 * 90 + 44, 180, 3)
    assert (got[26 + 45, 60] != got[26 + 45, 90 + 60]).any()  # half the error, another color
    np.testing.assert_array_equal(got[26 + 45, 30], got[26 + 45, 90 + 30])
    bar = got[-17, 50 : 50 + 60]
    np.testing.assert_allclose(bar[[0, -1]], STOPS[[0, -1]], atol=1)
    with pytest.raises(ValueError, match="no model"):
        error_sheet(VERTICES, FACES, {})


def test_scale_ends_at_the_98th_percentile() -> None:
    many = np.linspace(0, 1.23, 8)
    same = error_sheet(VERTICES, FACES, {"A": many}, side=140)
    top = np.ceil(np.percentile(many, 98) * 10) / 10
    assert top == pytest.approx(1.3)
    np.testing.assert_array_equal(same, error_sheet(VERTICES, FACES, {"A": many}, side=140, top=top))
