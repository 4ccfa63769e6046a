"""Rows of sixteen floats summed in registers (`kernels.simd`): rows of a sparse operator and of matrix products together.

Addresses are integers; strides are in bytes. Nothing here checks them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from headform.kernels.simd import _FLOAT, _LANES, BYTES, WIDTH, _pointer
from headform.kernels.simd_tiles import _everywhere, _fused

_WIDE_VECTORS = "+avx512f" in cpu_target.target_context.codegen().magic_tuple()[2]  # type: ignore[no-untyped-call]
ROWS = 8 if _WIDE_VECTORS else 4
"""Rows of sixteen sums that stay in registers: eight registers of AVX-512's 32, or eight of AVX2's sixteen, beside the
operands of a product. As many as hide the latency of a multiplication with an addition; twice as many would spill."""
_STEPS_PER_ENTRY = 2
"""Steps of a matrix product between two entries of a sparse row: the former wait for arithmetic, the latter for memory."""
_PLACE = ir.IntType(32)


class _Sums:
    """Sums of some rows of sixteen floats in code that is being built."""

    def __init__(self, builder: Any, rows: int) -> None:
        self._builder, self._add = builder, _fused(builder)
        self.cells = [cgutils.alloca_once(builder, _LANES) for _ in range(rows)]  # type: ignore[no-untyped-call]

    def set(self, row: int, value: Any) -> None:
        self._builder.store(value, self.cells[row])

    def add_product(self, row: int, factor: Any, value: Any) -> None:
        self.set(row, self._builder.call(self._add, [factor, value, self._builder.load(self.cells[row])]))

    def store(self, out: Any) -> None:
        for r, cell in enumerate(self.cells):
            at = self._builder.add(out, out.type(r * BYTES))
            self._builder.store(self._builder.load(cell), _pointer(self._builder, at, _LANES), align=4)


def _sixteen(builder: Any, address: Any, away: int = 0) -> Any:
    return builder.load(_pointer(builder, builder.add(address, address.type(away)), _LANES), align=4)


def _spread(builder: Any, address: Any, away: int = 0) -> Any:
    at = _pointer(builder, builder.add(address, address.type(away)), _FLOAT)
    return _everywhere(builder, builder.load(at, align=4))


@contextmanager
def _repeat(builder: Any, first: Any, count: Any) -> Iterator[Any]:
    """Build a loop over first, ..., first + count - 1."""
    with cgutils.for_range(builder, count) as loop:  # type: ignore[no-untyped-call]
        yield builder.add(loop.index, first)


def recurrence_of(*, less: bool, more: bool, product: bool) -> Callable[..., None]:
    """Build an operation for compiled code: `ROWS` rows of a three-term recurrence of a sparse operator.

    ``rows(entries, places, values, past, before, x, x_row, steps, weight, out)`` does, for r < `ROWS` and sixteen columns,

        out[r] = sum over e < entries of values[e, r] * past[places[e, r]] - before[r] + out[r]
                 + sum over s < steps of x[r, s] weight[s],

    in float32; `places` are int32, in bytes from `past`, and never negative.

    Args:
        less: True to subtract `before`.
        more: True to add the result to what `out` holds.
        product: True for the last sum. `x` has `x_row` bytes from row to row, `weight` sixteen floats a row.
    """

    @intrinsic  # type: ignore[misc]
    def rows(context, entries, places, values, past, before, x, x_row, steps, weight, out):  # type: ignore[no-untyped-def]
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            entries, places, values, past, before, x, x_row, steps, weight, out = args
            whole, sums = entries.type, _Sums(builder, ROWS)

            def add_entry(e: Any) -> None:
                away = builder.mul(e, whole(4 * ROWS))
                here, factors = builder.add(places, away), builder.add(values, away)
                pairs = [_pair(builder, here, 4 * r) for r in range(0, ROWS, 2)]
                for r, place in enumerate(place for pair in pairs for place in pair):
                    sums.add_product(r, _spread(builder, factors, 4 * r), _sixteen(builder, builder.add(past, place)))

            lefts = [builder.add(x, builder.mul(x_row, whole(r))) for r in range(ROWS)]

            def add_step(s: Any) -> None:
                right = _sixteen(builder, builder.add(weight, builder.mul(s, whole(BYTES))))
                for r, left in enumerate(lefts):
                    sums.add_product(r, _spread(builder, builder.add(left, builder.mul(s, whole(4)))), right)

            for r in range(ROWS):
                first = _sixteen(builder, out, r * BYTES) if more else ir.Constant(_LANES, [0.0] * WIDTH)
                if less:
                    first = builder.fsub(first, _sixteen(builder, before, r * BYTES))
                sums.set(r, first)
            nothing = whole(0)
            if not product:
                with _repeat(builder, nothing, entries) as e:
                    add_entry(e)
                sums.store(out)
                return context.get_dummy_value()
            most = builder.sdiv(steps, whole(_STEPS_PER_ENTRY))
            together = builder.select(builder.icmp_signed("<", entries, most), entries, most)
            with _repeat(builder, nothing, together) as e:
                add_entry(e)
                for s in range(_STEPS_PER_ENTRY):
                    add_step(builder.add(builder.mul(e, whole(_STEPS_PER_ENTRY)), whole(s)))
            with _repeat(builder, together, builder.sub(entries, together)) as e:
                add_entry(e)
            done = builder.mul(together, whole(_STEPS_PER_ENTRY))
            with _repeat(builder, done, builder.sub(steps, done)) as s:
                add_step(s)
            sums.store(out)
            return context.get_dummy_value()

        return types.void(*[types.intp] * 10), generate

    return rows  # type: ignore[no-any-return]


def _pair(builder: Any, address: Any, away: int) -> tuple[Any, Any]:
    """Load two int32 that are not negative, as int64, at once: loads are what entries wait for."""
    kind = ir.VectorType(_PLACE, 2)
    two = builder.load(_pointer(builder, builder.add(address, address.type(away)), kind), align=4)
    both = builder.bitcast(two, address.type)
    return builder.and_(both, address.type(0xFFFFFFFF)), builder.lshr(both, address.type(32))


@intrinsic  # type: ignore[misc]
def products(context, terms, a, a_term, b, b_term, steps, start, start_row, out):  # type: ignore[no-untyped-def]
    """Sum several matrix products of `ROWS` rows by sixteen columns, one per term.

    Sets out[r] = start[r] + sum over t < terms and s < steps of a[t, r, s] b[t, s], in float32; rows of a, b and out have
    sixteen floats, `a_term` and `b_term` are bytes from term to term, `start_row` those from row to row of the start.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        terms, a, a_term, b, b_term, steps, start, start_row, out = args
        whole, sums = terms.type, _Sums(builder, ROWS)
        for r in range(ROWS):
            sums.set(r, _sixteen(builder, builder.add(start, builder.mul(start_row, whole(r)))))
        with _repeat(builder, whole(0), terms) as t:
            left, right = builder.add(a, builder.mul(t, a_term)), builder.add(b, builder.mul(t, b_term))
            with _repeat(builder, whole(0), steps) as s:
                value = _sixteen(builder, builder.add(right, builder.mul(s, whole(BYTES))))
                factors = builder.add(left, builder.mul(s, whole(4)))
                for r in range(ROWS):
                    sums.add_product(r, _spread(builder, factors, r * BYTES), value)
        sums.store(out)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 9), generate
