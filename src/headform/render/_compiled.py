"""Interface between torch and the compiled kernels of this package."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from headform.kernels.functorch import transformed


def compilable(*tensors: Shaped[Tensor, "..."]) -> bool:
    """Return whether the kernels support these tensors: on the CPU and of one supported precision."""
    if torch.compiler.is_compiling() or any(t.device.type != "cpu" for t in tensors):
        return False
    if tensors[0].dtype not in (torch.float32, torch.float64) or any(t.dtype != tensors[0].dtype for t in tensors):
        return False
    return not any(transformed(t) for t in tensors)


def second_derivatives(
    reference: Callable[..., Tensor], inputs: Sequence[Tensor], grad: Tensor, wants: Sequence[bool]
) -> list[Tensor | None]:
    """Compute gradients as expressions of torch, where those of a kernel would end the graph."""
    with torch.enable_grad():
        result = reference(*inputs)
        wanted = [t for t, want in zip(inputs, wants, strict=True) if want]
        found = iter(torch.autograd.grad(result, wanted, grad, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wants]


def int32_rows(faces: Int[Tensor, "F 3"]) -> Any:
    """Convert triangles to the layout of the kernels."""
    return faces.to(torch.int32).contiguous().numpy()
