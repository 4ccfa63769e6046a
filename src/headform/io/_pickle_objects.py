"""Unpickler with an allow-list of globals, each of which maps to a small class or function of headform.

Runs in the child process (`_sandbox`). No object of numpy, scipy, chumpy, joblib or torch named by a pickle is looked up: a
name on the list builds a `Node`, which stores the plain values it is given, and any other name is refused before anything
runs. A file cannot set attributes on any object (`_Sealed`, `_Call`), and completes a node only by `__setstate__`.
"""

import math
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from headform.io._sandbox import damaged, refused

_MOST_AXES = 8
_MOST_ELEMENTS = 1 << 48


class _Sealed(type):
    """Metaclass of classes whose attributes a file cannot set."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise AttributeError(f"{name} of {cls.__name__} cannot be set")


class _Call:
    """Function that a file may call but not change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} cannot be set")

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)  # type: ignore[attr-defined]


class Node(metaclass=_Sealed):
    """Object built by a file, which stands for its `value`; that is None until the object is complete."""

    value: Any = None
    is_leaf = False
    __hash__ = None  # type: ignore[assignment]  # an array is no key

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        raise damaged(f"a state for a {type(self).__name__}")


class Table(dict[Any, Any], metaclass=_Sealed):
    """Ordered dictionary; attributes, such as the versions of modules in a state_dict, are left out."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Dtype(Node):
    """Numpy dtype of numbers, booleans or fixed-width strings (or `object`, for lists)."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[<>|=]?[biufcSUO?]\d{0,9}", code):
            raise damaged(f"array type {code!r:.80} is not a plain one")
        self.code = code

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise damaged("an array type with a malformed state")
        if any(part is not None for part in state[2:5]):
            raise damaged("structured array types are not read")
        self.code = state[1] + self.code.lstrip("<>|=")


class _Array(Node):
    """Numpy array, which is created first and filled by its state `(version, shape, dtype, is_fortran, data)`."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise damaged("an array with a malformed state")
        shape, kind, fortran, data = state[-4:]
        if not _holds_objects(kind):
            self.value = _from_bytes(data, kind, shape, "F" if fortran else "C")
        elif isinstance(data, list):
            self.value = data[0] if shape == () and len(data) == 1 else data
        else:
            raise damaged("an object array without its list")


class _JoblibArray(Node):
    """joblib's placeholder of an array whose bytes follow in the file, which `Unpickler` passes to it."""

    unpickler: Any = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise damaged("a joblib array with a malformed state")
        kind, shape, file = state.get("dtype"), state.get("shape"), self.unpickler.file
        if _holds_objects(kind):
            self.value = type(self.unpickler)(file).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:  # since joblib 1.2: padding, its length in front
            file.read(int.from_bytes(file.read(1), "little"))
        data = file.read(_count(shape) * _plain(kind).itemsize)
        self.value = _from_bytes(data, kind, shape, state.get("order", "C"))


class _Chumpy(Node):
    """Array of chumpy, the autodiff library used for FLAME: its values `x`."""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict) or "x" not in state:
            raise damaged("a chumpy array without its numbers `x`")
        self.value = state["x"]


class _Matrix(Node):
    """Sparse matrix of scipy: a table with `format`, `shape`, `data` and the indices."""

    kind = ""

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise damaged("a sparse matrix with a malformed state")
        coords = state.get("coords")  # of coo since scipy 1.13
        if isinstance(coords, tuple) and len(coords) == 2:
            state = state | {"row": coords[0], "col": coords[1]}
        names = ("row", "col", "data") if self.kind == "coo" else ("indices", "indptr", "data")
        shape = state.get("_shape", state.get("shape"))
        missing = [name for name in names if name not in state]
        if missing or not isinstance(shape, tuple) or len(shape) != 2:
            raise damaged(f"a sparse matrix without {', '.join(missing) or 'its shape'}")
        table = {name: state[name] for name in names}
        self.value = {"format": self.kind, "shape": np.array(shape, np.int64)} | table


def _holds_objects(kind: Any) -> bool:
    return isinstance(kind, _Dtype) and "O" in kind.code


def _plain(kind: Any) -> np.dtype[Any]:
    if not isinstance(kind, _Dtype) or _holds_objects(kind):
        raise damaged("an array without a plain type")
    return np.dtype(kind.code)


def _count(shape: Any) -> int:
    good = isinstance(shape, tuple) and len(shape) <= _MOST_AXES and all(type(n) is int and n >= 0 for n in shape)
    if not good or math.prod(shape) > _MOST_ELEMENTS:
        raise damaged(f"an array of impossible shape {shape!r:.80}")
    return math.prod(shape)


