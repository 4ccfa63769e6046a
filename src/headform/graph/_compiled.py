"""Chebyshev convolution by the CPU kernel: float32, forward and backward, with the same results for any number of threads.

B items, V vertices, C channels, K terms.

With y = sum_k T_k(L~) x W_k and a symmetric L~, the gradients are sums over the terms of the other side's gradient g:
dx = sum_k T_k g W_k^T and dW_k = x^T (T_k g). So the backward pass runs the same recurrence once, over g; nothing of the
forward pass is kept but x.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from headform.graph._wave_kernel import wave, wave_reversed
from headform.graph._wave_plan import STRIP, WavePlan, plan_of
from headform.graph.laplacian import ScaledLaplacian
from headform.kernels.threads import run_all

_LANES = 16
_FEW = 4  # items, up to which the channel blocks of an item are tasks of their own
_NARROW = 5  # channels, up to which several items share the lanes
_NOTHING = np.zeros(0, np.float32)


def applies(x: Float[Tensor, "*B V C_in"], weight: Float[Tensor, "K C_in C_out"], lap: ScaledLaplacian) -> bool:
    """Return whether the kernel applies: all tensors on the CPU and in single precision."""
    same = all(t.device.type == "cpu" and t.dtype == torch.float32 for t in (x, weight, lap.values))
    return same and not torch.compiler.is_compiling()


def cheb_conv_compiled(
    x: Float32[Tensor, "*B V C_in"],
    weight: Float32[Tensor, "K C_in C_out"],
    bias: Float32[Tensor, " C_out"] | None,
    lap: ScaledLaplacian,
    *,
    clip: bool = False,
) -> Float32[Tensor, "*B V C_out"]:
    """Apply `graph.cheb_conv` by the kernel; differentiable (twice through the reference).

    With `clip` a ReLU follows, which costs nothing here: it is applied to each strip before it leaves the cache.
    """
    flat = x.reshape(-1, *x.shape[-2:])
    y = _Convolution.apply(flat, weight, bias, lap, clip)  # type: ignore[no-untyped-call]
    return y.reshape(*x.shape[:-1], weight.shape[-1])


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, lap: Any, clip: bool) -> Tensor:
        return _forward(x, weight, bias, lap, clip)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, ctx.lap, clip = inputs
        ctx.save_for_backward(x, weight, output if clip else None)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight, y = ctx.saved_tensors
        needs = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # double backward: autograd must see every operation
            passed = grad if y is None else grad * (y > 0)
            return (*_differentiable(x, weight, passed, ctx.lap, needs), None, None)
        return (*_backward(x, weight, grad, y, ctx.lap, needs), None, None)


def _forward(
    x: Float32[Tensor, "B V C"],
    weight: Float32[Tensor, "K C D"],
    bias: Float32[Tensor, " D"] | None,
    lap: ScaledLaplacian,
    clip: bool,
) -> Float32[Tensor, "B V D"]:
    plan, signal = plan_of(lap, len(weight)), _rows(x)
    results = weight.shape[-1]
    if results <= min(_NARROW, weight.shape[1] - 1):
        y = torch.from_numpy(_run_reversed(plan, signal, weight.detach(), bias))
        return torch.relu_(y) if clip else y
    result = np.empty((len(signal), plan.num_vertices, results), np.float32)
    start = np.zeros(_blocks(results) * _LANES, np.float32)
    if bias is not None:
        start[: len(bias)] = bias.detach().numpy()
    _run(plan, signal, result, _packed(weight.detach()), start, clip=clip)
    return torch.from_numpy(result)


def _backward(
    x: Float32[Tensor, "B V C"],
    weight: Float32[Tensor, "K C D"],
    grad: Float32[Tensor, "B V D"],
    y: Float32[Tensor, "B V D"] | None,
    lap: ScaledLaplacian,
    needs: tuple[bool, bool, bool],
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the requested gradients of signal, weights and bias; `y` is the output where a ReLU follows."""
    plan, back = plan_of(lap, len(weight)), _rows(grad)
    gate = None if y is None else _rows(y)
    if gate is not None and grad.shape[-1] <= _NARROW:
        back, gate = back * (gate > 0), None
    shape = (len(weight), weight.shape[2], weight.shape[1])
    if not needs[0] and x.shape[-1] <= grad.shape[-1]:  # T_k x instead of T_k g: narrower
        outer, _, total = _run(plan, _rows(x), None, _NOTHING, _NOTHING, back, other_gate=gate)
        grad_weight = _unpacked(outer, tuple(weight.shape)) if needs[1] else None
        return None, grad_weight, _first(total, weight.shape[2]) if needs[2] else None
    result, start, turned = None, _NOTHING, _NOTHING
    if needs[0]:
        result = np.empty((len(back), plan.num_vertices, weight.shape[1]), np.float32)
        start = np.zeros(_blocks(weight.shape[1]) * _LANES, np.float32)
        turned = _packed(weight.detach().transpose(1, 2))
    other = _rows(x) if needs[1] or needs[2] else None
    outer, total, _ = _run(plan, back, result, turned, start, other, signal_gate=gate)
    return (
        None if result is None else torch.from_numpy(result),
        _unpacked(outer, shape).transpose(1, 2) if needs[1] else None,
        _first(total, weight.shape[2]) if needs[2] else None,
    )


