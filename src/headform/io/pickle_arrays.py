"""What a pickle may build: plain arrays, made here out of plain values.

Runs in the child process of `headform.io.unpickle`; imports numpy and the standard library.

A global that a pickle names is only a name. The names in `FACTORIES` (and in `pickle_objects.FACTORIES`,
which adds those of head models) stand for functions of ours, which check what they are given; nothing of
the named package is ever called. A new kind of object is one more entry.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Interpreter = Callable[[BinaryIO], Any]


class RefusedError(Exception):
    """The file asks for something that is not plain data; `.name` says for what."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class DamagedError(Exception):
    """The bytes are not a whole, well-formed pickle of known data."""


@dataclass(frozen=True)
class Global:
    """A dotted name that the file mentions. It is never looked up."""

    name: str


@runtime_checkable
class Buildable(Protocol):
    """An object that the file completes with a state after naming it."""

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take the state.

        Args:
            state: What the file gives.
            file: Stands right behind the opcode, where joblib puts the raw bytes of an array.
            interpret: Reads the pickle that starts at the file's position.
        """


class Holder:
    """A node that stands for what it holds."""

    value: Any = None


class DtypeNode:
    """A numpy dtype of numbers, booleans or fixed-width strings (or `object`, for lists)."""

    def __init__(self, code: Any) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[<>|=]?[biufcSUO?]\d{0,9}", code):
            raise DamagedError(f"array type {code!r} is not a plain one")
        self.code = code

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take the byte order out of numpy's state tuple; structured types are refused."""
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
            raise DamagedError("an array type with a malformed state")
        if any(part is not None for part in state[2:5]):
            raise DamagedError("structured array types are not read")
        self.code = state[1] + self.code.lstrip("<>|=")

    @property
    def holds_objects(self) -> bool:
        """Whether elements are Python objects instead of numbers."""
        return "O" in self.code

    def dtype(self) -> np.dtype[Any]:
        """The numpy type; only reached for plain codes."""
        return np.dtype(self.code)


class ArrayNode(Holder):
    """A numpy array that is named first and filled by its state."""

    def __init__(self) -> None:
        self.value: Any = np.zeros(0, np.uint8)

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take numpy's `(version, shape, dtype, is_fortran, data)`."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise DamagedError("an array with a malformed state")
        shape, kind, fortran, data = state[-4:]
        if isinstance(kind, DtypeNode) and kind.holds_objects:
            if not isinstance(data, list):
                raise DamagedError("an object array without its list")
            self.value = data[0] if shape == () and len(data) == 1 else data
            return
        self.value = array_from_bytes(data, kind, shape, "F" if fortran else "C")


class JoblibNode(Holder):
    """joblib's stand-in for an array whose bytes follow its BUILD opcode in the file."""

    def __init__(self) -> None:
        self.value: Any = np.zeros(0, np.uint8)

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Read the padding and the raw bytes (joblib ≥ 1.2 aligns them, older files do not)."""
        if not isinstance(state, dict):
            raise DamagedError("a joblib array with a malformed state")
        kind, shape = state.get("dtype"), state.get("shape")
        if isinstance(kind, DtypeNode) and kind.holds_objects:
            self.value = interpret(file)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = file.read(1)
            file.read(padding[0] if padding else 0)
        size = _count(shape) * _plain(kind).itemsize
        self.value = array_from_bytes(file.read(size), kind, shape, state.get("order", "C"))


def array_from_bytes(data: Any, kind: Any, shape: Any, order: Any) -> npt.NDArray[Any]:
    """An array of native byte order out of raw bytes (or Python 2's latin-1 strings).

    Raises:
        DamagedError: When the bytes do not fill the shape exactly.
    """
    if isinstance(data, str):
        data = data.encode("latin-1")
    dtype = _plain(kind)
    if not isinstance(data, (bytes, bytearray)) or len(data) != _count(shape) * dtype.itemsize:
        raise DamagedError(f"an array whose bytes do not fill its shape {shape!r:.80}")
    flat = np.frombuffer(bytes(data), dtype=dtype) if data else np.zeros(0, dtype)
    array = flat.reshape(shape, order="F" if order == "F" else "C")
    return np.ascontiguousarray(array, dtype=dtype.newbyteorder("=")).reshape(shape)


def _plain(kind: Any) -> np.dtype[Any]:
    if not isinstance(kind, DtypeNode) or kind.holds_objects:
        raise DamagedError("an array without a plain type")
    return kind.dtype()


def _count(shape: Any) -> int:
    good = isinstance(shape, tuple) and len(shape) <= 8
    if not good or not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape):
        raise DamagedError(f"an array of impossible shape {shape!r:.80}")
    return math.prod(shape)


def _scalar(kind: Any, data: Any) -> Any:
    return array_from_bytes(data, kind, (), "C")


def _encode(text: Any, codec: Any = "latin1") -> bytes:
    if not isinstance(text, str) or codec not in ("latin1", "latin-1"):
        raise DamagedError("bytes in an unknown encoding")
    return text.encode("latin-1")


def _frombuffer(data: Any, kind: Any, shape: Any, order: Any, axis_order: Any = None) -> npt.NDArray[Any]:
    """numpy's protocol 5; `axis_order` (numpy ≥ 2.3) transposes what the bytes hold."""
    array = array_from_bytes(data, kind, shape, order)
    if order != "K" or axis_order is None:
        return array
    return np.ascontiguousarray(array.transpose(axis_order))


def _bytes(data: Any = b"") -> bytes:
    """Old protocols spell empty bytes and bytearrays as calls."""
    if not isinstance(data, bytes):
        raise DamagedError("bytes out of something else")
    return data


def _ordered(items: Any = ()) -> dict[Any, Any]:
    return dict(items)


def _items(items: Any = ()) -> list[Any]:
    """A set, which old protocols spell as a call; order is the file's."""
    if not isinstance(items, (list, tuple)):
        raise DamagedError("a set out of something else")
    return list(items)


def _with_numpy_homes(table: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Names under `numpy.core` are also reachable under `numpy._core`, their home since 2.0."""
    moved = {n.replace("numpy.core.", "numpy._core.", 1): f for n, f in table.items()}
    return table | moved


FACTORIES: dict[str, Callable[..., Any]] = _with_numpy_homes(
    {
        "numpy.core.multiarray._reconstruct": lambda *_: ArrayNode(),
        "numpy.core.multiarray.scalar": _scalar,
        "numpy.core.numeric._frombuffer": _frombuffer,
        "numpy.ndarray": lambda *_: ArrayNode(),
        "numpy.dtype": lambda code, *_: DtypeNode(code),
        "joblib.numpy_pickle.NumpyArrayWrapper": lambda *_: JoblibNode(),
        "collections.OrderedDict": _ordered,
        "_codecs.encode": _encode,
        "__builtin__.bytes": _bytes,
        "builtins.bytearray": _bytes,
        "__builtin__.set": _items,
        "builtins.set": _items,
        "__builtin__.frozenset": _items,
        "builtins.frozenset": _items,
    }
)
"""What may be named, and what it builds. Everything else is refused by its name."""
