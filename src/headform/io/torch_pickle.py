"""What the pickle in a PyTorch checkpoint may build: tensors as places in storages, and plain values.

Runs in the child process of `headform.io.torch_file`; imports numpy and the standard library, never torch.

A checkpoint's pickle names a storage by a persistent id, ``("storage", type, key, device, elements)``, and a tensor as a
call of ``torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)``. Here both become descriptions. No other
call is known but the ones in `FACTORIES`; in particular ``torch.storage._load_from_bytes``, modules, optimizers and
functions are refused by their names.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from headform.io import pickle_arrays
from headform.io.pickle_arrays import DamagedError, Global, Holder, Interpreter, RefusedError
from headform.io.pickle_machine import Machine

ITEM_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex128": 16, "complex64": 8, "complex32": 4,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1,
}  # fmt: skip
"""Bytes of one element by the name of torch's dtype."""
_UNTYPED = "uint8"
STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.ComplexDoubleStorage": "complex128",
    "torch.ComplexFloatStorage": "complex64",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.storage.UntypedStorage": _UNTYPED,
    "torch.UntypedStorage": _UNTYPED,
}
"""Kinds of storages and what they hold."""
_CLASSES = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
_SUBCLASSED = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")


@dataclass(frozen=True)
class Storage:
    """A run of bytes by its key in the file.

    Attributes:
        key: Of the whole storage.
        dtype: Of the elements.
        count: Elements of the whole storage.
        start: First element of this view of it.
    """

    key: str
    dtype: str
    count: int
    start: int = 0


@dataclass(frozen=True)
class TensorNode:
    """A tensor: which elements of a storage, in what order.

    Attributes:
        storage: Where its elements lie.
        dtype: Of the elements; differs from the storage's if that is untyped.
        offset: First element.
        shape: Lengths of the axes.
        strides: Elements from one index to the next.
        conjugate: Whether its elements are the conjugates of the stored ones.
        negative: Whether they are the negatives.
    """

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    conjugate: bool = False
    negative: bool = False


class NamespaceNode(Holder):
    """``argparse.Namespace``, the options of the command that trained: a table."""

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take the attributes."""
        if not isinstance(state, dict):
            raise DamagedError("options with a malformed state")
        self.value = state


class TorchMachine(Machine):
    """Resolves persistent ids to `Storage` and leaves out the attributes of dictionaries.

    Attributes:
        storages: Those that were named, by key.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, FACTORIES)
        self.storages: dict[str, Storage] = {}

    def _do_binpersid(self, _: Any) -> None:
        found = storage_of(self.stack.pop())
        known = self.storages.setdefault(found.key, found)
        if byte_size(known) != byte_size(found):
            raise DamagedError(f"a storage {found.key!r:.40} of two sizes")
        self.stack.append(found)

    def _do_persid(self, argument: Any) -> None:
        raise RefusedError(f"the persistent id {argument!r:.80}")

    def _do_build(self, argument: Any) -> None:
        # a state_dict carries versions of its modules in an attribute; a tensor, old hooks
        if type(self.stack[-2]) in (dict, TensorNode):
            self.stack.pop()
        else:
            super()._do_build(argument)


def storage_of(name: Any) -> Storage:
    """The storage that a persistent id stands for.

    Raises:
        RefusedError: The id stands for something else, such as a module with its source.
        DamagedError: It is malformed.
    """
    if not isinstance(name, tuple) or not name or name[0] != "storage":
        kind = name[1] if isinstance(name, tuple) and len(name) > 1 else name
        raise RefusedError(f"the persistent object {getattr(kind, 'name', kind)!r:.80}")
    if len(name) not in (5, 6) or not isinstance(name[1], Global) or name[1].name not in STORAGES:
        raise DamagedError("a malformed storage")
    dtype, key, count = STORAGES[name[1].name], name[2], name[4]
    if not isinstance(key, str) or not _is_count(count):
        raise DamagedError("a malformed storage")
    view = name[5] if len(name) == 6 else None
    if view is None:
        return Storage(key, dtype, count)
    if not isinstance(view, tuple) or len(view) != 3 or not all(map(_is_count, view[1:])):
        raise DamagedError("a malformed view of a storage")
    if view[1] + view[2] > count:
        raise DamagedError("a view that leaves its storage")
    return Storage(key, dtype, count, view[1])


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48


