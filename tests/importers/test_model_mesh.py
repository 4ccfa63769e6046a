"""Texture tiles on top of each other: triangles move as a whole, and a vertex between two tiles is doubled."""

import numpy as np

from headform.importers._model_mesh import on_one_tile, welded


def test_a_vertex_between_two_tiles() -> None:
    uv = np.array([[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [1.5, 0.5], [2.0, 2.0], [1.0, 2.0]])
    faces = np.array([[0, 1, 2], [1, 3, 2], [2, 4, 5]])
    moved, corners, tiles = on_one_tile(uv, faces)
    assert tiles == 3
    expected = uv[faces] - [[[0, 0]], [[1, 0]], [[1, 1]]]
    np.testing.assert_array_equal(moved[corners], expected)
    assert len(moved) == 9  # vertices 1 and 2 are in two tiles and in three


def test_one_tile_stays_as_it_is() -> None:
    uv = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    moved, corners, tiles = on_one_tile(uv, np.array([[0, 1, 2]]))
    assert tiles == 1
    np.testing.assert_array_equal(moved, uv)
    assert corners.tolist() == [[0, 1, 2]]


def test_corners_that_are_equal_become_one() -> None:
    corners = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1.0]]])
    uv, faces = welded(corners)
    assert len(uv) == 4
    np.testing.assert_array_equal(uv[faces], corners)
