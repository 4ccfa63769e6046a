"""Wrong arguments of each kind, made from right ones: the same function is called once with each.

`wrong` changes an argument so that no right answer is left; `unusual` keeps its content in another layout or dtype, so that
the answer must be the same.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor


def wrong(value: Any) -> Iterator[tuple[str, Any]]:
    """Arguments that must be refused, by a name."""
    if isinstance(value, np.ndarray | Tensor):
        yield from _wrong_kinds(value)
        yield from _wrong_shapes(value)
        yield from _wrong_dtypes(value)


def wrong_indices(value: Any) -> Iterator[tuple[str, Any]]:
    """Indices outside of anything there is."""
    for name, number in (("-1", -1), ("-2", -2), ("million", 10**6), ("int32 overflow", 2**32), ("least", -(2**31))):
        copy = value.copy() if isinstance(value, np.ndarray) else value.clone()
        copy.reshape(-1)[-1] = number
        yield f"index {name}", copy


def not_finite(value: Any) -> Iterator[tuple[str, Any]]:
    """NaN and infinity."""
    for number in (np.nan, np.inf, -np.inf):
        copy = value.copy() if isinstance(value, np.ndarray) else value.clone()
        copy.reshape(-1)[-1] = number
        yield str(number), copy


def unusual(value: Any) -> Iterator[tuple[str, Any]]:
    """The same numbers in another layout or dtype."""
    if isinstance(value, np.ndarray):
        yield "fortran", np.asfortranarray(value)
        yield "strided", np.repeat(value, 2, axis=0)[::2]
        yield "reversed", value[::-1].copy()[::-1]
        yield "swapped bytes", value.astype(value.dtype.newbyteorder())
        frozen = value.copy()
        frozen.flags.writeable = False
        yield "read only", frozen
        raw = np.zeros(value.nbytes + 1, np.uint8)
        odd = raw[1:].view(value.dtype)[: value.size].reshape(value.shape) if value.size else value
        odd[...] = value
        yield "not aligned", odd
        if value.dtype.kind == "i":
            yield "uint32", value.astype(np.uint32)
            yield "uint64", value.astype(np.uint64)
            yield "int16", value.astype(np.int16)
    elif isinstance(value, Tensor) and value.dim():
        yield "strided", value.repeat_interleave(2, dim=0)[::2]
        if not value.dtype.is_floating_point and value.dtype != torch.bool:
            yield "int32", value.int()
            yield "int16", value.short()
            if value.numel() and 0 <= int(value.min()) and int(value.max()) < 256:
                yield "uint8", value.byte()


def _wrong_kinds(value: Any) -> Iterator[tuple[str, Any]]:
    array = value if isinstance(value, np.ndarray) else value.detach().numpy()
    yield "list", array.tolist()
    yield "tuple", tuple(array.tolist()) if array.ndim else (array,)
    yield "text", "faces"
    yield "number", 3
    yield "other library", torch.from_numpy(array.copy()) if array is value else array


def _wrong_shapes(value: Any) -> Iterator[tuple[str, Any]]:
    join: Callable[..., Any] = np.concatenate if isinstance(value, np.ndarray) else torch.cat
    if value.ndim == 2 and value.shape[0] != value.shape[1]:
        yield "turned", value.T
    if value.ndim:
        yield "flat", value.reshape(-1) if value.ndim > 1 else value.reshape(1, -1)
        yield "scalar", value.reshape(-1)[0]
        yield "narrower", value[..., :-1]
        yield "wider", join([value, value[..., :1]], -1)
        yield "two axes more", value[None, None]
        yield "no columns", value[..., :0]


def _wrong_dtypes(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.ndarray):
        yield "complex", value.astype(np.complex128)
        yield "object", value.astype(object)
        yield "words", value.astype(str)
        if value.dtype.kind in "iu":
            yield "float", value.astype(np.float64)
        if value.dtype.kind != "b":
            yield "bool", value.astype(bool)
    else:
        yield "complex", value.to(torch.complex64)
        if not value.dtype.is_floating_point:
            yield "float", value.float()
        else:
            yield "int", value.long()
        if value.dtype != torch.bool:
            yield "bool", value.bool()
