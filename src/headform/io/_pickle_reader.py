"""Pickles, and .npy and .npz files that contain pickles, as flat tables of arrays. Runs in the child process."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from headform.io import npz_file
from headform.io._pickle_objects import Node, Unpickler
from headform.io._sandbox import damaged, refused
from headform.io._text_copy import without_carriage_returns
from headform.io._torch_objects import WITH_TENSORS, Tensor

_MOST_ENTRIES = 100_000
"""Largest number of visited entries; shared references can describe exponentially many."""
_LONGEST = 1000
"""Largest length of a path, characters."""
_CHUNK = 1 << 20


class _HeadUnpickler(Unpickler):
    allowed = WITH_TENSORS


def read(path: str, max_bytes: int) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield every array, number and text of a file by its path inside it; see `headform.io.unpickle.read_pickle`."""
    with Path(path).open("rb") as raw, _unpacked(raw) as file:
        for name, leaf in leaves(_value(file, max_bytes), most=_MOST_ENTRIES, whole_numbers=True):
            array = leaf.array() if isinstance(leaf, Tensor) else _array(leaf)
            if array is not None:
                yield name, array
        if file is not raw:  # the checksum follows the last byte
            while file.read(_CHUNK):
                pass


def _unpacked(file: BinaryIO) -> Any:
    """Open the content, decompressing it while it is read; bounded by the memory limit of the process."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x04\x22\x4d\x18"):
        try:
            import lz4.frame
        except ImportError as error:
            raise damaged("it is compressed with lz4, which requires the package lz4 (pip install lz4)") from error
        return lz4.frame.open(file)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(file)
    if magic[:1] == b"\x78" and magic[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        inner = zlib.decompressobj()
        plain = io.BytesIO(inner.decompress(file.read()))
        if not inner.eof:
            raise damaged("the compressed data ends too early")
        return plain
    if magic.startswith(b"BZh"):
        return bz2.open(file)
    if magic.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        return lzma.open(file)
    return file


def _value(file: BinaryIO, most: int) -> Any:
    """Read a pickle, a .npy or a .npz as nested values."""
    magic = file.read(len(npz_file.NPY_MAGIC))
    file.seek(0)
    try:
        if magic == npz_file.NPY_MAGIC:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return npz_file.read_entry(file, size, "value", most, lambda inner: _HeadUnpickler(inner).load())
        if magic.startswith(npz_file.ZIP_MAGIC):
            with zipfile.ZipFile(file) as archive:
                return npz_file.entries(archive, max_bytes=most, objects=lambda inner: _HeadUnpickler(inner).load())
    except npz_file.ArrayFileError as error:
        raise refused(error.message) from error
    return _HeadUnpickler(without_carriage_returns(file)).load()


def leaves(value: Any, *, most: int, whole_numbers: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested lists, dictionaries and nodes by path, keys joined by `/`, in the order of the file.

    Args:
        value: Result of an unpickler.
        most: Largest number of visited entries.
        whole_numbers: True to treat a list of plain numbers as one leaf.
    """
    seen: set[str] = set()
    queue: list[tuple[str, Any]] = [("", value)]
    visited = 0
    while queue:
        path, item = queue.pop()
        if "\0" in path or len(path) > _LONGEST:
            raise damaged(f"an entry called {path[:80]!r}")
        children: list[tuple[Any, Any]] | None = None
        if isinstance(item, dict):
            children = list(item.items())
        elif isinstance(item, (set, frozenset)):
            children = list(enumerate(sorted(item, key=repr)))
        elif isinstance(item, (list, tuple)):
            numbers = whole_numbers and item and all(type(part) in (int, float, bool) for part in item)
            children = None if numbers else list(enumerate(item))
        visited += 1 + len(children or ())
        if visited > most:
            raise damaged(f"more than {most} entries")
        if children is not None:
            # the last on the queue is taken first: backwards, so that the order is kept
            queue.extend((f"{path}/{key}" if path else f"{key}", child) for key, child in children[::-1])
        elif isinstance(item, Node) and not item.is_leaf:
            queue.append((path, item.value))
        elif item is not None:
            name = path or "value"
            if name in seen:
                raise damaged(f"two entries called {name!r:.80}")
            seen.add(name)
            yield name, item


def _array(item: Any) -> npt.NDArray[Any] | None:
    if isinstance(item, (bytes, bytearray)):
        return np.frombuffer(item, np.uint8)
    if isinstance(item, (Node, type)) or callable(item):
        return None
    array = np.asarray(item)
    if array.dtype.hasobject:
        raise damaged("a number too large for an array")
    return array
