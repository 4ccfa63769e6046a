"""OBJ and PLY are told apart by their first bytes."""

import numpy as np
import pytest

from headform.errors import InputError
from headform.io.mesh import obj, ply
from headform.io.mesh.reading import decode, is_ply, read_mesh
from headform.io.mesh.triangle_mesh import TriangleMesh

MESH = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))


@pytest.mark.parametrize("form", [obj, ply])
def test_the_bytes_decide(form):
    data = form.encode(MESH)
    assert is_ply(data) == (form is ply)
    np.testing.assert_allclose(decode(data, name="a mesh").vertices, MESH.vertices)


@pytest.mark.parametrize("data", [b"v 0 0 0\n", ply.encode(MESH).split(b"element face")[0]])
def test_points_alone_and_nothing(data):
    with pytest.raises(InputError, match="a mesh"):
        decode(data, name="a mesh")


def test_faces_may_be_absent():
    assert len(decode(b"v 0 0 0\n", name="", require_faces=False).vertices) == 1


def test_a_file_is_read_by_what_it_holds(tmp_path) -> None:
    body = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
    path = tmp_path / "mesh.ply"  # a wrong ending
    path.write_bytes(body)
    mesh = read_mesh(str(path))
    assert mesh.vertices.shape == mesh.faces.shape[:0] + (3, 3)
    assert mesh.faces.tolist() == [[0, 1, 2]]
