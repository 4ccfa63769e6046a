"""What else a pickle may build: objects of chumpy and scipy and tensors of torch, as the plain arrays inside them.

Runs in the child process of `headform.io.unpickle`; imports numpy and the standard library. None of the packages is
imported; their objects are known by name and by the state that they write:

- ``chumpy.ch.Ch``: its dictionary, of which ``x`` is the array;
- ``scipy.sparse`` matrices: ``_shape`` and ``data`` with ``indices`` and ``indptr``, or with ``row`` and ``col``
  (``coords`` since 1.13); modules had no underscore before 1.8;
- torch: see `pickle_torch`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from headform.io import pickle_arrays, pickle_torch
from headform.io.pickle_arrays import DamagedError, Global, Holder, Interpreter


class ChNode(Holder):
    """An array of chumpy, the automatic differentiation that FLAME was made with."""

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take the array out of the object's dictionary; what depends on it is not looked at."""
        if not isinstance(state, dict) or "x" not in state:
            raise DamagedError("a chumpy array without its numbers `x`")
        self.value = state["x"]


class MatrixNode(Holder):
    """A sparse matrix of scipy: a table with ``format``, ``shape``, ``data`` and the indices."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self, state: Any, file: BinaryIO, interpret: Interpreter) -> None:
        """Take the arrays out of the object's dictionary."""
        if not isinstance(state, dict):
            raise DamagedError("a sparse matrix with a malformed state")
        state = dict(state)
        if isinstance(state.get("coords"), tuple) and len(state["coords"]) == 2:
            state["row"], state["col"] = state["coords"]
        names = ("row", "col") if self.kind == "coo" else ("indices", "indptr")
        shape = state.get("_shape", state.get("shape"))
        absent = [name for name in (*names, "data") if name not in state]
        if absent or not isinstance(shape, tuple) or len(shape) != 2:
            raise DamagedError(f"a sparse matrix without {', '.join(absent) or 'its shape'}")
        table = {name: state[name] for name in (*names, "data")}
        self.value = {"format": self.kind, "shape": np.array(shape, np.int64)} | table


_MATRICES: dict[str, Callable[..., Any]] = {
    f"scipy.sparse.{module}.{kind}_{sort}": partial(MatrixNode, kind)
    for kind in ("csc", "csr", "coo")
    for module in (kind, f"_{kind}")
    for sort in ("matrix", "array")
}
_CLASSES: dict[str, Callable[..., Any]] = {"chumpy.ch.Ch": ChNode} | _MATRICES


def _reconstructor(kind: Any, base: Any = None, state: Any = None) -> Any:
    """Protocols 0 and 1: an instance of a class of ours, out of ``object`` and nothing."""
    if not isinstance(kind, Global) or kind.name not in _CLASSES or state is not None:
        raise DamagedError("an object of no known class")
    return _CLASSES[kind.name]()


def _plain_object(*_: Any) -> Any:
    raise DamagedError("a bare object")


FACTORIES: dict[str, Callable[..., Any]] = {
    **pickle_arrays.FACTORIES,
    **_CLASSES,
    **pickle_torch.FACTORIES,
    "copy_reg._reconstructor": _reconstructor,
    "copyreg._reconstructor": _reconstructor,
    "__builtin__.object": _plain_object,
    "builtins.object": _plain_object,
}
"""What may be named, and what it builds. Everything else is refused by its name."""
