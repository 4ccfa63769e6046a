"""Edges of a triangle mesh, against a plain count."""

from collections import Counter

import numpy as np

from headform.mesh.topology import edges


def test_edges_are_counted_once_each_in_order() -> None:
    rng = np.random.default_rng(0)
    faces = np.concatenate([rng.integers(0, 40, (60, 3)), [[0, 0, 1]]])
    counted = Counter(tuple(sorted((int(face[k]), int(face[k - 1])))) for face in faces for k in range(3))
    for kind in (np.int64, np.int32):
        pairs, uses = edges(faces.astype(kind))
        np.testing.assert_array_equal(pairs, sorted(counted))
        np.testing.assert_array_equal(uses, [counted[pair] for pair in sorted(counted)])


def test_large_numbers_do_not_overflow() -> None:
    far = 2_000_000_000
    pairs, uses = edges(np.array([[far, 5, far - 1]], np.int32))
    np.testing.assert_array_equal(pairs, [[5, far - 1], [5, far], [far - 1, far]])
    np.testing.assert_array_equal(uses, [1, 1, 1])


def test_no_triangles_have_no_edges() -> None:
    pairs, uses = edges(np.zeros((0, 3), np.int64))
    assert pairs.shape == (0, 2)
    assert len(uses) == 0
