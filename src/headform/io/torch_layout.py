"""Where in a PyTorch checkpoint the pickle and the elements of its storages lie.

Runs in the child process of `headform.io.torch_file`; imports the standard library and no torch.

Two layouts, both of ``torch.save``:

- since 1.6 a zip archive of one folder, nothing compressed: ``data.pkl``, ``byteorder`` ("little" or "big", absent in old
  ones), ``data/<key>`` with the bytes of each storage;
- before: pickles one after another, a magic number, the version 1001, facts of the system, the object, the list of the
  storages' keys; then for each key the number of elements in eight bytes, low byte first, and the elements.
"""

import io
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from headform.io.pickle_arrays import DamagedError, RefusedError
from headform.io.torch_pickle import byte_size, interpret_torch

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_MOST_PICKLE = 256 << 20
_MOST_STORAGES = 200_000


@dataclass(frozen=True)
class Place:
    """Where the bytes of a storage lie.

    Attributes:
        offset: In the file.
        size: In bytes.
        checksum: Their CRC-32; 0 where the file keeps none.
    """

    offset: int
    size: int
    checksum: int = 0


@dataclass(frozen=True)
class Layout:
    """A checkpoint without its elements.

    Attributes:
        value: What the pickle says; see `torch_pickle`.
        places: Of the storages, by key.
        big_endian: Whether elements have their high byte first.
    """

    value: Any
    places: dict[str, Place]
    big_endian: bool


def read_layout(file: BinaryIO, size: int) -> Layout:
    """Find out how a checkpoint is laid out.

    Args:
        file: At its beginning.
        size: Of the file in bytes.

    Raises:
        RefusedError: It asks for more than data.
        DamagedError: It is cut, malformed or no checkpoint.
    """
    start = file.read(4)
    file.seek(257)
    if file.read(5) == b"ustar":
        raise DamagedError("a tar archive, as torch wrote them before 0.1.10, which is not read")
    file.seek(0)
    if start == _LOCAL_MAGIC:
        try:
            with zipfile.ZipFile(file) as archive:
                layout = _zip_layout(file, size, archive)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error) as error:
            raise DamagedError(f"a broken archive: {error}"[:200]) from error
    else:
        layout = _old_layout(file, size)
    _check_room(layout.places.values(), size)
    return layout


def _check_room(places: Iterable[Place], size: int) -> None:
    """Storages lie in the file one behind another; overlapping ones would be a bomb."""
    end = 0
    for place in sorted(places, key=lambda place: (place.offset, place.size)):
        if place.size and place.offset < end:
            raise DamagedError("two storages that overlap")
        end = max(end, place.offset + place.size)
    if end > size:
        raise DamagedError("a storage that reaches beyond the file")


def _zip_layout(file: BinaryIO, size: int, archive: zipfile.ZipFile) -> Layout:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) > _MOST_STORAGES or len(entries) != len(archive.infolist()):
        raise DamagedError("an archive with too many entries, or two of one name")
    pickles = [n for n in entries if n == "data.pkl" or n.endswith("/data.pkl")]
    if not pickles:
        raise DamagedError("a zip archive without data.pkl, which is no PyTorch checkpoint")
    folder = pickles[0].removesuffix("data.pkl")
    if len(pickles) > 1 or folder.count("/") > 1:
        raise DamagedError("an archive with several checkpoints")
    if f"{folder}constants.pkl" in entries or any(n.startswith(f"{folder}code/") for n in entries):
        raise RefusedError("a TorchScript program")
    places = {name: _place(file, size, entry) for name, entry in entries.items()}
    order = _bytes(file, places.get(f"{folder}byteorder"), 16)
    if order not in (b"", b"little", b"big"):
        raise DamagedError(f"the byte order {order!r}")
    text = _bytes(file, places[pickles[0]], _MOST_PICKLE)
    value, storages = interpret_torch(io.BytesIO(text))
    found: dict[str, Place] = {}
    for key, storage in storages.items():
        place = places.get(f"{folder}data/{key}")
        if place is None or place.size != byte_size(storage):
            raise DamagedError(f"the storage {key!r:.40} is not as long as its tensors say")
        found[key] = place
    return Layout(value, found, order == b"big")


def _place(file: BinaryIO, size: int, entry: zipfile.ZipInfo) -> Place:
    """The bytes of an archive's entry; torch compresses none, so that compressed ones are refused."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise RefusedError(f"unpacking of {entry.filename!r:.80}, which torch.save never compresses")
    if entry.file_size != entry.compress_size or not 0 <= entry.header_offset < size:
        raise DamagedError(f"an archive whose entry {entry.filename!r:.80} lies about its size")
    file.seek(entry.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MAGIC):
        raise DamagedError(f"an archive whose entry {entry.filename!r:.80} is not there")
    name_length, extra_length = _LOCAL.unpack(header)[-2:]
    offset = entry.header_offset + _LOCAL.size + name_length + extra_length
    if offset + entry.file_size > size:
        raise DamagedError(f"an archive whose entry {entry.filename!r:.80} ends beyond the file")
    return Place(offset, entry.file_size, entry.CRC)


def _bytes(file: BinaryIO, place: Place | None, most: int) -> bytes:
    if place is None:
        return b""
    if place.size > most:
        raise RefusedError(f"{place.size} bytes of description, more than {most}")
    file.seek(place.offset)
    return file.read(place.size)


def _old_layout(file: BinaryIO, size: int) -> Layout:
    try:
        magic, _ = interpret_torch(file)
    except (RefusedError, DamagedError) as error:
        raise DamagedError("no PyTorch checkpoint") from error
    if magic != _MAGIC:
        raise DamagedError("a pickle, but no PyTorch checkpoint")
    version, system = interpret_torch(file)[0], interpret_torch(file)[0]
    if version != _VERSION or not isinstance(system, dict):
        raise DamagedError(f"a checkpoint of the unknown version {version!r:.40}")
    if system.get("little_endian") is not True:
        raise DamagedError("an old checkpoint of a machine with the high byte first")
    value, storages = interpret_torch(file)
    keys, _ = interpret_torch(file)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise DamagedError("a malformed list of storages")
    places: dict[str, Place] = {}
    for key in keys:
        length = file.read(8)
        if key not in storages or int.from_bytes(length, "little") != storages[key].count:
            raise DamagedError(f"the storage {key!r:.40} is not as long as its tensors say")
        places[key] = Place(file.tell(), byte_size(storages[key]))
        if places[key].offset + places[key].size > size:
            raise DamagedError("the file ends within its numbers")
        file.seek(places[key].size, io.SEEK_CUR)
    absent = storages.keys() - places.keys()
    if absent:
        raise DamagedError(f"the storage {min(absent)!r:.40} is not in the file")
    return Layout(value, places, False)
