"""Arrays out of .npz and .npy files: sizes checked before any memory is taken, nothing unpickled.

NumPy's own reader takes a header's word for the size of an array and a
compressed member's word for how far it unpacks; here header and archive must agree first, below a limit.

Layout: a .npz is a zip archive of .npy members; a .npy is a magic string, a version, a Python literal with type, order and
shape, and the numbers (NumPy enhancement proposal 1).
"""

import errno
import lzma
import math
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
from headform.io.file_bytes import regular_size

MAX_BYTES = 4 << 30
"""Most bytes of arrays that are read from one file."""

ZIP_MAGIC = b"PK\x03\x04"
NPY_MAGIC = b"\x93NUMPY"

_CHUNK = 1 << 22
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
"""What the standard library and NumPy raise for broken archives, streams and headers."""
BROKEN_NUMBERS = (None, errno.EINVAL)
"""The `errno` of an OSError that is one of these too: of bz2, and of a place before the beginning of an archive."""

Problem = Literal["unreadable", "broken", "absent", "objects", "large"]
_CODES: dict[Problem, str] = {
    "unreadable": "weights_missing",
    "broken": "weights_damaged",
    "absent": "model_missing_key",
    "objects": "unsafe_pickle",
    "large": "weights_damaged",
}


class ArrayFileError(Exception):
    """The reason why a file was not read: its `kind`, and a `message`."""

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
        """Size of the numbers."""
        return self.dtype.itemsize * math.prod(self.shape)


