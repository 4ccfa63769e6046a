"""The container of heads, texture models and coefficients: a safetensors file with one JSON text in its metadata."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from headform.io import atomic
from headform.io.json_file import parse_json
from headform.io.safetensors_bytes import load_arrays

_KEY = "headform"
"""The only key of the metadata: safetensors does not fix the order of several."""


def encode(arrays: Mapping[str, np.ndarray], text: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file; equal content gives equal bytes."""
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return bytes(safetensors.numpy.save(ordered, {_KEY: json.dumps(text, sort_keys=True)}))


def decode(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the JSON of a file; the latter is empty in files of other programs.

    Raises:
        ValueError: not a whole safetensors file.
    """
    arrays, metadata = load_arrays(data)
    try:
        text = parse_json(metadata[_KEY])
        return arrays, text if isinstance(text, dict) else {}
    except (LookupError, TypeError, AttributeError, ValueError):
        return arrays, {}


def write(path: Path | str, data: bytes) -> str:
    """Write bytes, whole or not at all.

    Returns:
        SHA-256 of the bytes, hexadecimal.

    Raises:
        ResourceError: ``write_failed``.
    """
    atomic.write_bytes(Path(path), data)
    return hashlib.sha256(data).hexdigest()
