"""Training samples in tar shards (the WebDataset layout), with an index: random access, exact order.

Shards are read by WebDataset and by `tar` too; `ShardSet` reads any sample by its number, with one read of the file.

    with ShardWriter(folder, size=224) as writer:
        writer.add(sample)
    samples = ShardSet.open(folder)
    train, held_out = samples.split(0.1, seed=0)
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from headform.data.sample import Sample
from headform.data.sample_files import decode_sample
from headform.data.shard_index import ShardEntry, damaged, members, read_index
from headform.data.shard_writer import ShardWriter as ShardWriter
from headform.errors import InputError
from headform.io.file_bytes import open_regular, reason_of, sha256_of


@dataclass(frozen=True)
class _Shard:
    folder: Path
    file: str
    size: int
    sha256: str
    names: tuple[str, ...]
    bounds: Int64[np.ndarray, " n"]


class ShardSet:
    """Samples of one or more folders of shards, read by number; made by `open`.

    The numbers depend on the index alone, so that a resumed run reads the same. Reading is safe in threads and
    in forked and spawned workers.

    Attributes:
        side: Side S of the pictures, pixels.
        subjects: Numbers of the samples of each subject, in the order of their first samples.
        subject_labels: Source and label of each subject.
    """

    def __init__(
        self, shards: list[_Shard], labels: list[tuple[str, str]], places: Int64[np.ndarray, "N 3"], side: int
    ) -> None:
        self.side, self._shards, self._labels, self._places = side, shards, labels, places
        subjects = places[:, 2]
        order = np.argsort(subjects, kind="stable")
        groups = np.split(order, np.nonzero(np.diff(subjects[order]))[0] + 1) if len(order) else []
        self.subjects = sorted(groups, key=lambda numbers: int(numbers[0]))
        self.subject_labels = [labels[int(subjects[numbers[0]])] for numbers in self.subjects]

    @classmethod
    def open(cls, *folders: Path | str) -> "ShardSet":
        """Open folders of shards; persons of the same source and label are one.

        Raises:
            InputError: `dataset_missing`; `dataset_damaged`, naming the shard; `dataset_mixed` where the folders have
                pictures of different sides or share names.
            ValueError: no folder.
        """
        if not folders:
            raise ValueError("name a folder")
        shards: list[_Shard] = []
        labels: dict[tuple[str, str], int] = {}
        places: list[tuple[int, int, int]] = []
        sides: dict[int, Path] = {}
        for folder in map(Path, folders):
            for entry in read_index(folder):
                sides.setdefault(entry.side, folder)
                _check_size(folder, entry)
                offsets = np.array([*(row.offset for row in entry.samples), entry.end], np.int64)
                names = tuple(row.name for row in entry.samples)
                for k, row in enumerate(entry.samples):
                    subject = labels.setdefault((row.source, row.subject), len(labels))
                    places.append((len(shards), k, subject))
                shards.append(_Shard(folder, entry.file, entry.size, entry.sha256, names, offsets))
        where = ", ".join(ascii(str(folder)) for folder in folders)
        if len(sides) > 1:
            what = f"the folders have pictures of {', '.join(map(str, sorted(sides)))} pixels"
            raise InputError("dataset_mixed", what, where, "prepare them with the same side")
        if len({name for shard in shards for name in shard.names}) < len(places):
            raise InputError("dataset_mixed", "the folders share names of samples", where, "name each folder once")
        if not places:
            raise InputError("dataset_missing", "there are no samples", where, "prepare some first")
        return cls(shards, list(labels), np.array(places, np.int64).reshape(-1, 3), next(iter(sides)))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sample]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: Any) -> Any:
        """Read a sample, or a list of them for a slice.

        Raises:
            IndexError: no such number.
            InputError: `dataset_damaged`, naming shard and sample.
        """
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        place, k, _ = map(int, self._places[number])
        shard = self._shards[place]
        start, end = int(shard.bounds[k]), int(shard.bounds[k + 1])
        name = shard.names[k]
        try:
            with open_regular(shard.folder / shard.file) as tar:  # opened anew: safe in threads and forked workers
                data = os.pread(tar.fileno(), end - start, start)
            if len(data) < end - start:
                raise ValueError("the file is cut off")
            files = {}
            for _, found, ending, (at, size) in members(io.BytesIO(data), len(data)):
                if found != name:
                    raise ValueError(f"another sample lies in its place: {found}")
                files[ending] = data[at : at + size]
            sample = decode_sample(name, files)
            if (sample.source, sample.subject) != self.label(number) or sample.side != self.side:
                raise ValueError("the labels are not those of the index")
            return sample
        except OSError as error:
            raise damaged(f"cannot be read: {reason_of(error)}", shard.folder, shard.file, name) from error
        except ValueError as error:  # typed ones of `Sample` too
            raise damaged(f"the sample is damaged: {error}"[:300], shard.folder, shard.file, name) from error

    def name(self, number: int) -> str:
        """Return the name of a sample without reading it."""
        shard, k, _ = self._places[number]
        return self._shards[shard].names[k]

    def label(self, number: int) -> tuple[str, str]:
        """Return source and subject of a sample without reading it."""
        return self._labels[int(self._places[number, 2])]

    @property
    def digest(self) -> str:
        """SHA-256 of the order of the samples and of their shards' digests, by which a resumed run knows its data."""
        known = hashlib.sha256()
        for shard, k, _ in self._places:
            known.update(f"{self._shards[shard].sha256} {k}\n".encode())
        return known.hexdigest()

    def select(self, numbers: Iterable[int]) -> "ShardSet":
        """Return some of the samples, renumbered in the order given.

        Raises:
            IndexError: no such number.
        """
        chosen = np.fromiter(numbers, np.int64)
        return ShardSet(self._shards, self._labels, self._places[chosen], self.side)

    def split(self, held_out: int | float, seed: int = 0) -> tuple["ShardSet", "ShardSet"]:
        """Divide the samples by subject; the same labels and seed give the same parts.

        Each subject's place in the draw depends on its own label and the seed alone.

        Args:
            held_out: Share of the subjects to hold out; a number of subjects from 1 on.
            seed: Seed of the draw.

        Returns:
            The part to train on and the part held out, samples in their order.

        Raises:
            ValueError: no subject would be left to train on.
        """
        count = len(self.subjects)
        held = round(held_out * count) if held_out < 1 else int(held_out)
        if not 0 <= held < count:
            raise ValueError(f"{held} of {count} subjects cannot be held out")
        keys = [hashlib.sha256(f"{seed}\0{a}\0{b}".encode()).digest() for a, b in self.subject_labels]
        drawn = set(sorted(range(count), key=keys.__getitem__)[:held])
        parts: tuple[list[int], list[int]] = ([], [])
        for k, numbers in enumerate(self.subjects):
            parts[k in drawn].extend(map(int, numbers))
        return self.select(sorted(parts[0])), self.select(sorted(parts[1]))

    def damaged_shards(self) -> list[str]:
        """Return the shards whose content is not that of the index, by their digests; reads all of it."""
        found = []
        for shard in self._shards:
            path = shard.folder / shard.file
            try:
                whole = sha256_of(path) == shard.sha256
            except OSError:
                whole = False
            if not whole:
                found.append(str(path))
        return found


def _check_size(folder: Path, entry: ShardEntry) -> None:
    try:
        size = (folder / entry.file).stat().st_size
    except OSError as error:
        raise damaged(f"the shard cannot be read: {reason_of(error)}", folder, entry.file) from error
    if size != entry.size:
        raise damaged(f"the shard has {size} bytes, expected {entry.size}", folder, entry.file)
