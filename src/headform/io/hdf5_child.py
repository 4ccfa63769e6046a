"""The child process that reads HDF5 files under limits and hands back numbers and text.

N bytes of the answer. Runs alone, started by `headform.io.hdf5_file`; imports numpy, h5py, the standard library.

Standard output is lines of JSON: `{"listing"}` · `{"text", "name"}` · `{"dtype", "shape", "name"}` and behind it the
array's raw bytes · `{"error"}` · `{"done"}` at the end. libhdf5 is a large C library; here
a malformed file that crashes it, or compressed data that swells, ends this process and nothing else.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
import numpy.typing as npt

from headform.io.pickle_child import limit

_MARGIN = 1 << 29
_SECONDS = 120
_KINDS = "biuf"
_OWN_FILTERS = {1, 2, 3, 6}  # deflate, shuffle, fletcher32, scale-offset: in the library itself
_MOST_ENTRIES = 20_000
_DEEPEST = 16


class HdfRefusedError(Exception):
    """The file holds something that is not read; the message says what."""


def find(file: Any, path: str) -> Any:
    """The object at a path of hard links, or None.

    Raises:
        HdfRefusedError: A link on the way leads elsewhere.
    """
    here = file
    for name in path.split("/"):
        if not isinstance(here, h5py.Group):
            return None
        link = here.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise HdfRefusedError(f"`{path}` is a link to another file, {link.filename!r:.80}")
        if not isinstance(link, h5py.HardLink):
            raise HdfRefusedError(f"`{path}` is a soft link; only the objects themselves are read")
        here = here[name]
    return here


def size_of(path: str, data: Any) -> int:
    """Bytes that a dataset will take, after a look at everything that could take more.

    Raises:
        HdfRefusedError: It is no plain array inside this file.
    """
    if not isinstance(data, h5py.Dataset):
        raise HdfRefusedError(f"`{path}` is a group, expected an array")
    if data.is_virtual or data.external:
        raise HdfRefusedError(f"`{path}` is stored in another file")
    creation = data.id.get_create_plist()
    filters = {creation.get_filter(k)[0] for k in range(creation.get_nfilters())}
    if not filters <= _OWN_FILTERS:
        raise HdfRefusedError(f"`{path}` is compressed with a plug-in")
    if data.shape is None:
        raise HdfRefusedError(f"`{path}` is empty")
    if h5py.check_string_dtype(data.dtype) is not None:
        if data.size != 1:
            raise HdfRefusedError(f"`{path}` is a table of texts")
        return max(data.dtype.itemsize, 1)
    if data.dtype.kind not in _KINDS:
        raise HdfRefusedError(f"`{path}` holds {data.dtype}, expected numbers")
    chunk = int(np.prod(data.chunks, dtype=object)) if data.chunks else 0
    return max(int(data.size), chunk) * int(data.dtype.itemsize)


def attribute(path: str, owner: Any, name: str) -> npt.NDArray[Any] | str:
    """A small attribute: numbers or one text."""
    if name not in owner.attrs:
        raise HdfRefusedError(f"`{path}` is not there")
    handle = owner.attrs.get_id(name)
    dtype, size = handle.dtype, int(np.prod(handle.shape, dtype=object))
    text = h5py.check_string_dtype(dtype)
    if size * max(dtype.itemsize, 1) > 1 << 20 or (text is not None and size != 1):
        raise HdfRefusedError(f"attribute `{path}` is too large")
    return plain(path, owner.attrs[name])


def plain(path: str, value: Any) -> npt.NDArray[Any] | str:
    """A value as an array of native byte order or as text.

    Raises:
        HdfRefusedError: It is neither.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS" and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode(errors="replace")
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in _KINDS:
        raise HdfRefusedError(f"`{path}` holds {array.dtype}, expected numbers")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


def read(file: Any, wanted: list[str], most: int) -> Iterator[tuple[str, Any]]:
    """Values of the paths that are there, one by one; those that are not are left out."""
    found: dict[str, Any] = {}
    for path in wanted:
        place, _, name = path.partition("@")
        item = find(file, place) if place else file
        if item is not None and (not name or name in item.attrs):
            found[path] = item
    sizes = [size_of(path, item) for path, item in found.items() if "@" not in path]
    if sum(sizes) > most:
        raise HdfRefusedError(f"arrays of {sum(sizes)} bytes; at most {most} are read from one file")
    limit(_MARGIN + 2 * max(sizes, default=0), _SECONDS)
    for path, item in found.items():
        name = path.partition("@")[2]
        yield path, attribute(path, item, name) if name else plain(path, item[()])


def listing(file: Any) -> dict[str, list[int]]:
    """Shapes of all datasets by path, over hard links."""
    shapes: dict[str, list[int]] = {}
    queue: list[tuple[str, Any]] = [("", file)]
    visited = 0
    while queue:
        prefix, group = queue.pop()
        for name in group:
            visited += 1
            if visited > _MOST_ENTRIES or prefix.count("/") > _DEEPEST:
                raise HdfRefusedError(f"more than {_MOST_ENTRIES} entries, or a circle of them")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                queue.append((f"{prefix}{name}/", item))
            elif isinstance(item, h5py.Dataset):
                shapes[prefix + name] = list(item.shape or ())
    return shapes


def send(out: BinaryIO, value: npt.NDArray[Any] | None = None, **line: Any) -> None:
    """One line of JSON, then the array's bytes."""
    if value is not None:
        line |= {"dtype": value.dtype.str, "shape": list(value.shape)}
    out.write(json.dumps(line).encode() + b"\n")
    if value is not None and value.size:
        out.write(value.reshape(-1).data.cast("B"))


def main(path: str, most: str, *wanted: str) -> int:
    """Read `wanted` paths of the file at `path` (all names and shapes if none); the exit status."""
    out = sys.stdout.buffer
    try:
        limit(_MARGIN, _SECONDS)
        with h5py.File(Path(path), "r", locking=False) as file:
            if not wanted:
                send(out, listing=listing(file))
            for name, value in read(file, list(wanted), int(most)):
                if isinstance(value, str):
                    send(out, name=name, text=value)
                else:
                    send(out, value, name=name)
        send(out, done=True)
    except HdfRefusedError as error:
        send(out, error=str(error))
    except MemoryError:
        send(out, error="it asks for more memory than its sizes account for")
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        send(out, error=f"{error}"[:300])
    out.flush()
    return 0
