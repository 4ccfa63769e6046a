"""The child process that reads pickles under limits and hands back arrays.

A .npy or .npz file may hold pickles too; they are read in the same way.

Runs alone, started by `headform.io.unpickle`; imports numpy, the standard library and, where it is installed, lz4.

It writes an npz to standard output and exits with 0, or one line of JSON
`{"kind", "what", "file"}`, the file by its index, and exits with `FAILED`. It can write no file.
"""

import bz2
import contextlib
import io
import json
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from headform.io import npz_file
from headform.io.pickle_arrays import DamagedError, RefusedError
from headform.io.pickle_flatten import flatten
from headform.io.pickle_machine import interpret
from headform.io.pickle_objects import FACTORIES

FAILED = 3
_CHUNK = 1 << 20


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound this process: address space, processor time, no files written, no core dump."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the parent's clock remains
        return
    bounds = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for which, bound in bounds.items():
        hard = resource.getrlimit(which)[1]
        soft = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(which, (soft, soft))


def decompressor(magic: bytes) -> Callable[[], Any] | None:
    """The incremental decompressor for a file that starts with `magic`; None for plain bytes."""
    if magic.startswith(b"\x04\x22\x4d\x18"):
        try:
            import lz4.frame
        except ImportError as error:
            raise DamagedError(_LZ4) from error
        make: Callable[[], Any] = lz4.frame.LZ4FrameDecompressor
        return make
    if magic.startswith(b"\x1f\x8b"):
        return lambda: _Zlib(31)
    if magic[:1] == b"\x78" and magic[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return lambda: _Zlib(15)
    if magic.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if magic.startswith(b"\xfd7zXZ") or magic.startswith(b"\x5d\x00\x00"):
        return lzma.LZMADecompressor
    return None


_LZ4 = "it is compressed with lz4, which takes the package lz4 to unpack (pip install lz4)"


class _Zlib:
    """zlib with the interface of the other decompressors: it keeps its own unread input."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def unpack(file: BinaryIO, most: int) -> BinaryIO:
    """The plain pickle inside `file`, whatever it is compressed with.

    Args:
        file: As on disk.
        most: Bound on the unpacked size, in bytes.

    Raises:
        DamagedError: On broken compression, or when the content is larger than `most`.
    """
    magic = file.read(6)
    file.seek(0)
    make = decompressor(magic)
    if make is None:
        return file
    inner, plain = make(), io.BytesIO()
    try:
        while not inner.eof:
            data = file.read(_CHUNK) if inner.needs_input else b""
            piece = inner.decompress(data, max_length=_CHUNK)
            if not data and not piece and inner.needs_input:
                raise DamagedError("the compressed data ends too early")
            plain.write(piece)
            if plain.tell() > most:
                raise RefusedError(f"unpacking to more than {most} bytes")
    except (RuntimeError, OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DamagedError(f"broken compression: {error}"[:200]) from error
    plain.seek(0)
    return plain


def value_of(file: BinaryIO, most: int) -> Any:
    """What a pickle, a .npy or a .npz says, as nested plain values.

    Args:
        file: Uncompressed, at its beginning.
        most: Bound on the arrays of a .npz together, in bytes.

    Raises:
        RefusedError: It asks for something that is not data, or for too much memory.
        DamagedError: The bytes are cut or malformed.
    """
    magic = file.read(len(npz_file.NPY_MAGIC))
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        if magic == npz_file.NPY_MAGIC:
            return npz_file.read_entry(file, size, "value", most, _objects)
        if magic.startswith(npz_file.ZIP_MAGIC):
            with zipfile.ZipFile(file) as archive:
                return npz_file.entries(archive, max_bytes=most, objects=_objects)
    except npz_file.ArrayFileError as error:
        raise RefusedError(error.message) from error
    except npz_file.BROKEN as error:
        raise DamagedError(str(error)) from error
    return interpret(file, FACTORIES)


def _objects(file: BinaryIO) -> Any:
    return interpret(io.BytesIO(file.read()), FACTORIES)


def to_npz(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """The arrays as an uncompressed npz, which numpy reads without any pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)
    return out.getvalue()


def main(memory_bytes: str, cpu_seconds: str, *paths: str) -> int:
    """Read the pickles at `paths` under the limits, together; the exit status.

    The arrays of file number `i` are called `i/` and their path inside it.
    """
    memory, number = int(memory_bytes), 0
    try:
        with contextlib.suppress(DamagedError):  # import lz4, if it is there, before the limits bite
            decompressor(b"\x04\x22\x4d\x18")
        limit(memory, int(cpu_seconds))
        arrays: dict[str, npt.NDArray[Any]] = {}
        for number, path in enumerate(paths):
            with Path(path).open("rb") as file:
                found = flatten(value_of(unpack(file, memory // 4), memory // 4))
            arrays |= {f"{number}/{name}": array for name, array in found.items()}
        answer = to_npz(arrays)
        sys.stdout.buffer.write(answer)
        return 0
    except RefusedError as error:
        failure = {"kind": "refused", "what": error.name}
    except (DamagedError, ValueError, RecursionError, MemoryError) as error:
        failure = {"kind": "damaged", "what": str(error)[:200]}
        if _ran_out(error):
            failure = {"kind": "refused", "what": f"more than {memory} bytes of memory"}
    except OSError as error:
        kind = "damaged" if error.errno in npz_file.BROKEN_NUMBERS else "missing"
        failure = {"kind": kind, "what": error.strerror or str(error)}
    sys.stdout.buffer.write(json.dumps(failure | {"file": number}).encode())
    return FAILED


def _ran_out(error: BaseException | None) -> bool:
    """Whether memory ended, also where closing a half-written archive failed because of that."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__context__
    return error is not None
