"""The quantized file of a linear head, and the reader of all head files.

V vertices, F triangles, T texture vertices, K identity modes, E expressions, A albedo modes.

Bases are integers times one scale per mode: 16 bits for the first identity modes and for expressions (only the vertices
that move), 8 bits for the later identity modes and for albedo. Strings are JSON in the metadata (`_tensor_file`).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Integer
from torch import Tensor

from headform.errors import WeightsError
from headform.heads import _tensor_file, head_file
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.io.file_bytes import read_regular, reason_of

FORMAT = "headform-linear-head-1"
MAX_BYTES = 4 << 30
"""Largest file that is read."""
SHARP_MODES = 20
"""Identity modes kept in 16 bits."""
_UV_STEPS = 65535
"""Texture coordinates are integers of this unit: a sixty-fourth of a texel at 1024."""
_INTEGERS = ("faces", "mirror", "uv_faces", "landmark_vertices", "contour", "now7", "dense", "dense_mirror")
_FLOATS = ("mean", "landmark_weights", "landmark_offset", "albedo_mean", "neck_weight", "neck_pivot")
_AGAIN = "copy the file again, or rebuild it with `headform heads build-open`"


@dataclass(frozen=True)
class _Quantized:
    """Integers times one scale per mode."""

    whole: Integer[np.ndarray, "M V 3"]
    scale: Float32[np.ndarray, " M"]

    @classmethod
    def of(cls, basis: Float[np.ndarray, "M V 3"], bits: int) -> "_Quantized":
        top = 2 ** (bits - 1) - 1
        peak = np.abs(basis).max((1, 2), initial=0.0)
        scale = (np.maximum(peak, 1e-12) / top).astype(np.float32)
        whole = np.rint(basis / scale.astype(np.float64)[:, None, None]).clip(-top, top)
        return cls(whole.astype(f"int{bits}"), scale)


def write(head: LinearHead, path: Path) -> str:
    """Write a head, quantized.

    Returns:
        SHA-256 of the file, hexadecimal.

    Raises:
        ResourceError: the file cannot be written.
    """
    return _tensor_file.write(path, encode(head))


def encode(head: LinearHead) -> bytes:
    """Return the bytes of the file; equal heads give equal bytes."""
    identity = head.identity.double().numpy()
    expression = head.expression.double().numpy()
    arrays: dict[str, np.ndarray] = {}

    def put(name: str, quantized: _Quantized) -> None:
        arrays[name], arrays[f"{name}.scale"] = quantized.whole, quantized.scale

    put("identity.first", _Quantized.of(identity[:SHARP_MODES], 16))
    put("identity.later", _Quantized.of(identity[SHARP_MODES:], 8))
    shapes = _Quantized.of(expression, 16)
    moving = shapes.whole.any(2)  # (E, V)
    arrays["expression"], arrays["expression.scale"] = shapes.whole[moving], shapes.scale
    arrays["expression.moving"] = np.packbits(moving, axis=1)
    put("albedo", _Quantized.of(head.albedo.double().numpy(), 8))
    for name in _FLOATS:
        arrays[name] = getattr(head, name).float().numpy()
    for name in _INTEGERS:
        arrays[name] = getattr(head, name).numpy().astype(np.uint16 if len(head.uv) < 65536 else np.int32)
    arrays["uv"] = np.rint(head.uv.double().numpy() * _UV_STEPS).clip(0, _UV_STEPS).astype(np.uint16)
    arrays["part"] = head.part.numpy()
    arrays["regions"] = np.packbits(np.stack([head.regions[n].numpy() for n in head.regions]), axis=1)
    text = {
        "format": FORMAT,
        "name": head.name,
        "licence": head.license,
        "expression_names": list(head.expression_names),
        "regions": list(head.regions),
    }
    return _tensor_file.encode(arrays, text)


def read(path: Path | str) -> LinearHead:
    """Read a head that `write` or `head_file.write` made.

    Raises:
        WeightsError: ``head_missing``, ``head_unreadable`` (a directory, no permission), ``head_damaged`` (truncated, not a
            safetensors file, or inconsistent), ``head_foreign`` (a sound safetensors file of something else).
    """
    path = Path(path)
    path = Path(path)
    try:
        data = read_regular(path, MAX_BYTES)
    except FileNotFoundError as error:
        raise WeightsError("head_missing", "there is no such head file", str(path), _AGAIN) from error
    except OSError as error:
        what = f"the head file cannot be read: {reason_of(error)}"
        raise WeightsError("head_unreadable", what, str(path), _AGAIN) from error
    try:
        arrays, text = _tensor_file.decode(data)
    except ValueError as error:
        raise WeightsError("head_damaged", str(error), str(path), _AGAIN) from error
    if text.get("format") not in (FORMAT, head_file.FORMAT):
        hint = "give a file written by `headform heads build-open` or `headform heads convert`"
        raise WeightsError("head_foreign", "a safetensors file, but not a head of headform", str(path), hint)
    sha256 = hashlib.sha256(data).hexdigest()
    if text["format"] == head_file.FORMAT:
        return replace(head_file.decode(arrays, text, str(path)), sha256=sha256)
    try:
        head = _decode(arrays, text)
        check_head(head)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise WeightsError("head_damaged", f"the fields are inconsistent: {error}", str(path), _AGAIN) from error
    return replace(head, sha256=sha256)


def with_landmark_offset(head: LinearHead, offset: Float[Tensor, "68 3"]) -> LinearHead:
    """Return the head with another offset (meters) to the annotators' convention; `write` keeps it."""
    return replace(head, landmark_offset=offset.to(head.mean))


