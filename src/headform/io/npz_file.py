"""Arrays from .npz and .npy files: sizes are checked before memory is allocated, and nothing is unpickled.

NumPy's own reader trusts the size of an array in its header and the unpacked size of a compressed member; here header and
archive must agree first, below a limit: what a file of n bytes unpacks to takes at most 256 MiB and 100 times n
(`file_bytes.unpacked_limit`).

Layout: a .npz is a zip archive of .npy members; a .npy is a magic string, a version, a Python literal with type, order and
shape, and the numbers (NumPy enhancement proposal 1).
"""

import errno
import lzma
import math
import os
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from headform.errors import WeightsError
from headform.io.file_bytes import open_regular, unpacked_limit
from headform.io.zip_directory import open_archive

MAX_BYTES = 4 << 30
"""Largest size of the arrays read from one file, bytes."""

ZIP_MAGIC = b"PK\x03\x04"
NPY_MAGIC = b"\x93NUMPY"

_CHUNK = 1 << 22
_LAST_CHARACTER = 0x10FFFF
_PLAIN_KINDS = "biufcSU"
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    SyntaxError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    LookupError,
    OverflowError,
)
"""Exceptions of the standard library and NumPy for broken archives, streams and headers."""
BROKEN_NUMBERS = (None, errno.EINVAL)
"""`errno` of an OSError with the same meaning: from bz2, and for a position before the start of an archive."""

Problem = Literal["unreadable", "broken", "absent", "objects", "large"]
_CODES: dict[Problem, str] = {
    "unreadable": "weights_missing",
    "broken": "weights_damaged",
    "absent": "model_missing_key",
    "objects": "unsafe_pickle",
    "large": "weights_damaged",
}


class ArrayFileError(Exception):
    """Error of a file that was not read: its `kind` and a `message`."""

    def __init__(self, kind: Problem, message: str) -> None:
        self.kind, self.message = kind, message
        super().__init__(kind, message)


@dataclass(frozen=True)
class Header:
    """Header of a .npy file.

    Attributes:
        shape: Lengths of the axes.
        fortran: True if the first axis varies fastest.
        dtype: Type of the elements, in the file's byte order.
        length: Size of the header in bytes.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    length: int

    @property
    def nbytes(self) -> int:
        """Size of the array in bytes."""
        return self.dtype.itemsize * math.prod(self.shape)


def read_npz(
    path: Path | str, wanted: Iterable[str] | None = None, *, max_bytes: int = MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of a .npz by name.

    Args:
        path: Path of a regular file.
        wanted: Names of required arrays; all arrays if None.
        max_bytes: Largest unpacked size of all arrays together, bytes.

    Returns:
        Writable arrays of native byte order.

    Raises:
        WeightsError: `weights_missing`; `weights_damaged` (not an archive, truncated, wrong sizes, too large);
            `model_missing_key` names the array and what is there; `unsafe_pickle` where an array holds Python objects.
    """
    try:
        return load_npz(Path(path), wanted, max_bytes=max_bytes)
    except ArrayFileError as error:
        raise _typed(error, path) from error


def read_npy(path: Path | str, *, max_bytes: int = MAX_BYTES) -> npt.NDArray[Any]:
    """Read the array of a .npy.

    Args:
        path: Path of a regular file.
        max_bytes: Largest accepted size, bytes.

    Raises:
        WeightsError: `weights_missing`, `weights_damaged`, `unsafe_pickle`; see `read_npz`.
    """
    path = Path(path)
    try:
        with open_regular(path) as file:
            return read_entry(file, os.fstat(file.fileno()).st_size, path.stem, max_bytes)
    except OSError as error:
        raise _typed(_unreadable(error), path) from error
    except ArrayFileError as error:
        raise _typed(error, path) from error
    except BROKEN as error:
        raise _typed(ArrayFileError("broken", f"not a valid .npy file: {error}"), path) from error


def holds_objects(path: Path | str) -> bool:
    """Return whether a .npz or .npy holds Python objects (read by `unpickle.read_pickle` only); False for other files."""
    return any(header.dtype.hasobject for header in _headers(Path(path)).values())


def array_shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the arrays in a .npz, from their headers alone; none if the archive is invalid."""
    return {name: header.shape for name, header in _headers(Path(path)).items() if name}


def _headers(path: Path) -> dict[str, Header]:
    """Return the headers of a .npz by name, or that of a .npy under the empty name; none if the file is invalid."""
    found = {}
    try:
        with open_regular(path) as file:
            if file.read(len(NPY_MAGIC)) == NPY_MAGIC:
                file.seek(0)
                return {"": read_header(file)}
            with open_archive(file) as archive:
                for name in _names(archive):
                    with archive.open(f"{name}.npy") as member:
                        found[name] = read_header(member)
    except (OSError, ArrayFileError, *BROKEN):
        return {}
    return found


def load_npz(
    path: Path, wanted: Iterable[str] | None = None, *, max_bytes: int = MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays like `read_npz`, for callers with error codes of their own.

    Raises:
        ArrayFileError: with the kind of problem.
    """
    try:
        with open_regular(path) as file, open_archive(file) as archive:
            room = unpacked_limit(os.fstat(file.fileno()).st_size, max_bytes)
            return dict(entries(archive, wanted, max_bytes=room))
    except OSError as error:
        raise _unreadable(error) from error
    except BROKEN as error:
        raise ArrayFileError("broken", f"not a valid .npz file: {error}") from error


