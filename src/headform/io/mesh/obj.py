"""Wavefront OBJ, read and written with vertex order and double precision kept.

V vertices, F triangles, T texture coordinates.

Read: `v` (with optional colors), `vt`, `vn` (counted, values ignored), `f` with positive
or negative indices and any number of corners, `usemtl`, line continuation. Other lines are
skipped. Polygons are split into fans from their first corner. Material files are never
opened: an untrusted mesh must not choose files to read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import InputError
from headform.io.file_bytes import read_mesh_bytes
from headform.io.mesh.triangle_mesh import TriangleMesh

Corner = tuple[int, int]
_MAX_INDEX = 1 << 31


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
            vertex) or `mesh_not_finite` (NaN or infinity).
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
    held, first = b"", 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        if line.endswith(b"\\"):
            first = first or number
            held += line[:-1] + b" "
            continue
        yield first or number, held + line
        held, first = b"", 0
    if held:
        yield first, held


@dataclass
class _Rows:
    """Rows read so far; indices count from 0."""

    name: str
    points: list[list[float]] = field(default_factory=list)
    colors: list[list[float]] = field(default_factory=list)
    uv: list[list[float]] = field(default_factory=list)
    normals: int = 0
    corners: list[tuple[Corner, Corner, Corner]] = field(default_factory=list)
    corner_lines: list[int] = field(default_factory=list)
    materials: dict[str, int] = field(default_factory=dict)
    current: int = -1
    face_material: list[int] = field(default_factory=list)

    def fail(self, code: str, what: str, number: int) -> InputError:
        return InputError(code, what, f"{self.name!a}, line {number}")

    def take(self, number: int, line: bytes) -> None:
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
            self.uv.append([*values, 0.0][:2])
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
        if not np.isfinite(values).all():
            raise self.fail("mesh_not_finite", "a number is NaN or infinite", number)
        return values

    def take_vertex(self, number: int, parts: list[bytes]) -> None:
        values = self.floats(number, parts)
        if len(values) not in (3, 4, 6, 7):  # x y z [w] or x y z r g b [a]
            what = f"a vertex has 3, 4, 6 or 7 numbers, not {len(values)}"
            raise self.fail("mesh_format", what, number)
        self.points.append(values[:3])
        if len(values) >= 6:
            self.colors.append(values[3:6])

    def take_face(self, number: int, parts: list[bytes]) -> None:
        if len(parts) < 4:
            raise self.fail("mesh_format", "a face needs at least 3 corners", number)
        corners = [self.corner(number, part) for part in parts[1:]]
        for second, third in pairwise(corners[1:]):
            self.corners.append((corners[0], second, third))
            self.corner_lines.append(number)
            self.face_material.append(self.current)

    def corner(self, number: int, text: bytes) -> Corner:
        parts = text.split(b"/")
        if len(parts) > 3 or not parts[0]:
            raise self.fail("mesh_format", f"cannot understand the corner {text!a}", number)
        try:
            given = [int(part) if part else None for part in parts]
        except ValueError:
            what = f"cannot understand the corner {text!a}"
            raise self.fail("mesh_format", what, number) from None
        index = [-1, -1, -1]
        for slot, (value, count) in enumerate(zip(given, (len(self.points), len(self.uv), self.normals), strict=False)):
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
        table = np.array(self.corners, dtype=np.int64).reshape(-1, 3, 2)
        faces, uv_faces = table[..., 0].copy(), table[..., 1].copy()
        self.check(faces, len(self.points), "vertices")
        self.check(uv_faces, len(self.uv), "texture coordinates")
        if self.colors and len(self.colors) != len(self.points):
            what = f"{len(self.colors)} of {len(self.points)} vertices carry a color"
            raise InputError("mesh_format", what, where)
        colors = np.array(self.colors, dtype=np.float64) if self.colors else None
        textured = bool(self.uv) and bool((uv_faces >= 0).any())
        return TriangleMesh(
            vertices=np.array(self.points, dtype=np.float64),
            faces=faces,
            uv=np.array(self.uv, dtype=np.float64) if textured else None,
            uv_faces=uv_faces if textured else None,
            colors=_displayed(colors),
            materials=tuple(self.materials),
            face_material=np.array(self.face_material, dtype=np.int64) if self.materials else None,
        )

    def check(self, faces: Int[np.ndarray, "F 3"], count: int, what: str) -> None:
        wrong = np.flatnonzero((faces >= count).any(1))
        if wrong.size:
            index = int(faces[wrong[0]].max()) + 1
            text = f"a face names element {index} of {count} {what}"
            raise self.fail("mesh_index", text, self.corner_lines[int(wrong[0])])


def _displayed(colors: Float[np.ndarray, "V 3"] | None) -> Float[np.ndarray, "V 3"] | None:
    """Scale colors to [0, 1]; some programs write 0 to 255."""
    if colors is None:
        return None
    scale = 255.0 if colors.max() > 1.0 else 1.0
    return np.clip(colors / scale, 0.0, 1.0)