def read_npz(
    path: Path | str, wanted: Iterable[str] | None = None, *, max_bytes: int = MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """Arrays of a .npz by name.

    Args:
        path: A regular file.
        wanted: Names that must be there; all arrays if None.
        max_bytes: Most bytes of all of them together, unpacked.

    Returns:
        Writable arrays of native byte order.

    Raises:
        WeightsError: `weights_missing`; `weights_damaged` (no archive, cut, a header that lies, too large);
            `model_missing_key` names the array and what is there; `unsafe_pickle` where an array holds Python objects.
    """
    try:
        return load_npz(Path(path), wanted, max_bytes=max_bytes)
    except ArrayFileError as error:
        raise _typed(error, path) from error


def read_npy(path: Path | str, *, max_bytes: int = MAX_BYTES) -> npt.NDArray[Any]:
    """The array of a .npy.

    Args:
        path: A regular file.
        max_bytes: Refuse a larger one.

    Raises:
        WeightsError: `weights_missing`, `weights_damaged`, `unsafe_pickle`; see `read_npz`.
    """
    path = Path(path)
    try:
        size = _regular_size(path)
        with path.open("rb") as file:
            return read_entry(file, size, path.stem, max_bytes)
    except OSError as error:
        raise _typed(_unreadable(error), path) from error
    except ArrayFileError as error:
        raise _typed(error, path) from error
    except BROKEN as error:
        raise _typed(ArrayFileError("broken", f"not a whole .npy file: {error}"), path) from error


def holds_objects(path: Path | str) -> bool:
    """Return whether a .npz or .npy holds Python objects (read by `unpickle.read_pickle` only); False for other files."""
    return any(header.dtype.hasobject for header in _headers(Path(path)).values())


def array_shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the arrays in a .npz, from their headers alone; none where it is no sound archive."""
    return {name: header.shape for name, header in _headers(Path(path)).items() if name}


def _headers(path: Path) -> dict[str, Header]:
    """The headers in a .npz by name, or that of a .npy with none; empty where the file is not sound."""
    found = {}
    try:
        _regular_size(path)
        with path.open("rb") as file:
            if file.read(len(NPY_MAGIC)) == NPY_MAGIC:
                file.seek(0)
                return {"": read_header(file)}
            with zipfile.ZipFile(file) as archive:
                for name in _names(archive):
                    with archive.open(f"{name}.npy") as member:
                        found[name] = read_header(member)
    except (OSError, ArrayFileError, *BROKEN):
        return {}
    return found


def load_npz(
    path: Path, wanted: Iterable[str] | None = None, *, max_bytes: int = MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """`read_npz` for callers with error codes of their own.

    Raises:
        ArrayFileError: With the kind of problem.
    """
    try:
        _regular_size(path)
        with zipfile.ZipFile(path) as archive:
            return dict(entries(archive, wanted, max_bytes=max_bytes))
    except OSError as error:
        raise _unreadable(error) from error
    except BROKEN as error:
        raise ArrayFileError("broken", f"not a whole .npz file: {error}") from error


def entries(
    archive: zipfile.ZipFile,
    wanted: Iterable[str] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    objects: Callable[[BinaryIO], Any] | None = None,
) -> dict[str, Any]:
    """Arrays of an open archive by name.

    Args:
        archive: The archive.
        wanted: Names that must be there; all if None.
        max_bytes: Most bytes of all of them together.
        objects: Reads the pickle of an array of Python objects; refused if None.

    Raises:
        ArrayFileError: ``absent``, ``objects`` or ``large``.
        ValueError: And others of the standard library, for a broken archive.
    """
    names = _names(archive)
    found: dict[str, Any] = {}
    room = max_bytes
    for name in names if wanted is None else wanted:
        if name not in names:
            there = f"there are {', '.join(names[:20])}" if names else "there are none"
            raise ArrayFileError("absent", f"there is no array `{name}`, {there}")
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
    """One .npy of `size` bytes at the file's position; see `entries`."""
    if size > max_bytes:
        raise ArrayFileError("large", f"`{name}` has {size} bytes, the limit is {max_bytes}")
    header = read_header(file)
    if header.dtype.hasobject:
        if objects is None:
            raise ArrayFileError("objects", f"`{name}` holds Python objects")
        return objects(file)
    if header.dtype.kind not in _PLAIN_KINDS:
        raise ValueError(f"`{name}` holds {header.dtype}, not plain numbers")
    if header.nbytes != size - header.length:
        raise ValueError(f"`{name}` says {header.shape} {header.dtype} but has {size} bytes")
    flat = np.empty(math.prod(header.shape), header.dtype)
    room = flat.view(np.uint8) if flat.nbytes else np.zeros(0, np.uint8)
    at = 0
    while at < len(room):
        piece = file.read(min(_CHUNK, len(room) - at))
        if not piece:
            raise ValueError(f"`{name}` ends too early")
        room[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    array = flat.reshape(header.shape, order="F" if header.fortran else "C")
    return array.astype(array.dtype.newbyteorder("="), order="C", copy=False)


def read_header(file: Any) -> Header:
    """The header at the file's position.

    Raises:
        ValueError: And others of the standard library, for a broken one.
    """
    version = np.lib.format.read_magic(file)
    try:
        with warnings.catch_warnings():  # of Python's parser, and of what Python 2 wrote
            warnings.simplefilter("ignore")
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            else:
                raise ValueError(f"array format {version} is unknown")
    except MemoryError as error:  # what the parser of literals makes of deep nesting
        raise ValueError("a malformed header") from error
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {shape}")
    return Header(shape, fortran, dtype, file.tell())


def _names(archive: zipfile.ZipFile) -> tuple[str, ...]:
    ending = ".npy"
    names = tuple(n[: -len(ending)] for n in archive.namelist() if n.endswith(ending))
    if len(set(names)) < len(names):
        raise ValueError("two arrays of one name")
    return names


def _regular_size(path: Path) -> int:
    size = regular_size(path)
    if size is None:
        raise ArrayFileError("unreadable", "not a regular file")
    return size


def _unreadable(error: OSError) -> ArrayFileError:
    if error.errno in BROKEN_NUMBERS:
        return ArrayFileError("broken", f"not a whole .npz file: {error}")
    return ArrayFileError("unreadable", f"cannot read the arrays: {error.strerror or error}")


def _typed(error: ArrayFileError, path: Path | str) -> WeightsError:
    fix = "give the file as its publisher made it"
    return WeightsError(_CODES[error.kind], error.message, repr(str(path)), fix)
