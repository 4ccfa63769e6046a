"""Chebyshev convolution by the CPU kernel: float32, forward and backward, the same numbers for any number of threads.

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

from headform.graph.laplacian import ScaledLaplacian
from headform.graph.wave_kernel import wave
from headform.graph.wave_plan import STRIP, WavePlan, plan_of
from headform.graph.workers import run_all

_LANES = 16
_FEW = 4  # items, up to which the channel blocks of an item are tasks of their own


def applies(
    x: Float[Tensor, "*B V C_in"], weight: Float[Tensor, "K C_in C_out"], lap: ScaledLaplacian
) -> bool:
    """Whether the kernel can take these: all on the CPU and in single precision."""
    same = all(t.device.type == "cpu" and t.dtype == torch.float32 for t in (x, weight, lap.values))
    return same and not torch.compiler.is_compiling()


def cheb_conv_compiled(
    x: Float32[Tensor, "*B V C_in"],
    weight: Float32[Tensor, "K C_in C_out"],
    bias: Float32[Tensor, " C_out"] | None,
    lap: ScaledLaplacian,
) -> Float32[Tensor, "*B V C_out"]:
    """The convolution of `graph.cheb_conv` by the kernel; differentiable (twice through the reference)."""
    flat = x.reshape(-1, *x.shape[-2:])
    y = _Convolution.apply(flat, weight, bias, lap)  # type: ignore[no-untyped-call]
    return y.reshape(*x.shape[:-1], weight.shape[-1])


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, lap: Any) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.lap, ctx.biased = lap, bias is not None
        plan = plan_of(lap, len(weight))
        signal = _rows(x)
        result = np.empty((len(signal), plan.count, weight.shape[-1]), np.float32)
        start = np.zeros(_blocks(weight.shape[-1]) * _LANES, np.float32)
        if bias is not None:
            start[: len(bias)] = bias.detach().numpy()
        _run(plan, signal, result, _packed(weight.detach()), start)
        return torch.from_numpy(result)

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():  # a graph of the gradient is wanted
            return (*_differentiable(x, weight, grad, ctx.lap, ctx.needs_input_grad[:3]), None)
        plan = plan_of(ctx.lap, len(weight))
        signal = _rows(grad)
        result = (
            np.empty((len(signal), plan.count, weight.shape[1]), np.float32) if wants_x else None
        )
        start = np.zeros(_blocks(weight.shape[1]) * _LANES, np.float32)
        turned = _packed(weight.detach().transpose(1, 2))
        sums = wants_weight or (wants_bias and ctx.biased)
        outer, total = _run(plan, signal, result, turned, start, _rows(x) if sums else None)
        grad_x = torch.from_numpy(result) if result is not None else None
        grad_weight = _unpacked(outer, weight.shape) if wants_weight and outer is not None else None
        grad_bias = None
        if wants_bias and ctx.biased and total is not None:
            grad_bias = torch.from_numpy(total.reshape(-1)[: weight.shape[-1]].copy())
        return grad_x, grad_weight, grad_bias, None


def _differentiable(
    x: Tensor, weight: Tensor, grad: Tensor, lap: ScaledLaplacian, wants: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients as expressions of torch, for a second derivative."""
    from headform.graph.chebyshev import chebyshev_basis

    terms = chebyshev_basis(grad, lap, len(weight))  # (B, V, C_out, K)
    return (
        torch.einsum("bvok,kco->bvc", terms, weight) if wants[0] else None,
        torch.einsum("bvc,bvok->kco", x, terms) if wants[1] else None,
        grad.sum((0, 1)) if wants[2] else None,
    )


def _run(
    plan: WavePlan,
    signal: Float32[np.ndarray, "B V C"],
    result: Float32[np.ndarray, "B V D"] | None,
    weight: Float32[np.ndarray, "..."],
    start: Float32[np.ndarray, " D16"],
    other: Float32[np.ndarray, "B V E"] | None = None,
) -> tuple[Float32[np.ndarray, "..."] | None, Float32[np.ndarray, "..."] | None]:
    """Every item through the kernel; fills `result`, returns the sums of outer products and of the signal.

    How the work is cut depends on its shape alone, never on the number of threads, and partial sums are added in the order
    of the items: so the numbers do not depend on the threads.
    """
    items, _, channels = signal.shape
    blocks = _blocks(channels)
    cuts = blocks if items <= _FEW and blocks > 1 else 1
    results = 0 if result is None else result.shape[2]
    others = 0 if other is None else other.shape[2]
    parts = None
    if result is not None and cuts > 1:
        parts = np.empty((cuts, *result.shape), np.float32)
    outer = np.zeros((items, blocks, plan.terms, _blocks(others), _LANES, _LANES), np.float32)
    sums = np.zeros((items, blocks, _LANES), np.float32)
    rings = plan.terms + _blocks(results) + _blocks(others)
    zero = np.zeros_like(start)

    def take(item: int, cut: int) -> None:
        scratch = np.empty(rings * (plan.ring * _LANES + 48) + _LANES, np.float32)
        aligned = -(-scratch.ctypes.data // 64) * 64
        target = 0
        if result is not None:
            target = (result if parts is None else parts[cut])[item].ctypes.data
        first, last = (0, blocks) if cuts == 1 else (cut, cut + 1)
        wave(
            signal[item].ctypes.data, channels, first, last, weight.ctypes.data, target, results,
            (start if first == 0 else zero).ctypes.data,
            0 if other is None else other[item].ctypes.data, others,
            outer[item].ctypes.data, sums[item].ctypes.data, plan.terms, plan.count, STRIP, plan.ring,
            plan.order.ctypes.data, plan.starts.ctypes.data, plan.positions.ctypes.data,
            plan.values.ctypes.data, plan.reach, aligned,
            np.empty(plan.terms, np.int64), np.empty(plan.terms, np.int64),
        )  # fmt: skip

    run_all(take, [(item, cut) for item in range(items) for cut in range(cuts)])
    if parts is not None and result is not None:
        result[:] = parts[0]
        for part in parts[1:]:
            result += part
    if other is None:
        return None, None
    return outer.sum(0, dtype=np.float64).astype(np.float32), sums.sum(0, dtype=np.float64).astype(
        np.float32
    )


def _rows(x: Float[Tensor, "B V C"]) -> Float32[np.ndarray, "B V C"]:
    return np.ascontiguousarray(x.detach().numpy())


def _blocks(channels: int) -> int:
    return -(-channels // _LANES)


def _packed(weight: Float[Tensor, "K C D"]) -> Float32[np.ndarray, "P K Q 16 16"]:
    """Weights in blocks of 16 x 16, padded with zeros: (blocks of C, K, blocks of D, 16, 16)."""
    terms, rows, columns = weight.shape
    p, q = _blocks(rows), _blocks(columns)
    padded = np.zeros((terms, p * _LANES, q * _LANES), np.float32)
    padded[:, :rows, :columns] = weight.numpy()
    split = padded.reshape(terms, p, _LANES, q, _LANES)
    return np.ascontiguousarray(split.transpose(1, 0, 3, 2, 4))


def _unpacked(
    outer: Float32[np.ndarray, "P K Q 16 16"], shape: torch.Size
) -> Float[Tensor, "K C D"]:
    """Sums of outer products, (blocks of D, K, blocks of C, 16 of C, 16 of D), as (K, C, D)."""
    terms, rows, columns = shape
    whole = outer.transpose(1, 2, 3, 0, 4).reshape(terms, outer.shape[2] * _LANES, -1)
    return torch.from_numpy(np.ascontiguousarray(whole[:, :rows, :columns]))
