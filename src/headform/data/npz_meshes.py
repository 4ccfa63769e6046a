"""Meshes of one topology in an .npz file: `vertices` and `faces`, sizes checked before unpacking.

N meshes, V vertices, F triangles.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

from headform.errors import InputError
from headform.io.npz_file import ArrayFileError, Problem, load_npz

MAX_BYTES = 4 << 30
"""Most bytes of arrays that are unpacked."""
_WANTED = "an .npz with `vertices` (V, 3) or (N, V, 3) and `faces` (F, 3)"
_CODES: dict[Problem, tuple[str, str]] = {
    "unreadable": ("mesh_unreadable", ""),
    "broken": ("mesh_format", ""),
    "objects": ("mesh_format", ""),
    "absent": ("mesh_format", f"give {_WANTED}"),
    "large": ("mesh_too_large", "prepare the meshes in several files"),
}


def read(path: Path) -> tuple[Float[np.ndarray, "N V 3"], Int64[np.ndarray, "F 3"]]:
    """Read `vertices` and `faces`; other arrays in the file are not looked at.

    Nothing is unpickled, and no memory is taken before an array's header and the archive's own
    directory agree on its size.

    Args:
        path: The file; `vertices` of two axes are one mesh.

    Returns:
        Vertices in the file's precision and unit, triangles as int64.

    Raises:
        InputError: `mesh_unreadable`, `mesh_format` (no .npz, an array is missing, of a wrong shape
            or type), `mesh_too_large`.
    """
    where = ascii(str(path))
    try:
        arrays = load_npz(path, ("vertices", "faces"), max_bytes=MAX_BYTES)
    except ArrayFileError as error:
        code, fix = _CODES[error.kind]
        raise InputError(code, error.message, where, fix) from error
    vertices, faces = arrays["vertices"], arrays["faces"]
    if vertices.ndim == 2:
        vertices = vertices[None]
    good = vertices.ndim == 3 and vertices.shape[2] == 3 and 0 not in vertices.shape
    if not good or not np.issubdtype(vertices.dtype, np.floating):
        what = f"`vertices` is {vertices.dtype} {vertices.shape}"
        raise InputError("mesh_format", what, where, f"give {_WANTED}")
    if faces.ndim != 2 or faces.shape[1:] != (3,) or not np.issubdtype(faces.dtype, np.integer):
        what = f"`faces` is {faces.dtype} {faces.shape}"
        raise InputError("mesh_format", what, where, f"give {_WANTED}")
    return vertices, faces.astype(np.int64)
