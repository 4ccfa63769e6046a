"""Prepared meshes on disk: one JSON file that says everything, and safetensors that are read in place.

N meshes, B batch, V vertices, F triangles.

    dataset.json              name, license, source, counts, the SHA-256 of every other file
    faces.safetensors         `faces` (F, 3) int32
    train-00000.safetensors   `vertices` (n, V, 3) float32 meters; likewise val- and test-

`prepared_writer` writes them; `dataset.json` comes last, so a folder that has it is whole.
"""

import errno
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from headform.data.splits import SPLITS
from headform.errors import InputError
from headform.io.file_bytes import reason_of, sha256_of
from headform.io.json_file import is_file_name, read_json

FORMAT = "headform-meshes-1"
INDEX = "dataset.json"
_AGAIN = "prepare the data set again, or copy its folder again"
_LARGEST_INDEX = 1 << 24


class PreparedMeshes:
    """One split of a prepared folder, as a `MeshDataset`.

    Shards are mapped into memory: only the meshes asked for are read. The index and the faces are
    checked when the folder is opened, and so are all files' sizes; the SHA-256 of a shard is
    compared when the first mesh of it is read (about 1 s per GB, once per process).

    Args:
        folder: Holds `dataset.json`.
        split: "train", "val" or "test".
        verify: False trusts shards of the right size.

    Raises:
        InputError: `dataset_missing` when there is no folder or no index in it (an unfinished
            folder has none); `dataset_damaged` when the index is malformed or a file is absent,
            cut, or not as the index says; `dataset_split` when the split is absent or empty.
    """

    def __init__(self, folder: Path, split: str = "train", *, verify: bool = True) -> None:
        self.folder, self.split, self.verify = Path(folder), split, verify
        index = _read_index(self.folder)
        self.facts: dict[str, Any] = index["source"]
        self._name, self._license = str(index["name"]), str(index["license"])
        self._count_vertices = int(index["vertices"])
        self._shards: list[dict[str, Any]] = index["splits"].get(split, [])
        if not self._shards:
            there = ", ".join(name for name, shards in index["splits"].items() if shards)
            what = f"there is no split {split!r}, only {there or 'none'}"
            raise InputError("dataset_split", what, ascii(str(folder)), "prepare one that has it")
        self._starts = np.cumsum([0] + [shard["count"] for shard in self._shards])
        self._open: dict[int, Any] = {}
        for entry in [index["faces"], *self._shards]:
            self._check_size(entry)
        self._faces_entry = index["faces"]
        if self.faces.min() < 0 or self.faces.max() >= self._count_vertices:
            raise self._damaged("a face names a vertex that is not there", "faces.safetensors")

    @property
    def name(self) -> str:
        """Name of the data set and of the split."""
        return f"{self._name}, {self.split}"

    @property
    def license(self) -> str:
        """One line."""
        return self._license

    @property
    def count(self) -> int:
        """Number of meshes of the split."""
        return int(self._starts[-1])

    @cached_property
    def faces(self) -> Int64[np.ndarray, "F 3"]:
        """Triangles of every mesh."""
        self._check_hash(self._faces_entry)
        faces = self._tensor_file(self._faces_entry["file"], "faces")[:]
        if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
            raise self._damaged(f"faces have shape {tuple(faces.shape)}", "faces.safetensors")
        return faces.long().numpy()

    def vertices(self, indices: Int64[np.ndarray, " B"]) -> Float32[Tensor, "B V 3"]:
        """The meshes with these numbers, meters.

        Raises:
            IndexError: a number is not in [0, count).
            InputError: `dataset_damaged`, see the class.
        """
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < self.count:
            raise IndexError(f"meshes are numbered 0 to {self.count - 1}")
        out = torch.empty((len(indices), self._count_vertices, 3))
        shards = np.searchsorted(self._starts, indices, side="right") - 1
        for row, (shard, index) in enumerate(zip(shards, indices, strict=True)):
            at = int(index - self._starts[shard])
            out[row] = self._shard(int(shard))[at : at + 1][0]
        return out

    def _shard(self, number: int) -> Any:
        if number not in self._open:
            entry = self._shards[number]
            if self.verify:
                self._check_hash(entry)
            rows = self._tensor_file(entry["file"], "vertices")
            wanted = [entry["count"], self._count_vertices, 3]
            if rows.get_shape() != wanted or rows.get_dtype() != "F32":
                what = f"vertices are {rows.get_dtype()} {rows.get_shape()}, expected {wanted}"
                raise self._damaged(what, entry["file"])
            self._open[number] = rows
        return self._open[number]

    def _tensor_file(self, file: str, tensor: str) -> Any:
        """A slice object: indexing it reads that part of the mapped file."""
        try:
            opened: Any = safetensors.safe_open(self.folder / file, framework="pt")
            return opened.get_slice(tensor)
        except (safetensors.SafetensorError, OSError) as error:
            raise self._damaged(f"not the safetensors file expected: {error}", file) from error

    def _check_size(self, entry: dict[str, Any]) -> None:
        try:
            size = (self.folder / entry["file"]).stat().st_size
        except OSError as error:
            raise self._damaged(error.strerror or str(error), entry["file"]) from error
        if size != entry["bytes"]:
            raise self._damaged(f"{size} bytes, expected {entry['bytes']}", entry["file"])

    def _check_hash(self, entry: dict[str, Any]) -> None:
        try:
            found = file_hash(self.folder / entry["file"])
        except OSError as error:
            raise self._damaged(error.strerror or str(error), entry["file"]) from error
        if found != entry["sha256"]:
            what = f"SHA-256 {found[:12]}…, expected {entry['sha256'][:12]}…"
            raise self._damaged(what, entry["file"])

    def _damaged(self, what: str, file: str) -> InputError:
        return InputError("dataset_damaged", what, ascii(str(self.folder / file)), _AGAIN)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal, read piece by piece."""
    return sha256_of(path)


def _read_index(folder: Path) -> dict[str, Any]:
    """`dataset.json`, with every field that is used of the right kind."""
    path = folder / INDEX
    where = ascii(str(path))
    try:
        index = read_json(path, _LARGEST_INDEX)
    except OSError as error:
        if error.errno == errno.EFBIG:
            what = f"the index is too large: {reason_of(error)}"
            raise InputError("dataset_damaged", what, where, _AGAIN) from error
        what = f"no prepared data set: {reason_of(error)}"
        fix = "run its preparation to the end, or name its folder"
        raise InputError("dataset_missing", what, where, fix) from error
    except ValueError as error:
        what = f"the index is not JSON: {error}"[:200]
        raise InputError("dataset_damaged", what, where, _AGAIN) from error
    problem = _index_problem(index)
    if problem:
        raise InputError("dataset_damaged", problem, where, _AGAIN)
    return dict(index)


def _index_problem(index: Any) -> str:
    """Describe the fault of an index; empty for a valid one."""
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        return f"the index is not of the format {FORMAT}"
    kinds = {"name": str, "license": str, "source": dict, "vertices": int, "splits": dict}
    for field, kind in kinds.items():
        if not isinstance(index.get(field), kind):
            return f"the index lacks {field}"
    if index["vertices"] < 1 or set(index["splits"]) - set(SPLITS):
        return "the index names no vertices or an unknown split"
    entries: list[Any] = [index.get("faces")]
    for shards in index["splits"].values():
        if not isinstance(shards, list):
            return "a split is no list of files"
        if any(not isinstance(s, dict) or type(s.get("count")) is not int for s in shards):
            return "a file of a split has no count"
        if any(s["count"] < 1 for s in shards):
            return "a file of a split is empty"
        entries += shards
    for entry in entries:
        fields = entry if isinstance(entry, dict) else {}
        good = isinstance(fields.get("sha256"), str) and type(fields.get("bytes")) is int
        if not good or not _plain(fields.get("file")):
            return "a file has no name, size or SHA-256, or lies outside the folder"
    return ""


def _plain(name: Any) -> bool:
    """Return True for a plain file name, without a path out of the folder."""
    return is_file_name(name) and not set(name) & set("/\\")
