"""The scaled Laplacian as a module: it moves with `.to()` and holds no parameters.

V vertices, N stored entries.
"""

import hashlib
import warnings
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from headform.errors import InputError
from headform.graph._operator_checks import plain_csr, require_csr

# torch warns once per process; the layers use only operations that are stable
warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")


class ScaledLaplacian(nn.Module):
    """A symmetric operator with its spectrum in [-1, 1]; one per mesh level, shared by every layer there.

    Build it with `from_csr` from `headform.mesh.scaled_laplacian` (or any symmetric matrix in those bounds). Its buffers
    are not part of `state_dict`, since the mesh determines them.

    Args:
        crow_indices: row pointers.
        col_indices: column indices, ascending in every row.
        values: entries.

    Raises:
        InputError: `operator_invalid`, `mesh_index`, and for other tensors those of `geometry.array_checks`.
    """

    crow_indices: Int[Tensor, " V1"]
    col_indices: Int[Tensor, " N"]
    values: Float[Tensor, " N"]

    def __init__(
        self, crow_indices: Int[Tensor, " V1"], col_indices: Int[Tensor, " N"], values: Float[Tensor, " N"]
    ) -> None:
        super().__init__()
        require_csr(crow_indices, col_indices, values, None)
        self.register_buffer("crow_indices", crow_indices, persistent=False)
        self.register_buffer("col_indices", col_indices, persistent=False)
        self.register_buffer("values", values, persistent=False)

    @staticmethod
    def from_csr(matrix: csr_matrix, dtype: torch.dtype = torch.float32) -> "ScaledLaplacian":
        """Build the operator from a SciPy matrix.

        Args:
            matrix: (V, V), symmetric.
            dtype: dtype of the entries; a module with float64 weights needs a float64 operator.

        Raises:
            InputError: `operator_invalid`: the matrix is not square, not symmetric (the backward pass relies on it), empty
                or not finite; `array_kind`: it is no sparse matrix.
        """
        plain = plain_csr("the Laplacian", matrix)
        if plain.shape[0] != plain.shape[1] or not plain.shape[0]:
            raise InputError("operator_invalid", f"the Laplacian must be square, got shape {plain.shape}")
        if plain.nnz and not abs(plain - plain.T).max() <= 1e-12:  # NaN too
            raise InputError("operator_invalid", "the Laplacian must be symmetric and finite")
        return ScaledLaplacian(
            torch.from_numpy(plain.indptr.astype(np.int64)),
            torch.from_numpy(plain.indices.astype(np.int64)),
            torch.from_numpy(plain.data.astype(np.float64)).to(dtype),
        )

    @property
    def num_vertices(self) -> int:
        """Number of vertices V."""
        return len(self.crow_indices) - 1

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the pattern and the entries in single precision; equal operators share compiled plans."""
        parts = (self.crow_indices, self.col_indices, self.values.float())
        data = b"|".join(np.ascontiguousarray(p.cpu().numpy()).tobytes() for p in parts)
        return hashlib.sha256(data).hexdigest()

    def csr(self) -> Float[Tensor, "V V"]:
        """Return the operator as a sparse CSR tensor, on the buffers' device and in their dtype."""
        return torch.sparse_csr_tensor(
            self.crow_indices,
            self.col_indices,
            self.values,
            (self.num_vertices, self.num_vertices),
            check_invariants=False,
        )

    def matmul(self, x: Float[Tensor, "V N"]) -> Float[Tensor, "V N"]:
        """Multiply N columns of the operator's dtype."""
        if x.dtype != self.values.dtype and not torch.is_autocast_enabled(x.device.type):
            what = f"the signal is {x.dtype}, the operator {self.values.dtype}"
            raise InputError(
                "array_dtype", what.replace("torch.", ""), "", "build the operator with from_csr(matrix, dtype)"
            )
        if self.values.dtype in (torch.float32, torch.float64):
            return self.csr() @ x
        # torch's sparse products support no other dtype on every device
        rows = torch.arange(self.num_vertices, device=x.device).repeat_interleave(self.crow_indices.diff())
        return torch.zeros_like(x).index_add(0, rows, self.values[:, None] * x[self.col_indices])

    def to_scipy(self) -> csr_matrix:
        """Return the operator as a SciPy matrix on the CPU."""
        require_csr(self.crow_indices, self.col_indices, self.values, None)  # buffers can be assigned
        parts = (self.values, self.col_indices, self.crow_indices)
        return csr_matrix(tuple(p.cpu().numpy() for p in parts), shape=(self.num_vertices, self.num_vertices))

    def extra_repr(self) -> str:
        """Return sizes for `print(model)`."""
        return f"vertices={self.num_vertices}, entries={len(self.col_indices)}"


def require_laplacian(lap: Any) -> ScaledLaplacian:
    """Refuse an operator of another kind, such as a SciPy matrix.

    Raises:
        InputError: `array_kind`.
    """
    if not isinstance(lap, ScaledLaplacian):
        what = f"the operator is a {type(lap).__name__}, expected a ScaledLaplacian"
        raise InputError("array_kind", what, "", "build it with ScaledLaplacian.from_csr")
    return lap
