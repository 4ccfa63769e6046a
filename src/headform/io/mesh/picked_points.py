"""Files of points picked on a mesh.

N points. Float64, in the file's own unit and order.
"""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.io.file_bytes import read_mesh_bytes
from headform.io.json_file import parse_json
from headform.io.npz_file import BROKEN, ArrayFileError, read_entry

_MAX_BYTES = 4 << 20
_NPY = b"\x93NUMPY"
_JSON_KEYS = ("points", "landmarks", "now7")
_POINT = re.compile(r"<point\b[^<>]*>")  # no tag within a tag: unclosed ones would be searched to the end, each
_ATTRIBUTE = re.compile(r"""\b(x|y|z|active)\s*=\s*["']([^"']*)["']""")


def read_points(path: Path | str, *, inactive: bool = False) -> Float64[np.ndarray, "N 3"]:
    """Read picked points.

    `.pp` (MeshLab's PickPoints): the `x`, `y` and `z` of every `point`, in any order of attributes. NumPy's `.npy`: numbers
    of shape (N, 3) or (1, N, 3). JSON: a list of rows of three numbers, or an object with such a list as `points`,
    `landmarks` or `now7`. Any other file: a line per point with three numbers, separated by commas, semicolons or
    white space; a fourth in front is an increasing index (Stirling's `.lnd`), a first line without
    numbers is a header, `nan` is a point that was not picked. The format is detected from the content.

    Args:
        path: The file; only its bytes are read, nothing that it names.
        inactive: True to read points that a `.pp` marks as inactive; False for NaN.

    Raises:
        InputError: ``landmarks_unreadable``, ``landmarks_format`` (with the line), ``landmarks_shape`` (an array of other
            shape), ``landmarks_empty``, ``landmarks_not_finite`` (infinite).
    """
    where = ascii(str(path))
    try:
        data = read_mesh_bytes(Path(path), max_bytes=_MAX_BYTES)
        if data.startswith(_NPY):
            points = _array(data, where)
        else:
            points = _points(data.decode("utf-8-sig"), where, inactive)
    except UnicodeDecodeError as error:
        raise InputError("landmarks_format", "the file is not text", where) from error
    except InputError as error:
        if not error.code.startswith("mesh_"):
            raise
        what = error.message.replace("mesh", "landmark")
        raise InputError("landmarks_unreadable", what, where, error.hint) from error
    if not len(points):
        raise InputError("landmarks_empty", "the file holds no points", where)
    if np.isinf(points).any():
        raise InputError("landmarks_not_finite", "a coordinate is infinite", where)
    return points


def _array(data: bytes, where: str) -> Float64[np.ndarray, "N 3"]:
    try:
        found = np.asarray(read_entry(io.BytesIO(data), len(data), where, _MAX_BYTES), np.float64)
    except (ArrayFileError, *BROKEN) as error:
        reason = error.message if isinstance(error, ArrayFileError) else error
        what = f"cannot read the landmarks: {reason}"
        raise InputError("landmarks_format", what, where) from error
    if found.ndim == 3 and len(found) == 1:
        found = found[0]
    if found.ndim != 2 or found.shape[1] != 3:
        shape = " x ".join(map(str, found.shape)) or "a single number"
        what = f"expected rows of 3 coordinates, found {shape}"
        raise InputError("landmarks_shape", what, where)
    return found


def _points(text: str, where: str, inactive: bool) -> Float64[np.ndarray, "N 3"]:
    if text.lstrip()[:1] in ("[", "{"):
        rows = _json_rows(text, where)
    else:
        rows = _picks(text, where, inactive) if "<point" in text else _table(text, where)
    return np.array(rows, np.float64).reshape(-1, 3)


def _json_rows(text: str, where: str) -> list[list[float]]:
    try:
        content = parse_json(text)
    except ValueError as error:
        raise InputError("landmarks_format", f"not JSON: {error}", where) from error
    if isinstance(content, dict):
        content = next((content[key] for key in _JSON_KEYS if key in content), None)
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], list) and len(content[0]) != 3:
        content = content[0]  # (1, N, 3), as in .npy files
    if not isinstance(content, list):
        what = f"expected a list of points, or an object with one as {' or '.join(_JSON_KEYS)}"
        raise InputError("landmarks_format", what, where)
    for number, row in enumerate(content, start=1):
        if not (isinstance(row, list) and len(row) == 3 and all(_is_coordinate(value) for value in row)):
            what = "a point is no list of three numbers"
            raise InputError("landmarks_format", what, f"{where}, point {number}")
    return [[float(value) for value in row] for row in content]


def _is_coordinate(value: Any) -> bool:
    """A number that float64 holds; NaN is a point that was not picked."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not isinstance(value, int) or abs(value) < 2**1000


def _picks(text: str, where: str, inactive: bool) -> list[list[float]]:
    rows = []
    for number, tag in enumerate(_POINT.findall(text), start=1):
        values = dict(_ATTRIBUTE.findall(tag))
        try:
            row = [float(values[axis]) for axis in "xyz"]
        except (KeyError, ValueError) as error:
            what = "a picked point has no x, y and z"
            raise InputError("landmarks_format", what, f"{where}, point {number}") from error
        hidden = values.get("active") == "0" and not inactive
        rows.append([np.nan] * 3 if hidden else row)
    return rows


def _table(text: str, where: str) -> list[list[float]]:
    rows: list[list[float]] = []
    indices: list[float] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.split(r"[,;\s]+", line.strip().strip(",;"))
        if words == [""] or line.lstrip().startswith("#"):
            continue
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            if not rows and not any(_is_number(word) for word in words):
                continue  # header
            what = f"a line holds more than numbers: {line[:60]!a}"
            raise InputError("landmarks_format", what, f"{where}, line {number}") from error
        if len(values) not in (3, 4) or len(indices) != (len(values) - 3) * len(rows):
            what = f"a point has 3 numbers, not {len(values)}"
            raise InputError("landmarks_format", what, f"{where}, line {number}")
        if len(values) == 4:
            if not values[0].is_integer() or (indices and values[0] <= indices[-1]):
                what = "the first of 4 numbers is no index that rises from line to line"
                raise InputError("landmarks_format", what, f"{where}, line {number}")
            indices.append(values[0])
        rows.append(values[-3:])
    return rows


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
