"""Wavefront OBJ, read and written with vertex order and double precision kept.

V vertices, F triangles, T texture coordinates.

Read: `v` (with optional colors), `vt`, `vn` (counted, values ignored), `f` with positive
or negative indices and any number of corners, `usemtl`, line continuation. Other lines are
skipped. Polygons are split into fans from their first corner. Material files are never
opened: an untrusted mesh must not choose files to read.

Reading takes time in proportion to the file, and memory of at most 64 times its size.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from headform.errors import InputError
from headform.io.file_bytes import read_mesh_bytes
from headform.io.mesh._text_lines import LONGEST_LINE, lines_of
from headform.io.mesh.polygons import MAX_CORNERS, fans
from headform.io.mesh.triangle_mesh import TriangleMesh

if TYPE_CHECKING:
    Floats: TypeAlias = array[float]
    Whole: TypeAlias = array[int]
else:
    Floats = Whole = array  # which takes no type before Python 3.12

_MAX_INDEX = (1 << 31) - 1
_KEYS = frozenset((b"v", b"vt", b"vn", b"f", b"usemtl"))


def read(path: str | Path, *, require_faces: bool = True) -> TriangleMesh:
    """Read an OBJ file.

    Args:
        path: Path of the file.
        require_faces: True to require faces; False accepts a point cloud.

    Returns:
        The mesh, float64, in the file's vertex order.

    Raises:
        InputError: `mesh_unreadable`, `mesh_too_large`, `mesh_empty`, or with the line number
            `mesh_format` (a line that cannot be understood), `mesh_index` (a corner without a
            vertex), `mesh_not_finite` (NaN or infinity) or `mesh_too_large` (a polygon of more than
            100,000 corners).
    """
    return decode(read_mesh_bytes(path), name=str(path), require_faces=require_faces)


def decode(data: bytes, *, name: str = "OBJ", require_faces: bool = True) -> TriangleMesh:
    """Read the bytes of an OBJ file; see `read`. `name` is used in error messages."""
    rows = _Rows(name)
    for number, line in _logical_lines(data):
        rows.take(number, line)
    return rows.mesh(require_faces=require_faces)


def write(path: str | Path, mesh: TriangleMesh) -> None:
    """Write `encode(mesh)` to a file, not atomically (`weights.atomic` does that)."""
    Path(path).write_bytes(encode(mesh))


def encode(mesh: TriangleMesh, *, mtllib: str = "", material: str = "", comment: str = "") -> bytes:
    """Encode a mesh as OBJ, without vertex colors (many readers fail on them).

    Numbers are the shortest decimals that read back to the same float32 or float64.

    Args:
        mesh: Mesh to write; `uv` and `normals` are written when present.
        mtllib: Relative path of the material file.
        material: Name of the material of all faces.
        comment: Comment at the start of the file.

    Returns:
        ASCII bytes, lines end in a newline.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    if mtllib:
        lines.append(f"mtllib {mtllib}")
    lines += _number_lines("v", mesh.vertices)
    corners = [(mesh.faces + 1).astype(str)]
    if mesh.uv is not None and mesh.uv_faces is not None:
        lines += _number_lines("vt", mesh.uv)
        corners.append((mesh.uv_faces + 1).astype(str))
        corners[-1][mesh.uv_faces < 0] = ""
    if mesh.normals is not None:
        lines += _number_lines("vn", mesh.normals)
        if len(corners) == 1:
            corners.append(np.full(mesh.faces.shape, ""))
        corners.append(corners[0])
    if material:
        lines.append(f"usemtl {material}")
    lines.append("s 1")
    lines += [
        "f " + " ".join("/".join(parts).rstrip("/") for parts in zip(*face, strict=True))
        for face in zip(*corners, strict=True)
    ]
    return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def _number_lines(key: str, rows: Float[np.ndarray, "N C"]) -> list[str]:
    return [key + " " + " ".join(row) for row in rows.astype(str)]


