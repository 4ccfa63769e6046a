"""PyTorch checkpoints (.pth, .pt, .tar, .ckpt) read as data: no torch.load, nothing in the file is ever called.

N bytes of a storage.

A child process (`_torch_reader`) reads the pickle under limits, with an allow-list of globals, verifies the checksums of the
storages, and sends their bytes; here those are viewed as tensors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from headform.errors import WeightsError
from headform.io._child import ask
from headform.io.file_bytes import check_regular, first_bytes, read_bytes, unpacked_limit
from headform.io.file_content import content_of
from headform.io.safetensors_bytes import load_tensors

MAX_BYTES = 4 << 30
"""Largest size of a file, and of all its tensors laid out in full, bytes."""
_SAFE = "only tensors and plain values are read; ask its publisher for a state_dict or safetensors"
_AGAIN = "get the file again"
_KNOWN_PARTS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "net_recon", "network", "backbone", "params", "module",
)  # fmt: skip
"""Keys under which training programs store the network, in order of preference."""
_WRAPPED = "module."
_NO_CHECKPOINT = "a pickle, but not a PyTorch checkpoint"
"""Message of the child for other pickles."""


@dataclass(frozen=True)
class TorchFile:
    """Content of a checkpoint.

    Attributes:
        tensors: Tensors by path, keys joined by `/`, such as ``state_dict/module.conv1.weight``; in the file's
            order, on the CPU, with shared storages and original strides.
        values: Numbers, booleans and strings by path, such as ``epoch``.
    """

    tensors: dict[str, Tensor]
    values: dict[str, bool | int | float | str]


def read_torch(
    path: Path | str,
    *,
    max_bytes: int = MAX_BYTES,
    memory_bytes: int = 1 << 30,
    cpu_seconds: int = 30,
) -> TorchFile:
    """Read a checkpoint, of the zip layout or the one before torch 1.6.

    Args:
        path: Path of a regular file.
        max_bytes: Largest size of the file, and of its tensors laid out in full (strides of zero describe huge ones), bytes.
        memory_bytes: Memory of the child process in addition to the storages, bytes.
        cpu_seconds: Limit of its processor time, seconds.

    Raises:
        WeightsError: `unsafe_pickle` when it names anything but tensors and plain values (the message has the name), has
            compressed entries or exceeds a limit; `weights_damaged` when it is cut, malformed or no checkpoint;
            `weights_missing`.
        ResourceError: `no_process`; `out_of_memory`.
    """
    path = Path(path)
    size = check_regular(path)
    if size > max_bytes:
        what = f"{size} bytes are more than the limit of {max_bytes}"
        raise WeightsError("weights_damaged", what, repr(str(path)))
    room = unpacked_limit(size, max_bytes)
    try:
        said = ask(
            "_torch_reader",
            [path],
            {"max_bytes": room},
            memory_bytes=memory_bytes + 2 * size,  # of which one storage is held at a time, twice if it is turned
            cpu_seconds=cpu_seconds,
            max_bytes=memory_bytes + room,
            refused="unsafe_pickle",
            hint=_SAFE,
        )[0]
    except WeightsError as error:
        raise _named(error, path) from error
    try:
        return _filled(said)
    except (ValueError, LookupError, TypeError, RuntimeError) as error:
        what = f"{error}"[:200]
        raise WeightsError("weights_damaged", what, repr(str(path)), _AGAIN) from error


def state_dict_of(path: Path | str, part: str | None = None) -> dict[str, Tensor]:
    """Read the tensors of one network in a checkpoint or a .safetensors file, by the names of the network.

    Args:
        path: PyTorch checkpoint or safetensors file.
        part: Key of the network, such as ``arcface``; None looks for `state_dict`, `model` and the like, also nested,
            and otherwise uses the only table of tensors.

    Returns:
        Tensors by name, without the prefix ``module.`` of data-parallel training.

    Raises:
        WeightsError: codes of `read_torch`; `weights_missing_key` when the part is absent, or when there are several and
            none has a known name.
    """
    path = Path(path)
    where = repr(str(path))
    if is_safetensors(path):
        try:
            tables = {"": load_tensors(read_bytes(path, max_bytes=MAX_BYTES))[0]}
        except ValueError as error:
            raise WeightsError("weights_damaged", f"{error}"[:200], where, _AGAIN) from error
    else:
        tables = _tables(read_torch(path).tensors)
    chosen = tables[_choose(tables, part, where)]
    while chosen and all(name.startswith(_WRAPPED) for name in chosen):
        chosen = {name.removeprefix(_WRAPPED): tensor for name, tensor in chosen.items()}
    return chosen


def _named(error: WeightsError, path: Path) -> WeightsError:
    """Return an error of the reader in the words of what the file is, where it is no checkpoint at all."""
    content = content_of(path)
    if content is None or content.sort == "own" or error.code == "weights_missing":
        return error
    if content.is_foreign:
        start = error.message if " archive" in error.message else "no PyTorch checkpoint"
        what = f"{start}: it is {content.what}"
        return WeightsError("weights_damaged", what, repr(str(path)), content.hint)
    if error.code == "weights_damaged" and content.what != "a pickle":
        what = f"no PyTorch checkpoint: it is {content.what}"
        return WeightsError(error.code, what, repr(str(path)), content.hint)
    if error.message == _NO_CHECKPOINT:
        return WeightsError(error.code, error.message, error.location, content.hint)
    return error


def is_torch(path: Path) -> bool:
    """Return whether a file begins as a checkpoint of either layout does; never raises."""
    return first_bytes(path, 16).startswith((b"PK\x03\x04", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8"))


def is_safetensors(path: Path) -> bool:
    """Return whether a file begins with eight bytes of length and a JSON object.

    Raises:
        WeightsError: `weights_missing`.
    """
    check_regular(path)
    return first_bytes(path, 9)[8:] == b"{"


def _tables(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Group the tensors by the table that contains them."""
    tables: dict[str, dict[str, Tensor]] = {}
    for path, tensor in tensors.items():
        table, _, name = path.rpartition("/")
        tables.setdefault(table, {})[name] = tensor
    return tables


