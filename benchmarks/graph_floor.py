"""What no implementation of a Chebyshev convolution can beat on this machine: a bound by memory and one by arithmetic.

B items, V vertices, N entries of the operator, C channels in and D out, K terms; float32, so 4 bytes a number.

Bytes that move at least once, whatever is kept in caches:

- forward: x is read and y is written, 4 B V (C + D); the operator (4-byte value, 4-byte column) once, 8 N.
- backward: the gradient of y and x are read, the gradient of x is written, 4 B V (D + 2 C); the operator once, 8 N.

Arithmetic, a multiplication and an addition counting 2:

- forward: K - 1 sparse products on the narrower side (the sum can be taken by Clenshaw's recurrence over the results),
  2 (K - 1) N B min(C, D), and K - 2 subtractions of B V min(C, D); then K dense products, 2 K B V C D.
- backward: the operator is symmetric, so with the terms T_k g of the gradient g of y both gradients are dense products,
  sum_k T_k g W_k' and x' T_k g. One recurrence, over D channels, and 2 * 2 K B V C D.

The bandwidth is that of a large copy, bytes read plus bytes written. The rate is the best of torch's products of K C columns
with a K C by D matrix over several heights, from what stays in a cache to the whole signal; sparse products are charged at
the same rate although they cannot reach it. Memory and arithmetic may overlap, so the floor is the greater of both times;
their sum is printed beside it.

Where torch's products stay below what the processor can do, as they do for the narrow matrices here on processors without
AVX-512, that floor can be beaten. `peak_rate` is what cannot: multiplications with additions in registers, on every thread.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from headform.kernels.jit import njit
from headform.kernels.simd_rows import ROWS
from headform.kernels.simd_tiles import product_of
from headform.kernels.threads import run_all

Clock = Callable[[], float]
_SUMS = ROWS + 2
"""Sums of sixteen floats that hide the latency of a multiplication with an addition and leave registers for both factors."""
_STEPS = 5_000_000
_multiplications = product_of(_SUMS, 1, 0, 0, 0)  # every step with the same factors, which stay in the first cache
_COPY_BYTES = 2**28
_HEIGHTS = (256, 512, 1024, 2048, 4096, 16384, 65536)


@dataclass(frozen=True)
class Layer:
    """Sizes of one convolution: items, vertices, entries of the operator, channels in and out, terms."""

    items: int
    vertices: int
    entries: int
    inputs: int
    outputs: int
    terms: int


@dataclass(frozen=True)
class Cost:
    """What one pass must move and compute.

    Attributes:
        bytes: to and from memory.
        flops: multiplications and additions.
    """

    bytes: float
    flops: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.bytes + other.bytes, self.flops + other.flops)


@dataclass(frozen=True)
class Floor:
    """Seconds that memory alone and arithmetic alone would take."""

    memory: float
    arithmetic: float

    @property
    def seconds(self) -> float:
        """The greater: both may go on at once."""
        return max(self.memory, self.arithmetic)

    @property
    def one_after_the_other(self) -> float:
        """The sum."""
        return self.memory + self.arithmetic


def forward_cost(layer: Layer) -> Cost:
    """See the module."""
    signals = layer.items * layer.vertices
    moved = 4 * signals * (layer.inputs + layer.outputs) + 8 * layer.entries
    return Cost(moved, _recurrence(layer, min(layer.inputs, layer.outputs)) + _products(layer))


def backward_cost(layer: Layer) -> Cost:
    """See the module."""
    signals = layer.items * layer.vertices
    moved = 4 * signals * (layer.outputs + 2 * layer.inputs) + 8 * layer.entries
    return Cost(moved, _recurrence(layer, layer.outputs) + 2 * _products(layer))


def floor(cost: Cost, bandwidth: float, rate: float) -> Floor:
    """The bounds of a cost at measured bytes and operations per second."""
    return Floor(cost.bytes / bandwidth, cost.flops / rate)


def copy_bandwidth(clock: Clock = time.perf_counter) -> float:
    """Bytes per second, read and written, of the best of several copies that fit in no cache."""
    source = torch.ones(_COPY_BYTES // 4)
    target = torch.empty_like(source)
    return 2 * _COPY_BYTES / _best(lambda: target.copy_(source), 10, clock)


def gemm_rate(layer: Layer, clock: Clock = time.perf_counter) -> float:
    """Operations per second of torch's products of the shape that the layer needs, at the best of several heights."""
    inner, best = layer.terms * layer.inputs, 0.0
    weight = torch.randn(inner, layer.outputs)
    for height in (*_HEIGHTS, layer.items * layer.vertices):
        block, result = torch.randn(height, inner), torch.empty(height, layer.outputs)
        calls = max(1, 65536 // height)

        def many(block: torch.Tensor = block, result: torch.Tensor = result, n: int = calls) -> None:
            for _ in range(n):
                torch.mm(block, weight, out=result)

        best = max(best, calls * 2 * height * inner * layer.outputs / _best(many, 7, clock))
    return best


def peak_rate(clock: Clock = time.perf_counter) -> float:
    """Operations per second of multiplications with additions alone, on as many threads as torch may use."""
    threads = torch.get_num_threads()
    places = np.zeros((threads, 1024), np.float32)

    def work(thread: int) -> None:
        address = places[thread].ctypes.data
        _multiply_only(address, address + 64, _STEPS, address + 128)

    work(0)
    seconds = _best(lambda: run_all(work, [(t,) for t in range(threads)]), 5, clock)
    return threads * _STEPS * _SUMS * 32 / seconds


@njit(cache=False, nogil=True)
def _multiply_only(a: int, b: int, steps: int, out: int) -> None:
    _multiplications(a, b, steps, out, 64, out, 64)


def _recurrence(layer: Layer, channels: int) -> float:
    columns = layer.items * channels
    products = 2 * (layer.terms - 1) * layer.entries * columns
    return products + max(layer.terms - 2, 0) * layer.vertices * columns


def _products(layer: Layer) -> float:
    return 2.0 * layer.terms * layer.items * layer.vertices * layer.inputs * layer.outputs


def _best(call: Callable[[], object], repeats: int, clock: Clock) -> float:
    seconds = []
    for _ in range(repeats + 1):  # the first touches the pages
        began = clock()
        call()
        seconds.append(clock() - began)
    return min(seconds[1:])
