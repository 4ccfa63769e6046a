"""Resample signals from one mesh level to another: a fixed sparse row operator.

*B any leading batch axes, V_in and V_out vertices, C channels.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Int32
from scipy.sparse import csr_matrix
from torch import Tensor, nn

from headform.errors import InputError
from headform.geometry.array_checks import require_array, require_count, require_indices
from headform.graph._operator_checks import plain_csr, require_csr, require_signal
from headform.graph._rows_kernel import apply_rows, apply_rows_narrow
from headform.kernels.threads import run_all


@dataclass(frozen=True, eq=False)
class _Rows:
    """CSR arrays in the kernel's dtypes."""

    starts: Int32[np.ndarray, " R"]
    columns: Int32[np.ndarray, " N"]
    values: Float32[np.ndarray, " N"]

    def __call__(self, x: Float32[Tensor, "B V C"]) -> Float32[Tensor, "B W C"]:
        source = np.ascontiguousarray(x.detach().numpy())
        items, _, channels = source.shape
        result = np.empty((items, len(self.starts) - 1, channels), np.float32)

        def take(item: int) -> None:
            if channels % 16:
                apply_rows_narrow(source[item], result[item], self.starts, self.columns, self.values)
            else:
                apply_rows(
                    source[item].ctypes.data, result[item].ctypes.data, channels,
                    self.starts.ctypes.data, self.columns.ctypes.data, self.values.ctypes.data,
                    result.shape[1],
                )  # fmt: skip

        run_all(take, [(item,) for item in range(items)])
        return torch.from_numpy(result)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, operator: Any) -> Tensor:
        return operator.compiled_rows(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.operator = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        if torch.is_grad_enabled():  # double backward: autograd must see every operation
            return ctx.operator.product(grad, transposed=True), None
        return ctx.operator.compiled_columns(grad), None


class Resample(nn.Module):
    """y = M x over the vertices; pooling and unpooling of CoMA (Ranjan et al. 2018, section 3).

    Its buffers are not part of `state_dict`, since the mesh hierarchy determines them.

    Args:
        crow_indices: row pointers of M.
        col_indices: column indices, ascending in every row.
        values: entries.
        in_vertices: V_in.

    Raises:
        InputError: `operator_invalid`, `mesh_index` for a column outside [0, V_in), and for other tensors those of
            `geometry.array_checks`.
    """

    crow_indices: Int[Tensor, " R"]
    col_indices: Int[Tensor, " N"]
    values: Float[Tensor, " N"]

    def __init__(
        self,
        crow_indices: Int[Tensor, " R"],
        col_indices: Int[Tensor, " N"],
        values: Float[Tensor, " N"],
        in_vertices: int,
    ) -> None:
        super().__init__()
        self.in_vertices = require_count("in_vertices", in_vertices)
        require_csr(crow_indices, col_indices, values, self.in_vertices)
        self.register_buffer("crow_indices", crow_indices, persistent=False)
        self.register_buffer("col_indices", col_indices, persistent=False)
        self.register_buffer("values", values, persistent=False)

    @staticmethod
    def from_csr(matrix: csr_matrix, dtype: torch.dtype = torch.float32) -> "Resample":
        """Build the operator from a SciPy matrix (V_out, V_in).

        Raises:
            InputError: `array_kind` when it is no sparse matrix; `operator_invalid`.
        """
        plain = plain_csr("the operator", matrix)
        plain.eliminate_zeros()
        return Resample(
            torch.from_numpy(plain.indptr.astype(np.int64)),
            torch.from_numpy(plain.indices.astype(np.int64)),
            torch.from_numpy(plain.data.astype(np.float64)).to(dtype),
            plain.shape[1],
        )

    @property
    def out_vertices(self) -> int:
        """Number of vertices V_out of the result."""
        return len(self.crow_indices) - 1

    def forward(self, x: Float[Tensor, "*B V_in C"]) -> Float[Tensor, "*B V_out C"]:
        """Apply M.

        Raises:
            InputError: the signal is no tensor, of another dtype, or has another number of vertices.
        """
        require_signal("the signal", x, self.in_vertices)
        if x.dtype != self.values.dtype and not torch.is_autocast_enabled(x.device.type):
            what = f"the signal is {x.dtype}, the operator {self.values.dtype}".replace("torch.", "")
            raise InputError("array_dtype", what, "", "build the operator with from_csr(matrix, dtype)")
        single = x.dtype == self.values.dtype == torch.float32
        if single and x.device.type == self.values.device.type == "cpu":
            y: Tensor = _Product.apply(x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:]), self)  # type: ignore[no-untyped-call]
            return y.reshape(*x.shape[:-2], *y.shape[-2:])
        return self.product(x)

    def product(self, x: Float[Tensor, "*B V_in C"], *, transposed: bool = False) -> Float[Tensor, "*B V_out C"]:
        """Return M x or M^T x by torch's sparse product on any device: the reference of the compiled kernel."""
        flat = x.movedim(-2, 0)  # (V_in, *B, C)
        columns = flat.reshape(len(flat), -1)
        if self.values.dtype in (torch.float32, torch.float64):
            matrix = torch.sparse_csr_tensor(
                self.crow_indices,
                self.col_indices,
                self.values,
                (self.out_vertices, self.in_vertices),
                check_invariants=False,
            )
            y = (matrix.t() if transposed else matrix) @ columns
        else:  # torch's sparse products support no other dtype on every device
            row = torch.arange(self.out_vertices, device=x.device).repeat_interleave(self.crow_indices.diff())
            source, target = (row, self.col_indices) if transposed else (self.col_indices, row)
            y = columns.new_zeros(self.in_vertices if transposed else self.out_vertices, columns.shape[1])
            y = y.index_add(0, target, self.values[:, None] * columns[source])
        return y.reshape(len(y), *flat.shape[1:]).movedim(0, -2)

    def to_scipy(self) -> csr_matrix:
        """Return M as a SciPy matrix on the CPU."""
        require_csr(self.crow_indices, self.col_indices, self.values, self.in_vertices)  # buffers can be assigned
        parts = (self.values, self.col_indices, self.crow_indices)
        return csr_matrix(tuple(p.cpu().numpy() for p in parts), shape=(self.out_vertices, self.in_vertices))

    @cached_property
    def compiled_rows(self) -> _Rows:
        """CSR arrays of M for the kernel."""
        return _rows_of(self.to_scipy())

    @cached_property
    def compiled_columns(self) -> _Rows:
        """CSR arrays of M^T for the kernel."""
        return _rows_of(csr_matrix(self.to_scipy().T))

    def extra_repr(self) -> str:
        """Return sizes for `print(model)`."""
        return f"{self.in_vertices} -> {self.out_vertices} vertices"


