"""Numbers and text of HDF5 files, by h5py. Runs in the child process.

N bytes. References to data outside the file are not followed, and filters that would load a plug-in are not used.
"""

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from headform.io._sandbox import limit_memory, refused

_MARGIN_BYTES = 512 << 20
"""Memory of libhdf5 (caches, tables of the file) in addition to the largest array, bytes."""
_KINDS = "biuf"
_OWN_FILTERS = {1, 2, 3, 6}  # deflate, shuffle, fletcher32, scale-offset: in the library itself
_MOST_ENTRIES = 20_000
_DEEPEST = 16


def read(path: str, wanted: list[str] | None, max_bytes: int) -> Iterator[tuple[str, Any]]:
    """Yield the values of the wanted paths that exist, or names and shapes of all arrays if `wanted` is None."""
    with h5py.File(path, "r", locking=False) as file:
        if wanted is None:
            yield from _listing(file).items()
            return
        found: dict[str, Any] = {}
        for name in wanted:
            place, _, attribute = name.partition("@")
            item = _find(file, place) if place else file
            if item is not None and (not attribute or attribute in item.attrs):
                found[name] = item
        sizes = [_size_of(name, item) for name, item in found.items() if "@" not in name]
        if sum(sizes) > max_bytes:
            raise refused(f"arrays of {sum(sizes)} bytes; at most {max_bytes} are read from one file")
        limit_memory(_MARGIN_BYTES + 2 * max(sizes, default=0))
        for name, item in found.items():
            attribute = name.partition("@")[2]
            yield name, _attribute(name, item, attribute) if attribute else _plain(name, item[()])


def _find(file: Any, path: str) -> Any:
    """Return the object at a path of hard links, or None.

    Raises:
        ForeignFileError: The path contains a link of another kind.
    """
    here = file
    for name in path.split("/"):
        if not isinstance(here, h5py.Group):
            return None
        link = here.get(name, getlink=True)
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise refused(f"`{path}` is a link to another file, {link.filename!r:.80}")
        if not isinstance(link, h5py.HardLink):
            raise refused(f"`{path}` is a soft link; only the objects themselves are read")
        here = here[name]
    return here


def _size_of(path: str, data: Any) -> int:
    """Return the size of a dataset in bytes, after checking for anything that could take more.

    Raises:
        ForeignFileError: It is not a plain array inside this file.
    """
    if not isinstance(data, h5py.Dataset):
        raise refused(f"`{path}` is a group, expected an array")
    if data.is_virtual or data.external:
        raise refused(f"`{path}` is stored in another file")
    creation = data.id.get_create_plist()
    filters = {creation.get_filter(k)[0] for k in range(creation.get_nfilters())}
    if not filters <= _OWN_FILTERS:
        raise refused(f"`{path}` is compressed with a plug-in")
    if data.shape is None:
        raise refused(f"`{path}` is empty")
    if h5py.check_string_dtype(data.dtype) is not None:
        if data.size != 1:
            raise refused(f"`{path}` is a table of texts")
        return max(data.dtype.itemsize, 1)
    if data.dtype.kind not in _KINDS:
        raise refused(f"`{path}` holds {data.dtype}, expected numbers")
    chunk = int(np.prod(data.chunks, dtype=object)) if data.chunks else 0
    return max(int(data.size), chunk) * int(data.dtype.itemsize)


def _attribute(path: str, owner: Any, name: str) -> npt.NDArray[Any] | str:
    """Read a small attribute: numbers or one text."""
    if name not in owner.attrs:
        raise refused(f"`{path}` is not there")
    handle = owner.attrs.get_id(name)
    dtype, size = handle.dtype, int(np.prod(handle.shape, dtype=object))
    text = h5py.check_string_dtype(dtype)
    if size * max(dtype.itemsize, 1) > 1 << 20 or (text is not None and size != 1):
        raise refused(f"attribute `{path}` is too large")
    return _plain(path, owner.attrs[name])


def _plain(path: str, value: Any) -> npt.NDArray[Any] | str:
    """Convert a value to an array or text."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS" and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode(errors="replace")
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in _KINDS:
        raise refused(f"`{path}` holds {array.dtype}, expected numbers")
    return array


def _listing(file: Any) -> dict[str, list[int]]:
    """Return the shapes of all datasets by path, following hard links."""
    shapes: dict[str, list[int]] = {}
    queue: list[tuple[str, Any]] = [("", file)]
    visited = 0
    while queue:
        prefix, group = queue.pop()
        for name in group:
            visited += 1
            if visited > _MOST_ENTRIES or prefix.count("/") > _DEEPEST:
                raise refused(f"more than {_MOST_ENTRIES} entries, or a circle of them")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            item = group[name]
            if isinstance(item, h5py.Group):
                queue.append((f"{prefix}{name}/", item))
            elif isinstance(item, h5py.Dataset):
                shapes[prefix + name] = list(item.shape or ())
    return shapes
