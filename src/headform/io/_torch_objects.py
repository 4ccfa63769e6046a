"""Objects that pickles of torch may build: tensors as views of storages, and plain values. Runs in the child process.

A checkpoint's pickle names a storage by a persistent id, `("storage", type, key, device, elements)`, and a tensor as a call
of `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)`; a tensor in any other pickle brings a checkpoint of
the old layout that holds its storage alone (`torch.storage._load_from_bytes`).

`torch.load` is not used: with `mmap` it trusts the number of elements that a file declares and reads past the
end of a storage, it verifies no checksums, and importing torch takes a second and half a gigabyte in each child.
"""

import io
import math
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from headform.io._pickle_objects import HEAD_MODELS, PLAIN, Node, Unpickler, _Call, holding
from headform.io._sandbox import damaged, refused

ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8, "complex32": 4,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
}  # fmt: skip
"""Bytes of one element by the name of torch's dtype."""
_UNTYPED = "uint8"
_STORAGES = {
    f"torch.{name}Storage": dtype
    for name, dtype in {
        "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "ComplexDouble": "complex128",
        "ComplexFloat": "complex64", "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8",
        "Bool": "bool", "Untyped": _UNTYPED, "storage.Untyped": _UNTYPED,
    }.items()
}  # fmt: skip
_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_MOST_AXES = 64
_MOST_ELEMENTS = 1 << 26
"""Largest size of a tensor outside of a checkpoint, laid out in full."""


class Storage(Node):
    """Storage of a tensor in the file; `load` reads its bytes once the pickle has been read."""

    is_leaf = True

    def __init__(self, key: Any = "", dtype: str = "", count: Any = 0) -> None:
        if not isinstance(key, str) or not is_count(count):
            raise damaged("a malformed storage")
        self.key, self.dtype, self.count = key, dtype, count
        self.load: Callable[[], bytes] = bytes

    @property
    def nbytes(self) -> int:
        """Size of all elements in bytes."""
        return self.count * ITEM_BYTES[self.dtype]


class Tensor(Node):
    """Tensor as a strided view of a storage, with flags for conjugation and negation."""

    is_leaf = True

    def __init__(self, storage: Any, dtype: str, offset: Any, size: Any, stride: Any, marks: Any = None) -> None:
        if not isinstance(storage, Storage) or not is_count(offset):
            raise damaged("a tensor without a storage")
        if not _are_counts(size) or not _are_counts(stride) or len(size) != len(stride):
            raise damaged(f"a tensor of impossible shape {size!r:.60} and strides {stride!r:.60}")
        marks = marks or {}
        if not isinstance(marks, dict) or not set(marks) <= {"conj", "neg"}:
            raise refused(f"the file asks for tensor metadata {marks!r:.80}")
        self.storage, self.dtype, self.offset, self.shape, self.strides = storage, dtype, offset, size, stride
        self.conjugate, self.negative = marks.get("conj") is True, marks.get("neg") is True
        reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if math.prod(size) else -1
        if (reach + 1) * ITEM_BYTES[dtype] > storage.nbytes:
            raise damaged("a tensor that leaves its storage")

    def __setstate__(self, state: Any) -> None:
        """Ignore attributes and old hooks."""

    @property
    def nbytes(self) -> int:
        """Size of all elements in bytes, counting shared ones repeatedly."""
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]

    def array(self) -> npt.NDArray[Any]:
        """Return the tensor laid out in full; only types of numpy are supported."""
        dtype = np.dtype(self.dtype)
        if self.conjugate or self.negative:
            raise damaged("a tensor marked as the conjugate or negative of its numbers")
        if math.prod(self.shape) > _MOST_ELEMENTS or len(self.shape) > 8:
            raise damaged(f"a tensor of impossible shape {self.shape!r:.80}")
        flat = np.frombuffer(self.storage.load() or bytes(dtype.itemsize), dtype.newbyteorder("<"))
        steps = [step * dtype.itemsize for step in self.strides]
        return as_strided(flat[self.offset :], self.shape, steps, writeable=False).astype(dtype)


