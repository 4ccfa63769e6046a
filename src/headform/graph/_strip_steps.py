"""Steps of the compiled Chebyshev convolution on one strip of rows: copies, recurrences, products, sums.

Rows have sixteen floats (`lanes`). Nothing here is checked.
"""

import typing

from headform.kernels.jit import njit
from headform.kernels.simd import (
    add,
    copy_float,
    float_at,
    int32_at,
    load,
    multiply_add,
    positive_part,
    prefetch,
    spread,
    store,
    where_positive,
    zeros,
)
from headform.kernels.simd_rows import ROWS, products, recurrence_of
from headform.kernels.simd_tiles import product_of

_first = recurrence_of(less=False, more=False, product=False)
_later = recurrence_of(less=True, more=False, product=False)
_first_added = recurrence_of(less=False, more=True, product=False)
_later_added = recurrence_of(less=True, more=True, product=False)
_first_with_product = recurrence_of(less=False, more=False, product=True)
_later_with_product = recurrence_of(less=True, more=False, product=True)
_outer_rows = product_of(ROWS, 1, 4, 64, 64)


@njit(cache=True, nogil=True)
@typing.no_type_check
def is_next(k, front, fronts, strips, reach):
    """Return whether term k is due for its next strip: the strips around it are done in the term before, or `front` is not.

    Args:
        k: the term, numbered in the order of computation.
        front: strips to do of the first term.
        fronts: (K,) strips that are done, by term.
        strips: number of strips.
        reach: address of `WavePlan.reach`.
    """
    if k == 0:
        return fronts[0] < front
    return fronts[k] < strips and int32_at(reach + 4 * fronts[k]) <= fronts[k - 1]


@njit(cache=True, nogil=True)
@typing.no_type_check
def prefetch_rows(ahead, first):
    """Begin to load `ROWS` rows of a signal from `first` on: its address, bytes a row, bytes of each to load, the order."""
    source, stride, width, order = ahead
    for r in range(first, first + ROWS):
        row = source + int32_at(order + 4 * r) * stride
        for away in range(0, width, 64):
            prefetch(row + away)


