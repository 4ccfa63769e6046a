"""Compiled Chebyshev convolution by Clenshaw's recurrence (1955), over the channels of the result, in strips as in `wave`.

    b_k = x W_k + 2 L~ b_(k+1) - b_(k+2) from the last term down, and the result is x W_0 + L~ b_1 - b_2 + bias.

The ring numbered 0 belongs to the last term. Each b_k is needed only until the two after it are there, so rings are shorter
than those of `graph._wave_kernel`, which keep every term to the end. Nothing is checked here.
"""

import typing

from headform.graph._strip_steps import gather, is_next, multiply_own, next_sum, next_term, scatter
from headform.kernels.jit import njit
from headform.kernels.simd import add, load, positive_part, store, zeros


@njit(cache=True, nogil=True)
@typing.no_type_check
def clenshaw(
    signal, channels, first_block, last_block, weight, result, results, bias, clip, terms, count, strip,
    ring, short_ring, order, starts, places, values, doubled, reach, scratch, fronts,
):  # fmt: skip
    """Convolve one item to some blocks of 16 channels of the result: sparse and dense sums in the same registers.

    Args:
        signal: address of (V, channels) float32.
        channels: channels of the signal.
        first_block: first block of 16 channels of the result to take.
        last_block: one past the last.
        weight: address of (blocks of result, K, channels, 16), padded with zeros.
        result: address of (V, results).
        results: channels of the result.
        bias: address of (blocks of result * 16).
        clip: whether the result is clipped at 0.
        terms: K.
        count: V.
        strip: rows per strip.
        ring: rows of the ring of the signal, a multiple of `strip`.
        short_ring: rows of the ring of each b_k, a multiple of `strip`.
        order: as in `wave`.
        starts: as in `wave`.
        places: address of `WavePlan.short_places`.
        values: as in `wave`.
        doubled: as in `wave`.
        reach: as in `wave`.
        scratch: address of K short rings, each 192 bytes longer than its rows; one strip and one row; then the ring of the
            signal, whose rows have its channels, filled up to blocks of 16.
        fronts: as in `wave`.
    """
    ring_bytes = short_ring * 64 + 192
    here = scratch + terms * ring_bytes
    copies = here + (strip + 1) * 64
    row = (channels + 15) // 16 * 64
    strips = (count + strip - 1) // strip
    for block in range(first_block, last_block):
        for k in range(terms):
            fronts[k] = 0
        for front in range(1, strips + 1):
            for j in range(terms):
                w = weight + (block * terms + terms - 1 - j) * channels * 64
                entries = doubled if j < terms - 1 else values
                while is_next(j, front, fronts, strips, reach):
                    first = fronts[j] * strip
                    last = min(first + strip, count)
                    rows = order + 4 * first
                    copy = copies + (first % ring) * row
                    ahead = signal, 4 * channels, 0, rows
                    if j == 0:
                        for c in range(0, channels, 16):
                            gather(
                                signal + 4 * c, 0, 4 * channels, channels - c, rows,
                                last - first, copy + 4 * c, row,
                            )  # fmt: skip
                        ahead = signal, 4 * channels, 4 * channels, rows + 4 * strip
                    at = scratch + j * ring_bytes + (first % short_ring) * 64
                    before = at - 2 * ring_bytes
                    if j == terms - 1:
                        at = here
                        ahead = result + block * 64, 4 * results, 64, rows
                    next_sum(
                        first, last, starts, places, entries, scratch + (j - 1) * ring_bytes, before,
                        copy, row, channels, w, at, j > 0, j > 1, ahead,
                    )  # fmt: skip
                    if j == terms - 1:
                        scatter(
                            here, last - first, rows, result + block * 64, results * 4,
                            results - block * 16, bias + block * 64, clip,
                        )  # fmt: skip
                    fronts[j] += 1


@njit(cache=True, nogil=True)
@typing.no_type_check
def clenshaw_shared(
    signal, channels, items, weight, own, result, results, bias, clip, terms, count, strip, ring,
    order, starts, places, values, doubled, reach, scratch, fronts,
):  # fmt: skip
    """Convolve several items to few channels, which share the lanes: all products first, then the recurrence.

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
        bias: address of 16 added to the result.
        clip: whether the result is clipped at 0.
        terms: K.
        count: V.
        strip: rows per strip.
        ring: rows per ring.
        order: as in `wave`.
        starts: as in `wave`.
        places: as in `wave`.
        values: as in `wave`.
        doubled: as in `wave`.
        reach: as in `wave`.
        scratch: as in `wave`.
        fronts: as in `wave`.
    """
    ring_bytes = ring * 64 + 192
    here = scratch + terms * ring_bytes
    blank = here + strip * 64
    store(blank, zeros())
    blocks = (channels + 15) // 16
    strips = (count + strip - 1) // strip
    for k in range(terms):
        fronts[k] = 0
    for front in range(1, strips + 1):
        for j in range(terms):
            entries = doubled if j < terms - 1 else values
            while is_next(j, front, fronts, strips, reach):
                first = fronts[j] * strip
                last = min(first + strip, count)
                rows = order + 4 * first
                at = scratch + j * ring_bytes + (first % ring) * 64
                if j == 0:
                    for k in range(terms):
                        for r in range(strip):
                            store(at + k * ring_bytes + r * 64, zeros())
                    for item in range(items):
                        for block in range(blocks):
                            width = min(16, channels - block * 16)
                            source = signal + item * count * channels * 4 + block * 64
                            gather(source, 0, channels * 4, width, rows, last - first, here, 64)
                            for k in range(terms):
                                w = weight + ((item * terms + terms - 1 - k) * blocks + block) * 1024
                                multiply_own(here, w, own + item * 64, at + k * ring_bytes, last - first, width)
                else:
                    nothing = signal, 0, 0, rows
                    next_term(
                        first, last, starts, places, entries, scratch + (j - 1) * ring_bytes,
                        at - 2 * ring_bytes, at, j > 1, True, nothing, nothing,
                    )  # fmt: skip
                fronts[j] += 1
                if j == terms - 1:
                    for r in range(last - first):
                        p = add(load(at + r * 64), load(bias))
                        if clip:
                            p = positive_part(p)
                        store(at + r * 64, p)
                    for item in range(items):
                        target = result + item * count * results * 4
                        lane = at + 4 * item * results
                        scatter(lane, last - first, rows, target, results * 4, results, blank, False)
