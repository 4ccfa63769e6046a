"""Per-coordinate normalization of a mesh: meters to standard deviations and back.

*B any leading axes, V vertices.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MeshNormalization(nn.Module):
    """(v - mean) / std, each (V, 3), as CoMA normalizes its data (Ranjan et al. 2018, section 4.1).

    Before `set_statistics` it changes nothing (mean 0, std 1). The statistics are buffers: they are saved with the
    weights and not trained.

    Args:
        count: number of vertices V.
    """

    mean: Float[Tensor, "V 3"]
    std: Float[Tensor, "V 3"]

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(count, 3))
        self.register_buffer("std", torch.ones(count, 3))

    @torch.no_grad()
    def set_statistics(self, mean: Float[Tensor, "V 3"], std: Float[Tensor, "V 3"]) -> None:
        """Set the statistics of a training set, meters.

        Raises:
            ValueError: the shapes do not match, or a standard deviation that is not positive and finite (see
                `headform.data.coordinate_statistics` for the floor that it needs).
        """
        if mean.shape != self.mean.shape or std.shape != self.std.shape:
            shapes = f"{tuple(mean.shape)} and {tuple(std.shape)}"
            raise ValueError(f"statistics have shapes {shapes}, expected {(len(self.mean), 3)}")
        if not bool((std > 0).all() & std.isfinite().all() & mean.isfinite().all()):
            raise ValueError("standard deviations must be positive, and all statistics finite")
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(self, vertices: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*B V 3"]:
        """Normalize meters to standard deviations."""
        return (vertices - self.mean) / self.std

    def restore(self, normal: Float[Tensor, "*B V 3"]) -> Float[Tensor, "*B V 3"]:
        """Convert standard deviations back to meters."""
        return normal * self.std + self.mean
