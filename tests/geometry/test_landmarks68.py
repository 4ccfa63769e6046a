import numpy as np

from headform.geometry.landmarks68 import (
    BROWS,
    EYE_CLOSURE_PAIRS,
    INNER_FACE,
    INNER_LIP_PAIRS,
    JAW,
    LEFT_BROW,
    LEFT_EYE,
    LINES,
    MIRROR68,
    OUTER_EYE_CORNERS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
)


def test_mirroring_twice_changes_nothing_and_pairs_keep_their_parts() -> None:
    np.testing.assert_array_equal(MIRROR68[MIRROR68], np.arange(68))
    own = np.flatnonzero(MIRROR68 == np.arange(68))
    np.testing.assert_array_equal(own, [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])
    assert set(MIRROR68[JAW]) == set(range(17))
    assert set(MIRROR68[RIGHT_EYE]) == set(range(LEFT_EYE.start, LEFT_EYE.stop))
    pairs = {(int(MIRROR68[a]), int(MIRROR68[b])) for a, b in INNER_LIP_PAIRS}
    assert pairs == set(INNER_LIP_PAIRS)


def test_groups_follow_each_other_and_pairs_mirror_onto_pairs():
    order = np.arange(68)
    np.testing.assert_array_equal(np.concatenate([order[RIGHT_BROW], order[LEFT_BROW]]), order[BROWS])
    np.testing.assert_array_equal(np.concatenate([order[JAW], order[INNER_FACE]]), order)
    assert set(MIRROR68[OUTER_LIPS]) == set(order[OUTER_LIPS])
    assert {(int(MIRROR68[a]), int(MIRROR68[b])) for a, b in EYE_CLOSURE_PAIRS} == set(EYE_CLOSURE_PAIRS)
    assert tuple(MIRROR68[list(OUTER_EYE_CORNERS)]) == OUTER_EYE_CORNERS[::-1]
    drawn = [k for first, last, _ in LINES for k in range(first, last + 1)]
    assert drawn == list(order)
