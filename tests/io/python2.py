"""Pickles as Python 2 wrote them, with objects of chumpy and of an old scipy, without importing either.

A pickler of Python 2's habits writes their names and states.
"""

import io
import pickle
from typing import Any, ClassVar

import numpy as np


class Instance:
    """An object that pickles as one of the class called `name`, with the state `state`, and is none."""

    def __init__(self, name: str, state: Any) -> None:
        self.name, self.state = name, state


class Name:
    """A global that pickles by its name alone."""

    def __init__(self, name: str) -> None:
        self.name = name


def ch(array: np.ndarray) -> Instance:
    """`chumpy.ch.Ch(array)`: its `__getstate__` is its dictionary without `_parents` and `_cache`."""
    state = {
        "x": array,
        "_dirty_vars": set(),
        "_itr": None,
        "_make_dense": False,
        "_make_sparse": False,
        "_depends_on_deps": {},
        "_status": "new",
    }
    return Instance("chumpy.ch.Ch", state)


def old_matrix(matrix: Any, kind: str = "csc", module: str = "") -> Instance:
    """A matrix as scipy before 1.8 pickled it (or under another module's name)."""
    converted = matrix.asformat(kind)
    state: dict[str, Any] = {"_shape": tuple(int(n) for n in matrix.shape), "maxprint": 50}
    names = ("row", "col") if kind == "coo" else ("indices", "indptr")
    state |= {name: getattr(converted, name) for name in (*names, "data")}
    return Instance(f"{module or 'scipy.sparse.' + kind}.{kind}_matrix", state)


class _Python2Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes bytes and ASCII text as Python 2's `str`, and `Instance` and `Name` by their names."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def _text(self, data: bytes) -> None:
        if self.proto == 0:
            self.write(pickle.STRING + ascii(data)[1:].encode() + b"\n")
        elif len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + len(data).to_bytes(4, "little") + data)

    def save_bytes(self, data: bytes) -> None:
        self._text(data)
        self.memoize(data)

    def save_str(self, text: str) -> None:
        self._text(text.encode("ascii"))
        self.memoize(text)

    def _name(self, name: str) -> None:
        module, _, attribute = name.rpartition(".")
        self.write(pickle.GLOBAL + f"{module}\n{attribute}\n".encode())

    def save_name(self, item: Name) -> None:
        self._name(item.name)

    def save_instance(self, item: Instance) -> None:
        if self.proto < 2:  # copy_reg._reconstructor(cls, object, None)
            self._name("copy_reg._reconstructor")
            self.write(pickle.MARK)
            self._name(item.name)
            self._name("__builtin__.object")
            self.write(pickle.NONE + pickle.TUPLE + pickle.REDUCE)
        else:
            self._name(item.name)
            self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
        self.memoize(item)
        self.save(item.state)
        self.write(pickle.BUILD)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        module = getattr(obj, "__module__", "")
        if module.startswith("numpy._core"):
            self._name(module.replace("numpy._core", "numpy.core") + "." + obj.__name__)
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str
    dispatch[Name] = save_name
    dispatch[Instance] = save_instance
    dispatch[type(np.zeros)] = save_global  # builtin functions
    dispatch[type(lambda: None)] = save_global
    dispatch[type] = save_global


def python2_pickle(value: Any, protocol: int = 2) -> bytes:
    """The bytes that Python 2 and its numpy would have written for a value."""
    out = io.BytesIO()
    _Python2Pickler(out, protocol, fix_imports=True).dump(value)
    return out.getvalue()
