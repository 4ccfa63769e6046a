"""Shards: what goes in comes out in a fixed order, several writers and kills lose little, damage names shard and sample."""

import json
import os
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from headform.data.shard_index import INDEX, merge_index
from headform.data.shards import ShardSet, ShardWriter
from headform.errors import InputError, ResourceError, UsageError
from tests.data.shard_samples import SIDE, make_sample
from tests.data.test_sample import assert_equal


def _write(folder: Path, numbers: range, *, prefix: str = "", source: str = "drawn") -> None:
    with ShardWriter(folder, size=SIDE, samples_per_shard=4, prefix=prefix, lossless=True) as writer:
        for number in numbers:
            writer.add(make_sample(number, source=source, full=number % 3 != 0))


def test_samples_come_back_by_number(tmp_path: Path) -> None:
    _write(tmp_path, range(10))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000.tar", "00001.tar", "00002.tar", INDEX]
    samples = ShardSet.open(tmp_path)
    assert (len(samples), samples.side) == (10, SIDE)
    for number in (9, 0, 4, -1):
        assert_equal(samples[number], make_sample(number % 10, full=number % 10 % 3 != 0))
    assert [samples.name(k) for k in range(10)] == [sample.name for sample in samples]
    assert samples.label(3) == ("drawn", "person 1")
    with pytest.raises(IndexError):
        samples[10]
    assert [sample.name for sample in samples[2:4]] == ["face-002", "face-003"]


def test_tar_and_webdataset_see_the_files_of_a_sample_side_by_side(tmp_path: Path) -> None:
    _write(tmp_path, range(3))
    with tarfile.open(tmp_path / "00000.tar") as tar:
        names = tar.getnames()
    stems = [name.split(".")[0] for name in names]
    assert sorted(stems) == stems
    assert names[2:6] == [f"face-001.{ending}" for ending in ("png", "skin.png", "json", "vertices.npy")]


def test_subjects_list_their_samples_in_order(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, size=SIDE, samples_per_shard=2) as writer:
        for number, subject in enumerate("bab" + "ca"):
            writer.add(make_sample(number, subject=subject, full=False))
    samples = ShardSet.open(tmp_path)
    assert samples.subject_labels == [("drawn", "b"), ("drawn", "a"), ("drawn", "c")]
    assert [list(numbers) for numbers in samples.subjects] == [[0, 2], [1, 4], [3]]


def test_the_split_holds_whole_subjects_out(tmp_path: Path) -> None:
    _write(tmp_path, range(20))
    samples = ShardSet.open(tmp_path)
    train, held_out = samples.split(0.3, seed=1)
    assert (len(held_out.subjects), len(train.subjects)) == (3, 7)
    assert not set(train.subject_labels) & set(held_out.subject_labels)
    names = [part.name(k) for part in (train, held_out) for k in range(len(part))]
    assert sorted(names) == [samples.name(k) for k in range(20)]
    again = samples.split(3, seed=1)[1]
    assert again.subject_labels == held_out.subject_labels
    assert any(samples.split(3, seed=seed)[1].subject_labels != again.subject_labels for seed in range(2, 5))
    with pytest.raises(ValueError, match="held out"):
        samples.split(10)
    # a person stays in its part when samples are added, save where the count moves the border
    _write(tmp_path, range(20, 22))
    assert set(ShardSet.open(tmp_path).split(4, seed=1)[1].subject_labels) >= set(
        ShardSet.open(tmp_path).split(3, seed=1)[1].subject_labels
    )


