"""Time and memory of mesh files stay in proportion to the file, whatever it is made of."""

import json
import os
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from headform.errors import InputError
from headform.io.mesh import ply
from headform.io.mesh._text_lines import LONGEST_LINE, lines_of
from headform.io.mesh.picked_points import read_points
from headform.io.mesh.polygons import MAX_CORNERS, fans
from headform.io.mesh.reading import decode
from tests.time_limit import time_limit

MULTIPLE = 64
"""Bytes of memory for each byte of the file, as the readers promise."""
OBJ = b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"
PLY_ASCII = b"0 0 0\n1 0 0\n0 1 0\n"
PLY_BINARY = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
XYZ = tuple(f"property float {axis}" for axis in "xyz")
FACE = "property list uchar uchar vertex_indices"
N = 30_000
FREE = 2 << 20
"""Bytes that a reader may take besides, for the pieces in which it works."""
TIME = 120
"""Seconds for all files; it tells a quadratic reader, which takes hours, and measures nothing."""


def ply_file(body: bytes, *lines: str, encoding: str = "binary_little_endian", vertices: int = 3) -> bytes:
    head = ("ply", f"format {encoding} 1.0", f"element vertex {vertices}", *lines, "end_header")
    return "".join(line + "\n" for line in head).encode() + body


def ascii_file(body: bytes, *lines: str) -> bytes:
    return ply_file(PLY_ASCII + body, *XYZ, *lines, encoding="ascii")