def _is_counts(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) <= 64 and all(map(_is_count, value))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> TensorNode:
    """`_rebuild_tensor` and `_v2`, whose further arguments are requires_grad, hooks, metadata."""
    if not isinstance(storage, Storage) or not _is_count(offset):
        raise DamagedError("a tensor without a storage")
    if not _is_counts(size) or not _is_counts(stride) or len(size) != len(stride):
        raise DamagedError(f"a tensor of impossible shape {size!r:.60} and strides {stride!r:.60}")
    node = TensorNode(storage, storage.dtype, storage.start + offset, size, stride)
    return _marked(node, rest[2] if len(rest) > 2 else None)


def _tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, kind: Any, *rest: Any
) -> TensorNode:
    """An untyped storage read as the type that is named beside it."""
    dtype = kind.name.removeprefix("torch.") if isinstance(kind, Global) else ""
    if dtype not in ITEM_BYTES:
        raise DamagedError("a tensor without a type")
    node = _tensor(storage, offset, size, stride)
    if storage.dtype not in (_UNTYPED, dtype) or storage.start:
        raise DamagedError("a tensor of another type than its storage")
    return _marked(replace(node, dtype=dtype), rest[0] if rest else None)


def _marked(node: TensorNode, metadata: Any) -> TensorNode:
    """Conjugates and negatives are notes beside the numbers."""
    if not metadata:
        return node
    if not isinstance(metadata, dict) or not set(metadata) <= {"conj", "neg"}:
        raise RefusedError(f"tensor metadata {metadata!r:.80}")
    return replace(node, conjugate=metadata.get("conj") is True, negative=metadata.get("neg") is True)


def _first(tensor: Any = None, *_: Any) -> TensorNode:
    """A parameter is its tensor."""
    if not isinstance(tensor, TensorNode):
        raise DamagedError("a parameter without a tensor")
    return tensor


def _from_type(function: Any, kind: Any, arguments: Any, state: Any = None) -> TensorNode:
    """A tensor that has attributes, which are left out."""
    name = getattr(function, "name", function)
    if name not in _SUBCLASSED:
        raise RefusedError(f"a tensor made by {name!r:.80}")
    if getattr(kind, "name", kind) not in _CLASSES:
        raise RefusedError(f"a tensor of the class {getattr(kind, 'name', kind)!r:.80}")
    if not isinstance(arguments, tuple):
        raise DamagedError("a malformed tensor")
    made: TensorNode = FACTORIES[name](*arguments)
    return made


def _size(lengths: Any = ()) -> tuple[int, ...]:
    if not isinstance(lengths, (tuple, list)) or not _is_counts(tuple(lengths)):
        raise DamagedError(f"an impossible size {lengths!r:.60}")
    return tuple(lengths)


def _device(kind: Any = "", *index: Any) -> str:
    return ":".join(str(part) for part in (kind, *index))[:80]


def _no_call(name: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        raise RefusedError(f"a call of {name}")

    return refuse


_NAMES = (*STORAGES, *(f"torch.{name}" for name in ITEM_BYTES), "torch.Tensor")
FACTORIES: dict[str, Callable[..., Any]] = {
    **pickle_arrays.FACTORIES,
    **{name: _no_call(name) for name in _NAMES},
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch.nn.parameter.Parameter": _first,
    "torch.nn.parameter.Buffer": _first,
    "torch.Size": _size,
    "torch.device": _device,
    "argparse.Namespace": NamespaceNode,
}
"""What may be named, and what it builds. Everything else is refused by its name."""


def byte_size(storage: Storage) -> int:
    """Of the whole storage."""
    return storage.count * ITEM_BYTES[storage.dtype]


def interpret_torch(file: BinaryIO) -> tuple[Any, dict[str, Storage]]:
    """The value of a checkpoint's pickle that starts at the file's position, and the storages it names, by key.

    Raises:
        RefusedError: It asks for more than tensors and plain values.
        DamagedError: The bytes are cut or malformed.
    """
    try:
        machine = TorchMachine(file)
        return machine.run(), machine.storages
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:200]) from error
    except RecursionError as error:
        raise DamagedError("pickles nested too deeply") from error
