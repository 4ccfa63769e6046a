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

from headform.graph._kernel_calls import NARROW, blocks_of, padded, run_clenshaw, run_shared, run_wave
from headform.graph._wave_plan import plan_of
from headform.graph.laplacian import ScaledLaplacian
from headform.kernels.simd import WIDTH

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
    if results <= min(NARROW, weight.shape[1] - 1):
        return torch.from_numpy(run_shared(plan, signal, weight.detach(), bias, clip))
    if NARROW < weight.shape[1] and blocks_of(results) <= blocks_of(weight.shape[1]):
        return torch.from_numpy(run_clenshaw(plan, signal, weight.detach(), bias, clip))
    result = np.empty((len(signal), plan.num_vertices, results), np.float32)
    run_wave(plan, signal, result, _packed(weight.detach()), padded(bias, results), clip=clip)
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
    if gate is not None and grad.shape[-1] <= NARROW:
        back, gate = back * (gate > 0), None
    shape = (len(weight), weight.shape[2], weight.shape[1])
    if not needs[0] and x.shape[-1] <= grad.shape[-1]:  # T_k x instead of T_k g: narrower
        outer, _, total = run_wave(plan, _rows(x), None, _NOTHING, _NOTHING, back, other_gate=gate)
        grad_weight = _unpacked(outer, tuple(weight.shape)) if needs[1] else None
        return None, grad_weight, _first(total, weight.shape[2]) if needs[2] else None
    result, start, turned = None, _NOTHING, _NOTHING
    if needs[0]:
        result = np.empty((len(back), plan.num_vertices, weight.shape[1]), np.float32)
        start = np.zeros(blocks_of(weight.shape[1]) * WIDTH, np.float32)
        turned = _packed(weight.detach().transpose(1, 2))
    other = _rows(x) if needs[1] or needs[2] else None
    outer, total, _ = run_wave(plan, back, result, turned, start, other, signal_gate=gate)
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


def _rows(x: Float[Tensor, "B V C"]) -> Float32[np.ndarray, "B V C"]:
    return np.ascontiguousarray(x.detach().numpy())


def _packed(weight: Float[Tensor, "K C D"]) -> Float32[np.ndarray, "P K Q 16 16"]:
    """Pack weights in blocks of 16 x 16, padded with zeros: (blocks of C, K, blocks of D, 16, 16)."""
    terms, rows, columns = weight.shape
    p, q = blocks_of(rows), blocks_of(columns)
    padded = np.zeros((terms, p * WIDTH, q * WIDTH), np.float32)
    padded[:, :rows, :columns] = weight.numpy()
    split = padded.reshape(terms, p, WIDTH, q, WIDTH)
    return np.ascontiguousarray(split.transpose(1, 0, 3, 2, 4))


def _unpacked(outer: Float32[np.ndarray, "P K Q 16 16"], shape: tuple[int, ...]) -> Float[Tensor, "K C D"]:
    """Unpack sums of outer products, (blocks of C, K, blocks of D, 16 of C, 16 of D), as (K, C, D)."""
    terms, rows, columns = shape
    whole = outer.transpose(1, 0, 3, 2, 4).reshape(terms, outer.shape[0] * WIDTH, -1)
    return torch.from_numpy(np.ascontiguousarray(whole[:, :rows, :columns]))