def entries(
    archive: zipfile.ZipFile,
    wanted: Iterable[str] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    objects: Callable[[BinaryIO], Any] | None = None,
) -> dict[str, Any]:
    """Read arrays of an open archive by name.

    Args:
        archive: Open archive.
        wanted: Names of required arrays; all if None.
        max_bytes: Largest size of all arrays together, bytes.
        objects: Reader of the pickle of an array of Python objects; such arrays are refused if None.

    Raises:
        ArrayFileError: ``absent``, ``objects`` or ``large``.
        ValueError: or other errors of the standard library, for a broken archive.
    """
    names = _names(archive)
    there = dict.fromkeys(names)
    found: dict[str, Any] = {}
    room = max_bytes
    for name in names if wanted is None else wanted:
        if name not in there:
            held = f"there are {', '.join(names[:20])}" if names else "there are none"
            raise ArrayFileError("absent", f"there is no array `{name}`, {held}")
        entry = archive.getinfo(f"{name}.npy")
        with archive.open(entry) as member:
            found[name] = read_entry(member, entry.file_size, name, room, objects)
        room -= entry.file_size
    return found


def read_entry(
    file: Any,
    size: int,
    name: str,
    max_bytes: int,
    objects: Callable[[BinaryIO], Any] | None = None,
) -> Any:
    """Read one .npy of `size` bytes at the position of the file; see `entries`."""
    if size > max_bytes:
        raise ArrayFileError("large", f"`{name}` has {size} bytes unpacked, the limit for this file is {max_bytes}")
    header = read_header(file)
    if header.dtype.hasobject:
        if objects is None:
            raise ArrayFileError("objects", f"`{name}` holds Python objects")
        return objects(file)
    if header.dtype.kind not in _PLAIN_KINDS:
        raise ValueError(f"`{name}` holds {header.dtype}, not plain numbers")
    if header.nbytes != size - header.length:
        raise ValueError(f"`{name}` says {header.shape} {header.dtype} but has {size} bytes")
    if header.dtype.itemsize == 0 != math.prod(header.shape):  # numpy would widen it to one character
        raise ValueError(f"`{name}` holds texts without characters")
    try:
        flat = np.empty(math.prod(header.shape), header.dtype)
    except MemoryError as error:
        raise ArrayFileError("large", f"`{name}` of {header.nbytes} bytes does not fit into memory") from error
    room = flat.view(np.uint8) if flat.nbytes else np.zeros(0, np.uint8)
    at = 0
    while at < len(room):
        piece = file.read(min(_CHUNK, len(room) - at))
        if not piece:
            raise ValueError(f"`{name}` ends too early")
        room[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    if flat.dtype.kind == "b":
        np.not_equal(room, 0, out=flat)  # other numbers than 0 and 1 are no booleans of numpy's
    array = flat.reshape(header.shape, order="F" if header.fortran else "C")
    array = array.astype(array.dtype.newbyteorder("="), order="C", copy=False)
    if array.dtype.kind == "U" and array.size and array.reshape(-1).view(np.uint32).max() > _LAST_CHARACTER:
        raise ValueError(f"`{name}` holds text that is not Unicode")
    return array


def read_header(file: Any) -> Header:
    """Read the header at the position of the file.

    Raises:
        ValueError: or other errors of the standard library, for a broken header.
    """
    version = np.lib.format.read_magic(file)
    try:
        with warnings.catch_warnings():  # from Python's parser, and for headers written by Python 2
            warnings.simplefilter("ignore")
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            else:
                raise ValueError(f"array format {version} is unknown")
    except MemoryError as error:  # raised by the parser of literals for deep nesting
        raise ValueError("a malformed header") from error
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {shape}")
    return Header(shape, fortran, dtype, file.tell())


def _names(archive: zipfile.ZipFile) -> tuple[str, ...]:
    ending = ".npy"
    names = tuple(n[: -len(ending)] for n in archive.namelist() if n.endswith(ending))
    if len(set(names)) < len(names):
        raise ValueError("two arrays have the same name")
    return names


def _unreadable(error: OSError) -> ArrayFileError:
    if error.errno in BROKEN_NUMBERS:
        return ArrayFileError("broken", f"not a valid .npz file: {error}")
    return ArrayFileError("unreadable", f"cannot read the arrays: {error.strerror or error}")


def _typed(error: ArrayFileError, path: Path | str) -> WeightsError:
    fix = "use the original file of the publisher"
    return WeightsError(_CODES[error.kind], error.message, repr(str(path)), fix)
