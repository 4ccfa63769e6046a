"""The file of a head that was converted from a publisher's model: every array as it is, in single precision.

Letters: those of `heads.linear`.

A tensor field of the head is a tensor of the same name, a region is ``regions/NAME``; integers are stored in 32 bits. Class,
names, license and provenance are JSON in the metadata (`_tensor_file`). The open head has a smaller, quantized form of its
own (`heads.asset`, which also reads these files).
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headform.errors import WeightsError
from headform.heads import _tensor_file
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance
from headform.heads.validation import check_head

FORMAT = "headform-head-1"
_CLASSES = {"linear": LinearHead, "flame": FlameHead}
_AGAIN = "convert the model again with `headform heads convert`"


def encode(head: LinearHead) -> bytes:
    """Return the bytes of the file; equal heads give equal bytes."""
    arrays: dict[str, np.ndarray] = {}
    text: dict[str, Any] = {"format": FORMAT, "class": _class_name(head)}
    for field in fields(head):
        value = getattr(head, field.name)
        if isinstance(value, Tensor):
            arrays[field.name] = _stored(value)
        elif field.name == "regions":
            arrays |= {f"regions/{name}": _stored(mask) for name, mask in value.items()}
            text["regions"] = list(value)
        elif isinstance(value, Provenance):
            text[field.name] = value.to_json()
        elif field.name != "sha256":
            text[field.name] = list(value) if isinstance(value, tuple) else value
    return _tensor_file.encode(arrays, text)


def write(head: LinearHead, path: Path | str) -> str:
    """Write a head, whole or not at all.

    Returns:
        SHA-256 of the file, hexadecimal.

    Raises:
        WeightsError: ``head_damaged`` when it could not be read again: its fields are inconsistent.
        ResourceError: the file cannot be written.
    """
    try:
        check_head(head)
    except ValueError as error:
        what = f"the fields of the head are inconsistent: {error!s:.300}"
        raise WeightsError("head_damaged", what, head.name, "get the model again") from error
    return _tensor_file.write(path, encode(head))


def decode(arrays: dict[str, np.ndarray], text: dict[str, Any], where: str) -> LinearHead:
    """Make a head of the arrays and the JSON of a file, without its digest.

    Raises:
        WeightsError: ``head_damaged`` when fields are absent, inconsistent or not finite.
    """
    try:
        kind = _CLASSES[text["class"]]
        values: dict[str, Any] = {"sha256": ""}
        for field in fields(kind):
            name = field.name
            if name == "regions":
                values[name] = {n: _tensor(arrays[f"regions/{n}"]) for n in text["regions"]}
            elif name in arrays:
                values[name] = _tensor(arrays[name])
            elif name == "provenance":
                values[name] = Provenance.from_json(text[name])
            elif name != "sha256":
                value = text[name]
                values[name] = tuple(value) if isinstance(value, list) else value
        head = kind(**values)
        check_head(head)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise WeightsError("head_damaged", f"the fields are inconsistent: {error!s:.300}", where, _AGAIN) from error
    return head


def _class_name(head: LinearHead) -> str:
    return next(name for name, kind in _CLASSES.items() if type(head) is kind)


def _stored(value: Tensor) -> np.ndarray:
    array = value.detach().cpu()
    if array.is_floating_point():
        array = array.float()
    elif array.dtype == torch.int64:
        array = array.int()
    return np.ascontiguousarray(array.numpy())


def _tensor(array: np.ndarray) -> Tensor:
    value = torch.from_numpy(array)
    return value.long() if value.dtype == torch.int32 else value
