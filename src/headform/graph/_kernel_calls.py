"""Calls of the compiled convolution on every item of a batch, on all threads (`graph._wave_kernel`, `_clenshaw_kernel`).

B items, V vertices, C channels in, D channels out, E channels of another signal, K terms, P and Q blocks of channels.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from headform.graph._clenshaw_kernel import clenshaw, clenshaw_shared
from headform.graph._wave_kernel import wave
from headform.graph._wave_plan import STRIP, WavePlan
from headform.kernels.simd import BYTES, WIDTH
from headform.kernels.threads import run_all

NARROW = 5
"""Channels, up to which several items share the lanes."""
_FEW = 4
"""Items, up to which the channel blocks of an item are tasks of their own."""
_SPACER = 192
"""Bytes between two rings, so that they do not compete for the same cache sets."""


def run_wave(
    plan: WavePlan,
    signal: Float32[np.ndarray, "B V C"],
    result: Float32[np.ndarray, "B V D"] | None,
    weight: Float32[np.ndarray, "..."],
    start: Float32[np.ndarray, " D16"],
    other: Float32[np.ndarray, "B V E"] | None = None,
    *,
    clip: bool = False,
    signal_gate: Float32[np.ndarray, "B V C"] | None = None,
    other_gate: Float32[np.ndarray, "B V E"] | None = None,
) -> tuple[Float32[np.ndarray, "P K Q 16 16"], Float32[np.ndarray, " C16"], Float32[np.ndarray, " E16"]]:
    """Run the kernel on every item; fills `result`.

    The partition of the work depends on its shape alone, never on the number of threads, and partial sums are added in the
    order of the items, so the results do not depend on the threads.

    Returns:
        Sums over items and vertices, empty without `other`: term[c] * other[e] in blocks; the signal; `other`.
    """
    items, _, channels = signal.shape
    blocks = blocks_of(channels)
    group = _group(items, channels)
    cuts = blocks if items <= _FEW and blocks > 1 else 1
    results = 0 if result is None else result.shape[2]
    others = 0 if other is None else other.shape[2]
    parts = None
    if result is not None and cuts > 1:
        parts = np.empty((cuts, *result.shape), np.float32)
    groups = -(-items // group)
    outer = np.zeros((groups, blocks, plan.terms, blocks_of(others), WIDTH, WIDTH), np.float32)
    signal_sums = np.zeros((groups, blocks, WIDTH), np.float32)
    other_sums = np.zeros((groups * cuts, blocks_of(others), WIDTH), np.float32)
    memories = _Memories(plan.terms * (plan.ring * BYTES + _SPACER) + (STRIP + 1) * BYTES, plan.terms)
    nothing = np.zeros_like(start)
    weights, starts = weight.ctypes.data, (start.ctypes.data, nothing.ctypes.data)
    sources, gates, partners, closed = map(_addresses, (signal, signal_gate, other, other_gate))
    targets = _addresses(result) if parts is None else _addresses(parts.reshape(cuts * items, *parts.shape[2:]))
    outers, lane_sums, partner_sums = map(_addresses, (outer, signal_sums, other_sums))

    def take(number: int, cut: int) -> None:
        item = number * group
        first, last = (0, blocks) if cuts == 1 else (cut, cut + 1)
        with memories.one() as (scratch, fronts):
            wave(
                sources(item), gates(item), channels, min(group, items - item), first, last, weights,
                targets(cut * items + item), results, starts[first > 0], clip and cuts == 1,
                partners(item), closed(item), others,
                outers(number), lane_sums(number), partner_sums(number * cuts + cut),
                plan.terms, plan.num_vertices, STRIP, plan.ring, *plan.addresses(short=False), scratch, fronts,
            )  # fmt: skip

    run_all(take, [(number, cut) for number in range(groups) for cut in range(cuts)])
    if parts is not None and result is not None:
        result[:] = parts[0]
        for part in parts[1:]:
            result += part
        if clip:
            np.maximum(result, 0, out=result)
    lanes = signal_sums.sum(0, dtype=np.float64).ravel()
    if group > 1:
        lanes = lanes[: group * channels].reshape(group, channels).sum(0)
    return (
        outer.sum(0, dtype=np.float64).astype(np.float32),
        lanes.astype(np.float32),
        other_sums[::cuts].sum(0, dtype=np.float64).ravel().astype(np.float32),
    )


def run_clenshaw(
    plan: WavePlan,
    signal: Float32[np.ndarray, "B V C"],
    weight: Float[Tensor, "K C D"],
    bias: Float[Tensor, " D"] | None,
    clip: bool,
) -> Float32[np.ndarray, "B V D"]:
    """Convolve to no more blocks of channels than the signal has."""
    items, _, channels = signal.shape
    results = weight.shape[2]
    blocks = blocks_of(results)
    columns = np.zeros((blocks, plan.terms, channels, WIDTH), np.float32)
    for block in range(blocks):
        part = weight[:, :, block * WIDTH : (block + 1) * WIDTH].numpy()
        columns[block, :, :, : part.shape[2]] = part
    offset = padded(bias, results)
    result = np.empty((items, plan.num_vertices, results), np.float32)
    rings = plan.terms * (plan.short_ring * BYTES + _SPACER)
    memories = _Memories(rings + (STRIP + 1) * BYTES + plan.ring * blocks_of(channels) * BYTES, plan.terms)
    sources, targets = _addresses(signal), _addresses(result)
    weights, offsets = columns.ctypes.data, offset.ctypes.data

    def take(item: int, first: int, last: int) -> None:
        with memories.one() as (scratch, fronts):
            clenshaw(
                sources(item), channels, first, last, weights, targets(item), results, offsets, clip,
                plan.terms, plan.num_vertices, STRIP, plan.ring, plan.short_ring,
                *plan.addresses(short=True), scratch, fronts,
            )  # fmt: skip

    step = 1 if items <= _FEW else blocks
    run_all(take, [(item, first, first + step) for item in range(items) for first in range(0, blocks, step)])
    return result


def run_shared(
    plan: WavePlan,
    signal: Float32[np.ndarray, "B V C"],
    weight: Float[Tensor, "K C D"],
    bias: Float[Tensor, " D"] | None,
    clip: bool,
) -> Float32[np.ndarray, "B V D"]:
    """Convolve to up to `NARROW` channels, fewer than the signal has: several items share the lanes."""
    items, _, channels = signal.shape
    results = weight.shape[2]
    group, blocks = _group(items, results), blocks_of(channels)
    # the same weights once per item of a group, moved to the item's lanes
    moved = np.zeros((group, plan.terms, blocks * WIDTH, WIDTH), np.float32)
    start, own = np.zeros(WIDTH, np.float32), np.zeros((group, WIDTH), np.float32)
    for item in range(group):
        lanes = slice(item * results, (item + 1) * results)
        moved[item, :, :channels, lanes] = weight.numpy()
        own[item, lanes] = 1
        if bias is not None:
            start[lanes] = bias.detach().numpy()
    result = np.empty((items, plan.num_vertices, results), np.float32)
    memories = _Memories(plan.terms * (plan.ring * BYTES + _SPACER) + (STRIP + 1) * BYTES, plan.terms)
    sources, targets = _addresses(signal), _addresses(result)
    weights, owns, starts = moved.ctypes.data, own.ctypes.data, start.ctypes.data

    def take(item: int) -> None:
        with memories.one() as (scratch, fronts):
            clenshaw_shared(
                sources(item), channels, min(group, items - item), weights, owns, targets(item), results, starts,
                clip, plan.terms, plan.num_vertices, STRIP, plan.ring, *plan.addresses(short=False), scratch, fronts,
            )  # fmt: skip

    run_all(take, [(item,) for item in range(0, items, group)])
    return result


class _Memories:
    """Scratch memory for each thread that asks: pages that were touched are cheaper than new ones.

    Args:
        size: bytes.
        terms: K.
    """

    def __init__(self, size: int, terms: int) -> None:
        self._size, self._terms = size, terms
        self._spare: list[tuple[np.ndarray, int, np.ndarray]] = []

    @contextmanager
    def one(self) -> Iterator[tuple[int, Int64[np.ndarray, " K"]]]:
        """Lend an address at a multiple of `BYTES`, and a counter per term."""
        try:
            whole, address, fronts = self._spare.pop()
        except IndexError:
            whole, fronts = np.empty(self._size + BYTES, np.uint8), np.empty(self._terms, np.int64)
            address = -(-whole.ctypes.data // BYTES) * BYTES
        try:
            yield address, fronts
        finally:
            self._spare.append((whole, address, fronts))


def padded(values: Float[Tensor, " C"] | None, count: int) -> Float32[np.ndarray, " C16"]:
    """Fill `count` channels up to blocks of sixteen, with zeros; zeros alone for None."""
    result = np.zeros(blocks_of(count) * WIDTH, np.float32)
    if values is not None:
        result[:count] = values.detach().numpy()
    return result


def _addresses(array: np.ndarray | None) -> Callable[[int], int]:
    """Return the function that tells the address of each item, 0 for None: asking an array takes microseconds each time."""
    if array is None:
        return lambda item: 0
    first, step = array.ctypes.data, array.strides[0]
    return lambda item: first + item * step


def _group(items: int, channels: int) -> int:
    """Return the number of items that share the lanes: as many as fit, in groups of about equal size."""
    if channels > NARROW or items == 0:
        return 1
    groups = -(-items // (WIDTH // channels))
    return -(-items // groups)


def blocks_of(channels: int) -> int:
    return -(-channels // WIDTH)
