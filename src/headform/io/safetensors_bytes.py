"""Tensors and metadata in the bytes of a safetensors file, with one kind of error for all that can be wrong.

The layout: eight bytes of length, a JSON object of that length (type, shape and place of each tensor), the tensors.
"""

import mmap
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import Tensor

from headform.io.json_file import parse_json

MAX_HEADER = 16 << 20
"""Largest JSON object, bytes; 100,000 tensors stay below it."""
_LENGTH_BYTES = 8
_SPARE_BYTES = 32 << 20
"""Address space that must be left beside the tensors, for what the allocator rounds up."""
_WRONG = (safetensors.SafetensorError, LookupError, ValueError, TypeError, OverflowError, RuntimeError)
"""Exceptions of safetensors, numpy and torch for malformed headers and types that they lack."""


def load_arrays(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays by name, and the metadata (empty where there are none).

    Raises:
        ValueError: not a whole safetensors file, or one of types that numpy lacks.
        MemoryError: no room for a copy of the tensors.
    """
    metadata = _metadata(data)
    _check_room(len(data))
    try:
        arrays = safetensors.numpy.load(data)
    except _WRONG as error:
        raise ValueError(f"not a whole safetensors file: {error!s:.200}") from error
    return {n: a.view(np.uint8) != 0 if a.dtype == np.bool_ else a for n, a in arrays.items()}, metadata


def load_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors by name, on the CPU, and the metadata (empty where there are none).

    Raises:
        ValueError: not a whole safetensors file, or one of types that torch lacks.
        MemoryError: no room for a copy of the tensors.
    """
    metadata = _metadata(data)
    _check_room(len(data))
    try:
        tensors = safetensors.torch.load(data)
    except _WRONG as error:
        raise ValueError(f"not a whole safetensors file: {error!s:.200}") from error
    return {n: t.view(torch.uint8) != 0 if t.dtype == torch.bool else t for n, t in tensors.items()}, metadata


def _check_room(size: int) -> None:
    """Reserve the address space of a copy and give it back: safetensors prints a panic of Rust where it gets none."""
    try:
        mmap.mmap(-1, size + _SPARE_BYTES).close()
    except OSError as error:
        raise MemoryError(f"no room for {size} bytes of tensors") from error


def _metadata(data: bytes) -> dict[str, Any]:
    """Check the length of the header, which is trusted by nobody, and return its metadata."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES + length:
        raise ValueError("not a whole safetensors file: it ends within its header")
    if length > MAX_HEADER:
        raise ValueError(f"not a safetensors file: its header has {length} bytes, the limit is {MAX_HEADER}")
    try:
        header = parse_json(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    except ValueError as error:
        raise ValueError(f"not a safetensors file: its header is not JSON: {error!s:.120}") from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}
