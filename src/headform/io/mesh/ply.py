"""PLY files, read and written with vertex order and double precision kept.

V vertices, F triangles.

Read: ASCII and binary of both byte orders; positions, colors, normals and texture coordinates of
vertices; texture coordinates of corners, as MeshLab writes them, with the names of their pictures
(`TriangleMesh.materials`; no picture is opened: an untrusted mesh must not choose files to read); and
polygons, which are split into fans from their first corner. Other elements and properties are skipped.
Written: positions, normals, 8-bit sRGB colors, triangles.

Reading takes time in proportion to the file, and memory of at most 64 times its size.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Integer

from headform.errors import InputError
from headform.io.file_bytes import read_mesh_bytes
from headform.io.mesh._ply_body import Column, Lists, Table, read_tables
from headform.io.mesh._ply_header import Encoding, Header, parse_header
from headform.io.mesh._ply_texture import KEYS, corner_coordinates, picture_names
from headform.io.mesh.polygons import MAX_CORNERS, fans
from headform.io.mesh.triangle_mesh import TriangleMesh


def read(path: str | Path, *, require_faces: bool = True) -> TriangleMesh:
    """Read a PLY file.

    Args:
        path: Path of the file.
        require_faces: True to require faces; False accepts a point cloud.

    Returns:
        The mesh, float64, in the file's vertex order.

    Raises:
        InputError: `mesh_unreadable`, `mesh_too_large`, `mesh_empty`, or with line or byte offset
            `mesh_format`, `mesh_truncated` and `mesh_trailing` (wrong counts in the header),
            `mesh_index` (a face index out of range), `mesh_not_finite` (NaN or infinity); `mesh_too_large` for
            a polygon of more than 100,000 corners or a line of more than 4 MiB.
    """
    return decode(read_mesh_bytes(path), name=str(path), require_faces=require_faces)


def decode(data: bytes, *, name: str = "PLY", require_faces: bool = True) -> TriangleMesh:
    """Read the bytes of a PLY file; see `read`. `name` is used in error messages."""
    header = parse_header(data, name=name)
    tables = read_tables(data, header, name=name)
    vertex = tables.get("vertex", {})
    vertices = _gather(vertex, ("x", "y", "z"))
    if vertices is None or not len(vertices):
        raise InputError("mesh_empty", "no vertices with x, y and z", ascii(name))
    wrong = np.flatnonzero(~np.isfinite(vertices).all(1))
    if wrong.size:
        raise InputError(
            "mesh_not_finite",
            "a coordinate is NaN or infinite",
            f"{name!a}, vertex {int(wrong[0])}",
        )
    faces = _triangles(tables.get("face", {}), len(vertices), name)
    if require_faces and not len(faces):
        raise InputError("mesh_empty", "vertices but no faces", ascii(name))
    uv, uv_faces, face_picture = _texture(tables, faces, name)
    pictures = picture_names(header.comments)
    return TriangleMesh(
        vertices=vertices,
        faces=faces,
        uv=uv,
        uv_faces=uv_faces,
        normals=_finite(_gather(vertex, ("nx", "ny", "nz")), "a normal", name),
        colors=_colors(vertex, header, name),
        materials=pictures,
        face_material=_materials(face_picture, len(faces), len(pictures), name),
    )


def write(path: str | Path, mesh: TriangleMesh, *, encoding: Encoding = "ascii") -> None:
    """Write `encode(mesh)` to a file, not atomically (`weights.atomic` does that)."""
    Path(path).write_bytes(encode(mesh, encoding=encoding))


def encode(mesh: TriangleMesh, *, encoding: Encoding = "binary_little_endian", comment: str = "") -> bytes:
    """Encode a mesh as PLY.

    Args:
        mesh: Mesh to write. Float32 vertices are stored as `float`, others as `double`; colors as
            `uchar red green blue` in sRGB. Texture coordinates are not written: most
            programs read one per vertex, which a seam does not fit.
        encoding: ASCII, or binary of either byte order.
        comment: Comment of the header.

    Returns:
        Content of the file.
    """
    single = mesh.vertices.dtype == np.float32
    columns: list[tuple[str, str, np.ndarray]] = [
        (axis, "f4" if single else "f8", mesh.vertices[:, i]) for i, axis in enumerate("xyz")
    ]
    if mesh.normals is not None:
        columns += [("n" + axis, "f4", mesh.normals[:, i]) for i, axis in enumerate("xyz")]
    if mesh.colors is not None:
        bytes_ = np.clip(np.rint(mesh.colors * 255.0), 0, 255).astype(np.uint8)
        columns += [(c, "u1", bytes_[:, i]) for i, c in enumerate(("red", "green", "blue"))]
    names = {"f4": "float", "f8": "double", "u1": "uchar"}
    lines = ["ply", f"format {encoding} 1.0"]
    lines += [f"comment {line}" for line in comment.splitlines()]
    lines.append(f"element vertex {len(mesh.vertices)}")
    lines += [f"property {names[kind]} {name}" for name, kind, _ in columns]
    lines += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices"]
    head = ("\n".join([*lines, "end_header"]) + "\n").encode("ascii", "backslashreplace")
    if encoding == "ascii":
        words = [values.astype(kind).astype(str) for _, kind, values in columns]
        body = [" ".join(row) for row in zip(*words, strict=True)]
        body += ["3 " + " ".join(row) for row in mesh.faces.astype(str)]
        return head + ("\n".join(body) + "\n").encode("ascii")
    order = "<" if encoding == "binary_little_endian" else ">"
    rows = np.zeros(len(mesh.vertices), [(name, order + kind) for name, kind, _ in columns])
    for name, _, values in columns:
        rows[name] = values
    triangles = np.zeros(len(mesh.faces), [("n", "u1"), ("i", order + "i4", (3,))])
    triangles["n"], triangles["i"] = 3, mesh.faces
    return head + rows.tobytes() + triangles.tobytes()


def _texture(
    tables: dict[str, Table], faces: Int[np.ndarray, "F 3"], name: str
) -> tuple[Float[np.ndarray, "T 2"] | None, Int[np.ndarray, "F 3"] | None, Float[np.ndarray, " F"] | None]:
    """Return coordinates, their indices, and each triangle's picture; coordinates of corners before those of vertices."""
    face = tables.get("face", {})
    polygons: Column | None = face.get("vertex_indices", face.get("vertex_index"))
    if isinstance(polygons, Lists):
        number = face.get("texnumber")
        picture = np.repeat(number, polygons.lengths - 2) if isinstance(number, np.ndarray) else None
        lists = next((face[key] for key in KEYS if isinstance(face.get(key), Lists)), None)
        if isinstance(lists, Lists):
            found = corner_coordinates(lists.values, lists.lengths, polygons.lengths, name=name)
            if found is not None:
                bare = np.zeros(len(faces), bool) if picture is None else picture < 0
                return found[0], np.where(bare[:, None], -1, found[1]), picture
    else:
        picture = None
    uv = _first(tables.get("vertex", {}), (("s", "t"), ("u", "v"), ("texture_u", "texture_v")))
    return _finite(uv, "a texture coordinate", name), None if uv is None else faces.copy(), picture