def _logical_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number (from 1) and content of each line; a trailing backslash joins it to the next."""
    held, first = bytearray(), 0
    for number, line in enumerate(lines_of(data, 3 if data.startswith(b"\xef\xbb\xbf") else 0), start=1):
        if line.endswith(b"\\"):
            first = first or number
            held += line[:-1] + b" "
            if len(held) > LONGEST_LINE:
                yield first, bytes(held)  # is refused, or a comment: then its rest is one too
                held = bytearray(b"#")
        else:
            yield first or number, bytes(held) + line if held else line
            held, first = bytearray(), 0
    if held:
        yield first, bytes(held)


@dataclass
class _Rows:
    """Rows read so far, flat; indices count from 0, polygons have `counts` corners each."""

    name: str
    points: Floats = field(default_factory=lambda: array("d"))
    colors: Floats = field(default_factory=lambda: array("d"))
    uv: Floats = field(default_factory=lambda: array("d"))
    normals: int = 0
    corners: Whole = field(default_factory=lambda: array("i"))
    uv_corners: Whole = field(default_factory=lambda: array("i"))
    counts: Whole = field(default_factory=lambda: array("i"))
    lines: Whole = field(default_factory=lambda: array("i"))
    materials: dict[str, int] = field(default_factory=dict)
    current: int = -1
    face_material: Whole = field(default_factory=lambda: array("i"))

    def fail(self, code: str, what: str, number: int) -> InputError:
        return InputError(code, what, f"{self.name!a}, line {number}")

    def take(self, number: int, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            if not _KEYS.intersection(line[:64].split(None, 1)[:1]):
                return  # a comment, or what is not read
            what = f"a line has {len(line)} bytes, the limit is {LONGEST_LINE}"
            raise self.fail("mesh_too_large", what, number)
        parts = line.split(b"#", 1)[0].split()
        if not parts:
            return
        key = parts[0]
        if key == b"v":
            self.take_vertex(number, parts)
        elif key == b"vt":
            values = self.floats(number, parts)
            if not 1 <= len(values) <= 3:
                raise self.fail("mesh_format", "a texture coordinate has 1 to 3 numbers", number)
            self.uv.extend([*values, 0.0][:2])
        elif key == b"vn":
            self.normals += 1
        elif key == b"f":
            self.take_face(number, parts)
        elif key == b"usemtl":
            material = b" ".join(parts[1:]).decode("utf-8", "backslashreplace")
            self.current = self.materials.setdefault(material, len(self.materials))

    def floats(self, number: int, parts: list[bytes]) -> list[float]:
        try:
            values = [float(part) for part in parts[1:]]
        except ValueError:
            what = f"expected numbers after {parts[0].decode()!r}"
            raise self.fail("mesh_format", what, number) from None
        if not all(map(math.isfinite, values)):
            raise self.fail("mesh_not_finite", "a number is NaN or infinite", number)
        return values

    def take_vertex(self, number: int, parts: list[bytes]) -> None:
        values = self.floats(number, parts)
        if len(values) not in (3, 4, 6, 7):  # x y z [w] or x y z r g b [a]
            what = f"a vertex has 3, 4, 6 or 7 numbers, not {len(values)}"
            raise self.fail("mesh_format", what, number)
        self.points.extend(values[:3])
        if len(values) >= 6:
            self.colors.extend(values[3:6])

    def take_face(self, number: int, parts: list[bytes]) -> None:
        if len(parts) < 4:
            raise self.fail("mesh_format", "a face needs at least 3 corners", number)
        if len(parts) > MAX_CORNERS + 1:
            what = f"a face has {len(parts) - 1} corners, the limit is {MAX_CORNERS}"
            raise self.fail("mesh_too_large", what, number)
        sizes = len(self.points) // 3, len(self.uv) // 2, self.normals
        for part in parts[1:]:
            vertex, texture = self.corner(number, part, sizes)
            self.corners.append(vertex)
            self.uv_corners.append(texture)
        self.counts.append(len(parts) - 1)
        self.lines.append(number)
        self.face_material.append(self.current)

    def corner(self, number: int, text: bytes, sizes: tuple[int, int, int]) -> tuple[int, int]:
        parts = text.split(b"/")
        if len(parts) > 3 or not parts[0]:
            raise self.fail("mesh_format", f"cannot understand the corner {text[:60]!a}", number)
        try:
            given = [int(part) if part else None for part in parts]
        except ValueError:
            what = f"cannot understand the corner {text[:60]!a}"
            raise self.fail("mesh_format", what, number) from None
        index = [-1, -1, -1]
        for slot, (value, count) in enumerate(zip(given, sizes, strict=False)):
            if value is None:
                continue
            # a negative index counts back from the latest element; positive ones are checked at the end
            index[slot] = value + count if value < 0 else value - 1
            if not 0 <= index[slot] < _MAX_INDEX:
                raise self.fail("mesh_index", f"no element has the index {value}", number)
        return index[0], index[1]

    def mesh(self, *, require_faces: bool) -> TriangleMesh:
        where = ascii(self.name)
        if not self.points:
            raise InputError("mesh_empty", "no vertices: this is not an OBJ mesh", where)
        if require_faces and not self.corners:
            raise InputError("mesh_empty", "vertices but no faces", where)
        counts = np.array(self.counts, np.int32)
        self.check(self.corners, len(self.points) // 3, "vertices", counts)
        self.check(self.uv_corners, len(self.uv) // 2, "texture coordinates", counts)
        if self.colors and len(self.colors) != len(self.points):
            what = f"{len(self.colors) // 3} of {len(self.points) // 3} vertices carry a color"
            raise InputError("mesh_format", what, where)
        textured = bool(self.uv) and max(self.uv_corners, default=-1) >= 0
        return TriangleMesh(
            vertices=np.array(self.points, np.float64).reshape(-1, 3),
            faces=fans(np.array(self.corners, np.int32), counts),
            uv=np.array(self.uv, np.float64).reshape(-1, 2) if textured else None,
            uv_faces=fans(np.array(self.uv_corners, np.int32), counts) if textured else None,
            colors=_displayed(np.array(self.colors, np.float64).reshape(-1, 3) if self.colors else None),
            materials=tuple(self.materials),
            face_material=np.repeat(np.array(self.face_material, np.int64), counts - 2) if self.materials else None,
        )

    def check(self, corners: Whole, count: int, what: str, counts: Int[np.ndarray, " P"]) -> None:
        wrong = np.flatnonzero(np.array(corners, np.int32) >= count)
        if wrong.size:
            face = int(np.searchsorted(np.cumsum(counts, dtype=np.int64), wrong[0], side="right"))
            text = f"a face names element {corners[int(wrong[0])] + 1} of {count} {what}"
            raise self.fail("mesh_index", text, self.lines[face])


def _displayed(colors: Float[np.ndarray, "V 3"] | None) -> Float[np.ndarray, "V 3"] | None:
    """Scale colors to [0, 1]; some programs write 0 to 255."""
    if colors is None:
        return None
    scale = 255.0 if colors.max() > 1.0 else 1.0
    return np.clip(colors / scale, 0.0, 1.0)
