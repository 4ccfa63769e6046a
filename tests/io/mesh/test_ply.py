"""PLY: every encoding reads back to the last bit, and bad files are refused by place."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from headform.errors import InputError
from headform.io.mesh import ply
from headform.io.mesh._ply_header import Encoding
from headform.io.mesh.triangle_mesh import TriangleMesh

ENCODINGS: list[Encoding] = ["ascii", "binary_little_endian", "binary_big_endian"]


@given(
    st.sampled_from(ENCODINGS),
    npst.arrays(np.float64, st.tuples(st.integers(3, 9), st.just(3)), elements=st.floats(-9, 9)),
    npst.arrays(np.int64, st.tuples(st.integers(1, 9), st.just(3)), elements=st.integers(0, 2)),
)
def test_round_trip_is_exact(encoding: Encoding, vertices: np.ndarray, faces: np.ndarray) -> None:
    back = ply.decode(ply.encode(TriangleMesh(vertices, faces), encoding=encoding))
    assert np.array_equal(back.vertices, vertices)
    assert np.array_equal(back.faces, faces)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_colors_normals_and_float32(encoding: Encoding) -> None:
    rng = np.random.default_rng(0)
    mesh = TriangleMesh(
        vertices=rng.normal(size=(5, 3)).astype(np.float32),
        faces=np.array([[4, 1, 2], [0, 1, 3]]),
        normals=np.tile([0.0, 0.0, 1.0], (5, 1)),
        colors=np.linspace(0, 1, 15).reshape(5, 3),
    )
    data = ply.encode(mesh, encoding=encoding, comment="made by a test")
    assert b"property float x\n" in data
    assert b"property uchar red\n" in data
    assert b"comment made by a test\n" in data
    back = ply.decode(data)
    assert np.array_equal(back.vertices.astype(np.float32), mesh.vertices)
    assert back.faces.tolist() == mesh.faces.tolist()
    assert back.normals is not None
    assert back.colors is not None
    np.testing.assert_allclose(back.normals, mesh.normals, atol=1e-7)
    np.testing.assert_allclose(back.colors, mesh.colors, atol=0.5 / 255 + 1e-9)


def test_binary_layout_is_what_the_format_says() -> None:
    """Read with struct alone, the way another program would."""
    vertices = np.array([[1.5, -2, 3], [0, 0, 0], [7, 8, 9]], np.float32)
    mesh = TriangleMesh(vertices, np.array([[2, 0, 1]]), colors=np.eye(3))
    data = ply.encode(mesh)
    body = data[data.index(b"end_header\n") + 11 :]
    assert len(body) == 3 * 15 + 13
    assert struct.unpack_from("<fff3B", body, 0) == (1.5, -2, 3, 255, 0, 0)
    assert struct.unpack_from("<fff3B", body, 30) == (7, 8, 9, 0, 0, 255)
    assert struct.unpack_from("<Biii", body, 45) == (3, 2, 0, 1)


ASCII = (
    "ply\nformat ascii 1.0\ncomment a scanner\nelement vertex 4\n"
    "property double x\nproperty double y\nproperty double z\n"
    "element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    "0 0 0\n1 0 0\n1 1 0\n0 1 0\n{body}"
)


def test_quads_and_mixed_polygons_become_fans() -> None:
    quad = ply.decode(ASCII.format(faces=1, body="4 0 1 2 3\n").encode())
    assert quad.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    mixed = ply.decode(ASCII.format(faces=2, body="3 1 2 3\n4 0 1 2 3\n").encode())
    assert mixed.faces.tolist() == [[1, 2, 3], [0, 1, 2], [0, 2, 3]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_with_mixed_lists_strange_types_and_other_elements(order: str) -> None:
    word = "little" if order == "<" else "big"
    head = (
        f"ply\nformat binary_{word}_endian 1.0\nelement camera 1\nproperty short id\n"
        "property list uint float matrix\nelement vertex 4\nproperty uchar quality\n"
        "property double x\nproperty float y\nproperty int z\nelement face 2\n"
        "property list ushort uint vertex_index\nproperty char flag\nend_header\n"
    ).encode()
    body = struct.pack(order + "hI2f", 7, 2, 1.0, 2.0)
    for i in range(4):
        body += struct.pack(order + "Bdfi", i, np.pi * i, 0.5 * i, -i)
    body += struct.pack(order + "H3Ib", 3, 0, 1, 2, -1)
    body += struct.pack(order + "H4Ib", 4, 3, 2, 1, 0, 1)
    mesh = ply.decode(head + body)
    assert mesh.vertices[:, 0].tolist() == [np.pi * i for i in range(4)]
    assert mesh.vertices[3].tolist() == [np.pi * 3, 1.5, -3.0]
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 2, 1], [3, 1, 0]]


def test_texture_coordinates_of_vertices() -> None:
    text = (
        "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\n"
        "property float z\nproperty float s\nproperty float t\nelement face 1\n"
        "property list uchar int vertex_indices\nend_header\n"
        "0 0 0 0 .5\n1 0 0 1 .25\n0 1 0 0 1\n3 0 1 2\n"
    )
    mesh = ply.decode(text.encode())
    assert mesh.uv is not None
    assert mesh.uv.tolist() == [[0, 0.5], [1, 0.25], [0, 1]]
    assert mesh.uv_faces is not None
    assert mesh.uv_faces.tolist() == [[0, 1, 2]]


BINARY = ply.encode(TriangleMesh(np.eye(3), np.array([[0, 1, 2]])))
BAD = {
    "text": (b"hello\n", "mesh_format", "line 1"),
    "no end": (b"ply\nformat ascii 1.0\n", "mesh_format", "line 3"),
    "no format": (b"ply\nend_header\n", "mesh_format", "line 2"),
    "strange format": (b"ply\nformat utf8 1.0\nend_header\n", "mesh_format", "line 2"),
    "strange type": (
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty quad x\nend_header\n",
        "mesh_format",
        "line 4",
    ),
    "negative count": (
        b"ply\nformat ascii 1.0\nelement vertex -1\nend_header\n",
        "mesh_format",
        "line 3",
    ),
    "no vertices": (b"ply\nformat ascii 1.0\nend_header\n", "mesh_empty", ""),
    "no faces": (ASCII.format(faces=0, body="").encode(), "mesh_empty", ""),
    "ascii short": (ASCII.format(faces=2, body="3 0 1 2\n").encode(), "mesh_truncated", "end"),
    "ascii long": (
        ASCII.format(faces=1, body="3 0 1 2\n3 0 1 2\n").encode(),
        "mesh_trailing",
        "line 16",
    ),
    "ascii word": (ASCII.format(faces=1, body="3 0 1 x\n").encode(), "mesh_format", "line 15"),
    "index high": (ASCII.format(faces=1, body="3 0 1 4\n").encode(), "mesh_index", "face 0"),
    "index low": (ASCII.format(faces=1, body="3 0 1 -1\n").encode(), "mesh_index", "face 0"),
    "two corners": (ASCII.format(faces=1, body="2 0 1\n").encode(), "mesh_format", "face 0"),
    "nan": (
        ASCII.format(faces=1, body="3 0 1 2\n").replace("1 1 0", "1 nan 0").encode(),
        "mesh_not_finite",
        "vertex 2",
    ),
    "binary short": (BINARY[:-1], "mesh_truncated", "byte"),
    "binary long": (BINARY + b"xyz", "mesh_trailing", "byte"),
    "binary bomb": (
        BINARY.replace(b"element vertex 3", b"element vertex 999999999999999999"),
        "mesh_truncated",
        "byte",
    ),
    "list length bomb": (BINARY[:-13] + b"\xff" + BINARY[-12:], "mesh_truncated", "byte"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_code_and_place(name: str) -> None:
    data, code, where = BAD[name]
    with pytest.raises(InputError) as caught:
        ply.decode(data, name="bad.ply")
    assert caught.value.code == code
    assert where in caught.value.location
    assert "bad.ply" in caught.value.location


@given(st.sampled_from(ENCODINGS), st.integers(0, 400), st.integers(0, 255))
def test_no_other_error_escapes_a_flipped_byte(encoding: Encoding, at: int, value: int) -> None:
    mesh = TriangleMesh(np.eye(3), np.array([[0, 1, 2]]), colors=np.eye(3))
    data = bytearray(ply.encode(mesh, encoding=encoding))
    data[at % len(data)] = value
    try:
        back = ply.decode(bytes(data))
    except InputError:
        return
    assert back.faces.max(initial=0) < len(back.vertices)


def test_files(tmp_path: Path) -> None:
    ply.write(tmp_path / "a.ply", TriangleMesh(np.eye(3), np.array([[0, 1, 2]])))
    assert np.array_equal(ply.read(tmp_path / "a.ply").vertices, np.eye(3))
    with pytest.raises(InputError) as caught:
        ply.read(tmp_path / "b.ply")
    assert caught.value.code == "mesh_unreadable"


TEXTURED = {
    "vertices": np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 2, 0]]),
    # a triangle, a quad, a triangle without coordinates; vertices 0 and 2 lie on a seam
    "polygons": [[0, 1, 2], [0, 2, 4, 3], [1, 4, 2]],
    "uv": [[0.0, 0, 0.5, 0, 0.5, 0.5], [0.25, 0.75, 1, 1, 0.5, 0, 0, 0], []],
}


def meshlab(
    encoding: Encoding, *, uv=TEXTURED["uv"], numbers=(0, 1, 0), pictures=("skin one.png", "b.png"), key="texcoord"
) -> bytes:
    """As MeshLab writes wedge coordinates: a list per face, and the number of its picture."""
    order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[encoding]
    head = f"ply\nformat {encoding} 1.0\ncomment VCGLIB generated\n"
    head += "".join(f"comment TextureFile {picture}\n" for picture in pictures)
    head += "element vertex 5\nproperty float x\nproperty float y\nproperty float z\nelement face 3\n"
    head += (
        f"property list uchar int vertex_indices\nproperty list uchar float {key}\nproperty int texnumber\nend_header\n"
    )
    rows = zip(TEXTURED["polygons"], uv, numbers, strict=True)
    if encoding == "ascii":
        lines = [" ".join(map(str, row)) for row in TEXTURED["vertices"].tolist()]
        lines += [" ".join(map(str, [len(f), *f, len(t), *t, n])) for f, t, n in rows]
        return head.encode() + "\n".join(lines).encode() + b"\n"
    body = struct.pack(f"{order}15f", *TEXTURED["vertices"].ravel())
    for f, t, n in rows:
        body += struct.pack(f"{order}B{len(f)}iB{len(t)}fi", len(f), *f, len(t), *t, n)
    return head.encode() + body


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texture_coordinates_of_corners_and_their_pictures(encoding: Encoding) -> None:
    mesh = ply.decode(meshlab(encoding))
    assert len(mesh.vertices) == 5, "no vertex is split"
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 4], [0, 4, 3], [1, 4, 2]]
    assert mesh.uv is not None
    assert mesh.uv_faces is not None
    assert mesh.uv[mesh.uv_faces[:3]].tolist() == [
        [[0, 0], [0.5, 0], [0.5, 0.5]],
        [[0.25, 0.75], [1, 1], [0.5, 0]],
        [[0.25, 0.75], [0.5, 0], [0, 0]],
    ]
    assert mesh.uv_faces[3].tolist() == [-1, -1, -1]
    assert len(mesh.uv) == 5, "equal coordinates are one"
    assert mesh.materials == ("skin one.png", "b.png")
    assert mesh.face_material is not None
    assert mesh.face_material.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_face_without_a_picture_has_no_coordinates(encoding: Encoding) -> None:
    mesh = ply.decode(meshlab(encoding, numbers=(0, -1, 0)))
    assert mesh.uv_faces is not None
    assert (mesh.uv_faces >= 0).all(axis=1).tolist() == [True, False, False, False]
    assert mesh.face_material is not None
    assert mesh.face_material.tolist() == [0, -1, -1, 0]
    bare = ply.decode(meshlab(encoding, uv=[[], [], []], pictures=()))
    assert (bare.uv, bare.uv_faces, bare.face_material, bare.materials) == (None, None, None, ())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"uv": [[0.0] * 4, [], []]}, "mesh_format", "4 texture coordinates for 3 corners"),
        ({"uv": [[], [0.0] * 7 + [np.nan], []]}, "mesh_not_finite", "face 1"),
        ({"numbers": (0, 7, 0)}, "mesh_index", "none of the 2"),
        ({"numbers": (0, -2, 0)}, "mesh_index", "none of the 2"),
    ],
)
def test_bad_coordinates_of_corners(encoding: Encoding, change, code, says) -> None:
    with pytest.raises(InputError, match=says) as caught:
        ply.decode(meshlab(encoding, **change))
    assert caught.value.code == code


@pytest.mark.parametrize("names", [("nx", "ny", "nz"), ("red", "green", "blue"), ("s", "t")])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_beside_the_positions_is_refused(names, value) -> None:
    rows = np.zeros((3, 3 + len(names)))
    rows[:, :3] = np.eye(3)
    rows[1, 4] = value
    head = "ply\nformat ascii 1.0\nelement vertex 3\n" + "".join(
        f"property float {n}\n" for n in ("x", "y", "z", *names)
    )
    text = head + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    text += "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()) + "3 0 1 2\n"
    with pytest.raises(InputError, match="vertex 1") as caught:
        ply.decode(text.encode())
    assert caught.value.code == "mesh_not_finite"
