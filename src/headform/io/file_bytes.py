"""Bytes of files, with typed errors before anything large is allocated, and nothing but regular files opened.

A pipe, a socket or a device is refused before it is opened, since reading it could wait for ever.
"""

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from headform.errors import InputError, WeightsError

MAX_BYTES = 1 << 30
"""Largest mesh file that is read, bytes; a scan of 10 million triangles stays below it."""
UNPACKED_RATIO = 100
"""Largest size of unpacked content as a multiple of its file; deflate reaches 1032, on zeros alone."""
UNPACKED_FREE = 256 << 20
"""Size of unpacked content, bytes, that is accepted whatever the size of the file."""

_PIECE = 1 << 20
_KINDS = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a pipe; save its content to a file first",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}


def open_regular(path: Path | str) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: It is absent, may not be read, or is anything but a regular file (the text says what).
    """
    try:
        _check_kind(os.stat(path).st_mode)  # before opening: a pipe waits for its writer, and a tape winds back
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except ValueError as error:  # a NUL in the name, or a character that no file name has
        raise FileNotFoundError(errno.ENOENT, f"the name is not that of a file: {error}"[:120]) from error
    file = os.fdopen(handle, "rb")
    try:
        _check_kind(os.fstat(file.fileno()).st_mode)  # the name may be another file's by now
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path | str, max_bytes: int) -> bytes:
    """Read a regular file of at most `max_bytes`, also one that grows while it is read.

    Raises:
        OSError: as `open_regular`; `errno.EFBIG` for a larger file.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise _too_large(size, max_bytes)
        data = file.read(size + 1)  # one more: an end that comes late is noticed
        if len(data) <= size:
            return data
        pieces, total = [data], len(data)
        while total <= max_bytes and (piece := file.read(_PIECE)):
            pieces.append(piece)
            total += len(piece)
        if total > max_bytes:
            raise _too_large(total, max_bytes)
        return b"".join(pieces)


def sha256_of(path: Path | str) -> str:
    """Return the SHA-256 of a regular file, hexadecimal, read piece by piece.

    Raises:
        OSError: as `open_regular`.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpacked_limit(packed: int, most: int) -> int:
    """Return the largest size of content, bytes, that is unpacked from a file of `packed` bytes; `most` at most."""
    return min(most, UNPACKED_FREE + UNPACKED_RATIO * packed)


def read_bytes(path: Path | str, *, max_bytes: int = MAX_BYTES, fix: str = "") -> bytes:
    """Read a regular file of weights.

    Args:
        path: Path of the file.
        max_bytes: Largest accepted file, bytes.
        fix: Advice for the error message.

    Raises:
        WeightsError: `weights_missing` when it is absent, not readable or not a regular file
            (so that a FIFO or a device never blocks); `weights_damaged` when it is too large.
    """
    where = repr(str(path))
    try:
        return read_regular(path, max_bytes)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise WeightsError("weights_damaged", reason_of(error), where) from error
        raise WeightsError("weights_missing", f"cannot read the weights: {reason_of(error)}", where, fix) from error


def read_mesh_bytes(path: Path | str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file of a mesh.

    Args:
        path: Path of the file.
        max_bytes: Largest accepted file, bytes.

    Raises:
        InputError: `mesh_unreadable` when it is absent, not a regular file, or may not be read; `mesh_too_large`;
            `mesh_empty` at 0 bytes.
    """
    where = ascii(str(path))
    try:
        data = read_regular(path, max_bytes)
    except OSError as error:
        if error.errno == errno.EFBIG:
            what = f"the mesh file is too large: {reason_of(error)}"
            raise InputError("mesh_too_large", what, where, "simplify it first") from error
        raise InputError("mesh_unreadable", f"cannot read the mesh: {reason_of(error)}", where) from error
    if not data:
        raise InputError("mesh_empty", "the mesh file has 0 bytes", where)
    return data


def check_regular(path: Path, *, fix: str = "") -> int:
    """Return the size of a file, after checking that it is a regular file.

    Raises:
        WeightsError: `weights_missing` when it is absent or no regular file.
    """
    where = repr(str(path))
    try:
        info = path.stat()
        _check_kind(info.st_mode)
    except (OSError, ValueError) as error:
        raise WeightsError("weights_missing", f"cannot read the weights: {reason_of(error)}", where, fix) from error
    return info.st_size


def regular_size(path: Path) -> int | None:
    """Return the size of a regular file, None for anything else; OSError if absent, ValueError for a NUL in the name."""
    info = path.stat()
    return info.st_size if stat.S_ISREG(info.st_mode) else None


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first bytes of a regular file; none of anything else. Never raises."""
    try:
        with open_regular(path) as file:
            return file.read(count)
    except OSError:
        return b""


def reason_of(error: Exception) -> str:
    """Return the reason of an error in reading, without the system's number."""
    return getattr(error, "strerror", None) or str(error)


def _check_kind(mode: int) -> None:
    """Raise OSError for anything but a regular file."""
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "not a regular file, it is a folder")
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "it is of another kind")
        raise OSError(errno.ESPIPE, f"not a regular file, {kind}")


def _too_large(size: int, max_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"{size} bytes are more than the limit of {max_bytes}")
