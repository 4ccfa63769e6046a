"""Tensors of torch inside a pickle, as arrays, without torch.

Runs in the child process of `headform.io.unpickle`; imports numpy and the standard library.

A pickled tensor is ``torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)``, and its storage
``torch.storage._load_from_bytes(data)``, where `data` is a checkpoint in the old layout (`torch_layout`) of a storage alone.
"""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from headform.io.pickle_arrays import DamagedError
from headform.io.torch_layout import read_layout
from headform.io.torch_pickle import Storage

_MOST = 1 << 26
_PLAIN_KINDS = "biufc"


def _storage(data: Any) -> npt.NDArray[Any]:
    """The elements of a storage, one axis."""
    if not isinstance(data, bytes):
        raise DamagedError("a tensor's storage that is not bytes")
    layout = read_layout(io.BytesIO(data), len(data))
    storage = layout.value
    if not isinstance(storage, Storage) or list(layout.places) != [storage.key] or storage.start:
        raise DamagedError("a malformed tensor storage")
    place = layout.places[storage.key]
    if place.offset + place.size != len(data):
        raise DamagedError("a tensor's storage whose bytes do not fill it")
    dtype = np.dtype(storage.dtype)  # TypeError, hence damaged, for those that numpy lacks
    if dtype.kind not in _PLAIN_KINDS:
        raise DamagedError(f"a tensor of {storage.dtype}")
    return np.frombuffer(data, dtype.newbyteorder("<"), offset=place.offset).astype(dtype)


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> npt.NDArray[Any]:
    """The view of a storage that starts at `offset`; `rest` is whether it has gradients, its hooks, and marks."""
    if any(rest[2:]):
        raise DamagedError("a tensor marked as the conjugate or negative of its numbers")
    whole = all(
        isinstance(part, tuple) and all(type(n) is int and n >= 0 for n in part) for part in (size, stride, (offset,))
    )
    if not whole or len(size) != len(stride) or not isinstance(storage, np.ndarray):
        raise DamagedError("a malformed tensor")
    if math.prod(size) > _MOST or len(size) > 8:
        raise DamagedError(f"a tensor of impossible shape {size!r:.80}")
    place = np.full((), offset, np.int64)
    for length, step in zip(size, stride, strict=True):
        place = place[..., None] + step * np.arange(length, dtype=np.int64)
    if place.size and int(place.max()) >= len(storage):
        raise DamagedError("a tensor that leaves its storage")
    return storage[place]


FACTORIES: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch.storage._load_from_bytes": _storage,
}
"""What may be named, and what it builds."""
