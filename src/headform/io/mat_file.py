"""MATLAB files as data: numbers, text, cells and structures, read under a budget of memory.

V variables of a file. Own reader of the Level 5 format (`mat_elements`): the sizes that a file claims are checked before
memory is asked for, and compressed variables are inflated piece by piece, which scipy's does not do. Files of version 7.3
are HDF5 and go to `headform.io.hdf5_file`.
"""

import struct
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from headform.errors import WeightsError
from headform.io.file_bytes import check_regular
from headform.io.mat_elements import COMPRESSED, MATRIX, ArrayHeader, Elements
from headform.io.mat_hdf5 import list_mat_hdf5, read_mat_hdf5
from headform.io.mat_stream import (
    Budget,
    Inflated,
    MatDamagedError,
    MatRefusedError,
    Source,
)

MAX_BYTES = 2 << 30
"""Memory that the values of one file may take."""
_HEADER = 128
_AGAIN = "get the file again from its publisher"


def read_mat(
    path: Path | str,
    wanted: Sequence[str] | None = None,
    max_bytes: int = MAX_BYTES,
    *,
    optional: Sequence[str] = (),
) -> dict[str, Any]:
    """Variables of a MATLAB file.

    Args:
        path: A regular file, Level 5 (compressed or not, either byte order) or 7.3.
        wanted: Names of the variables that must be there; None reads all.
        max_bytes: Bound on the memory of what is returned, while it is read.
        optional: Names of further variables, read where they are there.

    Returns:
        By name: arrays of native byte order and of MATLAB's class (a double array is float64 however it is stored), at least
        two-dimensional and column-major; text (a list of rows where there are several); cells as flat lists, column by
        column; structures as dictionaries by field, arrays of structures of another size than 1 as lists of them.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` (cut, malformed, no MATLAB file, more than `max_bytes`, or a
            wanted variable is an object, a function or sparse); ``model_missing_key`` (names the key and what is there).
    """
    path = Path(path)
    check_regular(path)
    if is_hdf5_mat(path):
        return read_mat_hdf5(path, wanted, max_bytes, optional=optional)
    budget = Budget(max_bytes)
    values: dict[str, Any] = {}
    names: set[str] = set()
    try:
        with path.open("rb") as file:
            for header, elements, source in _variables(file, budget):
                if not header.name:  # the workspace of objects and functions
                    continue
                if header.name in names:
                    raise MatDamagedError(f"two variables called `{header.name}`")
                names.add(header.name)
                if wanted is None or header.name in wanted or header.name in optional:
                    values[header.name] = elements.value(header, header.name)
                    source.finish()
    except (MatDamagedError, MatRefusedError) as error:
        raise WeightsError("weights_damaged", str(error), repr(str(path)), _AGAIN) from error
    except OSError as error:
        raise WeightsError("weights_missing", str(error), repr(str(path))) from error
    require_keys(path, wanted or (), names)
    return values


def list_mat(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Names and dimensions of the variables, from their headers alone; quick, whatever their size.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    path = Path(path)
    check_regular(path)
    if is_hdf5_mat(path):
        return list_mat_hdf5(path)
    try:
        with path.open("rb") as file:
            found = [h for h, _, _ in _variables(file, Budget(0))]
    except MatDamagedError as error:
        raise WeightsError("weights_damaged", str(error), repr(str(path)), _AGAIN) from error
    except OSError as error:
        raise WeightsError("weights_missing", str(error), repr(str(path))) from error
    return {header.name: header.shape for header in found if header.name}


def is_mat(path: Path) -> bool:
    """Whether the first bytes are those of a MATLAB file of Level 5 or 7.3; never raises."""
    return _text(path).startswith(b"MATLAB")


def is_hdf5_mat(path: Path) -> bool:
    """Whether it is one of version 7.3, hence HDF5; never raises."""
    return _text(path).startswith((b"MATLAB 7.3", b"\x89HDF"))


def require_keys(path: Path, wanted: Sequence[str], present: Collection[str]) -> None:
    """Refuse a file without a wanted key.

    Raises:
        WeightsError: ``model_missing_key``.
    """
    absent = [key for key in wanted if key not in present]
    if absent:
        there = ", ".join(sorted(present)[:40]) or "nothing"
        raise WeightsError(
            "model_missing_key",
            f"there is no {', '.join(f'`{key}`' for key in absent)}; the file holds {there}",
            repr(str(path)),
            "give the file as its publisher made it, or another --kind",
        )


def _text(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(116)
    except (OSError, ValueError):
        return b""


def _variables(file: BinaryIO, budget: Budget) -> Iterator[tuple[ArrayHeader, Elements, Source]]:
    """Each variable's header, with the readers that stand behind it."""
    head = file.read(_HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if len(head) < _HEADER or order is None or not head.startswith(b"MATLAB"):
        raise MatDamagedError("no MATLAB file of Level 5 (one saved with -v6, -v7 or -v7.3)")
    size = file.seek(0, 2)
    at = _HEADER
    while at < size:
        file.seek(at)
        tag = file.read(8)
        if len(tag) < 8:
            raise MatDamagedError("the file ends within a tag")
        kind, length = struct.unpack(f"{order}II", tag)
        at += 8 + length
        if at > size:
            raise MatDamagedError(f"the file ends {at - size} bytes before a variable does")
        if kind == COMPRESSED:
            source: Source = Inflated(file, length)
            kind = struct.unpack(f"{order}II", source.take(8))[0]
        else:
            source = Source(file, length)
        if kind != MATRIX:
            raise MatDamagedError(f"an element of type {kind} where a variable was expected")
        elements = Elements(source, order, budget)
        yield elements.header(), elements, source
