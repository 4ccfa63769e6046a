"""Compiled Chebyshev convolution (`graph._compiled`): Chebyshev terms of one item, in strips that stay in cache.

V vertices in the order of the plan, K terms, channels in blocks of 16 (`lanes`). Nothing is checked here.

Rows are taken in strips. Term k of a strip needs term k - 1 of the strips around it, and the plan's order keeps those near;
so term 0 runs ahead, term 1 follows behind it, ..., and the last term closes the strip. Every term is kept in a ring of
rows no longer than the distance between the first and the last; a closed strip is multiplied by all weights at once. A
signal is thus read once and a result written once, however many terms there are, and what lies between stays in cache.
"""

import typing

from headform.graph._strip_steps import gather, gather_items, is_next, multiply, next_term, outer, scatter, sum_rows
from headform.kernels.jit import njit
from headform.kernels.simd import store, zeros


@njit(cache=True, nogil=True)
@typing.no_type_check
def wave(
    signal, signal_gate, channels, items, first_block, last_block, weight, result, results, bias, clip,
    other, other_gate, others, outer_sums, signal_sums, other_sums, terms, count, strip, ring,
    order, starts, places, values, doubled, reach, scratch, fronts,
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
        bias: address of (blocks of result * 16) added to the result after the last block.
        clip: whether the result is clipped at 0 after the last block.
        other: address of a second signal (items, V, others) for the sums of outer products; 0 for none.
        other_gate: as `signal_gate`, for any number of items.
        others: its channels.
        outer_sums: address of (blocks of signal, K, blocks of other, 16, 16), added to: term[v, c] * other[v, :].
        signal_sums: address of (blocks of signal, 16), added to: the lanes summed over the vertices; with `other` alone.
        other_sums: address of (blocks of other, 16), likewise.
        terms: K.
        count: V.
        strip: rows per strip.
        ring: rows per ring, a multiple of `strip`.
        order: address of (V,) int32, the vertex in each row.
        starts: address of `WavePlan.starts`.
        places: address of `WavePlan.places`.
        values: address of `WavePlan.values`.
        doubled: address of `WavePlan.doubled`.
        reach: address of `WavePlan.reach`.
        scratch: address of K rings, each 192 bytes longer than `ring` rows, one strip and one row.
        fronts: (K,) int64, scratch: strips that are done, per term.
    """
    ring_bytes = ring * 64 + 192  # offset, so that rings do not compete for the same cache sets
    here = scratch + terms * ring_bytes
    blank = here + strip * 64
    store(blank, zeros())
    result_blocks, other_blocks = (results + 15) // 16, (others + 15) // 16
    strips = (count + strip - 1) // strip
    for block in range(first_block, last_block):
        width = min(16, channels - block * 16)
        for k in range(terms):
            fronts[k] = 0
        for front in range(1, strips + 1):
            for k in range(terms):
                while is_next(k, front, fronts, strips, reach):
                    first = fronts[k] * strip
                    last = min(first + strip, count)
                    rows = order + 4 * first
                    at = scratch + k * ring_bytes + (first % ring) * 64
                    if k > 0:
                        coming = signal + block * 64, channels * 4, 0, order + 4 * fronts[0] * strip
                        leaving = result, results * 4, 0, rows
                        if items == 1 and k == 1:
                            coming = signal + block * 64, channels * 4, width * 4, order + 4 * fronts[0] * strip
                        if items == 1 and k == terms - 1:
                            coming = other, others * 4, others * 4, rows
                            leaving = result, results * 4, results * 4, rows
                        next_term(
                            first, last, starts, places, doubled if k > 1 else values,
                            scratch + (k - 1) * ring_bytes, at - 2 * ring_bytes, at, k > 1, False, coming, leaving,
                        )  # fmt: skip
                    elif items > 1:
                        gather_items(signal, count * channels * 4, items, channels, rows, last - first, at)
                    else:
                        gate = signal_gate
                        if gate != 0:
                            gate += block * 64
                        gather(signal + block * 64, gate, channels * 4, width, rows, last - first, at, 64)
                    fronts[k] += 1
                    if k == terms - 1:
                        at = scratch + (first % ring) * 64
                        starting, ending = block == first_block, block == last_block - 1
                        if other != 0:
                            sum_rows(at, last - first, signal_sums + block * 64)
                        for item in range(items):
                            lane = at + item * channels * 4
                            w = weight + block * terms * result_blocks * 1024
                            for o in range(result_blocks):
                                target = result + item * count * results * 4 + o * 64
                                start, start_row = blank, 0
                                if not starting:
                                    gather(target, 0, results * 4, results - o * 16, rows, last - first, here, 64)
                                    start, start_row = here, 64
                                multiply(
                                    terms, lane, ring_bytes, w + o * 1024, result_blocks * 1024, width,
                                    start, start_row, here, last - first,
                                )  # fmt: skip
                                scatter(
                                    here, last - first, rows, target, results * 4, results - o * 16,
                                    bias + o * 64 if ending else blank, clip and ending,
                                )  # fmt: skip
                            for o in range(other_blocks):
                                away = item * count * others * 4 + o * 64
                                gate = other_gate
                                if gate != 0:
                                    gate += away
                                gather(
                                    other + away, gate, others * 4, others - o * 16, rows, last - first, here, 64
                                )  # fmt: skip
                                for j in range(terms):
                                    g = outer_sums + ((block * terms + j) * other_blocks + o) * 1024
                                    outer(lane + j * ring_bytes, here, g, last - first, width)
                                if starting:
                                    sum_rows(here, last - first, other_sums + o * 64)