def _choose(tables: Mapping[str, Any], part: str | None, where: str) -> str:
    there = ", ".join(f"`{name}`" for name in sorted(tables)[:20] if name) or "no table of tensors"
    if part is not None:
        named = [name for name in (part, f"{part}/state_dict") if name in tables]
        if named:
            return named[0]
        what = f"there is no part `{part}`, there is {there}"
        raise WeightsError("weights_missing_key", what, where, "name a part that is there")
    known = [n for n in tables if n and all(word in _KNOWN_PARTS for word in n.split("/"))]
    if known:
        return min(known, key=lambda n: [_KNOWN_PARTS.index(word) for word in n.split("/")])
    if "" in tables:
        return ""
    if len(tables) == 1:
        return next(iter(tables))
    what = f"it is not clear which part is the network, there is {there}"
    raise WeightsError("weights_missing_key", what, where, "name the part")


def _filled(said: dict[str, Any]) -> TorchFile:
    """View the storages that the child read as tensors."""
    typed: dict[tuple[int, str], Tensor] = {}
    tensors: dict[str, Tensor] = {}
    for name, (key, dtype, offset, shape, strides, conjugate, negative) in said["tensors"].items():
        if (key, dtype) not in typed:
            typed[key, dtype] = _typed(said[f"storages/{key}"], dtype)
        tensor = torch.as_strided(typed[key, dtype], shape, strides, offset)  # refuses what leaves the storage
        tensor = tensor.conj().resolve_conj() if conjugate else tensor
        tensors[name] = -tensor if negative else tensor
    tensors |= {name: torch.from_numpy(array) for name, array in said["arrays"].items()}
    return TorchFile(tensors, said["values"])


def _typed(data: UInt8[np.ndarray, " N"], dtype: str) -> Tensor:
    """View a whole storage as one axis of elements."""
    if not data.size:
        return torch.zeros(0, dtype=getattr(torch, dtype))
    raw = torch.from_numpy(data)
    if dtype == "bool":
        return raw != 0  # booleans must be stored as 0 or 1
    return raw.view(getattr(torch, dtype))
