"""Checks of a sparse operator in CSR form, whose kernels follow its indices without looking.

R rows, N entries.
"""

from typing import Any

import torch
from scipy.sparse import csr_matrix, issparse
from torch import Tensor

from headform.errors import InputError
from headform.geometry.array_checks import require_index_tensor, require_tensor


def require_csr(crow_indices: Any, col_indices: Any, values: Any, columns: int | None) -> None:
    """Check row pointers (R + 1,), column indices (N,) and entries (N,); done where an operator is made, not at each use.

    Args:
        crow_indices: from 0 to N, never falling.
        col_indices: in [0, columns).
        values: finite.
        columns: number of columns; None for a square matrix.

    Raises:
        InputError: `operator_invalid`, `array_kind`, `array_shape`, `array_dtype`, `mesh_index`.
    """
    rows = require_tensor("crow_indices", crow_indices, ("R",), "int")
    require_tensor("col_indices", col_indices, ("N",), "int")
    require_tensor("values", values, (len(col_indices),))
    if not len(rows):
        raise _invalid("crow_indices is empty, expected one more number than rows")
    require_index_tensor(
        "col_indices", col_indices, ("N",), len(rows) - 1 if columns is None else columns, of="columns"
    )
    if rows.is_meta or torch.compiler.is_compiling():
        return
    if int(rows[0]) != 0 or int(rows[-1]) != len(col_indices) or bool((rows.diff() < 0).any()):
        raise _invalid(f"crow_indices must rise from 0 to the number of entries, {len(col_indices)}")
    if not bool(torch.isfinite(values).all()):
        raise _invalid("an entry is NaN or infinite")


def plain_csr(name: str, matrix: Any) -> csr_matrix:
    """Copy a SciPy matrix as CSR, entries of one place summed and columns ascending.

    Raises:
        InputError: `array_kind` for anything else, such as a list of triangles; `operator_invalid` where its indices lead
            outside.
    """
    if not issparse(matrix):
        what = f"{name} is a {type(matrix).__name__}, expected a SciPy sparse matrix"
        raise InputError("array_kind", what, "", "build it with headform.mesh.scaled_laplacian.scaled_laplacian")
    plain = csr_matrix(matrix, copy=True)
    try:
        plain.check_format(full_check=True)
    except ValueError as error:
        raise _invalid(f"{name}: {error}") from error
    plain.sum_duplicates()
    plain.sort_indices()
    return plain


def require_signal(name: str, x: Any, vertices: int, channels: int | None = None) -> Tensor:
    """Check a signal (*B, V, C) on an operator's vertices.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`.
    """
    if not isinstance(x, Tensor) or x.dim() < 2 or not x.dtype.is_floating_point:
        require_tensor(name, x, ("*B", vertices, "C" if channels is None else channels))
    if x.shape[-2] != vertices or (channels is not None and x.shape[-1] != channels):
        found, wanted = tuple(x.shape[-2:]), (vertices, x.shape[-1] if channels is None else channels)
        what = f"{name} has {found} vertices and channels, expected {wanted}"
        raise InputError("array_shape", what)
    return x


def _invalid(what: str) -> InputError:
    return InputError("operator_invalid", what, "", "build the operator with from_csr")