FILES = {
    "obj: triangles of one digit": OBJ + b"f 1 2 3\n" * (N // 8),
    "obj: triangles with texture": OBJ + b"vt 0 0\n" + b"f 1/1 2/1 3/1\n" * (N // 14),
    "obj: large polygons": OBJ + (b"f" + b" 1" * 50_000 + b"\n") * 2,
    "obj: vertices": b"v 1 1 1\n" * (N // 8) + b"f 1 2 3\n",
    "obj: one face of too many corners": OBJ + b"f" + b" 1" * (MAX_CORNERS + 1),
    "obj: continued faces": OBJ + b"f 1 2 3\\\n" * 150_000,
    "obj: continued nothing": OBJ + b"\\\n" * 150_000,
    "obj: a long line": OBJ + b"f" + b" 1" * LONGEST_LINE,
    "obj: a long comment": OBJ + b"f 1 2 3\n#" + b" 1" * LONGEST_LINE,
    "obj: a long continued comment": OBJ + b"f 1 2 3\n#" + (b" 1" * 1000 + b"\\\n") * 3000,
    "obj: materials": OBJ + b"".join(b"usemtl %d\nf 1 2 3\n" % k for k in range(N // 15)),
    "obj: blank lines": OBJ + b"f 1 2 3\n" + b"\n" * N,
    "obj: lines of Mac OS 9": (OBJ + b"f 1 2 3\n" * (N // 8)).replace(b"\n", b"\r"),
    "ply: empty lists": ply_file(PLY_BINARY + b"\0" * N, *XYZ, f"element face {N}", FACE),
    "ply: empty lists in ASCII": ascii_file(b"0\n" * (N // 2), f"element face {N // 2}", FACE),
    "ply: triangles of one byte": ply_file(
        PLY_BINARY + b"\3\0\1\2" * (N // 4), *XYZ, f"element face {N // 4}", FACE
    ),
    "ply: mixed polygons of one byte": ply_file(
        PLY_BINARY + b"\3\0\1\2\4\0\1\2\1" * (N // 9), *XYZ, f"element face {N // 9 * 2}", FACE
    ),
    "ply: large polygons": ply_file(
        PLY_BINARY + (b"\xff" + b"\0" * 255 + b"\xfe" + b"\1" * 254) * (N // 511), *XYZ, f"element face {N // 511 * 2}", FACE
    ),
    "ply: texture coordinates at each vertex": ply_file(
        b"\0\0\0\1\1" * 3 + b"\3\0\1\2\4\0\1\2\1" * (N // 9),
        *(f"property uchar {name}" for name in ("x", "y", "z", "s", "t")),
        f"element face {N // 9 * 2}",
        FACE,
    ),
    "ply: one face of too many corners": ply_file(
        PLY_BINARY + struct.pack("<I", MAX_CORNERS + 1) + b"\1" * (MAX_CORNERS + 1),
        *XYZ,
        "element face 1",
        "property list uint uchar vertex_indices",
    ),
    "ply: a long line": ascii_file(
        b"%d" % LONGEST_LINE + b" 1" * LONGEST_LINE, "element face 1", "property list uint int vertex_indices"
    ),
    "ply: vertices of one byte": ply_file(
        b"\1" * (N // 9 * 9) + b"\3\0\1\2",
        *(f"property uchar {name}" for name in ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue")),
        "element face 1",
        FACE,
        vertices=N // 9,
    ),
    "ply: lists at vertices": ply_file(
        b"\1\1\1\0\1\1\1\1\1" * (N // 9) + b"\3\0\1\2",
        *(f"property uchar {axis}" for axis in "xyz"),
        "property list uchar uchar more",
        "element face 1",
        FACE,
        vertices=N // 9 * 2,
    ),
    "ply: properties": ply_file(b"", *(f"property char a{k}" for k in range(45_000)), encoding="ascii", vertices=1),
    "ply: properties in binary": ply_file(b"\0" * 90_000, *(f"property char a{k}" for k in range(45_000)), vertices=2),
    "ply: elements": ply_file(
        PLY_BINARY, *XYZ, *(line for k in range(10_000) for line in (f"element e{k} 0", "property char a"))
    ),
    "ply: other elements": ascii_file(
        b"0\n" * (N // 2) + b"3 0 1 2\n",
        f"element tristrips {N // 2}",
        "property list int int vertex_indices",
        "element face 1",
        FACE,
    ),
}  # fmt: skip


def measure() -> None:
    """Print the outcome and the peak of memory of each file; run in a child, where no shape is checked at each line."""
    found = {}
    for name, data in FILES.items():
        tracemalloc.start()
        try:
            outcome = f"{len(decode(data, name='x').faces)} faces"
        except InputError as error:
            outcome = error.code
        found[name] = outcome, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(json.dumps(found))


@pytest.fixture(scope="module")
def measured(repository) -> dict[str, tuple[str, int]]:
    code = "from tests.io.mesh.test_bounds import measure; measure()"
    environment = os.environ | {"PYTHONPATH": f"{repository / 'src'}{os.pathsep}{repository}"}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=TIME)
    return json.loads(child.stdout)


@pytest.mark.parametrize("name", FILES)
def test_memory_is_a_multiple_of_the_file_and_time_is_short(name: str, measured) -> None:
    outcome, peak = measured[name]
    assert outcome.endswith(" faces") or outcome.startswith("mesh_")
    assert peak < MULTIPLE * len(FILES[name]) + FREE


@pytest.mark.parametrize("name", [name for name in FILES if "too many corners" in name or "a long line" in name])
def test_limits_are_named(name: str) -> None:
    with pytest.raises(InputError, match=rf"the limit is ({MAX_CORNERS}|{LONGEST_LINE})") as caught:
        decode(FILES[name], name="x")
    assert caught.value.code == "mesh_too_large"


def test_a_polygon_as_large_as_the_limit_is_read() -> None:
    assert len(decode(OBJ + b"f" + b" 1" * MAX_CORNERS, name="x").faces) == MAX_CORNERS - 2


def test_fans_are_those_of_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    for sizes in ([3, 3, 3], [5], [3, 4], [4, 3, 7, 3, 5], random.integers(3, 600, 1500), []):
        counts = np.array(sizes, np.int64)
        corners = random.integers(0, 10**6, int(counts.sum()))
        expected, at = [], 0
        for count in counts:
            polygon = corners[at : at + count]
            expected += [(polygon[0], polygon[k], polygon[k + 1]) for k in range(1, count - 1)]
            at += count
        np.testing.assert_array_equal(fans(corners, counts), np.array(expected, np.int64).reshape(-1, 3))


@pytest.mark.parametrize("line", [b"", b"a", b"ab" * 700_000])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_are_those_of_splitlines(line: bytes, end: bytes) -> None:
    pieces = [line + end] * 5 + [b"x" * (1 << 20), end, b"\n\r", b"\r", b"last"]
    for data in (b"".join(pieces), b"".join(pieces[:-1]), (line + end) * 3, b""):
        assert list(lines_of(data)) == data.splitlines()
        assert list(lines_of(data, 1)) == data[1:].splitlines()


def test_open_tags_of_picked_points_end_in_an_error(tmp_path) -> None:
    path = tmp_path / "a.pp"
    for text in ("<point " * 500_000, "<point x=" * 300_000, "<point x='" * 300_000, "<point x" + " " * 3_000_000):
        path.write_text(text)
        with time_limit(), pytest.raises(InputError) as caught:
            read_points(path)
        assert caught.value.code.startswith("landmarks_")


def test_rows_of_binary_lists_of_several_types_are_gathered_in_pieces() -> None:
    """Lists longer than a piece, of both byte orders, beside single numbers."""
    random = np.random.default_rng(0)
    for order, encoding in (("<", "binary_little_endian"), (">", "binary_big_endian")):
        polygons = [random.integers(0, 3, size) for size in (3, 90_000, 4, 90_000, 90_000, 3)]
        body = np.array([0, 0, 0, 1, 0, 0, 0, 1, 0], order + "f4").tobytes()
        for polygon in polygons:
            body += b"\7" + np.array(len(polygon), order + "u4").tobytes() + polygon.astype(order + "i2").tobytes()
        lines = (*XYZ, f"element face {len(polygons)}", "property char a", "property list uint short vertex_index")
        mesh = ply.decode(ply_file(body, *lines, encoding=encoding))
        counts = np.array([len(polygon) for polygon in polygons])
        np.testing.assert_array_equal(mesh.faces, fans(np.concatenate(polygons), counts))
