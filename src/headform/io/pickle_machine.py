"""An interpreter of the pickle language that can build data and call nothing.

Runs in the child process of `headform.io.unpickle`; imports numpy and the standard library.

Python's own unpickler looks up what a file names and calls it. This one knows the names in the table
that it is given (`pickle_objects.FACTORIES`) and ends the reading at any other, by name. The opcodes are decoded by the
standard library's `pickletools.genops`, which only splits bytes.
"""

import pickletools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

from headform.io.pickle_arrays import (
    Buildable,
    DamagedError,
    Global,
    RefusedError,
)

_LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES "
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT "
    "BINFLOAT".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_SET": list, "EMPTY_DICT": dict}
_FIXED_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


Factories = Mapping[str, Callable[..., Any]]


class Machine:
    """The stack, the memo and the marks of one pickle."""

    def __init__(self, file: BinaryIO, factories: Factories) -> None:
        self.file = file
        self.factories = factories
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Interpret up to STOP and return what is left on the stack."""
        for opcode, argument, _ in pickletools.genops(self.file):
            if opcode.name == "STOP":
                if self.marks or len(self.stack) != 1:
                    raise DamagedError("the file ends within a value")
                return self.stack.pop()
            self.step(opcode.name, argument)
        raise DamagedError("the file ends too early")

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode."""
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _FIXED_TUPLES:
            self.push_tuple(_FIXED_TUPLES[name])
        else:
            method = getattr(self, f"_do_{name.lower()}", None)
            if method is None:
                raise RefusedError(f"pickle opcode {name} {argument or ''}".strip())
            method(argument)

    def pop_mark(self) -> list[Any]:
        """Everything above the last mark, taken off the stack."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def push_tuple(self, size: int) -> None:
        """Replace the top `size` items by a tuple of them."""
        items = self.stack[-size:]
        if len(items) != size:
            raise DamagedError("a tuple with too few items")
        del self.stack[-size:]
        self.stack.append(tuple(items))

    def name_global(self, module: Any, name: Any) -> None:
        """Push a name if it is on the list, else stop reading here."""
        full = f"{module}.{name}"
        if full not in self.factories:
            raise RefusedError(full)
        self.stack.append(Global(full))

    def make(self, target: Any, arguments: Any, keywords: Any = None) -> None:
        """Push what the factory of `target` builds; a target that is not a `Global` is refused."""
        if not isinstance(target, Global):
            raise RefusedError(f"call of a {type(target).__name__}")
        if not isinstance(arguments, tuple) or keywords:
            raise DamagedError(f"{target.name} with malformed arguments")
        self.stack.append(self.factories[target.name](*arguments))

    def _do_proto(self, version: int) -> None:
        if version > 5:
            raise DamagedError(f"pickle protocol {version}")

    def _do_frame(self, _: Any) -> None:
        """Frames only help buffering."""

    def _do_mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def _do_pop(self, _: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def _do_pop_mark(self, _: Any) -> None:
        self.pop_mark()

    def _do_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _do_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.pop_mark()))

    def _do_list(self, _: Any) -> None:
        self.stack.append(self.pop_mark())

    _do_frozenset = _do_list

    def _do_dict(self, _: Any) -> None:
        items = self.pop_mark()
        self.stack.append(dict(zip(items[::2], items[1::2], strict=True)))

    def _do_append(self, _: Any) -> None:
        item = self.stack.pop()
        self._top(list).append(item)

    def _do_appends(self, _: Any) -> None:
        items = self.pop_mark()
        self._top(list).extend(items)

    _do_additems = _do_appends

    def _do_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._top(dict)[key] = value

    def _do_setitems(self, _: Any) -> None:
        items = self.pop_mark()
        self._top(dict).update(zip(items[::2], items[1::2], strict=True))

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise DamagedError(f"items for something that is no {kind.__name__}")
        return self.stack[-1]

    def _do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _do_binget = _do_long_binget = _do_get

    def _do_global(self, argument: str) -> None:
        self.name_global(*argument.split(" ", 1))

    def _do_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name_global(module, name)

    def _do_inst(self, argument: str) -> None:
        items = self.pop_mark()
        self.name_global(*argument.split(" ", 1))
        self.make(self.stack.pop(), tuple(items))

    def _do_obj(self, _: Any) -> None:
        target, *items = self.pop_mark()
        self.make(target, tuple(items))

    def _do_reduce(self, _: Any) -> None:
        arguments, target = self.stack.pop(), self.stack.pop()
        self.make(target, arguments)

    _do_newobj = _do_reduce

    def _do_newobj_ex(self, _: Any) -> None:
        keywords, arguments, target = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.make(target, arguments, keywords)

    def _do_build(self, _: Any) -> None:
        state = self.stack.pop()
        node = self.stack[-1]
        if not isinstance(node, Buildable):
            raise RefusedError(f"state for a {type(node).__name__}")
        node.build(state, self.file, partial(interpret, factories=self.factories))


def interpret(file: BinaryIO, factories: Factories) -> Any:
    """The value of the pickle that starts at the file's position.

    Args:
        file: Seekable, uncompressed.
        factories: What may be named, and what it builds.

    Returns:
        Nested lists, tuples, dicts, numbers, strings, bytes and nodes that hold arrays.

    Raises:
        RefusedError: The file names a global that is not in `factories`, or asks for more than
            data.
        DamagedError: The bytes are cut or malformed.
    """
    try:
        return Machine(file, factories).run()
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}"[:200]) from error
    except RecursionError as error:
        raise DamagedError("pickles nested too deeply") from error
