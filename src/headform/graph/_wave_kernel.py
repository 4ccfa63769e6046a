"""Compiled Chebyshev convolution (`graph._compiled`): Chebyshev terms of one item, in strips that stay in cache.

V vertices in the order of the plan, K terms, channels in blocks of 16 (`lanes`). Nothing is checked here.

Rows are taken in strips. Term k of a strip needs term k - 1 of the strips around it, and the plan's order keeps those near;
so term 0 runs ahead, term 1 follows behind it, ..., and the last term closes the strip. Every term is kept in a ring of
rows no longer than the distance between the first and the last; a closed strip is multiplied by all weights at once. A
signal is thus read once and a result written once, however many terms there are, and what lies between stays in cache.
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
    spread,
    store,
    subtract,
    where_positive,
    zeros,
)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _multiply(term, weight, result, rows, channels):
    """result[r] += term[r] @ weight, weight `channels` x 16, all by address, eight rows at a time.

    The rows past the end of an incomplete strip lie in its ring and are never read.
    """
    for r in range(0, rows, 8):
        a, y = term + r * 64, result + r * 64
        p0, p1, p2, p3 = load(y), load(y + 64), load(y + 128), load(y + 192)
        p4, p5, p6, p7 = load(y + 256), load(y + 320), load(y + 384), load(y + 448)
        for c in range(channels):
            b, w = a + 4 * c, load(weight + 64 * c)
            p0, p1 = multiply_add(spread(b), w, p0), multiply_add(spread(b + 64), w, p1)
            p2, p3 = multiply_add(spread(b + 128), w, p2), multiply_add(spread(b + 192), w, p3)
            p4, p5 = multiply_add(spread(b + 256), w, p4), multiply_add(spread(b + 320), w, p5)
            p6, p7 = multiply_add(spread(b + 384), w, p6), multiply_add(spread(b + 448), w, p7)
        store(y, p0), store(y + 64, p1), store(y + 128, p2), store(y + 192, p3)
        store(y + 256, p4), store(y + 320, p5), store(y + 384, p6), store(y + 448, p7)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _multiply_own(term, weight, own, result, rows, channels):
    """Do as `_multiply` only in the lanes where `own` is above 0, so that NaNs do not spread to other items."""
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
def _outer(term, other, total, rows):
    """total[c] += sum over rows of term[r, c] * other[r], 16 x 16, all by address."""
    t0, t1, t2, t3 = load(total), load(total + 64), load(total + 128), load(total + 192)
    t4, t5, t6, t7 = load(total + 256), load(total + 320), load(total + 384), load(total + 448)
    t8, t9, t10, t11 = load(total + 512), load(total + 576), load(total + 640), load(total + 704)
    t12, t13, t14 = load(total + 768), load(total + 832), load(total + 896)
    t15 = load(total + 960)
    for r in range(rows):
        a = term + r * 64
        s = load(other + r * 64)
        t0, t1 = multiply_add(spread(a), s, t0), multiply_add(spread(a + 4), s, t1)
        t2, t3 = multiply_add(spread(a + 8), s, t2), multiply_add(spread(a + 12), s, t3)
        t4, t5 = multiply_add(spread(a + 16), s, t4), multiply_add(spread(a + 20), s, t5)
        t6, t7 = multiply_add(spread(a + 24), s, t6), multiply_add(spread(a + 28), s, t7)
        t8, t9 = multiply_add(spread(a + 32), s, t8), multiply_add(spread(a + 36), s, t9)
        t10, t11 = multiply_add(spread(a + 40), s, t10), multiply_add(spread(a + 44), s, t11)
        t12, t13 = multiply_add(spread(a + 48), s, t12), multiply_add(spread(a + 52), s, t13)
        t14, t15 = multiply_add(spread(a + 56), s, t14), multiply_add(spread(a + 60), s, t15)
    store(total, t0), store(total + 64, t1), store(total + 128, t2), store(total + 192, t3)
    store(total + 256, t4), store(total + 320, t5), store(total + 384, t6), store(total + 448, t7)
    store(total + 512, t8), store(total + 576, t9), store(total + 640, t10), store(total + 704, t11)
    store(total + 768, t12), store(total + 832, t13), store(total + 896, t14)
    store(total + 960, t15)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _outer_narrow(term, other, total, rows, channels):
    """Do as `_outer` for the first `channels` channels alone, four at a time; total has rows for a multiple of four."""
    for c in range(0, channels, 4):
        g = total + 64 * c
        t0, t1, t2, t3 = load(g), load(g + 64), load(g + 128), load(g + 192)
        u0, u1, u2, u3 = zeros(), zeros(), zeros(), zeros()
        for r in range(0, rows - 1, 2):
            a = term + r * 64 + 4 * c
            s, z = load(other + r * 64), load(other + r * 64 + 64)
            t0, u0 = multiply_add(spread(a), s, t0), multiply_add(spread(a + 64), z, u0)
            t1, u1 = multiply_add(spread(a + 4), s, t1), multiply_add(spread(a + 68), z, u1)
            t2, u2 = multiply_add(spread(a + 8), s, t2), multiply_add(spread(a + 72), z, u2)
            t3, u3 = multiply_add(spread(a + 12), s, t3), multiply_add(spread(a + 76), z, u3)
        if rows % 2:
            a, s = term + (rows - 1) * 64 + 4 * c, load(other + (rows - 1) * 64)
            t0, t1 = multiply_add(spread(a), s, t0), multiply_add(spread(a + 4), s, t1)
            t2, t3 = multiply_add(spread(a + 8), s, t2), multiply_add(spread(a + 12), s, t3)
        store(g, add(t0, u0)), store(g + 64, add(t1, u1))
        store(g + 128, add(t2, u2)), store(g + 192, add(t3, u3))


@njit(cache=True, nogil=True)
@typing.no_type_check
def _next_term(first, last, starts, positions, values, past, before, result, twice, less, more):
    """Rows first to last of L~ past, `twice`, `less` the rows at `before`, added to the result if there is `more`.

    `before` and `result` begin at row first, `past` at the beginning of its ring.
    """
    at = int32_at(starts + 4 * first)
    for r in range(last - first):
        end = int32_at(starts + 4 * (first + r + 1))
        p, q = zeros(), zeros()
        while at < end:  # entries come in pairs
            one = load(past + int32_at(positions + 4 * at))
            two = load(past + int32_at(positions + 4 * at + 4))
            p = multiply_add(spread(values + 4 * at), one, p)
            q = multiply_add(spread(values + 4 * at + 4), two, q)
            at += 2
        p = add(p, q)
        if twice:
            p = add(p, p)
        if less:
            p = subtract(p, load(before + r * 64))
        if more:
            p = add(p, load(result + r * 64))
        store(result + r * 64, p)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _gather(source, gate, stride, width, order, rows, ring):
    """Rows `order` of a signal, 16 channels or the `width` there are, into a ring; lanes past `width` become zero.

    Where there is a `gate` (not 0), a second signal like the first, only values whose gate is above 0 pass.
    """
    for r in range(rows):
        away = int32_at(order + 4 * r) * stride
        row = source + away
        if width >= 16:
            if gate == 0:
                store(ring + r * 64, load(row))
            else:
                store(ring + r * 64, where_positive(load(gate + away), load(row), zeros()))
        else:
            store(ring + r * 64, zeros())
            for c in range(width):
                if gate == 0 or float_at(gate + away + 4 * c) > 0:
                    copy_float(row + 4 * c, ring + r * 64 + 4 * c)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _gather_items(source, item_bytes, items, width, order, rows, ring):
    """Rows `order` of several narrow signals side by side into the lanes of a ring."""
    for r in range(rows):
        store(ring + r * 64, zeros())
        row = source + int32_at(order + 4 * r) * 4 * width
        for item in range(items):
            for c in range(width):
                copy_float(row + item * item_bytes + 4 * c, ring + r * 64 + 4 * (item * width + c))


@njit(cache=True, nogil=True)
@typing.no_type_check
def _scatter(ring, rows, order, target, stride, width):
    for r in range(rows):
        row = target + int32_at(order + 4 * r) * stride
        if width >= 16:
            store(row, load(ring + r * 64))
        else:
            for c in range(width):
                copy_float(ring + r * 64 + 4 * c, row + 4 * c)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _sum_rows(rows_at, rows, total):
    p = load(total)
    for r in range(rows):
        p = add(p, load(rows_at + r * 64))
    store(total, p)


@njit(cache=True, nogil=True)
@typing.no_type_check
def wave(
    signal, signal_gate, channels, items, first_block, last_block, weight, result, results, bias, clip,
    other, other_gate, others, outer, signal_sums, other_sums, terms, count, strip, ring,
    order, starts, positions, values, reach, scratch, fronts, goals,
):  # fmt: skip
    """Chebyshev terms of some channel blocks of one item, or of a few narrow items at once, multiplied and summed.

    Args:
        signal: address of (items, V, channels) float32.
        signal_gate: address of as many floats, where only values with a gate above 0 count; 0 for none; for 1 item.
        channels: channels of the signal.
        items: 1, or several with items * channels <= 16: they then share the lanes.
        first_block: first block of 16 channels to take.
        last_block: one past the last.
        weight: address of (blocks of signal, K, blocks of result, 16, 16), padded with zeros.
        result: address of (items, V, results); 0 for none.
        results: channels of the result.
        bias: address of (blocks of result * 16) that the result starts from.
        clip: whether the result is clipped at 0 after the last block.
        other: address of a second signal (items, V, others) for the sums of outer products; 0 for none.
        other_gate: as `signal_gate`, for any number of items.
        others: its channels.
        outer: address of (blocks of signal, K, blocks of other, 16, 16), added to: term[v, c] * other[v, :].
        signal_sums: address of (blocks of signal, 16), added to: the lanes summed over the vertices; with `other` alone.
        other_sums: address of (blocks of other, 16), likewise.
        terms: K.
        count: V.
        strip: rows per strip.
        ring: rows per ring, a multiple of `strip`.
        order: address of (V,) int32, the vertex in each row.
        starts: address of (V + 1,) int32, first entry of each row.
        positions: address of int32, byte of each entry's row in its ring.
        values: address of float32 entries.
        reach: (strips,) int32, one past the last strip that any strip up to this one has entries in.
        scratch: address of K rings, each 192 bytes longer than `ring` rows, and one strip.
        fronts: (K,) int64, scratch: strips that are done, per term.
        goals: (K,) int64, scratch: strips that must be done, per term.
    """
    ring_bytes = ring * 64 + 192  # offset, so that rings do not compete for the same cache sets
    here = scratch + terms * ring_bytes
    result_blocks, other_blocks = (results + 15) // 16, (others + 15) // 16
    strips = (count + strip - 1) // strip
    for block in range(first_block, last_block):
        width = min(16, channels - block * 16)
        for k in range(terms):
            fronts[k] = 0
        for s in range(strips):
            goals[terms - 1] = s + 1
            for back in range(1, terms):
                goals[terms - 1 - back] = reach[goals[terms - back] - 1]
            for k in range(terms):
                for t in range(fronts[k], goals[k]):
                    first = t * strip
                    last = min(first + strip, count)
                    place = (first % ring) * 64
                    at = scratch + k * ring_bytes + place
                    if k > 0:
                        _next_term(
                            first, last, starts, positions, values,
                            scratch + (k - 1) * ring_bytes,
                            scratch + (k - 2) * ring_bytes + place, at, k > 1, k > 1, False,
                        )  # fmt: skip
                    elif items > 1:
                        _gather_items(
                            signal, count * channels * 4, items, channels,
                            order + 4 * first, last - first, at,
                        )  # fmt: skip
                    else:
                        gate = signal_gate
                        if gate != 0:
                            gate += block * 64
                        _gather(
                            signal + block * 64, gate, channels * 4, width,
                            order + 4 * first, last - first, at,
                        )  # fmt: skip
                fronts[k] = max(fronts[k], goals[k])
            first = s * strip
            rows = min(strip, count - first)
            at = scratch + (first % ring) * 64
            if other != 0:
                _sum_rows(at, rows, signal_sums + block * 64)
            for item in range(items):
                lane = at + item * channels * 4
                for o in range(result_blocks):
                    target = result + item * count * results * 4 + o * 64
                    if block == first_block:
                        start = load(bias + o * 64)
                        for r in range(strip):
                            store(here + r * 64, start)
                    else:
                        width_left = results - o * 16
                        _gather(target, 0, results * 4, width_left, order + 4 * first, rows, here)
                    for k in range(terms):
                        w = weight + ((block * terms + k) * result_blocks + o) * 1024
                        _multiply(lane + k * ring_bytes, w, here, rows, width)
                    if clip and block == last_block - 1:
                        for r in range(rows):
                            store(here + r * 64, positive_part(load(here + r * 64)))
                    _scatter(here, rows, order + 4 * first, target, results * 4, results - o * 16)
                for o in range(other_blocks):
                    away = item * count * others * 4 + o * 64
                    gate = other_gate
                    if gate != 0:
                        gate += away
                    width_left = others - o * 16
                    _gather(other + away, gate, others * 4, width_left, order + 4 * first, rows, here)
                    for k in range(terms):
                        g = outer + ((block * terms + k) * other_blocks + o) * 1024
                        if width > 8:
                            _outer(lane + k * ring_bytes, here, g, rows)
                        else:
                            _outer_narrow(lane + k * ring_bytes, here, g, rows, width)
                    if block == first_block:
                        _sum_rows(here, rows, other_sums + o * 64)


@njit(cache=True, nogil=True)
@typing.no_type_check
def wave_reversed(
    signal, channels, items, weight, own, result, results, bias, terms, count, strip, ring,
    order, starts, positions, values, reach, scratch, fronts, goals,
):  # fmt: skip
    """Products with all weights first, then Clenshaw's recurrence over the few channels of the result.

    b_k = x W_k + 2 L~ b_(k+1) - b_(k+2) from the last term down, and the result is x W_0 + L~ b_1 - b_2. The ring numbered
    0 belongs to the last term.

    Args:
        signal: address of (items, V, channels) float32.
        channels: channels of the signal.
        items: with items * results <= 16: they share the lanes.
        weight: address of (items, K, blocks of signal * 16, 16), each item's at its own lanes.
        own: address of (items, 16), 1 at each item's own lanes and 0 elsewhere.
        result: address of (items, V, results).
        results: channels of the result.
        bias: address of 16 that the result starts from.
        terms: K.
        count: V.
        strip: rows per strip.
        ring: rows per ring.
        order: as in `wave`.
        starts: as in `wave`.
        positions: as in `wave`.
        values: as in `wave`.
        reach: as in `wave`.
        scratch: as in `wave`.
        fronts: as in `wave`.
        goals: as in `wave`.
    """
    ring_bytes = ring * 64 + 192
    here = scratch + terms * ring_bytes
    blocks = (channels + 15) // 16
    strips = (count + strip - 1) // strip
    for k in range(terms):
        fronts[k] = 0
    for s in range(strips):
        goals[terms - 1] = s + 1
        for back in range(1, terms):
            goals[terms - 1 - back] = reach[goals[terms - back] - 1]
        for t in range(fronts[0], goals[0]):
            first = t * strip
            rows = min(strip, count - first)
            place = scratch + (first % ring) * 64
            for j in range(terms):
                start = zeros()
                if j == terms - 1:
                    start = load(bias)
                for r in range(strip):
                    store(place + j * ring_bytes + r * 64, start)
            for item in range(items):
                for block in range(blocks):
                    width = min(16, channels - block * 16)
                    source = signal + item * count * channels * 4 + block * 64
                    _gather(source, 0, channels * 4, width, order + 4 * first, rows, here)
                    for j in range(terms):
                        w = weight + ((item * terms + terms - 1 - j) * blocks + block) * 1024
                        _multiply_own(here, w, own + item * 64, place + j * ring_bytes, rows, width)
        fronts[0] = max(fronts[0], goals[0])
        for j in range(1, terms):
            for t in range(fronts[j], goals[j]):
                first = t * strip
                last = min(first + strip, count)
                at = scratch + j * ring_bytes + (first % ring) * 64
                _next_term(
                    first, last, starts, positions, values, scratch + (j - 1) * ring_bytes,
                    at - 2 * ring_bytes, at, j < terms - 1, j > 1, True,
                )  # fmt: skip
            fronts[j] = max(fronts[j], goals[j])
        first = s * strip
        rows = min(strip, count - first)
        at = scratch + (terms - 1) * ring_bytes + (first % ring) * 64
        for item in range(items):
            target = result + item * count * results * 4
            _scatter(at + 4 * item * results, rows, order + 4 * first, target, results * 4, results)
