"""Scans and predicted meshes from files, OBJ or PLY by what they hold.

V vertices, F triangles.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int

from headform.io.file_bytes import read_mesh_bytes
from headform.io.mesh.reading import decode, is_ply


@dataclass(frozen=True, eq=False)
class Surface:
    """Vertices and triangles.

    Attributes:
        vertices: (V, 3) float64, any unit and frame.
        faces: (F, 3) int64.
        name: Origin, for messages.
        colored_obj: OBJ file with vertex colors, which the NoW evaluator misreads.
    """

    vertices: Float64[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    name: str = ""
    colored_obj: bool = False


def read_surface(path: Path, *, require_faces: bool = True) -> Surface:
    """Read an OBJ file (colored ones too) or a PLY file with all its digits.

    Args:
        path: The file; whether it is PLY is seen from its first bytes.
        require_faces: Refuse a file without faces; a scan is measured at its vertices and needs none.

    Raises:
        InputError: see `headform.io.mesh.obj.read` and `headform.io.mesh.ply.read`.
    """
    data = read_mesh_bytes(path)
    mesh = decode(data, name=str(path), require_faces=require_faces)
    colored = not is_ply(data) and mesh.colors is not None
    return Surface(np.asarray(mesh.vertices, np.float64), mesh.faces, str(path), colored)
