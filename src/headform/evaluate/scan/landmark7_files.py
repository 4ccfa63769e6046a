"""Reading seven landmarks: `.npy`, `.txt`, MeshLab's `.pp` picks, Stirling's `.lnd`.

Points are (7, 3) float64 in the file's own unit and order.
"""

import io
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.evaluate.scan.landmarks7 import OF_51, OF_68
from headform.mesh.file_bytes import read_bytes
from headform.weights.npz_file import BROKEN, ArrayFileError, read_entry

Landmarks = Float64[np.ndarray, "7 3"]

SUFFIXES = (".npy", ".txt", ".pp", ".lnd")
_MAX_BYTES = 1 << 20
_PICK_LINES = slice(8, 15)
_ATTRIBUTE = re.compile(r"""\b([xyz])\s*=\s*["']([^"']*)["']""")


def read_landmarks7(path: Path) -> Landmarks:
    """Read a file of seven landmarks.

    `.npy`: (7, 3) or (1, 7, 3) numbers. `.txt`: seven lines of three numbers, separated by spaces or commas. `.pp`: the
    seven points of the file, else those of its lines 8 to 14 (from 0), rounded to float32, as the NoW evaluator takes
    them. `.lnd`: seven lines of an index and three numbers.

    Args:
        path: The file; its suffix decides.

    Raises:
        InputError: `landmarks_unreadable`, `landmarks_format`, `landmarks_shape` (not seven rows of three), or
            `landmarks_not_finite`.
    """
    where, kind = str(path), path.suffix.lower()
    if kind not in SUFFIXES:
        what = (
            f"landmarks are read from {' '.join(SUFFIXES)}, not {kind or 'files without a suffix'}"
        )
        raise InputError("landmarks_format", what, where)
    try:
        data = read_bytes(path, max_bytes=_MAX_BYTES)
    except InputError as error:
        what = error.what.replace("mesh", "landmark")
        raise InputError("landmarks_unreadable", what, error.where, error.fix) from error
    try:
        if kind == ".npy":
            rows = np.asarray(
                read_entry(io.BytesIO(data), len(data), path.name, _MAX_BYTES), np.float64
            )
        else:
            text = data.decode("utf-8")
            rows = _picks(text) if kind == ".pp" else _table(text, indexed=kind == ".lnd")
    except (ArrayFileError, *BROKEN) as error:
        reason = error.what if isinstance(error, ArrayFileError) else error
        what = f"cannot read the landmarks: {reason}"
        raise InputError("landmarks_format", what, where) from error
    if rows.shape == (1, 7, 3):
        rows = rows[0]
    if rows.shape != (7, 3):
        shape = " x ".join(map(str, rows.shape)) or "a single number"
        what = f"expected 7 x 3 landmarks, found {shape}"
        raise InputError("landmarks_shape", what, where, _advice(rows.shape))
    if not np.isfinite(rows).all():
        raise InputError("landmarks_not_finite", "a landmark is NaN or infinite", where)
    return rows


def _advice(shape: tuple[int, ...]) -> str:
    for count, chosen in ((68, OF_68), (51, OF_51)):
        if count in shape:
            return f"of {count} landmarks take the rows {list(chosen)}"
    return ""


def _table(text: str, *, indexed: bool) -> Float64[np.ndarray, "N C"]:
    lines = [line.replace(",", " ").split() for line in text.splitlines() if line.strip()]
    rows = [[float(word) for word in line] for line in lines]
    if len({len(row) for row in rows}) != 1:
        raise ValueError("lines have different numbers of values")
    table = np.array(rows, np.float64)
    return table[:, 1:] if indexed else table


def _picks(text: str) -> Float64[np.ndarray, "N 3"]:
    """Points of a `.pp` file; attributes come in any order."""
    lines = text.splitlines()
    found = [line for line in lines if "<point" in line]
    if len(found) != 7:
        found = lines[_PICK_LINES]
    rows = []
    for line in found:
        values = dict(_ATTRIBUTE.findall(line))
        if set(values) != set("xyz"):
            raise ValueError(f"no x, y and z in {line.strip()[:60]!a}")
        rows.append([np.float32(values[axis]) for axis in "xyz"])
    return np.array(rows, np.float64).reshape(-1, 3)
