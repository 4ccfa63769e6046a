import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.nets.detection._boxes import is_valid, suppress


def slow_suppress(boxes: np.ndarray, scores: np.ndarray, limit: float) -> list[int]:
    keep: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda n: -scores[n]):
        for k in keep:
            a, b = boxes[i], boxes[k]
            width = min(a[2], b[2]) - max(a[0], b[0])
            height = min(a[3], b[3]) - max(a[1], b[1])
            common = max(width, 0) * max(height, 0)
            areas = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
            whole = sum(areas) - common
            if common > limit * whole:
                break
        else:
            keep.append(i)
    return keep


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    limit=st.sampled_from([0.3, 0.5, 0.7]),
)
def test_suppression_equals_a_loop(seed: int, count: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 50, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], 1)
    scores = rng.permutation(count).astype(float)
    found = suppress(boxes, scores, limit)
    assert found.tolist() == slow_suppress(boxes, scores, limit)


def test_suppression_of_three_boxes_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 6], [20, 0, 30, 10.0]])
    scores = np.array([0.8, 0.9, 0.1])
    assert suppress(boxes, scores, 0.5).tolist() == [1, 2]  # 60 / 100 are common
    assert suppress(boxes, scores, 0.7).tolist() == [1, 0, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e9])
def test_sound_boxes(bad: float) -> None:
    boxes = np.array([[0, 0, 5, 5], [0, 0, 5, bad], [5, 5, 0, 0], [0, 0, 5, 1], [0, 0, 500, 5]])
    assert is_valid(boxes, 300.0).tolist() == [True, False, False, False, False]
