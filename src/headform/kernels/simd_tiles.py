"""Tiles of SIMD values (`kernels.simd`): matrix products in registers, triples, transposition, sums.

Addresses are integers; strides are in bytes. Nothing here checks them.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from headform.kernels.simd import _FLOAT, _INT, _LANES, BYTES, WIDTH, _lanes, _pointer


def _shuffled(builder: Any, a: Any, b: Any, order: list[int]) -> Any:
    """Shuffle the floats of a (0 to n - 1) and b (n to 2 n - 1) into the given order."""
    mask = ir.Constant(ir.VectorType(_INT, len(order)), order)
    return builder.shuffle_vector(a, b, mask)


def product_of(rows: int, columns: int, a_row: int, a_step: int, b_step: int) -> Callable[..., None]:
    """Build an operation for compiled code: a matrix product of `rows` by 16 `columns`, held in registers.

    ``product(a, b, steps, start, start_row, out, out_row)`` does, for r < rows and l < 16 columns,
    out[r, l] = start[r, l] + sum over s < steps of a[r, s] b[s, l], in float32.

    Args:
        rows: Number of rows of a and of the result.
        columns: Number of SIMD values per row of b and of the result.
        a_row: Bytes from row to row of a.
        a_step: Bytes from step to step of a.
        b_step: Bytes from step to step of b.
    """

    @intrinsic  # type: ignore[misc]
    def product(context, a, b, steps, start, start_row, out, out_row):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b, steps, start, start_row, out, out_row = args
            whole, fused = a.type, _fused(builder)

            def place(first: Any, stride: Any, row: int, column: int) -> Any:
                moved = builder.mul(stride, whole(row))
                at = builder.add(first, builder.add(moved, whole(column * BYTES)))
                return _pointer(builder, at, _LANES)

            tile = [(r, c) for r in range(rows) for c in range(columns)]
            sums = {at: cgutils.alloca_once(builder, _LANES) for at in tile}  # type: ignore[no-untyped-call]
            for at in tile:
                first = builder.load(place(start, start_row, *at), align=4)
                builder.store(first, sums[at])
            with cgutils.for_range(builder, steps) as loop:  # type: ignore[no-untyped-call]
                left = builder.add(a, builder.mul(loop.index, whole(a_step)))
                right = builder.add(b, builder.mul(loop.index, whole(b_step)))
                values = [builder.load(place(right, whole(0), 0, c), align=4) for c in range(columns)]
                for r in range(rows):
                    address = _pointer(builder, builder.add(left, whole(r * a_row)), _FLOAT)
                    factor = _everywhere(builder, builder.load(address, align=4))
                    for c, value in enumerate(values):
                        sum_ = sums[r, c]
                        more = builder.call(fused, [factor, value, builder.load(sum_)])
                        builder.store(more, sum_)
            for at in tile:
                builder.store(builder.load(sums[at]), place(out, out_row, *at), align=4)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 7), generate

    return product  # type: ignore[no-any-return]


def _fused(builder: Any) -> Any:
    kind = ir.FunctionType(_LANES, [_LANES] * 3)
    return cgutils.get_or_insert_function(builder.module, kind, "llvm.fmuladd.v16f32")  # type: ignore[no-untyped-call]


def _everywhere(builder: Any, one: Any) -> Any:
    """Broadcast one float to all lanes."""
    empty = ir.Constant(_LANES, ir.Undefined)
    first = builder.insert_element(empty, one, _INT(0))
    return _shuffled(builder, first, empty, [0] * WIDTH)


@intrinsic  # type: ignore[misc]
def store_triples(context, address, x, y, z):  # type: ignore[no-untyped-def]
    """Store 48 floats x0 y0 z0 x1 y1 z1 ... at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address, x, y, z = args
        xy = _shuffled(builder, x, y, list(range(2 * WIDTH)))
        zz = _shuffled(builder, z, z, list(range(2 * WIDTH)))
        order = [WIDTH * c + k for k in range(WIDTH) for c in range(3)]
        whole = _shuffled(builder, xy, zz, order)
        kind = ir.VectorType(_FLOAT, 3 * WIDTH)
        builder.store(whole, _pointer(builder, address, kind), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, _lanes, _lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def load_triples(context, address):  # type: ignore[no-untyped-def]
    """Load x, y and z, sixteen floats each, from 48 floats x0 y0 z0 x1 y1 z1 ... at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(_FLOAT, 3 * WIDTH)
        whole = builder.load(_pointer(builder, args[0], kind), align=4)
        parts = [_shuffled(builder, whole, whole, list(range(c, 3 * WIDTH, 3))) for c in range(3)]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(_lanes, 3)(types.intp), generate  # type: ignore[no-untyped-call]


@intrinsic  # type: ignore[misc]
def transpose_tile(context, source, source_row, target, target_row):  # type: ignore[no-untyped-def]
    """Set target[k, r] = source[r, k] for sixteen rows of sixteen floats."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_row, target, target_row = args
        whole = source.type
        rows = []
        for r in range(WIDTH):
            at = builder.add(source, builder.mul(source_row, whole(r)))
            rows.append(builder.load(_pointer(builder, at, _LANES), align=4))
        for half in (1, 2, 4, 8):  # exchange the off-diagonal quarters of tiles of size 2, 4, 8, 16
            for r in range(WIDTH):
                if r & half:
                    continue
                a, b = rows[r], rows[r | half]
                upper = [k - half + WIDTH if k & half else k for k in range(WIDTH)]
                lower = [k + WIDTH if k & half else k + half for k in range(WIDTH)]
                rows[r] = _shuffled(builder, a, b, upper)
                rows[r | half] = _shuffled(builder, a, b, lower)
        for k, row in enumerate(rows):
            at = builder.add(target, builder.mul(target_row, whole(k)))
            builder.store(row, _pointer(builder, at, _LANES), align=4)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 4), generate


@intrinsic  # type: ignore[misc]
def total(context, a):  # type: ignore[no-untyped-def]
    """Sum sixteen floats, halves first."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        (rest,) = args
        width = WIDTH
        while width > 1:
            width //= 2
            low = _shuffled(builder, rest, rest, list(range(width)))
            high = _shuffled(builder, rest, rest, list(range(width, 2 * width)))
            rest = builder.fadd(low, high)
        return builder.extract_element(rest, _INT(0))

    return types.float32(_lanes), generate


@intrinsic  # type: ignore[misc]
def multiply(context, a, b):  # type: ignore[no-untyped-def]
    """Return a * b."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(*args)

    return _lanes(_lanes, _lanes), generate


@intrinsic  # type: ignore[misc]
def store_float(context, address, value):  # type: ignore[no-untyped-def]
    """Store one float at an address."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[1], _pointer(builder, args[0], _FLOAT), align=4)
        return context.get_dummy_value()

    return types.void(types.intp, types.float32), generate