def _materials(
    picture: Float[np.ndarray, " F"] | None, count: int, pictures: int, name: str
) -> Int[np.ndarray, " F"] | None:
    """Number of each triangle's picture, the first where faces name none; None without pictures."""
    if not pictures:
        return None
    if picture is None:
        return np.zeros(count, np.int64)
    if not ((picture >= -1) & (picture < pictures) & (picture % 1 == 0)).all():
        raise InputError("mesh_index", f"a face names a texture that is none of the {pictures}", ascii(name))
    return picture.astype(np.int64)


def _finite(rows: Float[np.ndarray, "V C"] | None, what: str, name: str) -> Float[np.ndarray, "V C"] | None:
    """Refuse NaN and infinity.

    Raises:
        InputError: `mesh_not_finite`, with the vertex.
    """
    wrong = np.zeros(0, np.int64) if rows is None else np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if wrong.size:
        where = f"{name!a}, vertex {int(wrong[0])}"
        raise InputError(
            "mesh_not_finite", f"{what} is NaN or infinite", where, "save the mesh without them, or compute them anew"
        )
    return rows


def _gather(table: Table, names: tuple[str, ...]) -> Float[np.ndarray, "V C"] | None:
    columns = [table.get(name) for name in names]
    plain = [column for column in columns if isinstance(column, np.ndarray)]
    return np.stack(plain, axis=1) if len(plain) == len(names) else None


def _first(table: Table, choices: tuple[tuple[str, ...], ...]) -> Float[np.ndarray, "V C"] | None:
    found = (_gather(table, names) for names in choices)
    return next((columns for columns in found if columns is not None), None)


def _colors(vertex: Table, header: Header, name: str) -> Float[np.ndarray, "V 3"] | None:
    for names in (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue")):
        colors = _finite(_gather(vertex, names), "a color", name)
        if colors is None:
            continue
        kinds = {
            item.kind
            for element in header.elements
            if element.name == "vertex"
            for item in element.properties
            if item.name in names
        }
        scale = {"u1": 255.0, "u2": 65535.0}.get(kinds.pop(), 1.0)
        return np.asarray(np.clip(colors / scale, 0.0, 1.0))
    return None


def _triangles(table: Table, count: int, name: str) -> Int[np.ndarray, "F 3"]:
    column: Column | None = table.get("vertex_indices", table.get("vertex_index"))
    if column is None:
        return np.zeros((0, 3), dtype=np.int64)
    if not isinstance(column, Lists):
        raise InputError("mesh_format", "the vertex indices of faces are no lists", ascii(name))
    sizes = column.lengths
    if sizes.size and not 3 <= sizes.min() <= sizes.max() <= MAX_CORNERS:
        face = int(np.flatnonzero((sizes < 3) | (sizes > MAX_CORNERS))[0])
        few = sizes[face] < 3
        what = f"a face has {sizes[face]} corners" + ("" if few else f", the limit is {MAX_CORNERS}")
        raise InputError("mesh_format" if few else "mesh_too_large", what, f"{name!a}, face {face}")
    return fans(_indices(column, count, name), sizes)


def _indices(lists: Lists, count: int, name: str) -> Integer[np.ndarray, " C"]:
    """Return the corners of all polygons as indices; `C` is the number of them."""
    values = lists.values
    good = (values >= 0) & (values < count)  # False for NaN
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            good &= values % 1 == 0
    if not good.all():
        wrong = int(np.flatnonzero(~good)[0])
        face = int(np.searchsorted(np.cumsum(lists.lengths), wrong, side="right"))
        what = f"a face names vertex {values[wrong]:g} of {count}"
        raise InputError("mesh_index", what, f"{name!a}, face {face}")
    return values.astype(np.int64) if values.dtype.kind == "f" else values
