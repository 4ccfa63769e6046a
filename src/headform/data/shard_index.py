"""Index of a folder of tar shards: which sample lies where.

    index.json             format, side of the pictures, shards with size, SHA-256 and samples
    00000.tar ...          shards of the WebDataset layout: the files of a sample lie side by side, named NAME.ENDING

The shards are in the order of their file names, samples in the order of the file: the index alone decides the numbers of
samples. It can be made again from the shards (`merge_index`).
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from headform.data.sample import is_label, is_sample_name
from headform.data.sample_files import MAX_SIDE, read_labels
from headform.errors import InputError
from headform.io.atomic import write_bytes
from headform.io.file_bytes import open_regular, reason_of, sha256_of
from headform.io.folder_lock import FolderLock
from headform.io.json_file import is_file_name, read_json

FORMAT = "headform-shards-1"
INDEX = "index.json"
BLOCK = 512
"""Block of a tar, bytes: headers take one, contents are padded to whole ones."""
MAX_SAMPLE = 1 << 28
"""Largest sample, bytes of its files with headers."""
_LARGEST_INDEX = 1 << 29
_PATIENCE_S = 120.0
"""Time to wait for another writer that merges the index, seconds."""
AGAIN = "copy the folder again, or remove the shard and index.json and prepare what it held again"


class SampleRow(NamedTuple):
    """Place of a sample in a shard.

    Attributes:
        name: Name of the sample.
        subject: Label of its subject.
        source: Data set it is from.
        offset: Position of its first header, bytes.
    """

    name: str
    subject: str
    source: str
    offset: int


@dataclass(frozen=True)
class ShardEntry:
    """A shard in the index.

    Attributes:
        file: Name of the file.
        size: Size of the file, bytes.
        sha256: Digest of the file.
        side: Side of its pictures, pixels.
        end: Position after the last sample, bytes.
        samples: Samples in their order.
    """

    file: str
    size: int
    sha256: str
    side: int
    end: int
    samples: tuple[SampleRow, ...]


def damaged(what: str, folder: Path, file: str, sample: str = "") -> InputError:
    """Return the error of a damaged shard, which names the sample where one is known."""
    where = ascii(str(folder / file)) + (f", sample {sample}" if sample else "")
    return InputError("dataset_damaged", what, where, AGAIN)


def read_index(folder: Path) -> list[ShardEntry]:
    """Read and check the index of a folder.

    Raises:
        InputError: `dataset_missing` without an index; `dataset_damaged`.
    """
    path = folder / INDEX
    try:
        index = read_json(path, _LARGEST_INDEX)
        if index["format"] != FORMAT:
            raise ValueError(f"the format is not {FORMAT}")
        entries = [_entry(shard, index["side"]) for shard in index["shards"]]
        if len({entry.file for entry in entries}) < len(entries):
            raise ValueError("a shard is listed twice")
    except OSError as error:
        what = f"there is no index of samples: {reason_of(error)}"
        hint = "name a folder of `headform data prepare`; `headform data check DIR --index` makes a lost index again"
        raise InputError("dataset_missing", what, ascii(str(path)), hint) from error
    except (ValueError, LookupError, TypeError) as error:
        raise damaged(f"the index is malformed: {error}"[:200], folder, INDEX) from error
    _check_names(folder, entries)
    return entries


def merge_index(folder: Path, written: Mapping[str, ShardEntry] | None = None) -> list[ShardEntry]:
    """Write the index anew from the shards of the folder; shards that it lacks are read.

    Args:
        folder: Folder of shards.
        written: Entries of shards that this process has written, which need not be read again.

    Raises:
        InputError: `dataset_damaged` for a shard that cannot be read, is missing, or has changed since it was indexed, and
            for a name that two samples have.
        ResourceError: `write_failed`, `folder_in_use`.
    """
    with FolderLock(folder, wait_s=_PATIENCE_S, nested=True):
        known = {entry.file: entry for entry in read_index(folder)} if (folder / INDEX).exists() else {}
        known |= written or {}
        files = sorted(path.name for path in folder.glob("*.tar"))
        gone = sorted(set(known) - set(files))
        if gone:
            raise damaged("a shard of the index is missing", folder, gone[0])
        entries = [known[file] if file in known else scan_shard(folder, file) for file in files]
        sides = {entry.side for entry in entries}
        if len(sides) > 1:
            raise damaged(f"the shards have pictures of different sides: {sorted(sides)}", folder, INDEX)
        _check_names(folder, entries)
        write_bytes(folder / INDEX, _encoded(entries, sides.pop() if sides else 0))
    return entries


def scan_shard(folder: Path, file: str) -> ShardEntry:
    """Make the entry of a shard by reading its headers and labels.

    Raises:
        InputError: `dataset_damaged`, naming shard and sample.
    """
    rows: list[SampleRow] = []
    sides: set[int] = set()
    last, end = "", 0
    try:
        with open_regular(folder / file) as tar:
            size = os.fstat(tar.fileno()).st_size
            for offset, name, ending, content in members(tar, size):
                if name != last:
                    if rows and not rows[-1].subject:
                        raise ValueError("there are no labels (.json)")
                    last = name
                    rows.append(SampleRow(name, "", "", offset))
                if ending == "json":
                    tar.seek(content[0])
                    labels = read_labels({"json": tar.read(content[1])})
                    if not is_label(labels["subject"]) or not is_label(labels["source"]):
                        raise ValueError("subject or source are no labels")
                    sides.add(labels["side"])
                    rows[-1] = SampleRow(name, labels["subject"], labels["source"], rows[-1].offset)
                end = content[0] + _padded(content[1])
            if size < end + BLOCK:
                raise ValueError("the end of the tar is cut off")
            if not rows or not rows[-1].subject:
                raise ValueError("there are no labels (.json)" if rows else "there are no samples")
            if len(sides) != 1:
                raise ValueError(f"the pictures have different sides: {sorted(sides)}")
        return ShardEntry(file, size, sha256_of(folder / file), sides.pop(), end, tuple(rows))
    except OSError as error:
        raise damaged(f"the shard cannot be read: {reason_of(error)}", folder, file, last) from error
    except ValueError as error:
        raise damaged(f"the shard cannot be read: {error}"[:300], folder, file, last) from error


def members(tar: io.BufferedIOBase, size: int, start: int = 0) -> Iterator[tuple[int, str, str, tuple[int, int]]]:
    """List the files of samples in a tar, or in a part of one.

    Args:
        tar: Open file.
        size: Position at which the part ends, bytes.
        start: Position of the first header, bytes.

    Yields:
        Position of the header, name of the sample, ending of the file, and position and size of its content.

    Raises:
        ValueError: a header is damaged, a file is cut off, or its name is none of a sample's.
    """
    at = start
    while at + BLOCK <= size:
        tar.seek(at)
        block = tar.read(BLOCK)
        if not block.strip(b"\0"):
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ValueError(f"a header is damaged at byte {at}: {error}") from error
        name, _, ending = header.name.partition(".")
        if not header.isreg() or not is_sample_name(name) or not ending:
            raise ValueError(f"an entry is no file of a sample: {header.name!r}"[:150])
        content = at + BLOCK
        if header.size < 0 or content + header.size > size:
            raise ValueError(f"the file is cut off within {header.name}")
        yield at, name, ending, (content, header.size)
        at = content + _padded(header.size)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _encoded(entries: list[ShardEntry], side: int) -> bytes:
    shards = []
    for entry in entries:
        samples = [[row.name, row.subject, row.source, row.offset] for row in entry.samples]
        head = {"file": entry.file, "bytes": entry.size, "sha256": entry.sha256, "end": entry.end}
        shards.append(json.dumps(head | {"samples": samples}))
    begin = json.dumps({"format": FORMAT, "side": side})[:-1]
    rows = ",\n".join(shards)
    return f'{begin}, "shards": [\n{rows}\n]}}\n'.encode()


def _entry(shard: dict[str, Any], side: Any) -> ShardEntry:
    """Check a shard of an index.

    Raises:
        ValueError: or a LookupError or TypeError: it is malformed.
    """
    file, size, sha256, end = shard["file"], shard["bytes"], shard["sha256"], shard["end"]
    if not is_file_name(file) or set(file) & set("/\\") or not file.endswith(".tar"):
        raise ValueError("a shard is no .tar in the folder")
    numbers = [size, end, side, *(row[3] for row in shard["samples"])]
    if any(type(number) is not int for number in numbers) or not isinstance(sha256, str):
        raise ValueError("sizes and offsets are no integers")
    offsets = [*numbers[3:], end]
    if offsets[0] != 0 or size < end or not 0 < side <= MAX_SIDE:
        raise ValueError("the samples do not lie within their shard")
    if any(not BLOCK <= b - a <= MAX_SAMPLE for a, b in pairwise(offsets)):
        raise ValueError("the offsets of samples do not grow, or one is too large")
    rows = tuple(SampleRow(*row) for row in shard["samples"])
    if not all(is_sample_name(r.name) and is_label(r.subject) and is_label(r.source) for r in rows):
        raise ValueError("a sample has no valid name, subject or source")
    return ShardEntry(file, size, sha256, side, end, rows)


def _check_names(folder: Path, entries: list[ShardEntry]) -> None:
    """Check that no two samples share a name."""
    seen: dict[str, str] = {}
    for entry in entries:
        for row in entry.samples:
            if row.name in seen:
                raise damaged(f"the sample is in {seen[row.name]} too", folder, entry.file, row.name)
            seen[row.name] = entry.file


def check_side(folder: Path, entries: list[ShardEntry], side: int) -> None:
    """Check that new samples fit those of a folder.

    Raises:
        InputError: `dataset_exists` where its pictures have another side.
    """
    others = {entry.side for entry in entries} - {side}
    if others:
        what = f"the folder holds pictures of {others.pop()} pixels, not {side}"
        raise InputError("dataset_exists", what, ascii(str(folder)), "choose another folder or the same side")
