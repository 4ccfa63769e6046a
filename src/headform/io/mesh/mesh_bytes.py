"""Meshes whose format is detected from the content, not the file name."""

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
