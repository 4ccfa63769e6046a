"""OBJ: what is written reads back to the last bit, and bad files are refused by line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from headform.errors import InputError
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh


def triples(elements: st.SearchStrategy, dtype: type, least: int) -> st.SearchStrategy:
    return npst.arrays(dtype, st.tuples(st.integers(least, 12), st.just(3)), elements=elements)


@given(
    triples(st.floats(-1e6, 1e6), np.float64, 3),
    triples(st.integers(0, 2), np.int64, 1),
    st.none() | npst.arrays(np.float64, (4, 2), elements=st.floats(0, 1)),
)
def test_round_trip_is_exact(vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray) -> None:
    uv_faces = None if uv is None else (faces + 1) % 4
    back = obj.decode(obj.encode(TriangleMesh(vertices, faces, uv=uv, uv_faces=uv_faces)))
    assert back.vertices.tobytes() == vertices.tobytes()
    assert np.array_equal(back.faces, faces)
    if uv is None:
        assert back.uv is None
    else:
        assert back.uv is not None
        assert back.uv.tobytes() == uv.tobytes()
        assert np.array_equal(back.uv_faces, uv_faces)


def test_double_precision_survives() -> None:
    vertices = np.array([[np.pi, 1 / 3, 1e-17], [1 + 2**-52, 2.0, 3.0], [0.1, 0.2, 0.3]])
    back = obj.decode(obj.encode(TriangleMesh(vertices, np.array([[0, 1, 2]]))))
    assert back.vertices.dtype == np.float64
    assert back.vertices.tobytes() == vertices.tobytes()


def test_float32_is_written_short_and_reads_back() -> None:
    vertices = np.array([[0.1, 0.2, 0.3], [1, 0, 0], [0, 1, 0]], np.float32)
    text = obj.encode(TriangleMesh(vertices, np.array([[0, 1, 2]])))
    assert b"v 0.1 0.2 0.3\n" in text
    assert np.array_equal(obj.decode(text).vertices.astype(np.float32), vertices)


def test_unused_and_equal_vertices_keep_their_place() -> None:
    vertices = np.array([[9.0, 9, 9], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]])
    back = obj.decode(obj.encode(TriangleMesh(vertices, np.array([[2, 3, 4]]))))
    assert np.array_equal(back.vertices, vertices)
    assert back.faces.tolist() == [[2, 3, 4]]


def test_quads_and_polygons_become_fans() -> None:
    square = b"v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 .5 0\n"
    assert obj.decode(square + b"f 1 2 3 4\n").faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    pentagon = obj.decode(square + b"f 1 2 3 4 5\n")
    assert pentagon.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4]]


def test_negative_indices_count_back_from_where_they_stand() -> None:
    text = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf -3/-1 -2/-1 -1/-1\nv 5 5 5\nf -1 1 2\n"
    mesh = obj.decode(text)
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 0, 1]]
    assert mesh.uv_faces is not None
    assert mesh.uv_faces.tolist() == [[0, 0, 0], [-1, -1, -1]]


def test_colored_vertices() -> None:
    unit = obj.decode(b"v 0 0 0 1 0 .5\nv 1 0 0 0 0 0\nv 0 1 0 0 1 0\nf 1 2 3\n")
    assert unit.colors is not None
    assert unit.colors[0].tolist() == [1.0, 0.0, 0.5]
    eight_bit = obj.decode(b"v 0 0 0 255 0 51\nv 1 0 0 0 0 0\nv 0 1 0 0 1 0\nf 1 2 3\n")
    assert eight_bit.colors is not None
    assert eight_bit.colors[0] == pytest.approx(np.array([1.0, 0.0, 0.2]))


def test_a_fourth_number_is_a_weight_not_a_color() -> None:
    mesh = obj.decode(b"v 0 0 0 1\nv 1 0 0 1\nv 0 1 0 1\nf 1 2 3\n")
    assert mesh.colors is None
    assert mesh.vertices[1].tolist() == [1, 0, 0]


def test_corners_of_every_form_comments_and_continuation() -> None:
    text = (
        b"\xef\xbb\xbf# head\r\nmtllib secret.mtl\r\no thing\r\nv 0 0 0 # origin\r\nv 1 0 0\r\n"
        b"v 0 1 \\\r\n 0\r\nvn 0 0 1\r\nvt .5 .25 0\r\nusemtl skin\r\nf 1//1 2//1 3//1\r\n"
        b"usemtl eye ball\r\nf 1/1/1 2/1/1 3/1/1\r\n"
    )
    mesh = obj.decode(text)
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert mesh.materials == ("skin", "eye ball")
    assert mesh.face_material is not None
    assert mesh.face_material.tolist() == [0, 1]
    assert mesh.uv is not None
    assert mesh.uv.tolist() == [[0.5, 0.25]]


def test_normals_are_written_with_matching_corners() -> None:
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), normals=np.tile([0.0, 0.0, 1.0], (3, 1)))
    text = obj.encode(mesh, mtllib="a.mtl", material="m", comment="two\nlines")
    assert text.startswith(b"# two\n# lines\nmtllib a.mtl\n")
    assert b"\nusemtl m\ns 1\nf 1//1 2//2 3//3\n" in text
    assert np.array_equal(obj.decode(text).faces, mesh.faces)


GOOD = b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"
BAD = {
    "no vertices": (b"hello\n", "mesh_empty", ""),
    "no faces": (GOOD, "mesh_empty", ""),
    "word": (b"v 0 zero 0\n", "mesh_format", "line 1"),
    "two numbers": (b"v 0 0\n", "mesh_format", "line 1"),
    "nan": (GOOD + b"v nan 0 0\n", "mesh_not_finite", "line 4"),
    "overflow": (GOOD + b"v 1e999 0 0\n", "mesh_not_finite", "line 4"),
    "index zero": (GOOD + b"f 0 1 2\n", "mesh_index", "line 4"),
    "index high": (GOOD + b"\n\nf 1 2 4\n", "mesh_index", "line 6"),
    "index low": (GOOD + b"f -1 -2 -4\n", "mesh_index", "line 4"),
    "uv index": (GOOD + b"vt 0 0\nf 1/1 2/1 3/2\n", "mesh_index", "line 5"),
    "huge index": (GOOD + b"f 1 2 99999999999999999999999\n", "mesh_index", "line 4"),
    "two corners": (GOOD + b"f 1 2\n", "mesh_format", "line 4"),
    "corner text": (GOOD + b"f 1 2 x\n", "mesh_format", "line 4"),
    "corner slashes": (GOOD + b"f 1 2 3/1/1/1\n", "mesh_format", "line 4"),
    "some colors": (b"v 0 0 0 1 1 1\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "mesh_format", ""),
    "binary": (bytes(range(256)) * 4, "mesh_empty", ""),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_code_and_line(name: str) -> None:
    data, code, where = BAD[name]
    with pytest.raises(InputError) as caught:
        obj.decode(data, name="bad.obj")
    assert caught.value.code == code
    assert where in caught.value.location
    assert "bad.obj" in caught.value.location


@given(st.lists(st.sampled_from([b"v", b"f", b"vt", b" ", b"\n", b"1", b"-2", b"/", b"\\", b"."])))
def test_no_other_error_escapes(pieces: list[bytes]) -> None:
    try:
        mesh = obj.decode(b"v 0 0 0\n" + b"".join(pieces))
    except InputError:
        return
    assert mesh.faces.max(initial=0) < len(mesh.vertices)


def test_point_clouds_on_request() -> None:
    assert obj.decode(GOOD, require_faces=False).faces.shape == (0, 3)


def test_files(tmp_path: Path) -> None:
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]))
    obj.write(tmp_path / "a.obj", mesh)
    assert np.array_equal(obj.read(tmp_path / "a.obj").vertices, np.eye(3))
    (tmp_path / "empty.obj").touch()
    for path, code in (
        (tmp_path / "absent.obj", "mesh_unreadable"),
        (tmp_path, "mesh_unreadable"),
        (tmp_path / "empty.obj", "mesh_empty"),
    ):
        with pytest.raises(InputError) as caught:
            obj.read(path)
        assert caught.value.code == code