def test_a_second_writer_goes_on_after_the_first(tmp_path: Path) -> None:
    _write(tmp_path, range(5))
    first = (tmp_path / "00000.tar").read_bytes()
    with ShardWriter(tmp_path, size=SIDE, samples_per_shard=4) as writer:
        assert writer.names == {f"face-{number:03d}" for number in range(5)}
        with pytest.raises(InputError, match="face-003") as error:
            writer.add(make_sample(3))
        assert error.value.code == "sample_exists"
        writer.add(make_sample(5))
    assert (tmp_path / "00000.tar").read_bytes() == first
    assert [sample.name for sample in ShardSet.open(tmp_path)] == [f"face-{number:03d}" for number in range(6)]


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        _write(tmp_path / name, range(6))
    for file in sorted(path.name for path in (tmp_path / "a").iterdir()):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert ShardSet.open(tmp_path / "a").digest == ShardSet.open(tmp_path / "b").digest


def test_several_writers_share_a_folder(tmp_path: Path) -> None:
    kwargs = {"size": SIDE, "samples_per_shard": 2}
    with ShardWriter(tmp_path, prefix="b-", **kwargs) as one, ShardWriter(tmp_path, prefix="a-", **kwargs) as other:
        with pytest.raises(ResourceError) as error:
            ShardWriter(tmp_path, prefix="b-", **kwargs)
        assert error.value.code == "folder_in_use"
        for number in range(6):
            (one, other)[number % 2].add(make_sample(number))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a-00000.tar",
        "a-00001.tar",
        "b-00000.tar",
        "b-00001.tar",
        INDEX,
    ]
    assert [int(sample.name[-3:]) for sample in ShardSet.open(tmp_path)] == [1, 3, 5, 0, 2, 4]


def test_the_same_name_from_two_writers_is_refused(tmp_path: Path) -> None:
    one = ShardWriter(tmp_path, size=SIDE, prefix="a-")
    other = ShardWriter(tmp_path, size=SIDE, prefix="b-")
    one.add(make_sample(1))
    other.add(make_sample(1))
    one.close()
    with pytest.raises(InputError, match="face-001") as error:
        other.close()
    assert error.value.code == "dataset_damaged"