def _check_lengths(arrays: dict[str, np.ndarray], count: int) -> None:
    """Check that scales and masks have one number for each of theirs, since numpy would repeat one for all.

    Raises:
        ValueError: a file of half a megabyte could ask for gigabytes.
    """
    for name in ("identity.first", "identity.later", "albedo"):
        whole, scale = arrays[name], arrays[f"{name}.scale"]
        if whole.ndim != 3 or whole.dtype.kind != "i" or scale.shape != whole.shape[:1]:
            raise ValueError(f"{name} is {whole.dtype} of shape {whole.shape}, its scale of {scale.shape}")
    moving, scale = arrays["expression.moving"], arrays["expression.scale"]
    for name in ("expression.moving", "regions"):
        mask = arrays[name]
        if mask.ndim != 2 or mask.dtype != np.uint8 or mask.shape[1] != -(-count // 8):
            raise ValueError(f"{name} is {mask.dtype} of shape {mask.shape}, expected bits of {count} vertices")
    if scale.shape != moving.shape[:1]:
        raise ValueError(f"expression.scale has shape {scale.shape}, expected one for each of {len(moving)}")


def _decode(arrays: dict[str, np.ndarray], text: dict[str, Any]) -> LinearHead:
    count = len(arrays["mean"])
    _check_lengths(arrays, count)

    def basis(name: str) -> Float32[np.ndarray, "M V 3"]:
        return np.asarray(arrays[name].astype(np.float32) * arrays[f"{name}.scale"][:, None, None])

    moving = np.unpackbits(arrays["expression.moving"], axis=1, count=count).astype(bool)
    scale = np.broadcast_to(arrays["expression.scale"][:, None], moving.shape)[moving]
    expression = np.zeros((*moving.shape, 3), np.float32)
    expression[moving] = arrays["expression"].astype(np.float32) * scale[:, None]
    masks = np.unpackbits(arrays["regions"], axis=1, count=count).astype(bool)
    tensors: dict[str, Any] = {name: torch.from_numpy(arrays[name]) for name in _FLOATS}
    tensors |= {name: torch.from_numpy(arrays[name].astype(np.int64)) for name in _INTEGERS}
    return LinearHead(
        name=text["name"],
        sha256="",
        license=text["licence"],
        identity=torch.from_numpy(np.concatenate([basis("identity.first"), basis("identity.later")])),
        expression=torch.from_numpy(expression),
        expression_names=tuple(text["expression_names"]),
        albedo=torch.from_numpy(basis("albedo")),
        regions={n: torch.from_numpy(m) for n, m in zip(text["regions"], masks, strict=True)},
        part=torch.from_numpy(arrays["part"]),
        uv=torch.from_numpy((arrays["uv"].astype(np.float64) / _UV_STEPS).astype(np.float32)),
        **tensors,
    )
