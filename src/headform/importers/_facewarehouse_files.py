"""The files of FaceWarehouse, one identity at a time: raw tensor, ``shape.bs`` and OBJ folders.

N identities, V vertices. All give 47 shapes of an identity, the neutral face first.
Layouts: the tensor is float32, identity by identity, shape by shape, vertex by vertex, without a header or as a .npy of
N x 47 x 3V or N x 47 x V x 3; ``shape.bs`` is i32 46 (shapes besides the neutral one), i32 V, i32 polygons, 47 x V x 3
float32; ``shape_0.obj`` to ``shape_46.obj`` are the same shapes as meshes.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.importers._model_mesh import read_mesh
from headform.importers._sniff import first_bytes, size_of
from headform.io.npz_file import BROKEN, NPY_MAGIC, ArrayFileError, Header, read_header

SHAPES = 47
VERTICES = 11510
RECORD = 4 * SHAPES * VERTICES * 3
"""Bytes of one identity in the tensor."""
MOST = 1000
"""Identities of a tensor; there are 150."""
_MOST_VERTICES = 1 << 20
Shapes = Float[np.ndarray, "47 V 3"]


def npy_header(path: Path) -> Header | None:
    """Return the header of a .npy that can be the tensor; None of any other file. Never raises."""
    if first_bytes(path, len(NPY_MAGIC)) != NPY_MAGIC:
        return None
    try:
        with path.open("rb") as file:
            header = read_header(file)
    except (OSError, ArrayFileError, *BROKEN):
        return None
    fits = header.shape[1:] in ((SHAPES, 3 * VERTICES), (SHAPES, VERTICES, 3))
    whole = header.length + header.nbytes == size_of(path)
    plain = header.dtype.kind == "f" and header.dtype.itemsize in (4, 8)
    return header if fits and whole and plain and not header.fortran and header.shape[0] else None


def is_tensor(path: Path) -> bool:
    """Return whether a file is as long as whole identities are, or a .npy of them. Never raises."""
    size = size_of(path)
    return (size > 0 and size % RECORD == 0) or npy_header(path) is not None


def is_shape_file(path: Path) -> bool:
    """Return whether a file starts as ``shape.bs`` does. Never raises."""
    head = first_bytes(path, 12)
    if len(head) < 12:
        return False
    shapes, vertices, faces = struct.unpack("<iii", head)
    plausible = shapes == SHAPES - 1 and 0 < vertices <= _MOST_VERTICES and faces > 0
    return plausible and 12 + 12 * SHAPES * vertices <= size_of(path)


def tensor(path: Path) -> Iterator[Shapes]:
    """Yield the identities of the raw tensor.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    where = repr(str(path))
    header = npy_header(path)
    size = size_of(path)
    if header is None and (size <= 0 or size % RECORD):
        code = "weights_missing" if size < 0 else "weights_damaged"
        what = f"{max(size, 0)} bytes are no whole number of identities of {RECORD} bytes"
        raise WeightsError(code, what, where, "get the tensor again, or give shape.bs")
    dtype = np.dtype("<f4") if header is None else header.dtype
    record, start = RECORD // 4 * dtype.itemsize, 0 if header is None else header.length
    if size > start + MOST * record:
        what = f"{size} bytes are more than {MOST} identities"
        raise WeightsError("weights_damaged", what, where, "give the publisher's tensor")
    with path.open("rb") as file:
        file.seek(start)
        while raw := file.read(record):
            if len(raw) < record:
                raise WeightsError("weights_damaged", "the file ends early", where)
            yield np.frombuffer(raw, dtype).reshape(SHAPES, VERTICES, 3).astype(np.float32)


def shape_file(path: Path) -> Shapes:
    """Read one identity of a ``shape.bs``.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    where = repr(str(path))
    if size_of(path) < 0:
        raise WeightsError("weights_missing", "there is no such file", where)
    if not is_shape_file(path):
        what = f"not a shape.bs, which holds {SHAPES} shapes of equally many vertices"
        raise WeightsError("weights_damaged", what, where, "get the file again")
    with path.open("rb") as file:
        vertices = struct.unpack("<iii", file.read(12))[1]
        raw = file.read(12 * SHAPES * vertices)
    return np.frombuffer(raw, "<f4").reshape(SHAPES, vertices, 3).astype(np.float32)


def shape_meshes(paths: Sequence[Path]) -> Shapes:
    """Read one identity of 47 OBJ files.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_index``, ``model_not_finite``, ``model_mismatch``
            when they have different numbers of vertices.
    """
    shapes = [read_mesh(path).vertices for path in paths]
    counts = {len(shape) for shape in shapes}
    if len(counts) > 1:
        what = f"the meshes have {', '.join(map(str, sorted(counts)))} vertices"
        raise WeightsError("model_mismatch", what, repr(str(paths[0].parent)), "use the shapes of one identity")
    return np.array(shapes, np.float32)


def mesh_paths(folder: Path) -> list[Path]:
    """Return ``shape_0.obj`` to ``shape_46.obj`` of a folder."""
    return [folder / f"shape_{k}.obj" for k in range(SHAPES)]


def shape_folders(path: Path) -> tuple[list[Path], list[str]]:
    """Return the folders that hold the shapes of an identity, by number, and the names of Testers that do not."""
    testers = sorted((p for p in path.glob("Tester_*") if p.name[7:].isdigit()), key=lambda p: int(p.name[7:]))
    folders = [p / "Blendshape" for p in testers] or [path / "Blendshape", path]
    full = [f for f in folders if (f / "shape.bs").is_file() or all(p.is_file() for p in mesh_paths(f))]
    return full if testers else full[:1], [f.parent.name for f in folders if testers and f not in full]


def read_folder(folder: Path) -> tuple[Shapes, list[Path]]:
    """Read one of `shape_folders`, and name the files that were read; see `shape_file` and `shape_meshes`."""
    binary = folder / "shape.bs"
    if binary.is_file():
        return shape_file(binary), [binary]
    return shape_meshes(mesh_paths(folder)), mesh_paths(folder)
