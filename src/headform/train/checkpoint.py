"""Checkpoints of a run: a safetensors file that contains its own SHA-256, and the previous one.

    checkpoint.safetensors            the newest
    checkpoint.previous.safetensors   the one before, in case the newest is damaged

The metadata hold one entry, `headform`: 64 hexadecimal digits, then the run as JSON. The digits are the SHA-256 of the
whole file with zeros in their place, so that any changed byte is detected. Files are replaced by renaming: a process that
is killed while writing leaves both intact.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from headform.errors import WeightsError
from headform.io.atomic import write_bytes
from headform.io.file_bytes import read_bytes
from headform.io.json_file import parse_json
from headform.io.safetensors_bytes import load_tensors

NEWEST = "checkpoint.safetensors"
PREVIOUS = "checkpoint.previous.safetensors"
_MAX_BYTES = 1 << 36
_MARK = b'"headform":"'
_BLANK = b"0" * 64


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Saved state from which a run is resumed.

    Attributes:
        tensors: Tensors by name, on the CPU.
        metadata: Plain JSON values, among them `step`; floats are stored exactly.
        path: Path of the file that was read.
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]
    path: Path


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write the newest checkpoint; the present newest becomes the previous one.

    Raises:
        ResourceError: `write_failed`; the newest one is then unchanged.
    """
    data = _encoded(tensors, metadata)
    newest, previous = folder / NEWEST, folder / PREVIOUS
    if newest.is_file():
        spare = folder / f".{PREVIOUS}.spare"
        with contextlib.suppress(FileNotFoundError):
            spare.unlink()
        try:
            os.link(newest, spare)  # a second name: the newest exists at every moment
        except OSError:  # a file system without hard links
            shutil.copyfile(newest, spare)
        os.replace(spare, previous)
    write_bytes(newest, data)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Load the newest checkpoint; None if the run has not written one yet.

    Raises:
        WeightsError: `checkpoint_damaged`; the message names the previous one if that is intact.
    """
    newest, previous = folder / NEWEST, folder / PREVIOUS
    if not newest.is_file():
        return _read(previous) if previous.is_file() else None
    try:
        return _read(newest)
    except WeightsError as error:
        fix = "start the run again in another folder"
        with contextlib.suppress(WeightsError):
            step = _read(previous).metadata["step"]
            fix = f"the previous checkpoint, of step {step}, is intact: to resume from it, "
            fix += f"mv {PREVIOUS} {NEWEST} in that folder"
        raise WeightsError("checkpoint_damaged", error.message, error.location, fix) from error


def clear_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left behind."""
    for pattern in (f".{NEWEST}.*", f".{PREVIOUS}.*", ".config.json.*", ".log.jsonl.*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def _encoded(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    plain = {name: tensors[name].detach().to("cpu", copy=True).contiguous() for name in tensors}
    metadata = {"headform": _BLANK.decode() + json.dumps(dict(metadata))}
    data = bytearray(safetensors.torch.save(plain, metadata))
    at = data.index(_MARK) + len(_MARK)
    data[at : at + 64] = hashlib.sha256(data).hexdigest().encode()
    return bytes(data)


def _read(path: Path) -> Checkpoint:
    where = repr(str(path))
    data = read_bytes(path, max_bytes=_MAX_BYTES)
    try:
        length = 8 + int.from_bytes(data[:8], "little")
        at = data[:length].index(_MARK) + len(_MARK)
        digest = hashlib.sha256(data[:at] + _BLANK)
        digest.update(memoryview(data)[at + 64 :])
        if digest.hexdigest().encode() != data[at : at + 64]:
            what = "the checkpoint is damaged: its content does not match its SHA-256"
            raise WeightsError("checkpoint_damaged", what, where)
        tensors, metadata = load_tensors(data)
        return Checkpoint(tensors, dict(parse_json(metadata["headform"][64:])), path)
    except (LookupError, TypeError, ValueError, MemoryError) as error:
        what = f"the checkpoint is damaged: {error}"[:200]
        raise WeightsError("checkpoint_damaged", what, where) from error
