"""The manifold check: every fault has its own code, and the message names the offenders."""

import time

import numpy as np
import pytest

from headform.errors import InputError
from headform.mesh.manifold import require_manifold
from tests.mesh.surfaces import face_sheet, grid, sphere

TRIANGLE = [0, 1, 2]


def refused(faces, count):
    with pytest.raises(InputError) as caught:
        require_manifold(np.array(faces, np.int64).reshape(-1, 3), count)
    return caught.value


def test_sound_surfaces_pass() -> None:
    for vertices, faces in (grid(4, 7), sphere(5, 6)):
        require_manifold(faces, len(vertices))
        require_manifold(faces.astype(np.int32), len(vertices) + 3)  # unused vertices are allowed
    require_manifold(np.array([[0, 1, 2], [2, 3, 4]]), 5)  # and so is a bow-tie


def test_edges_with_three_triangles_are_named() -> None:
    error = refused([[7, 3, 0], [3, 7, 1], [7, 3, 2]], 8)
    assert (error.code, error.exit_code) == ("mesh_not_manifold", 3)
    assert "1 edge (3-7)" in str(error)


def test_many_offenders_are_counted() -> None:
    pages = [[0, 1 + i, 10 + i] for i in range(7)]  # seven separate edges 0-(1+i)
    more = [[0, 1 + i, 20 + i] for i in range(7)] + [[0, 1 + i, 30 + i] for i in range(7)]
    error = refused(pages + more, 40)
    assert "7 edges (0-1, 0-2, 0-3, 0-4, 0-5 and 2 more)" in str(error)


@pytest.mark.parametrize(
    ("faces", "count", "code", "named"),
    [
        ([], 3, "mesh_empty", "no triangles"),
        (
            [TRIANGLE, [1, 0, 9]],
            9,
            "mesh_index",
            "(1) name vertices outside the 9 of the mesh",
        ),
        ([TRIANGLE, [1, 0, -1]], 9, "mesh_index", "1 triangle (1)"),
        ([TRIANGLE, [3, 4, 3]], 9, "mesh_degenerate", "1 triangle (1)"),
        ([TRIANGLE, [3, 4, 5], [1, 0, 2]], 9, "mesh_repeated", "1 triangle (2)"),
        ([TRIANGLE, [0, 1, 3]], 9, "mesh_winding", "1 edge (0-1)"),
    ],
)
def test_each_fault_has_its_code(faces, count, code, named) -> None:
    error = refused(faces, count)
    assert error.code == code
    assert named in str(error)


def test_large_meshes_are_checked_at_once() -> None:
    vertices, faces = face_sheet(200, 178)
    begin = time.perf_counter()
    require_manifold(faces, len(vertices))
    assert time.perf_counter() - begin < 2.0
    with pytest.raises(InputError, match="1 triangle"):
        require_manifold(np.concatenate([faces, faces[-1:]]), len(vertices))
