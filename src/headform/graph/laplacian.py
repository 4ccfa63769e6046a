"""The scaled Laplacian as the layers take it: an operator that moves with `.to()` and is no parameter.

V vertices, N stored entries.
"""

import hashlib
import warnings
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor, nn

# torch says so once per process; nothing follows from it for a user of these layers
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")


class ScaledLaplacian(nn.Module):
    """A symmetric operator with its spectrum in [-1, 1]; one per mesh level, shared by every layer there.

    Build it with `from_csr` from `headform.mesh.scaled_laplacian` (or any symmetric matrix in those bounds). Its buffers
    are not part of `state_dict`: the mesh gives them.

    Args:
        crow: row pointers.
        col: column indices, ascending in every row.
        values: the entries.
    """

    crow: Int[Tensor, " V1"]
    col: Int[Tensor, " N"]
    values: Float[Tensor, " N"]

    def __init__(self, crow: Int[Tensor, " V1"], col: Int[Tensor, " N"], values: Float[Tensor, " N"]) -> None:
        super().__init__()
        self.register_buffer("crow", crow, persistent=False)
        self.register_buffer("col", col, persistent=False)
        self.register_buffer("values", values, persistent=False)

    @staticmethod
    def from_csr(matrix: csr_matrix, dtype: torch.dtype = torch.float32) -> "ScaledLaplacian":
        """From a SciPy matrix.

        Args:
            matrix: (V, V), symmetric.
            dtype: of the entries; a module with float64 weights needs a float64 operator.

        Raises:
            ValueError: not square, or not symmetric (the backward pass relies on it).
        """
        if matrix.shape[0] != matrix.shape[1]:
            raise ValueError(f"a Laplacian is square, got {matrix.shape}")
        plain = csr_matrix(matrix, copy=True)
        plain.sum_duplicates()
        plain.sort_indices()
        if plain.nnz and abs(plain - plain.T).max() > 1e-12:
            raise ValueError("a Laplacian is symmetric, this matrix is not")
        return ScaledLaplacian(
            torch.from_numpy(plain.indptr.astype(np.int64)),
            torch.from_numpy(plain.indices.astype(np.int64)),
            torch.from_numpy(plain.data.astype(np.float64)).to(dtype),
        )

    @property
    def count(self) -> int:
        """V."""
        return len(self.crow) - 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pattern and the entries in single precision; equal operators share compiled plans."""
        parts = (self.crow, self.col, self.values.float())
        data = b"|".join(np.ascontiguousarray(p.cpu().numpy()).tobytes() for p in parts)
        return hashlib.sha256(data).hexdigest()

    def csr(self) -> Float[Tensor, "V V"]:
        """The operator as a sparse CSR tensor, on the buffers' device and in their dtype."""
        return torch.sparse_csr_tensor(
            self.crow, self.col, self.values, (self.count, self.count), check_invariants=False
        )

    def times(self, x: Float[Tensor, "V N"]) -> Float[Tensor, "V N"]:
        """The operator times N columns of its own dtype."""
        if self.values.dtype in (torch.float32, torch.float64):
            return self.csr() @ x
        # torch's sparse products know no other dtype on every device
        rows = torch.arange(self.count, device=x.device).repeat_interleave(self.crow.diff())
        return torch.zeros_like(x).index_add(0, rows, self.values[:, None] * x[self.col])

    def to_scipy(self) -> csr_matrix:
        """The operator as a SciPy matrix on the CPU."""
        parts = (self.values, self.col, self.crow)
        return csr_matrix(tuple(p.cpu().numpy() for p in parts), shape=(self.count, self.count))

    def extra_repr(self) -> str:
        """Sizes in `print(model)`."""
        return f"vertices={self.count}, entries={len(self.col)}"
