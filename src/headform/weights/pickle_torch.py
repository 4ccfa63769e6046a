"""Tensors of torch inside a pickle, as arrays, without torch.

Runs in the child process of `headform.weights.unpickle`; imports numpy and the standard library.

A pickled tensor is ``torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)``, and its storage
``torch.storage._load_from_bytes(file)``, where `file` is what ``torch.save`` wrote in the days before zip archives: four
pickles (a magic number, the version 1001, facts of the system, the storage by a persistent id), a fifth with the ids, then
the number of elements in eight bytes, then the elements.
"""

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from headform.weights.pickle_arrays import DamagedError, Global, RefusedError
from headform.weights.pickle_machine import Machine, interpret

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_MOST = 1 << 26
_STORAGES = {
    "torch.DoubleStorage": "<f8",
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.LongStorage": "<i8",
    "torch.IntStorage": "<i4",
    "torch.ShortStorage": "<i2",
    "torch.CharStorage": "|i1",
    "torch.ByteStorage": "|u1",
    "torch.BoolStorage": "|b1",
}


class _StorageMachine(Machine):
    """Knows the names of storages, makes nothing of them, and takes the persistent id as it is."""

    def name_global(self, module: Any, name: Any) -> None:
        """Push the name of a kind of storage; refuse any other."""
        full = f"{module}.{name}"
        if full not in _STORAGES:
            raise RefusedError(full)
        self.stack.append(Global(full))

    def make(self, target: Any, arguments: Any, keywords: Any = None) -> None:
        """Nothing is made here."""
        raise RefusedError(f"call within a storage of {getattr(target, 'name', 'a value')}")

    def _do_binpersid(self, _: Any) -> None:
        """The id on the stack is all there is to know of the storage."""


def _storage(data: Any) -> npt.NDArray[Any]:
    """The elements of a storage, one axis."""
    if not isinstance(data, bytes):
        raise DamagedError("a tensor's storage that is not bytes")
    file = io.BytesIO(data)
    magic, version = interpret(file, {}), interpret(file, {})
    system = interpret(file, {})
    if magic != _MAGIC or version != _VERSION or not isinstance(system, dict):
        raise DamagedError("a tensor's storage of an unknown version")
    found = _StorageMachine(file, {}).run()
    keys = interpret(file, {})
    good = isinstance(found, tuple) and len(found) in (5, 6) and isinstance(found[1], Global)
    if not good or found[0] != "storage" or keys != [found[2]] or any(found[5:]):
        raise DamagedError("a malformed tensor storage")
    if system.get("little_endian") is not True:
        raise DamagedError("a tensor's storage in big-endian order")
    dtype = np.dtype(_STORAGES[found[1].name])
    count = int.from_bytes(file.read(8), "little")
    raw = file.read()
    if count != found[4] or len(raw) != count * dtype.itemsize:
        raise DamagedError("a tensor's storage whose bytes do not fill it")
    return np.frombuffer(raw, dtype).astype(dtype.newbyteorder("="))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> npt.NDArray[Any]:
    """The view of a storage that starts at `offset`."""
    whole = all(
        isinstance(part, tuple) and all(type(n) is int and n >= 0 for n in part)
        for part in (size, stride, (offset,))
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
