"""Write training samples into tar shards, so that a kill loses one shard at most and several processes write at once."""

import contextlib
import hashlib
import io
import os
import tarfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from headform.data.sample import Sample
from headform.data.sample_files import encode_sample
from headform.data.shard_index import BLOCK, MAX_SAMPLE, SampleRow, ShardEntry, check_side, merge_index
from headform.errors import HeadformError, InputError, ResourceError, UsageError
from headform.io.atomic import make_folder, sync_folder
from headform.io.folder_lock import FolderLock
from headform.io.folder_swap import STAGE, clear_stages
from headform.io.json_file import is_file_name

SAMPLES_PER_SHARD = 1000
"""Samples of a shard: 30 MB of crops of 224 pixels."""


class ShardWriter:
    """Write samples into shards of a folder; a context.

    Samples of complete shards survive a kill; `names` says which are there, so that the next writer goes on after them.
    Several processes may write at once, each with a prefix of its own.

    Args:
        folder: Folder, made if absent; may hold shards already.
        size: Side S of the pictures, pixels.
        samples_per_shard: Samples of a complete shard.
        prefix: Beginning of the names of the shards, such as `worker0-`.
        lossless: True for PNG instead of JPEG of quality 95.

    Attributes:
        names: Names of the samples in the folder's complete shards at the start, and of those written since.

    Raises:
        InputError: `dataset_exists` where the folder holds pictures of another side; those of `merge_index`.
        ResourceError: `write_failed`; `folder_in_use` while another process writes under this prefix.
        UsageError: `prefix_invalid`.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        size: int,
        samples_per_shard: int = SAMPLES_PER_SHARD,
        prefix: str = "",
        lossless: bool = False,
    ) -> None:
        if prefix and (not is_file_name(prefix) or prefix[0] == "." or set(prefix) & set("/\\*?[")):
            raise UsageError("prefix_invalid", f"the prefix is {prefix!r}", "", "use letters, digits and -")
        if samples_per_shard < 1 or size < 1:
            raise ValueError("a shard has at least one sample, a picture at least one pixel")
        self.folder = Path(folder)
        self._size, self._per_shard, self._prefix, self._lossless = size, samples_per_shard, prefix, lossless
        make_folder(self.folder)
        clear_stages(self.folder)
        self._stage = FolderLock(self.folder / f"{STAGE}shards-{prefix}")
        self._stage.acquire()
        try:
            entries = merge_index(self.folder)
            check_side(self.folder, entries, size)
        except BaseException:
            self._stage.release()
            raise
        self.names = {row.name for entry in entries for row in entry.samples}
        self._number = 1 + max((_number(entry.file, prefix) for entry in entries), default=-1)
        self._written: dict[str, ShardEntry] = {}
        self._part: _Part | None = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except HeadformError:
            if error is None:
                raise

    def add(self, sample: Sample) -> None:
        """Write a sample.

        Raises:
            InputError: `sample_exists` where the folder holds its name; `sample_invalid` for a picture of another side.
            ResourceError: `write_failed`; the shard in the making is lost then, complete ones stay.
        """
        where = f"sample {sample.name}"
        if sample.name in self.names:
            raise InputError("sample_exists", "a sample of this name is there", where, "give each its own name")
        if sample.side != self._size:
            what = f"the picture has {sample.side} pixels, not {self._size}"
            raise InputError("sample_invalid", what, where, "crop it to the side of the others")
        block = io.BytesIO()
        for ending, data in encode_sample(sample, lossless=self._lossless).items():
            header = tarfile.TarInfo(f"{sample.name}.{ending}")
            header.size, header.mode = len(data), 0o644
            block.write(header.tobuf(tarfile.USTAR_FORMAT))
            block.write(data + b"\0" * (-len(data) % BLOCK))
        if block.tell() > MAX_SAMPLE:
            what = f"the sample takes {block.tell()} bytes, the limit is {MAX_SAMPLE}"
            raise InputError("sample_invalid", what, where, "use a smaller picture or mesh")
        part = self._part = self._part or _Part(self._stage.folder / "part.tar")
        row = SampleRow(sample.name, sample.subject, sample.source, part.size)
        try:
            part.append(block.getvalue(), row)
        except BaseException:
            self._part = None
            self._lose(part)
            raise
        self.names.add(sample.name)
        if len(part.rows) == self._per_shard:
            self._finish()

    def close(self) -> None:
        """Complete the last shard and merge the index; without effect when called again.

        Raises:
            InputError: those of `merge_index`.
            ResourceError: `write_failed`, `folder_in_use`.
        """
        try:
            self._finish()
            written, self._written = self._written, {}
            if written:
                merge_index(self.folder, written)
        finally:
            self._stage.release()

    def _finish(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        try:
            entry = part.finish(self.folder / f"{self._prefix}{self._number:05d}.tar", self._size)
        except BaseException:
            self._lose(part)
            raise
        self._written[entry.file] = entry
        self._number += 1

    def _lose(self, part: "_Part") -> None:
        part.discard()
        self.names -= {row.name for row in part.rows}


class _Part:
    """Shard in the making."""

    def __init__(self, path: Path) -> None:
        self.path, self.size = path, 0
        self.rows: list[SampleRow] = []
        self._digest = hashlib.sha256()
        try:
            self._file: BinaryIO = open(path, "wb")
        except OSError as error:
            raise _failed(path, error) from error

    def append(self, data: bytes, row: SampleRow) -> None:
        self._write(data)
        self.rows.append(row)

    def finish(self, place: Path, side: int) -> ShardEntry:
        """Complete the file, flush it to disk and give it its name."""
        end = self.size
        self._write(b"\0" * 2 * BLOCK)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self.path, place)
            self._file.close()
            sync_folder(place.parent)
        except OSError as error:
            raise _failed(place, error) from error
        return ShardEntry(place.name, self.size, self._digest.hexdigest(), side, end, tuple(self.rows))

    def discard(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise _failed(self.path, error) from error
        self._digest.update(data)
        self.size += len(data)


def _failed(path: Path, error: OSError) -> ResourceError:
    what = f"cannot write a shard: {error.strerror or error}"
    return ResourceError("write_failed", what, ascii(str(path)), "choose a writable folder with enough disk space")


def _number(file: str, prefix: str) -> int:
    """Return the number of a shard of this prefix; -1 for others."""
    digits = file.removeprefix(prefix).removesuffix(".tar")
    return int(digits) if file.startswith(prefix) and digits.isdecimal() and digits.isascii() else -1
