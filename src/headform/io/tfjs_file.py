"""Weights of TensorFlow.js: a JSON manifest and the binary files that it names, read as data.

The manifest is a list of groups, each with `paths` (files beside it, read one after the other) and `weights`: name, shape,
dtype and, where the numbers are quantized, `quantization` with dtype, scale and minimum (value = whole * scale + min).
"""

from pathlib import Path
from typing import Any

import numpy as np

from headform.errors import WeightsError
from headform.io.file_bytes import read_bytes
from headform.io.json_file import is_file_name, parse_json

MAX_BYTES = 1 << 30
"""Largest size of a manifest, of its files, and of all tensors laid out in full, bytes."""
_DTYPES = {"float32": "<f4", "int32": "<i4"}
_QUANTIZED = {"uint8": "<u1", "uint16": "<u2"}
_AGAIN = "get manifest and binary files again from their publisher"


def read_tfjs(path: Path | str) -> dict[str, np.ndarray]:
    """Read the tensors of a manifest, in its order, quantized ones as float32.

    Args:
        path: JSON manifest.

    Raises:
        WeightsError: `weights_missing` when the manifest or a file it names cannot be read; `weights_damaged` when they are
            not what a manifest says.
    """
    path = Path(path)
    try:
        groups = parse_json(read_bytes(path, max_bytes=MAX_BYTES))
        if not isinstance(groups, list):
            raise ValueError("the manifest is no list")
        found: dict[str, np.ndarray] = {}
        for group in groups:
            _read_group(path.parent, group, found)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, WeightsError):
            raise
        what = f"no manifest of TensorFlow.js weights: {type(error).__name__} {error}"[:200]
        raise WeightsError("weights_damaged", what, repr(str(path)), _AGAIN) from error
    return found


def _read_group(folder: Path, group: Any, found: dict[str, np.ndarray]) -> None:
    """Add the tensors of a group."""
    names = group["paths"]
    if not isinstance(names, list) or not all(is_file_name(name) and Path(name).name == name for name in names):
        raise ValueError("its paths are not names of files beside it")
    data = b"".join(read_bytes(folder / name, max_bytes=MAX_BYTES) for name in dict.fromkeys(names))
    place = 0
    for entry in group["weights"]:
        name, shape, quantization = entry["name"], entry["shape"], entry.get("quantization")
        if not isinstance(name, str) or name in found:
            raise ValueError("a name is no text, or there twice")
        if not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"{name[:80]} has no shape")
        kind = np.dtype(_DTYPES[entry["dtype"]] if quantization is None else _QUANTIZED[quantization["dtype"]])
        count = 1
        for n in shape:  # of any size: Python's numbers do not overflow
            count *= n
        if place + count * kind.itemsize > len(data):
            raise ValueError(f"the files end before {name[:80]}")
        values = np.frombuffer(data, kind, count, place).reshape(shape)
        place += values.nbytes
        if quantization is not None:
            values = values.astype(np.float32) * float(quantization["scale"]) + float(quantization["min"])
        found[name] = np.array(values, np.int32 if kind == "<i4" else np.float32)  # a copy, which may be written to
    if place != len(data):
        raise ValueError(f"the files have {len(data)} bytes, the manifest says {place}")
