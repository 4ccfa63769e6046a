"""PyTorch checkpoints as storages and the tensors in them. Runs in the child process; imports numpy, never torch.

Two layouts, both of `torch.save`: since 1.6 a zip archive of one folder, nothing compressed, with `data.pkl`, `byteorder`
("little" or "big", absent in old ones) and `data/<key>` with the bytes of each storage; before, see
`_torch_objects.read_legacy`.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headform.io._pickle_reader import leaves
from headform.io._sandbox import damaged, refused
from headform.io._torch_objects import ITEM_BYTES, Storage, Tensor, TorchUnpickler, read_legacy

_MOST_STORAGES = 200_000
_MOST_ENTRIES = 500_000
_KINDS = "biufc"


def read(path: str, max_bytes: int) -> Iterator[tuple[str, Any]]:
    """Yield the content of a checkpoint.

    Args:
        path: Path of the checkpoint.
        max_bytes: Largest size of the tensors laid out in full (strides of zero describe huge ones), bytes.

    Yields:
        `storages/<k>`: bytes, low byte first; `tensors`: by path the number of the storage, dtype, offset, shape, strides,
        conjugate and negative; `arrays`: numpy's; `values`: numbers, booleans and texts.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start, tar = file.read(4), os.pread(file.fileno(), 5, 257)
        file.seek(0)
        if tar == b"ustar":
            raise damaged("a tar archive, as torch wrote them before 0.1.10, which is not read")
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(file) as archive:
                value, big = _read_zip(archive)
                yield from _described(value, big, max_bytes)
            return
        try:
            value, _ = read_legacy(file, size)
        except EOFError as error:
            raise damaged("not a PyTorch checkpoint, or a truncated one") from error
        yield from _described(value, False, max_bytes)


def _read_zip(archive: zipfile.ZipFile) -> tuple[Any, bool]:
    """Read the object, whose storages read the entries of the archive, and return whether it is big-endian."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) > _MOST_STORAGES or len(entries) != len(archive.infolist()):
        raise damaged("an archive with too many entries, or two of one name")
    for entry in entries.values():
        if entry.compress_type != zipfile.ZIP_STORED:
            raise refused(f"the file asks for unpacking of {entry.filename!r:.80}, which torch.save never compresses")
        if entry.file_size != entry.compress_size:
            raise damaged(f"an archive whose entry {entry.filename!r:.80} misstates its size")
        entry.CRC = entry.CRC or None  # type: ignore[assignment]  # zero where torch was told to keep no checksums
    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1 or pickles[0].count("/") > 1:
        raise damaged("a zip archive without data.pkl, or with several, which is not a PyTorch checkpoint")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in entries or any(name.startswith(f"{folder}code/") for name in entries):
        raise refused("the file asks for a TorchScript program")
    order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise damaged(f"the byte order {order!r:.40}")
    unpickler = TorchUnpickler(io.BytesIO(archive.read(pickles[0])))
    value = unpickler.load()
    for storage in unpickler.storages.values():
        entry_of = entries.get(f"{folder}data/{storage.key}")
        if entry_of is None or entry_of.file_size != storage.nbytes:
            raise damaged(f"the storage {storage.key!r:.40} does not have the length that its tensors state")
        storage.load = _loader(archive, entry_of)
    return value, order == b"big"


def _loader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    return lambda: archive.read(entry)


def _described(value: Any, big_endian: bool, max_bytes: int) -> Iterator[tuple[str, Any]]:
    tables: dict[str, dict[str, Any]] = {"tensors": {}, "arrays": {}, "values": {}}
    storages: dict[tuple[str, str], int] = {}
    room = max_bytes
    for path, leaf in leaves(value, most=_MOST_ENTRIES):
        if isinstance(leaf, Storage):
            leaf = Tensor(leaf, leaf.dtype, 0, (leaf.count,), (1,))
        if isinstance(leaf, Tensor):
            key = (leaf.storage.key, leaf.dtype)
            room -= leaf.nbytes
            if room < 0:
                raise damaged(f"the tensors take more than {max_bytes} bytes in full")
            if key not in storages:
                storages[key] = len(storages)
                yield f"storages/{storages[key]}", _bytes_of(leaf.storage, leaf.dtype, big_endian)
            row = [storages[key], leaf.dtype, leaf.offset, leaf.shape, leaf.strides, leaf.conjugate, leaf.negative]
            tables["tensors"][path] = row
        elif isinstance(leaf, np.ndarray) and leaf.ndim == 0 and leaf.dtype.kind in "biuf":
            tables["values"][path] = leaf.item()
        elif isinstance(leaf, np.ndarray) and leaf.dtype.kind in _KINDS:
            tables["arrays"][path] = leaf
        elif isinstance(leaf, (bool, float, str)) or (isinstance(leaf, int) and abs(leaf) < 2**63):
            tables["values"][path] = leaf
    yield from tables.items()


def _bytes_of(storage: Storage, dtype: str, big_endian: bool) -> npt.NDArray[np.uint8]:
    """Return the bytes of a storage, in little-endian order."""
    data = np.frombuffer(storage.load(), np.uint8)
    if len(data) != storage.nbytes:
        raise damaged("the file ends within its numbers")
    item = ITEM_BYTES[dtype] // (2 if dtype.startswith("complex") else 1)
    return data.reshape(-1, item)[:, ::-1].reshape(-1) if big_endian and item > 1 else data