def test_a_kill_loses_the_last_shard_at_most(tmp_path: Path) -> None:
    child = os.fork()
    if not child:
        writer = ShardWriter(tmp_path, size=SIDE, samples_per_shard=3)
        for number in range(7):
            writer.add(make_sample(number))
        os._exit(9)
    os.waitpid(child, 0)
    with ShardWriter(tmp_path, size=SIDE, samples_per_shard=3) as writer:
        assert writer.names == {f"face-{number:03d}" for number in range(6)}
        for number in range(6, 8):
            writer.add(make_sample(number))
    samples = ShardSet.open(tmp_path)
    assert [sample.name for sample in samples] == [f"face-{number:03d}" for number in range(8)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000.tar", "00001.tar", "00002.tar", INDEX]


def test_an_error_of_the_caller_keeps_what_was_written(tmp_path: Path) -> None:
    def write() -> None:
        with ShardWriter(tmp_path, size=SIDE) as writer:
            writer.add(make_sample(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert len(ShardSet.open(tmp_path)) == 1


def test_a_lost_index_is_made_again(tmp_path: Path) -> None:
    _write(tmp_path, range(9))
    before = (tmp_path / INDEX).read_bytes()
    (tmp_path / INDEX).unlink()
    with pytest.raises(InputError) as error:
        ShardSet.open(tmp_path)
    assert error.value.code == "dataset_missing"
    merge_index(tmp_path)
    assert (tmp_path / INDEX).read_bytes() == before


def test_pictures_of_another_side_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, range(2))
    with pytest.raises(InputError) as error:
        ShardWriter(tmp_path, size=SIDE + 1)
    assert error.value.code == "dataset_exists"
    with ShardWriter(tmp_path / "b", size=SIDE + 1) as writer, pytest.raises(InputError, match="33") as error:
        writer.add(make_sample(0))
    assert error.value.code == "sample_invalid"
    with pytest.raises(UsageError) as usage:
        ShardWriter(tmp_path, size=SIDE, prefix="../a")
    assert usage.value.code == "prefix_invalid"


def test_folders_are_read_together(tmp_path: Path) -> None:
    _write(tmp_path / "a", range(4))
    _write(tmp_path / "b", range(4, 8), source="other")
    samples = ShardSet.open(tmp_path / "a", tmp_path / "b")
    assert [int(sample.name[-3:]) for sample in samples] == list(range(8))
    assert samples.subject_labels[-1] == ("other", "person 3")
    with pytest.raises(InputError) as error:
        ShardSet.open(tmp_path / "a", tmp_path / "a")
    assert error.value.code == "dataset_mixed"


def test_reading_is_safe_in_threads_forks_and_pickles(tmp_path: Path) -> None:
    _write(tmp_path, range(12))
    samples = ShardSet.open(tmp_path)
    wanted = [samples[k].image.sum() for k in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda k: samples[k].image.sum(), range(12))) == wanted
    assert [sample.image.sum() for sample in pickle.loads(pickle.dumps(samples))] == wanted  # noqa: S301
    child = os.fork()
    if not child:
        os._exit(0 if [sample.image.sum() for sample in samples] == wanted else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("cut", [100, 512, -1024])
def test_a_shard_that_is_cut_off_is_named(tmp_path: Path, cut: int) -> None:
    _write(tmp_path, range(5))
    path = tmp_path / "00001.tar"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"00001\.tar") as error:
        ShardSet.open(tmp_path)
    assert error.value.code == "dataset_damaged"
    (tmp_path / INDEX).unlink()
    with pytest.raises(InputError, match=r"00001\.tar") as error:
        merge_index(tmp_path)
    assert error.value.code == "dataset_damaged"


def test_bytes_that_changed_are_named_or_harmless(tmp_path: Path) -> None:
    """Every header and every label is looked at; pixels that changed are found by the digest."""
    _write(tmp_path, range(4))
    samples, path = ShardSet.open(tmp_path), tmp_path / "00000.tar"
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    refused, wanted = [], set()
    for at in rng.integers(0, len(sound), 150):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x55]) + sound[at + 1 :])
        assert samples.damaged_shards() == [str(path)]
        for number in range(4):
            try:
                samples[number]
            except InputError as error:
                refused.append((error.code, error.location))
                wanted.add(("dataset_damaged", f"{str(path)!r}, sample {samples.name(number)}"))
    assert len(refused) > 50
    assert set(refused) == wanted
    path.write_bytes(sound)
    assert samples.damaged_shards() == []


def test_a_shard_that_vanished_is_named(tmp_path: Path) -> None:
    _write(tmp_path, range(5))
    samples = ShardSet.open(tmp_path)
    (tmp_path / "00001.tar").unlink()
    for broken in (lambda: samples[4], lambda: ShardSet.open(tmp_path), lambda: merge_index(tmp_path)):
        with pytest.raises(InputError, match=r"00001\.tar") as error:
            broken()
        assert error.value.code == "dataset_damaged"


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x"},
        {"side": "32"},
        {"side": 0},
        {"shards": [1]},
        {"file": "../00000.tar"},
        {"bytes": -1},
        {"end": 10},
        {"samples": [["a", "b", "c"]]},
        {"samples": [["a", "b", "c", 512]]},
        {"samples": [["a/b", "b", "c", 0]]},
        {"samples": [["a", "b", "c", 0], ["b", "b", "c", 0]]},
        {"samples": [["a", "b", "c", 0], ["a", "b", "c", 512]]},
    ],
)
def test_a_malformed_index_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    _write(tmp_path, range(2))
    index = json.loads((tmp_path / INDEX).read_bytes())
    (index if set(change) & {"format", "side", "shards"} else index["shards"][0]).update(change)
    (tmp_path / INDEX).write_text(json.dumps(index))
    with pytest.raises(InputError) as error:
        ShardSet.open(tmp_path)
    assert error.value.code == "dataset_damaged"


def test_an_empty_writer_leaves_an_index_without_samples(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, size=SIDE):
        pass
    with pytest.raises(InputError) as error:
        ShardSet.open(tmp_path)
    assert error.value.code == "dataset_missing"
