"""MATLAB files as data: numbers, text, cells and structures.

In Level 5 files (saved with -v6 or -v7), the headers of the variables are read here and their sizes checked against a
bound; the values are read by scipy in a child process under resource limits. Layout: "MAT-File Format" (The
MathWorks): an element is a tag (type and number of bytes) and its bytes padded to eight; a variable is an element of
elements: flags, dimensions, name, content. Files of version 7.3 are HDF5 and go to `headform.io.hdf5_file`.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from headform.errors import WeightsError
from headform.io._child import ask, seconds_for
from headform.io._mat_hdf5 import list_mat_hdf5, read_mat_hdf5
from headform.io.file_bytes import check_regular, first_bytes, unpacked_limit
from headform.io.hdf5_file import require_keys

MAX_BYTES = 2 << 30
"""Largest size of the values of one file, bytes; besides, 256 MiB and 100 times the file (`file_bytes.unpacked_limit`)."""
_MARGIN_BYTES = 256 << 20
"""Memory of the child in addition to the values, bytes."""
_CPU_SECONDS = 120
_HEADER_BYTES = 128
_VARIABLE_BYTES = 1024
"""Size of the largest header of a variable, bytes: flags, 32 dimensions and a name of 63 characters are shorter."""
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OPAQUE = 1, 2, 17
_REFUSED = {3: "an object", 5: "a sparse array", 16: "a function", _OPAQUE: "an object"}
_ITEM_BYTES = {_CELL: 512, _STRUCT: 512, 4: 4, 6: 8, 7: 4, 8: 1, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}
"""Bytes per element by MATLAB class: cells and structures are Python objects, text is UTF-32."""
_AGAIN = "get the file again from its publisher"


@dataclass(frozen=True)
class _Variable:
    """Header of a variable: its MATLAB class, and its dimensions unless it is an opaque object."""

    name: str
    kind: int
    is_complex: bool
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * _ITEM_BYTES.get(self.kind, 1) * (2 if self.is_complex else 1)


def read_mat(
    path: Path | str,
    wanted: Sequence[str] | None = None,
    max_bytes: int = MAX_BYTES,
    *,
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    """Read variables of a MATLAB file.

    Args:
        path: Path of a regular file, Level 5 (compressed or not, either byte order) or 7.3.
        wanted: Names of required variables; None reads all.
        max_bytes: Largest size of the returned values, bytes.
        optional: Names of further variables, read if present.

    Returns:
        By name: arrays of native byte order and of MATLAB's class (a double array is float64 however it is stored), at least
        two-dimensional and column-major; text (a list of rows where there are several); cells as flat lists, column by
        column; structures as dictionaries by field, arrays of structures of another size than 1 as lists of them.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` (truncated, malformed, not a MATLAB file, more than
            `max_bytes`, or a wanted variable is an object, a function or sparse); ``model_missing_key`` (names the key and
            what is there).
        ResourceError: ``no_process``.
    """
    return read_mats([path], wanted, max_bytes, optional=optional)[0]


def read_mats(
    paths: Sequence[Path | str],
    wanted: Sequence[str] | None = None,
    max_bytes: int = MAX_BYTES,
    *,
    optional: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Read the same variables of several files in one child process, which takes 0.2 s to start; see `read_mat`.

    `max_bytes` limits each file. The error is that of the first invalid file.
    """
    files = [Path(path) for path in paths]
    found: dict[Path, dict[str, Any]] = {}
    names: dict[str, list[str]] = {}
    rooms: list[int] = []
    sizes: list[int] = []
    for path in files:
        size = check_regular(path)
        room = unpacked_limit(size, max_bytes)
        if is_hdf5_mat(path):
            found[path] = read_mat_hdf5(path, wanted, max_bytes, optional=optional)
        else:
            names[str(path.absolute())] = _asked(path, wanted, optional, room)
            rooms.append(room)
            sizes.append(size)
    others = [path for path in files if path not in found]
    if others:
        memory, most = _MARGIN_BYTES + 3 * max(rooms), _MARGIN_BYTES + sum(rooms)
        options = {"names": names}
        tables = ask(
            "_mat_reader",
            others,
            options,
            memory_bytes=memory,
            cpu_seconds=seconds_for(sum(sizes), _CPU_SECONDS) + len(others),
            max_bytes=most,
        )
        found |= dict(zip(others, tables, strict=True))
    return [found[path] for path in files]


def list_mat(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Return names and dimensions of the variables, from their headers alone; quick, whatever their size.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    path = Path(path)
    check_regular(path)
    if is_hdf5_mat(path):
        return list_mat_hdf5(path)
    return {variable.name: variable.shape for variable in _headers(path)}


def is_mat(path: Path) -> bool:
    """Return whether the first bytes are those of a MATLAB file of Level 5 or 7.3; never raises."""
    return first_bytes(path, 10).startswith(b"MATLAB")


def is_hdf5_mat(path: Path) -> bool:
    """Return whether a file is a MATLAB file of version 7.3, hence HDF5; never raises."""
    return first_bytes(path, 10).startswith((b"MATLAB 7.3", b"\x89HDF"))


def _asked(path: Path, wanted: Sequence[str] | None, optional: Sequence[str], max_bytes: int) -> list[str]:
    """Return the names of the variables to read, after checking their headers."""
    variables = {variable.name: variable for variable in _headers(path)}
    require_keys(path, wanted or (), variables)
    asked = [name for name in variables if wanted is None or name in wanted or name in optional]
    room = max_bytes
    for variable in (variables[name] for name in asked):
        room -= variable.nbytes
        what = ""
        if variable.kind in _REFUSED:
            what = f"`{variable.name}` is {_REFUSED[variable.kind]}; only plain data is read"
        elif room < 0:
            noun = {_CELL: " cells", _STRUCT: " structures"}.get(variable.kind, "")
            what = f"`{variable.name}` of {variable.shape}{noun} takes {variable.nbytes} bytes; "
            what += f"at most {max_bytes} are read from one file"
        if what:
            raise WeightsError("weights_damaged", what, repr(str(path)), _AGAIN)
    return asked


def _headers(path: Path) -> list[_Variable]:
    """Return the named variables of a file; the workspace of objects and functions has no name."""
    try:
        with path.open("rb") as file:
            found = [variable for variable in _variables(file) if variable.name]
        names = [variable.name for variable in found]
        if len(set(names)) < len(names):
            raise ValueError(f"two variables called `{next(n for n in names if names.count(n) > 1)}`")
        return found
    except OSError as error:
        raise WeightsError("weights_missing", str(error), repr(str(path))) from error
    except (ValueError, struct.error, zlib.error) as error:
        raise WeightsError("weights_damaged", str(error), repr(str(path)), _AGAIN) from error


def _variables(file: BinaryIO) -> Iterator[_Variable]:
    """Yield the header of each variable; ValueError for a file that is truncated or not a MATLAB file."""
    head = file.read(_HEADER_BYTES)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if len(head) < _HEADER_BYTES or order is None or not head.startswith(b"MATLAB"):
        raise ValueError("not a MATLAB file of Level 5 (saved with -v6, -v7 or -v7.3)")
    size = file.seek(0, 2)
    at = _HEADER_BYTES
    while at < size:
        file.seek(at)
        kind, length = struct.unpack(f"{order}II", file.read(8))
        at += 8 + length
        if at > size:
            raise ValueError(f"the file ends {at - size} bytes before a variable does")
        start = file.read(min(length, _VARIABLE_BYTES))
        if kind == _COMPRESSED:
            start = zlib.decompressobj().decompress(start, _VARIABLE_BYTES)
            kind, start = struct.unpack(f"{order}I", start[:4])[0], start[8:]
        if kind != _MATRIX:
            raise ValueError(f"an element of type {kind} where a variable was expected")
        yield _variable(start, order)


def _variable(start: bytes, order: str) -> _Variable:
    flags, at = _element(start, 0, order)
    word = struct.unpack(f"{order}I", flags[:4])[0]
    kind, is_complex, shape = word & 0xFF, bool(word & 0x0800), ()
    if kind != _OPAQUE:  # which has no dimensions
        dims, at = _element(start, at, order)
        shape = struct.unpack(f"{order}{len(dims) // 4}i", dims[: len(dims) // 4 * 4])
        if not 2 <= len(shape) <= 32 or min(shape) < 0:
            raise ValueError(f"an array of impossible shape {shape!r:.80}")
    name, _ = _element(start, at, order)
    return _Variable(name.decode("latin-1"), kind, is_complex, shape)


def _element(data: bytes, at: int, order: str) -> tuple[bytes, int]:
    """Return the bytes of the element at a position, and the next position; small elements are stored in the tag."""
    first, length = struct.unpack_from(f"{order}II", data, at)
    start, end = at + 8, at + 8 + length + -length % 8
    if first >> 16:
        start, length, end = at + 4, first >> 16, at + 8
    if start + length > min(len(data), end):
        raise ValueError("a variable whose header is malformed")
    return data[start : start + length], end