def _first(total: Float32[np.ndarray, " C16"], count: int) -> Float32[Tensor, " C"]:
    return torch.from_numpy(total[:count].copy())


def _differentiable(
    x: Tensor, weight: Tensor, grad: Tensor, lap: ScaledLaplacian, needs: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradients as torch expressions, for a second derivative."""
    from headform.graph.chebyshev import chebyshev_basis

    terms = chebyshev_basis(grad, lap, len(weight))  # (B, V, C_out, K)
    return (
        torch.einsum("bvok,kco->bvc", terms, weight) if needs[0] else None,
        torch.einsum("bvc,bvok->kco", x, terms) if needs[1] else None,
        grad.sum((0, 1)) if needs[2] else None,
    )


def _run(
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
    blocks = _blocks(channels)
    group = _group(items, channels)
    cuts = blocks if items <= _FEW and blocks > 1 else 1
    results = 0 if result is None else result.shape[2]
    others = 0 if other is None else other.shape[2]
    parts = None
    if result is not None and cuts > 1:
        parts = np.empty((cuts, *result.shape), np.float32)
    groups = -(-items // group)
    outer = np.zeros((groups, blocks, plan.terms, _blocks(others), _LANES, _LANES), np.float32)
    signal_sums = np.zeros((groups, blocks, _LANES), np.float32)
    other_sums = np.zeros((groups, cuts, _blocks(others), _LANES), np.float32)
    zero = np.zeros_like(start)

    def take(number: int, cut: int) -> None:
        item = number * group
        scratch = np.empty(plan.terms * (plan.ring * _LANES + 48) + (STRIP + 1) * _LANES, np.float32)
        target = 0
        if result is not None:
            target = (result if parts is None else parts[cut])[item].ctypes.data
        first, last = (0, blocks) if cuts == 1 else (cut, cut + 1)
        wave(
            signal[item].ctypes.data, _address(signal_gate, item), channels,
            min(group, items - item), first, last, weight.ctypes.data, target, results,
            (start if first == 0 else zero).ctypes.data, clip and cuts == 1,
            _address(other, item), _address(other_gate, item), others,
            outer[number].ctypes.data, signal_sums[number].ctypes.data,
            other_sums[number, cut].ctypes.data, plan.terms, plan.num_vertices, STRIP, plan.ring,
            plan.order.ctypes.data, plan.starts.ctypes.data, plan.positions.ctypes.data,
            plan.values.ctypes.data, plan.reach, -(-scratch.ctypes.data // 64) * 64,
            np.empty(plan.terms, np.int64), np.empty(plan.terms, np.int64),
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
        other_sums[:, 0].sum(0, dtype=np.float64).ravel().astype(np.float32),
    )


def _run_reversed(
    plan: WavePlan,
    signal: Float32[np.ndarray, "B V C"],
    weight: Float[Tensor, "K C D"],
    bias: Float[Tensor, " D"] | None,
) -> Float32[np.ndarray, "B V D"]:
    """Convolve to few channels: first the products, then the recurrence over those few (Clenshaw 1955)."""
    items, _, channels = signal.shape
    results = weight.shape[2]
    group, blocks = _group(items, results), _blocks(channels)
    # the same weights once per item of a group, moved to the item's lanes
    moved = np.zeros((group, plan.terms, blocks * _LANES, _LANES), np.float32)
    start, own = np.zeros(_LANES, np.float32), np.zeros((group, _LANES), np.float32)
    for item in range(group):
        lanes = slice(item * results, (item + 1) * results)
        moved[item, :, :channels, lanes] = weight.numpy()
        own[item, lanes] = 1
        if bias is not None:
            start[lanes] = bias.detach().numpy()
    result = np.empty((items, plan.num_vertices, results), np.float32)

    def take(item: int) -> None:
        scratch = np.empty(plan.terms * (plan.ring * _LANES + 48) + (STRIP + 1) * _LANES, np.float32)
        wave_reversed(
            signal[item].ctypes.data, channels, min(group, items - item), moved.ctypes.data, own.ctypes.data,
            result[item].ctypes.data, results, start.ctypes.data, plan.terms, plan.num_vertices, STRIP,
            plan.ring, plan.order.ctypes.data, plan.starts.ctypes.data,
            plan.positions.ctypes.data, plan.values.ctypes.data, plan.reach,
            -(-scratch.ctypes.data // 64) * 64,
            np.empty(plan.terms, np.int64), np.empty(plan.terms, np.int64),
        )  # fmt: skip

    run_all(take, [(item,) for item in range(0, items, group)])
    return result


def _rows(x: Float[Tensor, "B V C"]) -> Float32[np.ndarray, "B V C"]:
    return np.ascontiguousarray(x.detach().numpy())


def _address(array: Float32[np.ndarray, "B V C"] | None, item: int) -> int:
    return 0 if array is None else array[item].ctypes.data


def _group(items: int, channels: int) -> int:
    """Return the number of items that share the lanes: as many as fit, in groups of about equal size."""
    if channels > _NARROW or items == 0:
        return 1
    groups = -(-items // (_LANES // channels))
    return -(-items // groups)


def _blocks(channels: int) -> int:
    return -(-channels // _LANES)


def _packed(weight: Float[Tensor, "K C D"]) -> Float32[np.ndarray, "P K Q 16 16"]:
    """Pack weights in blocks of 16 x 16, padded with zeros: (blocks of C, K, blocks of D, 16, 16)."""
    terms, rows, columns = weight.shape
    p, q = _blocks(rows), _blocks(columns)
    padded = np.zeros((terms, p * _LANES, q * _LANES), np.float32)
    padded[:, :rows, :columns] = weight.numpy()
    split = padded.reshape(terms, p, _LANES, q, _LANES)
    return np.ascontiguousarray(split.transpose(1, 0, 3, 2, 4))


def _unpacked(outer: Float32[np.ndarray, "P K Q 16 16"], shape: tuple[int, ...]) -> Float[Tensor, "K C D"]:
    """Unpack sums of outer products, (blocks of C, K, blocks of D, 16 of C, 16 of D), as (K, C, D)."""
    terms, rows, columns = shape
    whole = outer.transpose(1, 0, 3, 2, 4).reshape(terms, outer.shape[0] * _LANES, -1)
    return torch.from_numpy(np.ascontiguousarray(whole[:, :rows, :columns]))
