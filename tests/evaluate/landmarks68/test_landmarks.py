"""The 68-point error: matching, numbers and tables against sums done by hand."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.evaluate.landmarks68.landmark_files import LandmarkAnnotation
from headform.evaluate.landmarks68.landmarks import (
    LandmarkTable,
    box_overlap,
    compare,
    evaluate_each,
    evaluate_points,
    match_faces,
    point_error,
)


def face(x: float, y: float, width: float = 40, height: float = 90) -> np.ndarray:
    """68 points whose box is exactly (x, y, x + width, y + height)."""
    u = np.linspace(0, 1, 68)
    return np.column_stack([x + width * u, y + height * (u[::-1] ** 2)])


def test_a_shift_costs_its_length_over_the_root_of_the_box_area():
    true = face(10, 20)  # sqrt(40 * 90) = 60
    assert point_error(true + np.array([3.0, 4.0]), true) == pytest.approx(5 / 60)
    assert point_error(true, true) == 0


def test_the_inner_error_leaves_the_jaw_out_but_keeps_the_whole_box():
    true = face(0, 0)
    moved = true.copy()
    moved[:17, 0] += 30.0  # jaw only
    assert point_error(moved, true) == pytest.approx(17 * 30 / 68 / 60)
    assert point_error(moved, true, slice(17, 68)) == 0


def test_points_without_area_are_refused():
    with pytest.raises(ValueError, match="no area"):
        point_error(face(0, 0), np.zeros((68, 2)))


def test_overlap_of_boxes():
    assert box_overlap(face(0, 0), face(0, 0)) == pytest.approx(1)
    assert box_overlap(face(0, 0), face(20, 0)) == pytest.approx(20 / 60)
    assert box_overlap(face(0, 0), face(40, 0)) == 0
    assert box_overlap(np.zeros((3, 2)), np.zeros((3, 2))) == 0


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=0, max_size=4),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4),
)
def test_matching_equals_the_best_of_all_assignments(predicted_at, true_at):
    predicted = [face(x, y) for x, y in predicted_at]
    true = [face(x, y) for x, y in true_at]
    overlap = [[box_overlap(p, t) for p in predicted] for t in true]
    overlap = [[v if v >= 0.2 else 0.0 for v in row] for row in overlap]
    slots = list(range(len(predicted))) + [None] * len(true)
    best = max(
        sum(overlap[i][c] for i, c in enumerate(choice) if c is not None)
        for choice in itertools.permutations(slots, len(true))
    )
    partners = match_faces(predicted, true)
    used = [p for p in partners if p is not None]
    assert len(used) == len(set(used))
    assert all(overlap[i][p] > 0 for i, p in enumerate(partners) if p is not None)
    total = sum(overlap[i][p] for i, p in enumerate(partners) if p is not None)
    assert total == pytest.approx(best)


TRUTH = [
    LandmarkAnnotation("one/a.jpg", "one", face(0, 0)),
    LandmarkAnnotation("one/a.jpg", "one", face(100, 0)),
    LandmarkAnnotation("two/b.jpg", "two", face(0, 0)),
]


def made_table() -> LandmarkTable:
    predictions = {"one/a.jpg": [face(103, 0), face(500, 0), face(0, 6)]}
    return evaluate_points(predictions, TRUTH)


def test_faces_are_paired_across_a_photo_and_missed_ones_counted():
    table = made_table()
    assert [s.error for s in table.scores] == [pytest.approx(0.1), pytest.approx(0.05), None]
    assert table.unmatched == 1
    whole, two = table.summary(), table.summary("two")
    assert (whole.faces, whole.missed) == (3, 1)
    assert whole.mean == pytest.approx(0.075)
    assert whole.median == pytest.approx(0.075)
    assert (two.faces, two.missed, two.mean, two.median, two.inner_mean) == (1, 1, None, None, None)


def test_a_bad_prediction_never_takes_two_faces():
    table = evaluate_points({"one/a.jpg": [face(0, 0)]}, TRUTH[:1] * 2)
    assert table.summary().missed == 1


def test_markdown_and_json_say_the_same():
    table = made_table()
    assert "| one | 2 | 0 | 7.50 | 7.50 | 7.50 |" in table.to_markdown()
    assert "| two | 1 | 1 | – | – | – |" in table.to_markdown()
    assert "| all | 3 | 1 | 7.50 | 7.50 | 7.50 |" in table.to_markdown()
    read = json.loads(table.to_json())
    assert read["sets"]["one"]["mean"] == pytest.approx(0.075)
    assert read["all"]["missed"] == 1
    assert read["faces"][2]["error"] is None


def test_methods_side_by_side():
    perfect = evaluate_each(lambda true: true.points, TRUTH)
    text = compare({"ours": made_table(), "truth": perfect})
    assert "| ours | 7.50 | 7.50 | 7.50 | – | 1 |" in text
    assert "| truth | 0.00 | 0.00 | 0.00 | 0.00 | 0 |" in text


def test_methods_that_saw_other_faces_are_not_compared():
    with pytest.raises(ValueError, match="different faces"):
        compare({"a": made_table(), "b": evaluate_points({}, TRUTH[:2])})
    with pytest.raises(ValueError, match="nothing"):
        compare({})
