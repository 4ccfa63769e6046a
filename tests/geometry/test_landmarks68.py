import numpy as np

from headform.geometry.landmarks68 import INNER_LIP_PAIRS, JAW, LEFT_EYE, MIRROR68, RIGHT_EYE


def test_mirroring_twice_changes_nothing_and_pairs_keep_their_parts() -> None:
    np.testing.assert_array_equal(MIRROR68[MIRROR68], np.arange(68))
    own = np.flatnonzero(MIRROR68 == np.arange(68))
    np.testing.assert_array_equal(own, [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])
    assert set(MIRROR68[JAW]) == set(range(17))
    assert set(MIRROR68[RIGHT_EYE]) == set(range(LEFT_EYE.start, LEFT_EYE.stop))
    pairs = {(int(MIRROR68[a]), int(MIRROR68[b])) for a, b in INNER_LIP_PAIRS}
    assert pairs == set(INNER_LIP_PAIRS)
