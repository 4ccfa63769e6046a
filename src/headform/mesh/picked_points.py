"""Points that someone picked on a mesh, from a file.

N points. Float64, in the file's own unit and order.
"""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.mesh.file_bytes import read_bytes

_MAX_BYTES = 4 << 20
_POINT = re.compile(r"<point\b[^>]*>")
_ATTRIBUTE = re.compile(r"""\b(x|y|z|active)\s*=\s*["']([^"']*)["']""")


def read_points(path: Path | str) -> Float64[np.ndarray, "N 3"]:
    """Read picked points.

    `.pp` (MeshLab's PickPoints): the `x`, `y` and `z` of every `point`, in any order of attributes; points that are marked
    inactive are NaN. Any other file: a line per point with three numbers, separated by commas, semicolons or white space;
    a fourth in front is an index, a first line without numbers is a head line, `nan` is a point that was not picked.

    Args:
        path: The file; only its bytes are read, nothing that it names.

    Raises:
        InputError: ``landmarks_unreadable``, ``landmarks_format`` (with the line), ``landmarks_empty``.
    """
    where = ascii(str(path))
    try:
        text = read_bytes(Path(path), max_bytes=_MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("landmarks_format", "the file is no text", where) from error
    except InputError as error:
        what = error.what.replace("mesh", "landmark file")
        raise InputError("landmarks_unreadable", what, where, error.fix) from error
    rows = _picks(text, where) if "<point" in text else _table(text, where)
    if not rows:
        raise InputError("landmarks_empty", "the file holds no points", where)
    points = np.array(rows, np.float64)
    if np.isinf(points).any():
        raise InputError("landmarks_format", "a coordinate is infinite", where)
    return points


def _picks(text: str, where: str) -> list[list[float]]:
    rows = []
    for number, tag in enumerate(_POINT.findall(text), start=1):
        values = dict(_ATTRIBUTE.findall(tag))
        try:
            row = [float(values[axis]) for axis in "xyz"]
        except (KeyError, ValueError) as error:
            what = "a picked point has no x, y and z"
            raise InputError("landmarks_format", what, f"{where}, point {number}") from error
        rows.append([np.nan] * 3 if values.get("active") == "0" else row)
    return rows


def _table(text: str, where: str) -> list[list[float]]:
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = re.split(r"[,;\s]+", line.strip().strip(",;"))
        if words == [""] or line.lstrip().startswith("#"):
            continue
        try:
            values = [float(word) for word in words]
        except ValueError as error:
            if not rows and not any(_is_number(word) for word in words):
                continue  # a head line
            what = f"a line holds more than numbers: {line[:60]!a}"
            raise InputError("landmarks_format", what, f"{where}, line {number}") from error
        if len(values) not in (3, 4):
            what = f"a point has 3 numbers, not {len(values)}"
            raise InputError("landmarks_format", what, f"{where}, line {number}")
        rows.append(values[-3:])
    return rows


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