@njit(cache=True, nogil=True)
@typing.no_type_check
def next_term(first, last, starts, places, values, past, before, result, less, more, coming, leaving):
    """Rows first to last of L~ past, `less` the rows at `before`, added to the result if there is `more`.

    `before` and `result` begin at row first, a multiple of `ROWS`; `past` at the beginning of its ring. The rows past the
    end of an incomplete group lie in their ring and are never read. Rows of two signals that are needed soon are loaded
    meanwhile (`prefetch_rows`): their way from memory takes longer than the arithmetic of a row.
    """
    at = int32_at(starts + 4 * (first // ROWS))
    for r in range(first, last, ROWS):
        end = int32_at(starts + 4 * (r // ROWS + 1))
        p, v = places + 4 * ROWS * at, values + 4 * ROWS * at
        y, b = result + (r - first) * 64, before + (r - first) * 64
        prefetch_rows(coming, r - first)
        prefetch_rows(leaving, r - first)
        if more:
            if less:
                _later_added(end - at, p, v, past, b, 0, 0, 0, 0, y)
            else:
                _first_added(end - at, p, v, past, b, 0, 0, 0, 0, y)
        elif less:
            _later(end - at, p, v, past, b, 0, 0, 0, 0, y)
        else:
            _first(end - at, p, v, past, b, 0, 0, 0, 0, y)
        at = end


@njit(cache=True, nogil=True)
@typing.no_type_check
def next_sum(first, last, starts, places, values, past, before, x, x_row, channels, weight, result, links, less, ahead):
    """Do as `next_term`, without L~ past unless there are `links`, and add x @ weight, weight `channels` x 16."""
    at = int32_at(starts + 4 * (first // ROWS))
    for r in range(first, last, ROWS):
        end = int32_at(starts + 4 * (r // ROWS + 1))
        p, v = places + 4 * ROWS * at, values + 4 * ROWS * at
        y, b, a = result + (r - first) * 64, before + (r - first) * 64, x + (r - first) * x_row
        prefetch_rows(ahead, r - first)
        if less:
            _later_with_product(end - at, p, v, past, b, a, x_row, channels, weight, y)
        else:
            _first_with_product((end - at) * links, p, v, past, b, a, x_row, channels, weight, y)
        at = end


@njit(cache=True, nogil=True)
@typing.no_type_check
def multiply(terms, term, term_bytes, weight, weight_bytes, channels, start, start_row, result, rows):
    """Set result[r] = start[r] + sum over the terms of term[r] @ weight, weight `channels` x 16, all by address."""
    for r in range(0, rows, ROWS):
        products(
            terms, term + r * 64, term_bytes, weight, weight_bytes, channels,
            start + r * start_row, start_row, result + r * 64,
        )  # fmt: skip


@njit(cache=True, nogil=True)
@typing.no_type_check
def multiply_own(term, weight, own, result, rows, channels):
    """Add term @ weight to the result where `own` is above 0 alone, so that a NaN does not spread to other items."""
    lanes = load(own)
    for r in range(0, rows, 4):
        a, y = term + r * 64, result + r * 64
        p0, p1, p2, p3 = load(y), load(y + 64), load(y + 128), load(y + 192)
        q0, q1, q2, q3 = p0, p1, p2, p3
        for c in range(channels):
            b, w = a + 4 * c, load(weight + 64 * c)
            q0, q1 = multiply_add(spread(b), w, q0), multiply_add(spread(b + 64), w, q1)
            q2, q3 = multiply_add(spread(b + 128), w, q2), multiply_add(spread(b + 192), w, q3)
        store(y, where_positive(lanes, q0, p0)), store(y + 64, where_positive(lanes, q1, p1))
        store(y + 128, where_positive(lanes, q2, p2)), store(y + 192, where_positive(lanes, q3, p3))


@njit(cache=True, nogil=True)
@typing.no_type_check
def outer(term, other, total, rows, channels):
    """total[c] += sum over rows of term[r, c] * other[r], c < channels, all by address.

    Up to `ROWS` - 1 channels more are summed, into the rows of `total` past `channels`, of which there are sixteen.
    """
    for c in range(0, channels, ROWS):
        g = total + 64 * c
        _outer_rows(term + 4 * c, other, rows, g, 64, g, 64)


@njit(cache=True, nogil=True)
@typing.no_type_check
def gather(source, gate, stride, width, order, rows, target, target_stride):
    """Copy rows `order` of a signal, 16 channels or the `width` there are; lanes past `width` become zero.

    Where there is a `gate` (not 0), a second signal like the first, only values whose gate is above 0 pass.
    """
    for r in range(rows):
        away = int32_at(order + 4 * r) * stride
        row, copy = source + away, target + r * target_stride
        if width >= 16:
            if gate == 0:
                store(copy, load(row))
            else:
                store(copy, where_positive(load(gate + away), load(row), zeros()))
        else:
            store(copy, zeros())
            for c in range(width):
                if gate == 0 or float_at(gate + away + 4 * c) > 0:
                    copy_float(row + 4 * c, copy + 4 * c)


@njit(cache=True, nogil=True)
@typing.no_type_check
def gather_items(source, item_bytes, items, width, order, rows, ring):
    """Rows `order` of several narrow signals side by side into the lanes of a ring."""
    for r in range(rows):
        store(ring + r * 64, zeros())
        row = source + int32_at(order + 4 * r) * 4 * width
        for item in range(items):
            for c in range(width):
                copy_float(row + item * item_bytes + 4 * c, ring + r * 64 + 4 * (item * width + c))


@njit(cache=True, nogil=True)
@typing.no_type_check
def scatter(rows_at, rows, order, target, stride, width, bias, clip):
    """Add a bias (16 floats, by address) to rows, `clip` them at 0, and copy 16 channels or the `width` there are."""
    offset = load(bias)
    for r in range(rows):
        here, row = rows_at + r * 64, target + int32_at(order + 4 * r) * stride
        p = add(load(here), offset)
        if clip:
            p = positive_part(p)
        if width >= 16:
            store(row, p)
        else:
            store(here, p)
            for c in range(width):
                copy_float(here + 4 * c, row + 4 * c)


@njit(cache=True, nogil=True)
@typing.no_type_check
def sum_rows(rows_at, rows, total):
    p = load(total)
    for r in range(rows):
        p = add(p, load(rows_at + r * 64))
    store(total, p)
