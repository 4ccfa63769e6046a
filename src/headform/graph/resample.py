"""Signals from one mesh level to another: a fixed sparse row operator.

*B any leading batch axes, V_in and V_out vertices, C channels.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor, nn


class Resample(nn.Module):
    """y = M x over the vertices; pooling and unpooling of CoMA (Ranjan et al. 2018, section 3).

    Its buffers are not part of `state_dict`: the mesh hierarchy gives them.

    Args:
        crow: row pointers of M.
        col: column indices, ascending in every row.
        values: entries.
        columns: V_in.
    """

    crow: Int[Tensor, " R"]
    col: Int[Tensor, " N"]
    values: Float[Tensor, " N"]

    def __init__(
        self,
        crow: Int[Tensor, " R"],
        col: Int[Tensor, " N"],
        values: Float[Tensor, " N"],
        columns: int,
    ) -> None:
        super().__init__()
        self.columns = columns
        self.register_buffer("crow", crow, persistent=False)
        self.register_buffer("col", col, persistent=False)
        self.register_buffer("values", values, persistent=False)

    @staticmethod
    def from_csr(matrix: csr_matrix, dtype: torch.dtype = torch.float32) -> "Resample":
        """From a SciPy matrix (V_out, V_in)."""
        plain = csr_matrix(matrix, copy=True)
        plain.sum_duplicates()
        plain.eliminate_zeros()
        plain.sort_indices()
        return Resample(
            torch.from_numpy(plain.indptr.astype(np.int64)),
            torch.from_numpy(plain.indices.astype(np.int64)),
            torch.from_numpy(plain.data.astype(np.float64)).to(dtype),
            plain.shape[1],
        )

    @property
    def rows(self) -> int:
        """V_out."""
        return len(self.crow) - 1

    def forward(self, x: Float[Tensor, "*B V_in C"]) -> Float[Tensor, "*B V_out C"]:
        """Apply M.

        Raises:
            ValueError: a signal on another number of vertices.
        """
        if x.shape[-2] != self.columns:
            raise ValueError(f"the signal has {x.shape[-2]} vertices, expected {self.columns}")
        matrix = torch.sparse_csr_tensor(
            self.crow, self.col, self.values, (self.rows, self.columns), check_invariants=False
        )
        flat = x.movedim(-2, 0)  # (V_in, *B, C)
        y = matrix @ flat.reshape(self.columns, -1)
        return y.reshape(self.rows, *flat.shape[1:]).movedim(0, -2)

    def extra_repr(self) -> str:
        """Sizes in `print(model)`."""
        return f"{self.columns} -> {self.rows} vertices"


def pooling(
    kept: Int[np.ndarray, " V_out"], count: int, dtype: torch.dtype = torch.float32
) -> Resample:
    """Down-sampling that picks `kept` out of `count` vertices: a matrix of zeros and ones."""
    rows = len(kept)
    matrix = csr_matrix((np.ones(rows), kept, np.arange(rows + 1)), shape=(rows, count))
    return Resample.from_csr(matrix, dtype)


def unpooling(
    corners: Int[np.ndarray, "V_out 3"],
    weights: Float[np.ndarray, "V_out 3"],
    coarse_count: int,
    dtype: torch.dtype = torch.float32,
) -> Resample:
    """Up-sampling that mixes three coarse vertices per fine one with barycentric weights."""
    rows = len(corners)
    matrix = csr_matrix(
        (weights.ravel(), corners.ravel(), np.arange(0, 3 * rows + 1, 3)),
        shape=(rows, coarse_count),
    )
    return Resample.from_csr(matrix, dtype)
