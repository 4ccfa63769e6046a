"""SIMD values of sixteen floats in compiled code: a numba type and the few operations that the kernels need.

LLVM turns one operation on sixteen floats into one AVX-512, two AVX or four NEON instructions, whatever the machine has, and
keeps such values in registers, which it does not do for loops over small arrays.

Addresses are integers (``array.ctypes.data`` plus bytes). Nothing here checks them.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

WIDTH = 16
"""Floats per value."""
BYTES = 4 * WIDTH
"""Bytes per value."""

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_LANES = ir.VectorType(_FLOAT, WIDTH)


class Lanes(types.Type):  # type: ignore[misc]
    """Numba type of sixteen floats."""

    def __init__(self) -> None:
        super().__init__(name="sixteen_floats")


_lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _LANES)  # type: ignore[no-untyped-call]


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())


@intrinsic  # type: ignore[misc]
def load(context, address):  # type: ignore[no-untyped-def]
    """Load sixteen floats from an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], _LANES), align=4)

    return _lanes(types.intp), generate


@intrinsic  # type: ignore[misc]
def store(context, address, value):  # type: ignore[no-untyped-def]
    """Store sixteen floats at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], _pointer(builder, args[0], _LANES), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, _lanes), generate


@intrinsic  # type: ignore[misc]
def spread(context, address):  # type: ignore[no-untyped-def]
    """Load one float and broadcast it to all lanes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = builder.load(_pointer(builder, args[0], _FLOAT), align=4)
        empty = ir.Constant(_LANES, ir.Undefined)
        first = builder.insert_element(empty, one, ir.Constant(_INT, 0))
        order = ir.Constant(ir.VectorType(_INT, WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(first, empty, order)

    return _lanes(types.intp), generate


@intrinsic  # type: ignore[misc]
def zeros(context):  # type: ignore[no-untyped-def]
    """Return sixteen zeros."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(_LANES, [0.0] * WIDTH)

    return _lanes(), generate


@intrinsic  # type: ignore[misc]
def multiply_add(context, a, b, c):  # type: ignore[no-untyped-def]
    """Return a * b + c, fused where the processor can."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(_LANES, [_LANES] * 3)
        name = "llvm.fmuladd.v16f32"
        fused = cgutils.get_or_insert_function(builder.module, kind, name)  # type: ignore[no-untyped-call]
        return builder.call(fused, args)

    return _lanes(_lanes, _lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def add(context, a, b):  # type: ignore[no-untyped-def]
    """Return a + b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(*args)

    return _lanes(_lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def subtract(context, a, b):  # type: ignore[no-untyped-def]
    """Return a - b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fsub(*args)

    return _lanes(_lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def positive_part(context, a):  # type: ignore[no-untyped-def]
    """Return a where it is above 0 or NaN, 0 elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing = ir.Constant(_LANES, [0.0] * WIDTH)
        below = builder.fcmp_ordered("<=", args[0], nothing)
        return builder.select(below, nothing, args[0])

    return _lanes(_lanes), generate


@intrinsic  # type: ignore[misc]
def where_positive(context, gate, a, b):  # type: ignore[no-untyped-def]
    """Return a where `gate` is above 0, b elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        above = builder.fcmp_ordered(">", args[0], ir.Constant(_LANES, [0.0] * WIDTH))
        return builder.select(above, args[1], args[2])

    return _lanes(_lanes, _lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def int32_at(context, address):  # type: ignore[no-untyped-def]
    """Load an int32 from an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        small = builder.load(_pointer(builder, args[0], _INT), align=4)
        return builder.sext(small, ir.IntType(64))

    return types.int64(types.intp), generate


@intrinsic  # type: ignore[misc]
def copy_float(context, source, target):  # type: ignore[no-untyped-def]
    """Copy one float from address to address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        one = builder.load(_pointer(builder, args[0], _FLOAT), align=4)
        builder.store(one, _pointer(builder, args[1], _FLOAT), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp), generate


@intrinsic  # type: ignore[misc]
def float_at(context, address):  # type: ignore[no-untyped-def]
    """Load a float from an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], _FLOAT), align=4)

    return types.float32(types.intp), generate


@intrinsic  # type: ignore[misc]
def prefetch(context, address):  # type: ignore[no-untyped-def]
    """Begin to load the cache line at an address, which need not be mapped."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _INT, _INT, _INT])
        begin = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")  # type: ignore[no-untyped-call]
        builder.call(begin, [builder.inttoptr(args[0], byte), _INT(0), _INT(3), _INT(1)])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(types.intp), generate
