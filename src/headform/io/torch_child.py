"""The child process that reads PyTorch checkpoints under limits and says where their numbers lie.

Runs alone, started by `headform.io.torch_file`; imports numpy and the standard library, never torch.

It writes one line of JSON, what `describe` returns, and exits with 0; or `{"kind", "what"}` and exits with
`FAILED`. The numbers themselves stay in the file. It can write no file.
"""

import base64
import json
import os
import sys
from typing import Any

import numpy as np

from headform.io._child import FAILED
from headform.io.pickle_arrays import DamagedError, DtypeNode, Global, Holder, RefusedError
from headform.io.pickle_child import limit
from headform.io.torch_layout import Layout, read_layout
from headform.io.torch_pickle import Storage, TensorNode

_MOST_ENTRIES = 500_000
_KINDS = "biufc"


def describe(layout: Layout) -> dict[str, Any]:
    """The answer about a checkpoint.

    Tables are by path, the keys on the way joined by `/`: `tensors` has storage, dtype, offset, shape, strides, conjugate
    and negative; `arrays` dtype, shape and base64 of numpy's; `values` numbers, booleans and texts. `storages` has
    offset, size and checksum in the file.

    Raises:
        DamagedError: Too many entries (shared references can describe exponentially many), or two of one path.
    """
    tables: dict[str, dict[str, Any]] = {"tensors": {}, "arrays": {}, "values": {}}
    seen: set[str] = set()
    queue: list[tuple[str, Any]] = [("", layout.value)]
    visited = 0
    while queue:
        path, item = queue.pop()
        if isinstance(item, Holder):
            item = item.value
        children: list[tuple[Any, Any]] = []
        if isinstance(item, dict):
            children = list(item.items())
        elif isinstance(item, (list, tuple)):
            children = list(enumerate(item))
        visited += 1 + len(children)
        if visited > _MOST_ENTRIES:
            raise DamagedError(f"more than {_MOST_ENTRIES} entries")
        # the last on the queue is taken first: backwards, so that the file's order is kept
        queue.extend((f"{path}/{key}" if path else f"{key}", child) for key, child in children[::-1])
        if children:
            continue
        entry = _entry(item)
        if entry is not None:
            path = path or "value"
            if path in seen:
                raise DamagedError(f"two entries called {path!r:.80}")
            seen.add(path)
            tables[entry[0]][path] = entry[1]
    places = {k: [p.offset, p.size, p.checksum] for k, p in layout.places.items()}
    return {"big_endian": layout.big_endian, "storages": places, **tables}


def _entry(item: Any) -> tuple[str, Any] | None:
    """The table that a leaf belongs to, and its row; None for what says nothing."""
    if isinstance(item, TensorNode):
        row = [item.storage.key, item.dtype, item.offset, item.shape, item.strides]
        return "tensors", [*row, item.conjugate, item.negative]
    if isinstance(item, Storage):
        row = [item.key, item.dtype, item.start, (item.count - item.start,), (1,)]
        return "tensors", [*row, False, False]
    if isinstance(item, (np.ndarray, np.generic)):
        if item.ndim == 0 and item.dtype.kind in "biuf":
            return "values", item.item()
        if item.dtype.kind not in _KINDS:
            return None
        data = base64.b64encode(np.ascontiguousarray(item).tobytes()).decode()
        return "arrays", [item.dtype.str, item.shape, data]
    if isinstance(item, (bool, float, str)) or (isinstance(item, int) and abs(item) < 2**63):
        return "values", item
    if item is None or isinstance(item, (dict, list, tuple, bytes, bytearray, int)):
        return None
    if isinstance(item, (Global, DtypeNode)):
        return None
    raise RefusedError(f"a {type(item).__name__}")


def main(memory_bytes: str, cpu_seconds: str, path: str) -> int:
    """Describe the checkpoint at `path` under the limits; the exit status."""
    try:
        limit(int(memory_bytes), int(cpu_seconds))
        with open(path, "rb") as file:
            answer = json.dumps(describe(read_layout(file, os.fstat(file.fileno()).st_size)))
        sys.stdout.write(answer)
        return 0
    except RefusedError as error:
        failure = {"kind": "refused", "what": error.name}
    except (DamagedError, ValueError, RecursionError) as error:
        failure = {"kind": "damaged", "what": str(error)[:200]}
    except MemoryError:
        failure = {"kind": "refused", "what": f"more than {memory_bytes} bytes of memory"}
    except OSError as error:
        failure = {"kind": "missing", "what": error.strerror or str(error)}
    sys.stdout.write(json.dumps(failure))
    return FAILED