def _from_bytes(data: Any, kind: Any, shape: Any, order: Any) -> npt.NDArray[Any]:
    """Build an array from raw bytes (or latin-1 strings of Python 2), which must fill the shape exactly."""
    if isinstance(data, str):
        data = data.encode("latin-1")
    dtype = _plain(kind)
    if not isinstance(data, (bytes, bytearray)) or len(data) != _count(shape) * dtype.itemsize:
        raise damaged(f"an array whose bytes do not fill its shape {shape!r:.80}")
    flat = np.frombuffer(data, dtype) if data else np.zeros(0, dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def holding(value: Any) -> Node:
    """Build a complete node."""
    node = Node()
    node.value = value
    return node


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any, axis_order: Any = None) -> Node:
    """Build an array of protocol 5; `axis_order` (numpy ≥ 2.3) transposes it."""
    array = _from_bytes(data, kind, shape, order)
    return holding(array if order != "K" or axis_order is None else array.transpose(axis_order))


def _encode(text: Any, codec: Any = "latin1") -> bytes:
    if not isinstance(text, str) or codec not in ("latin1", "latin-1"):
        raise damaged("bytes in an unknown encoding")
    return text.encode("latin-1")


def _bytes(data: Any = b"") -> bytes:
    """Build empty bytes and bytearrays, which old protocols write as calls."""
    if not isinstance(data, bytes):
        raise damaged("bytes out of something else")
    return data


def _items(items: Any = ()) -> list[Any]:
    """Build a set, which old protocols write as a call; the order is that of the file."""
    if not isinstance(items, (list, tuple)):
        raise damaged("a set out of something else")
    return list(items)


def _reconstructor(kind: Any, base: Any = None, state: Any = None) -> Any:
    """Build an instance of a class from `object` and no state, as protocols 0 and 1 write it."""
    if not isinstance(kind, _Sealed) or kind not in _CLASSES.values() or state is not None:
        raise damaged("an object of no known class")
    return kind()


def _bare(*_: Any) -> Any:
    raise damaged("a bare object")


_CLASSES: dict[str, Any] = {"chumpy.ch.Ch": _Chumpy} | {
    f"scipy.sparse.{module}{kind}.{kind}_{sort}": _Sealed(f"{kind}_{sort}", (_Matrix,), {"kind": kind})
    for kind in ("csc", "csr", "coo")
    for module in ("", "_")  # before and since scipy 1.8
    for sort in ("matrix", "array")
}
PLAIN: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _Call(lambda kind, data: holding(_from_bytes(data, kind, (), "C"))),
    "numpy.core.numeric._frombuffer": _Call(_frombuffer),
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "joblib.numpy_pickle.NumpyArrayWrapper": _JoblibArray,
    "collections.OrderedDict": Table,
    "_codecs.encode": _Call(_encode),
    "__builtin__.bytes": _Call(_bytes),
    "builtins.bytearray": _Call(_bytes),
} | {f"{home}.{name}": _Call(_items) for home in ("__builtin__", "builtins") for name in ("set", "frozenset")}
"""Allowed globals of numpy, joblib and the standard library; `numpy._core` of numpy ≥ 2 is mapped to `numpy.core`."""
HEAD_MODELS: dict[str, Any] = PLAIN | _CLASSES
HEAD_MODELS |= {f"{module}._reconstructor": _Call(_reconstructor) for module in ("copy_reg", "copyreg")}
HEAD_MODELS |= {f"{module}.object": _Call(_bare) for module in ("__builtin__", "builtins")}
"""Additional allowed globals of head models: chumpy, scipy, and objects written by protocols 0 and 1."""


class _Exact:
    """File without `peek`, so that the unpickler does not read ahead."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.readline = file.read, file.readline


class Unpickler(pickle.Unpickler):
    """Unpickler that builds plain values and nodes, with the globals in `allowed`.

    Args:
        file: File positioned at the start of a pickle; afterwards, behind its end.
    """

    allowed: Mapping[str, Any] = HEAD_MODELS

    def __init__(self, file: Any) -> None:
        self.file = file if isinstance(file, _Exact) else _Exact(file)
        super().__init__(self.file, fix_imports=False, encoding="latin1")

    def find_class(self, module: str, name: str) -> Any:
        """Return the replacement of a global, by name."""
        full = f"{module}.{name}"
        found = self.allowed.get(full.replace("numpy._core.", "numpy.core.", 1))
        if found is None:
            raise refused(f"the file asks for {full}")
        if found is _JoblibArray:
            return _Sealed(found.__name__, (found,), {"unpickler": self})
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Refuse persistent objects, which only the writing program knows."""
        raise refused(f"the file asks for the persistent object {pid!r:.80}")
