"""The scaled Laplacian against its definition in loops, its spectrum, and hand-worked graphs."""

import inspect

import numpy as np
import pytest

from headform.errors import InputError
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, double_loop

EVERY = pytest.mark.parametrize("mesh", MESHES)
BOTH = pytest.mark.parametrize("edge_weight", ["once", "per_triangle"])


@EVERY
@BOTH
def test_is_what_a_double_loop_over_triangles_gives(mesh, edge_weight):
    faces, count = MESHES[mesh]
    got = scaled_laplacian(faces, count, edge_weight=edge_weight)
    np.testing.assert_allclose(got.toarray(), double_loop(faces, count, edge_weight), atol=1e-15)


@EVERY
@BOTH
def test_is_stored_tidily_and_symmetric_to_the_bit(mesh, edge_weight):
    faces, count = MESHES[mesh]
    lap = scaled_laplacian(faces, count, edge_weight=edge_weight)
    assert lap.dtype == np.float64
    assert lap.shape == (count, count)
    for row in range(count):
        columns = lap.indices[lap.indptr[row] : lap.indptr[row + 1]]
        assert (np.diff(columns) > 0).all()
    assert (lap.data < 0).all(), "no explicit zeros, no diagonal"
    np.testing.assert_array_equal(lap.toarray(), lap.toarray().T)


@EVERY
@BOTH
def test_spectrum_lies_in_one_and_minus_one_is_the_root_of_the_degree(mesh, edge_weight):
    faces, count = MESHES[mesh]
    lap = scaled_laplacian(faces, count, edge_weight=edge_weight).toarray()
    values = np.linalg.eigvalsh(lap)
    assert values.min() == pytest.approx(-1, abs=1e-12)
    assert values.max() <= 1 + 1e-12
    degree = np.zeros(count)
    uses: dict[tuple[int, int], int] = {}
    for face in faces.tolist():
        for i, j in {tuple(sorted((face[k], face[k - 1]))) for k in range(3)}:
            if i != j:
                uses[i, j] = uses.get((i, j), 0) + (2 if len(set(face)) == 2 else 1)
    for (i, j), number in uses.items():
        degree[[i, j]] += 1 if edge_weight == "once" else number
    root = np.sqrt(degree)
    np.testing.assert_allclose(lap @ root, -root, atol=1e-12)


def test_the_conventions_agree_on_closed_meshes_and_differ_at_boundaries() -> None:
    faces, count = MESHES["closed"]
    once = scaled_laplacian(faces, count, edge_weight="once").toarray()
    per_triangle = scaled_laplacian(faces, count, edge_weight="per_triangle").toarray()
    np.testing.assert_allclose(once, per_triangle, atol=1e-15)
    faces, count = MESHES["flat"]
    once = scaled_laplacian(faces, count, edge_weight="once").toarray()
    per_triangle = scaled_laplacian(faces, count, edge_weight="per_triangle").toarray()
    assert abs(once - per_triangle).max() > 0.01


def test_two_triangles_by_hand() -> None:
    faces = np.array([[0, 1, 2], [2, 1, 3]])
    once = scaled_laplacian(faces, 4, edge_weight="once").toarray()
    assert once[0, 1] == pytest.approx(-1 / np.sqrt(2 * 3))
    assert once[1, 2] == pytest.approx(-1 / 3)
    assert once[0, 3] == 0
    twice = scaled_laplacian(faces, 4, edge_weight="per_triangle").toarray()
    assert twice[0, 1] == pytest.approx(-1 / np.sqrt(2 * 4))
    assert twice[1, 2] == pytest.approx(-2 / 4)


def test_vertices_of_no_triangle_have_rows_of_zeros() -> None:
    faces, count = MESHES["lonely"]
    lap = scaled_laplacian(faces, count).toarray()
    unused = sorted(set(range(count)) - set(faces.ravel().tolist()))
    assert unused == [0, 9, 19]
    assert not lap[unused].any()
    assert not lap[:, unused].any()
    used = sorted(set(range(count)) - set(unused))
    assert lap[used].any(axis=1).all()


def test_no_triangle_at_all_gives_an_empty_operator() -> None:
    lap = scaled_laplacian(np.zeros((0, 3), np.int64), 3)
    assert lap.shape == (3, 3)
    assert lap.nnz == 0


@pytest.mark.parametrize(("faces", "named"), [([[0, 1, 4]], "from 0 to 4"), ([[0, -1, 2]], "from -1 to 2")])
def test_a_vertex_that_is_not_there_is_named(faces, named):
    with pytest.raises(InputError, match=named) as caught:
        scaled_laplacian(np.array(faces), 4)
    assert caught.value.code == "mesh_index"


def test_an_unknown_convention_is_refused() -> None:
    plain = inspect.unwrap(scaled_laplacian)  # without the test run's own check of types
    with pytest.raises(ValueError, match="twice"):
        plain(np.array([[0, 1, 2]]), 3, edge_weight="twice")
