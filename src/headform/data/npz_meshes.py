"""Meshes of one topology in an .npz file: `vertices` and `faces`, sizes checked before unpacking.

N meshes, V vertices, F triangles.
"""

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from headform.errors import InputError

MAX_BYTES = 4 << 30
"""Largest array that is unpacked."""
_WANTED = "an .npz with `vertices` (V, 3) or (N, V, 3) and `faces` (F, 3)"

# what the standard library and NumPy raise for broken archives, streams and headers
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


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
        with zipfile.ZipFile(path) as archive:
            vertices = _array(archive, "vertices", where)
            faces = _array(archive, "faces", where)
    except OSError as error:
        what = f"cannot read the meshes: {error.strerror or error}"
        raise InputError("mesh_unreadable", what, where) from error
    except _BROKEN as error:
        raise InputError("mesh_format", f"not a whole .npz file: {error}", where, "") from error
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


def _array(archive: zipfile.ZipFile, name: str, where: str) -> np.ndarray:
    try:
        entry = archive.getinfo(f"{name}.npy")
    except KeyError:
        what = f"there is no array `{name}`"
        raise InputError("mesh_format", what, where, f"give {_WANTED}") from None
    if entry.file_size > MAX_BYTES:
        what = f"`{name}` has {entry.file_size} bytes, the limit is {MAX_BYTES}"
        raise InputError("mesh_too_large", what, where, "prepare the meshes in several files")
    with archive.open(entry) as file:
        shape, fortran, dtype, header = _header(file)
        if dtype.hasobject:
            raise InputError("mesh_format", f"`{name}` holds Python objects", where, "")
        size = dtype.itemsize
        for length in shape:
            size *= length
        if size != entry.file_size - header:
            raise ValueError(f"`{name}` says {shape} {dtype} but has {entry.file_size} bytes")
        data = file.read()
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"array format {version} is unknown")
    return shape, fortran, dtype, file.tell()
