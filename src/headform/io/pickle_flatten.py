"""A nested value out of a pickle, as a flat table of arrays.

Runs in the child process of `headform.io.unpickle`; imports numpy and the standard library.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from headform.io.pickle_arrays import (
    DamagedError,
    DtypeNode,
    Global,
    Holder,
)

_LONGEST = 1000
"""Characters of a path; longer ones, and those with a NUL, do not fit into the archive that the child answers with."""


def flatten(value: Any, *, most: int = 100_000) -> dict[str, npt.NDArray[Any]]:
    """Every array, number and text in a nested value, by its path such as `0/shapedirs`.

    Args:
        value: What `interpret` returned.
        most: Bound on the entries visited; shared references can describe exponentially many.

    Returns:
        Arrays; a list or tuple of plain numbers becomes one array, text a string array, `None`
        nothing.

    Raises:
        DamagedError: When there are more entries, two share a path, or a path has an impossible name in it.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    queue: list[tuple[str, Any]] = [("", value)]
    visited = 0
    while queue:
        path, item = queue.pop()
        visited += 1
        if visited > most:
            raise DamagedError(f"more than {most} entries")
        if isinstance(item, Holder):
            queue.append((path, item.value))
            continue
        children = _children(item)
        if children is not None:
            visited += len(children)
            queue.extend((f"{path}/{key}" if path else str(key), child) for key, child in children)
            continue
        array = _leaf(item)
        if array is not None:
            name = path or "value"
            if "\0" in name or len(name) > _LONGEST:
                raise DamagedError(f"an entry called {name[:80]!r}")
            if name in found:
                raise DamagedError(f"two entries called {name!r:.80}")
            found[name] = array
    return found


def _children(item: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(item, dict):
        return list(item.items())
    if isinstance(item, (list, tuple)):
        numbers = item and all(type(part) in (int, float, bool) for part in item)
        return None if numbers else list(enumerate(item))
    return None


def _leaf(item: Any) -> npt.NDArray[Any] | None:
    if item is None or isinstance(item, (Global, DtypeNode)):
        return None
    if isinstance(item, (bytes, bytearray)):
        return np.frombuffer(bytes(item), np.uint8)
    array = np.asarray(item)
    if array.dtype.hasobject:
        raise DamagedError("a number too large for an array")
    return array