def _rows_of(matrix: csr_matrix) -> _Rows:
    matrix.sort_indices()
    return _Rows(
        matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32),
        matrix.data.astype(np.float32),
    )


def pooling(kept: Int[np.ndarray, " V_out"], num_vertices: int, dtype: torch.dtype = torch.float32) -> Resample:
    """Build the down-sampling that picks `kept` out of `num_vertices` vertices: a matrix of zeros and ones."""
    kept = require_indices("kept", kept, ("V_out",), require_count("num_vertices", num_vertices))
    rows = len(kept)
    matrix = csr_matrix((np.ones(rows), kept, np.arange(rows + 1)), shape=(rows, num_vertices))
    return Resample.from_csr(matrix, dtype)


def unpooling(
    corners: Int[np.ndarray, "V_out 3"],
    weights: Float[np.ndarray, "V_out 3"],
    coarse_count: int,
    dtype: torch.dtype = torch.float32,
) -> Resample:
    """Build the up-sampling that mixes three coarse vertices per fine one with barycentric weights."""
    corners = require_indices("corners", corners, ("V_out", 3), require_count("coarse_count", coarse_count))
    rows = len(corners)
    weights = require_array("weights", weights, (rows, 3), finite=True)
    matrix = csr_matrix(
        (weights.ravel(), corners.ravel(), np.arange(0, 3 * rows + 1, 3)),
        shape=(rows, coarse_count),
    )
    return Resample.from_csr(matrix, dtype)