class _Namespace(Node):
    """`argparse.Namespace`, such as the options of a training command, as a table."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise damaged("options with a malformed state")
        self.value = state


def is_count(value: Any) -> bool:
    """Return whether a value is an integer in the range of sizes."""
    return type(value) is int and 0 <= value < 2**48


def _are_counts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) <= _MOST_AXES and all(map(is_count, value))


def _rebuild(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any = None, hooks: Any = None, marks: Any = None
) -> Any:
    """Build a tensor, as `_rebuild_tensor` and `_rebuild_tensor_v2` do."""
    whole, start = storage.value if type(storage) is Node and storage.value else (storage, 0)
    if not is_count(offset):
        raise damaged("a tensor without a storage")
    return Tensor(whole, getattr(whole, "dtype", ""), start + offset, size, stride, marks)


def _rebuild_v3(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, kind: Any, marks: Any = None
) -> Any:
    """Build a tensor from an untyped storage and a dtype."""
    dtype = str(kind).removeprefix("torch.")
    if dtype not in ITEM_BYTES or getattr(storage, "dtype", "") not in (_UNTYPED, dtype):
        raise damaged("a tensor of another type than its storage")
    return Tensor(storage, dtype, offset, size, stride, marks)


def _rebuild_subclass(function: Any, kind: Any, arguments: Any, state: Any = None) -> Any:
    """Build a tensor that has attributes, which are ignored."""
    if function not in (_REBUILD, _REBUILD_V3) or kind not in ("torch.Tensor", _PARAMETER):
        raise refused(f"the file asks for a tensor of the class {kind!r:.80}")
    return function(*arguments)


def _parameter(tensor: Any = None, *_: Any) -> Any:
    """Return the tensor of a parameter."""
    if not isinstance(tensor, Tensor):
        raise damaged("a parameter without a tensor")
    return tensor


def _size(lengths: Any = ()) -> tuple[int, ...]:
    if not _are_counts(tuple(lengths)):
        raise damaged(f"an impossible size {lengths!r:.60}")
    return tuple(lengths)


_REBUILD, _REBUILD_V3, _PARAMETER = _Call(_rebuild), _Call(_rebuild_v3), _Call(_parameter)
CHECKPOINT: dict[str, Any] = PLAIN | {
    **{name: name for name in (*_STORAGES, *(f"torch.{dtype}" for dtype in ITEM_BYTES), "torch.Tensor")},
    "torch._utils._rebuild_tensor": _REBUILD,
    "torch._utils._rebuild_tensor_v2": _REBUILD,
    "torch._utils._rebuild_tensor_v3": _REBUILD_V3,
    "torch._utils._rebuild_parameter": _PARAMETER,
    "torch._utils._rebuild_parameter_with_state": _PARAMETER,
    "torch._tensor._rebuild_from_type_v2": _Call(_rebuild_subclass),
    "torch.nn.parameter.Parameter": _PARAMETER,
    "torch.nn.parameter.Buffer": _PARAMETER,
    "torch.Size": _Call(_size),
    "torch.device": _Call(lambda *parts: ":".join(map(str, parts))[:80]),
    "argparse.Namespace": _Namespace,
}
"""Allowed globals of a checkpoint; types and dtypes are kept as names."""


class TorchUnpickler(Unpickler):
    """Unpickler that resolves the persistent ids of storages; `storages` holds the referenced ones by key."""

    allowed = CHECKPOINT

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.storages: dict[str, Storage] = {}

    def persistent_load(self, pid: Any) -> Any:
        """Return the storage of an id, or a pair of it and the first element of a view."""
        if not isinstance(pid, tuple) or not pid or pid[0] != "storage":
            raise refused(f"the file asks for the persistent object {pid!r:.80}")
        if len(pid) not in (5, 6) or not isinstance(pid[1], str) or pid[1] not in _STORAGES:
            raise damaged("a malformed storage")
        found = Storage(pid[2], _STORAGES[pid[1]], pid[4])
        known = self.storages.setdefault(found.key, found)
        if known.nbytes != found.nbytes or known.dtype != found.dtype:
            raise damaged(f"a storage {found.key!r:.40} of two sizes")
        view = pid[5] if len(pid) == 6 else None
        if view is None:
            return known
        if not isinstance(view, tuple) or len(view) != 3 or not _are_counts(view[1:]) or sum(view[1:]) > found.count:
            raise damaged("a view that leaves its storage")
        return holding((known, view[1]))


def read_legacy(file: BinaryIO, size: int) -> tuple[Any, dict[str, Storage]]:
    """Read the layout before torch 1.6.

    Pickles one after another: a magic number, the version 1001, facts of the system, the object, the keys of the storages;
    then for each key the number of elements in eight bytes, low byte first, and the elements.

    Args:
        file: File positioned at its start; the storages are read from it later.
        size: Size of the file, bytes.

    Returns:
        The object and the storages by key.
    """
    if TorchUnpickler(file).load() != _MAGIC:
        raise damaged("a pickle, but not a PyTorch checkpoint")
    version, system = TorchUnpickler(file).load(), TorchUnpickler(file).load()
    if version != _VERSION or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise damaged(f"an old checkpoint of the unknown version {version!r:.40}, or with the high byte first")
    unpickler = TorchUnpickler(file)
    value, storages = unpickler.load(), unpickler.storages
    keys = TorchUnpickler(file).load()
    if not isinstance(keys, list) or set(keys) != storages.keys() or len(set(keys)) < len(keys):
        raise damaged("a malformed list of storages")
    for storage in (storages[key] for key in keys):
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise damaged(f"the storage {storage.key!r:.40} does not have the length that its tensors state")
        offset = file.tell()
        if offset + storage.nbytes > size:
            raise damaged("the file ends within its numbers")
        storage.load = _loader(file, offset, storage.nbytes)
        file.seek(offset + storage.nbytes)
    return value, storages


def _loader(file: BinaryIO, offset: int, size: int) -> Callable[[], bytes]:
    def load() -> bytes:
        file.seek(offset)
        return file.read(size)

    return load


def _load_from_bytes(data: Any) -> Storage:
    """Build the storage of a tensor outside of a checkpoint."""
    if not isinstance(data, bytes):
        raise damaged("a tensor's storage that is not bytes")
    file = io.BytesIO(data)
    value, storages = read_legacy(file, len(data))
    if not isinstance(value, Storage) or list(storages.values()) != [value] or file.tell() != len(data):
        raise damaged("a malformed tensor storage")
    return value


WITH_TENSORS: dict[str, Any] = HEAD_MODELS | {
    "torch._utils._rebuild_tensor": _REBUILD,
    "torch._utils._rebuild_tensor_v2": _REBUILD,
    "torch.storage._load_from_bytes": _Call(_load_from_bytes),
}
"""Allowed globals of a pickle of a head model."""
