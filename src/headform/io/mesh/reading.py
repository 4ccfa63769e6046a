"""Read mesh files, OBJ or PLY by their first bytes, not by their name."""

from pathlib import Path

from headform.io.file_bytes import read_mesh_bytes
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh


def is_ply(data: bytes) -> bool:
    """Return whether a file begins as PLY files do; any other file is treated as OBJ."""
    return data.startswith(b"ply")


def decode(data: bytes, *, name: str, require_faces: bool = True) -> TriangleMesh:
    """Read the bytes of a PLY or an OBJ file.

    Args:
        data: Content of the file.
        name: Name of the file, for error messages.
        require_faces: True to require faces.

    Raises:
        InputError: codes of `headform.io.mesh.obj.read` and `headform.io.mesh.ply.read`.
    """
    reader = ply if is_ply(data) else obj
    return reader.decode(data, name=name, require_faces=require_faces)


def read_mesh(path: Path | str) -> TriangleMesh:
    """Read a PLY or an OBJ file: vertices in its own unit, triangles, and texture coordinates or colors where it has them.

    Raises:
        InputError: ``mesh_unreadable``, and as `headform.io.mesh.obj.read` and `headform.io.mesh.ply.read`.
    """
    return decode(read_mesh_bytes(path), name=str(path))
