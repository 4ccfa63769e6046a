"""Checks of the arrays and tensors that a caller gives: kind, shape, dtype, range of indices, finite values.

Every public function whose loops or kernels would read outside an array checks its arguments here, once. A shape is given
as a tuple such as ``("F", 3)``: numbers must match, letters stand for any length, a first ``"*B"`` for any leading axes.
All errors are `InputError`s: `array_kind` (a list or tensor where an array is wanted, and so on), `array_shape`,
`array_dtype`, `array_value`, `mesh_index`, `mesh_not_finite`, `mesh_empty`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from headform.errors import InputError

Kind = Literal["float", "int", "bool"]
Shape = tuple[int | str, ...]

_SPOKEN: dict[Kind, str] = {"float": "floating-point numbers", "int": "whole numbers", "bool": "true or false"}
_TRIANGLES: Shape = ("F", 3)
_FROM_ZERO = "number the vertices from 0 (those of OBJ files and of MATLAB begin at 1)"


def require_array(name: str, value: Any, shape: Shape, kind: Kind = "float", *, finite: bool = False) -> np.ndarray:
    """Check a NumPy array.

    Args:
        name: Name of the argument, for messages.
        value: The array.
        shape: Wanted shape.
        kind: Wanted numbers. Whole numbers are taken for floating-point ones, as float64.
        finite: Refuse NaN and infinite values.

    Returns:
        The array, in the byte order of the machine; a plain `numpy.ndarray`.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `mesh_not_finite`.
    """
    if not isinstance(value, np.ndarray):
        raise _wrong_kind(name, value, "a numpy array", f"give np.asarray({name})")
    _require_shape(name, value.shape, shape)
    known = value.dtype.kind
    if known not in {"float": "fiu", "int": "iu", "bool": "b"}[kind]:
        raise _wrong_dtype(name, value.dtype, kind)
    array = np.asarray(value)
    if kind == "float" and known != "f":
        array = array.astype(np.float64)
    elif not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if finite:
        require_finite(name, array)
    return array


def require_tensor(name: str, value: Any, shape: Shape, kind: Kind = "float") -> Tensor:
    """Check a torch tensor; device and values are not looked at.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`.
    """
    if not isinstance(value, Tensor):
        raise _wrong_kind(name, value, "a torch tensor", f"give torch.as_tensor({name})")
    _require_shape(name, tuple(value.shape), shape)
    dtype = value.dtype
    found = "float" if dtype.is_floating_point else "bool" if dtype == torch.bool else "int"
    if found != kind or dtype.is_complex:
        raise _wrong_dtype(name, dtype, kind)
    return value


def require_finite(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinite values, naming the first row that holds one.

    Raises:
        InputError: `mesh_not_finite`.
    """
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0]) if array.ndim else 0
        what = f"{name} must be finite: row {row} holds a value that is NaN or infinite"
        raise InputError("mesh_not_finite", what, "", "repair it or leave it out")


def require_faces(
    name: str, value: Any, count: int, dtype: npt.DTypeLike = np.int64, *, least: int = 0, of: str = "vertices"
) -> np.ndarray:
    """Check triangles, a NumPy array (F, 3) of indices from `least` to ``count - 1``.

    Args:
        name: Name of the argument, for messages.
        value: The triangles; any integer dtype.
        count: Number of vertices that they index.
        dtype: Wanted dtype of the result.
        least: Smallest index; -1 where a corner may have none.
        of: Name of the indexed rows, for messages.

    Returns:
        The triangles as a contiguous array of `dtype`.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `mesh_index`.
    """
    return require_indices(name, value, _TRIANGLES, count, dtype, least=least, of=of)


def require_indices(
    name: str,
    value: Any,
    shape: Shape,
    count: int,
    dtype: npt.DTypeLike = np.int64,
    *,
    least: int = 0,
    of: str = "vertices",
) -> np.ndarray:
    """Check a NumPy array of indices of any shape; otherwise as `require_faces`."""
    array = require_array(name, value, shape, "int")
    if array.size:
        _require_range(name, int(array.min()), int(array.max()), count, least, of)
    return kernel_array(array, dtype)


def require_face_tensor(name: str, value: Any, count: int, *, of: str = "vertices") -> Tensor:
    """Check triangles, a tensor (F, 3) of indices from 0 to ``count - 1``.

    The range is read from the device, which waits for it; it is not checked while torch compiles or transforms the call.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `mesh_index`.
    """
    return require_index_tensor(name, value, _TRIANGLES, count, of=of)


def require_index_tensor(
    name: str, value: Any, shape: Shape, count: int, *, least: int = 0, of: str = "vertices"
) -> Tensor:
    """Check a tensor of indices of any shape; otherwise as `require_face_tensor`."""
    tensor = require_tensor(name, value, shape, "int")
    hidden = tensor.is_meta or torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    if tensor.numel() and not hidden:
        plain = tensor if tensor.dtype in (torch.int32, torch.int64) else tensor.long()  # torch reduces few others
        low, high = plain.aminmax()
        _require_range(name, int(low), int(high), count, least, of)
    return tensor


def require_count(name: str, value: Any, least: int = 0) -> int:
    """Check a whole number of at least `least`; NumPy's integers are taken, bool and float are not.

    Raises:
        InputError: `array_kind`, `array_value`.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise _wrong_kind(name, value, "a whole number", "")
    if value < least:
        raise InputError("array_value", f"{name} must be at least {least}, got {value}")
    return int(value)


def require_number(name: str, value: Any, least: float = -np.inf) -> float:
    """Check a finite number, whole or not, of at least `least`.

    Raises:
        InputError: `array_kind`, `array_value`.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise _wrong_kind(name, value, "a number", "")
    if not np.isfinite(value) or value < least:
        raise InputError("array_value", f"{name} must be finite{_at_least(least)}, got {value}")
    return float(value)


def _at_least(least: float) -> str:
    return f" and at least {least:g}" if np.isfinite(least) else ""


def require_some(what: str, count: int) -> None:
    """Refuse a mesh without vertices or without triangles; `what` names them.

    Raises:
        InputError: `mesh_empty`.
    """
    if not count:
        raise InputError("mesh_empty", f"the mesh has no {what}", what)


def kernel_array(array: npt.ArrayLike, dtype: npt.DTypeLike) -> np.ndarray:
    """Convert an array to the one layout that kernels are compiled for: contiguous, aligned and writable, of `dtype`.

    No copy is made of an array that has it. A kernel is compiled anew, which takes seconds, for any other layout.
    """
    return np.require(array, dtype, ["C", "A", "W", "E"])


def spoken_shape(shape: Sequence[int | str]) -> str:
    """Format a shape as ``(F, 3)``."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def wrong_shape(name: str, found: Sequence[int], wanted: Shape, hint: str = "") -> InputError:
    """Return the error of a wrong shape, with advice for the usual mistakes."""
    what = f"{name} of shape {spoken_shape(tuple(found))}, expected {spoken_shape(wanted)}"
    return InputError("array_shape", what, "", hint or _advice(name, found, wanted))


def _advice(name: str, found: Sequence[int], wanted: Shape) -> str:
    """Return the remedy of a wrong shape; empty where it is not obvious."""
    if len(found) == len(wanted) == 2 and wanted[1] == 3:
        if found[0] == 3 and found[1] != 3:
            return f"turn it: give {name}.T"
        if wanted == _TRIANGLES:
            return {4: "split each quad into two triangles", 2: "give triangles, not edges"}.get(found[1], "")
    if len(found) + 1 == len(wanted) and wanted[0] == "B":
        return f"give a batch, {name}[None]"
    if len(found) == len(wanted) + 1 and found[0] == 1:
        return f"leave out the first axis: give {name}[0]"
    return ""


def _require_shape(name: str, found: tuple[int, ...], wanted: Shape) -> None:
    ends: Shape = wanted
    have = found
    if wanted and isinstance(wanted[0], str) and wanted[0].startswith("*"):
        ends = wanted[1:]
        have = found[len(found) - len(ends) :] if len(found) >= len(ends) else ()
    if len(have) != len(ends) or any(isinstance(w, int) and w != h for h, w in zip(have, ends, strict=True)):
        raise wrong_shape(name, found, wanted)


def _require_range(name: str, low: int, high: int, count: int, least: int, of: str) -> None:
    if low < least or high >= count:
        what = f"{name} must index {count} {of}, got indices from {low} to {high}"
        raise InputError("mesh_index", what, "", _FROM_ZERO if high == count and low == 1 else "")


def _wrong_kind(name: str, value: Any, wanted: str, hint: str) -> InputError:
    found = spoken_kind(value)
    return InputError("array_kind", f"{name} is {found}, expected {wanted}", "", "" if value is None else hint)


def spoken_kind(value: Any) -> str:
    """Format the type of a value as ``a list`` or ``a numpy array``."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return "a numpy array"
    if isinstance(value, Tensor):
        return "a torch tensor"
    kind = type(value).__name__
    return f"an {kind}" if kind[0] in "aeiouAEIOU" else f"a {kind}"


def _wrong_dtype(name: str, found: Any, kind: Kind) -> InputError:
    what = f"{name} of dtype {str(found).removeprefix('torch.')}, expected {_SPOKEN[kind]}"
    return InputError("array_dtype", what)
