"""Losses of a signal on a mesh, such as an albedo per vertex: smoothness and symmetry.

Letters: B batch, V vertices, F faces, C channels.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headform.geometry.array_checks import require_face_tensor, require_index_tensor, require_tensor


def laplacian_loss(signal: Float[Tensor, "B V C"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, ""]:
    """Mean over batch and vertices of `||x_i - mean of its neighbors||^2`; a vertex without neighbors adds 0.

    Raises:
        InputError: `mesh_index`, and for other tensors those of `geometry.array_checks`.
    """
    require_tensor("signal", signal, ("B", "V", "C"))
    require_face_tensor("faces", faces, signal.shape[1])
    count = signal.shape[1]
    rows = torch.cat([faces, faces.flip(1)]).long()
    ends = torch.cat([rows[:, [k, (k + 1) % 3]] for k in range(3)])
    pairs = torch.unique(ends[:, 0] * count + ends[:, 1])
    tail, head = pairs // count, pairs % count
    degree = signal.new_zeros(count).index_add(0, tail, signal.new_ones(len(tail)))
    sums = torch.zeros_like(signal).index_add(1, tail, signal[:, head])
    off = signal - sums / degree.clamp(min=1)[:, None]
    return (off.square().sum(-1) * (degree > 0)).mean()


def symmetry_loss(
    signal: Float[Tensor, "B V C"], mirror: Int[Tensor, " V"], epsilon: float = 1e-8
) -> Float[Tensor, ""]:
    """Mean over batch and vertices of `sqrt(||x_i - x_mirror(i)||^2 + epsilon)` (Lin et al. 2020, published code).

    Raises:
        InputError: `mesh_index`, and for other tensors those of `geometry.array_checks`.
    """
    require_tensor("signal", signal, ("B", "V", "C"))
    partner = require_index_tensor("mirror", mirror, (signal.shape[1],), signal.shape[1]).long()
    return ((signal - signal[:, partner]).square().sum(-1) + epsilon).sqrt().mean()
