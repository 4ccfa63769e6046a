"""Operators of a mesh hierarchy as one module, for the layers of a network.

V_l vertices on level l, finest first.
"""

import itertools

import torch
from torch import nn

from headform.errors import InputError
from headform.graph.laplacian import ScaledLaplacian, require_laplacian
from headform.graph.resample import Resample, pooling, unpooling
from headform.mesh.hierarchy import MeshHierarchy


class GraphLevels(nn.Module):
    """Scaled Laplacians of L + 1 levels and the L steps down and up between them; holds no parameters.

    Attributes:
        laplacians: one per level, finest first.
        down: resampling from level l to l + 1.
        up: resampling from level l + 1 to l.
    """

    laplacians: nn.ModuleList
    down: nn.ModuleList
    up: nn.ModuleList

    def __init__(self, laplacians: list[ScaledLaplacian], down: list[Resample], up: list[Resample]) -> None:
        super().__init__()
        _require_chain(laplacians, down, up)
        self.laplacians = nn.ModuleList(laplacians)
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)

    @staticmethod
    def from_hierarchy(hierarchy: MeshHierarchy, dtype: torch.dtype = torch.float32) -> "GraphLevels":
        """Build the operators of a hierarchy in one dtype."""
        counts = hierarchy.counts
        steps = zip(hierarchy.up_vertices, hierarchy.up_weights, counts[1:], strict=True)
        return GraphLevels(
            [ScaledLaplacian.from_csr(lap, dtype) for lap in hierarchy.laplacians],
            [pooling(kept, count, dtype) for kept, count in zip(hierarchy.kept, counts[:-1], strict=True)],
            [unpooling(corners, weights, count, dtype) for corners, weights, count in steps],
        )

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of vertices of each level, finest first."""
        return tuple(lap.num_vertices for lap in self.laplacians if isinstance(lap, ScaledLaplacian))


def _require_chain(laplacians: list[ScaledLaplacian], down: list[Resample], up: list[Resample]) -> None:
    """Refuse operators whose numbers of vertices do not follow each other."""
    counts = [require_laplacian(lap).num_vertices for lap in laplacians]
    steps = list(itertools.pairwise(counts))
    found = [(step.in_vertices, step.out_vertices) for step in down]
    back = [(step.out_vertices, step.in_vertices) for step in up]
    if not counts or found != steps or back != steps:
        what = f"levels of {counts} vertices, but steps down of {found} and up of {[(b, a) for a, b in back]}"
        raise InputError("operator_invalid", what, "", "give the operators of one hierarchy, finest first")
