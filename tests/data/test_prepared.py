"""Prepared folders: what is read is what was written, and damage is found and named."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.data import MeshDataset, PreparedMeshes, RegisteredMeshes, write_prepared
from headform.errors import InputError, ResourceError

FACES = np.array([[0, 1, 2], [0, 2, 3]])


def meshes(count: int, seed: int) -> RegisteredMeshes:
    table = torch.randn((count, 4, 3), generator=torch.Generator().manual_seed(seed))
    return RegisteredMeshes("some", "ours", FACES, table, ("",) * count, "m")


SPLITS = {"train": meshes(11, 0), "test": meshes(3, 1)}


def write(folder: Path, splits=SPLITS, source=None, **options) -> None:
    """Four meshes of 48 bytes a file."""
    source = {"kind": "noise"} if source is None else source
    write_prepared(folder, splits, name="noise", source=source, shard_bytes=200, **options)


def refusal(folder: Path, split: str = "train") -> InputError:
    with pytest.raises(InputError) as caught:
        PreparedMeshes(folder, split).vertices(np.arange(11))
    return caught.value


def test_round_trip(tmp_path: Path) -> None:
    progress = []
    write(tmp_path / "set", done=lambda now, of: progress.append((now, of)))
    assert progress == [(4, 14), (8, 14), (11, 14), (14, 14)]
    got = PreparedMeshes(tmp_path / "set")
    assert isinstance(got, MeshDataset)
    assert (got.name, got.license, got.count) == ("noise, train", "ours", 11)
    assert got.facts == {"kind": "noise"}
    np.testing.assert_array_equal(got.faces, FACES)
    order = np.array([10, 0, 3, 4, 4, 7, 8])
    torch.testing.assert_close(got.vertices(order), SPLITS["train"].table[order], rtol=0, atol=0)
    assert got.vertices(np.zeros(0, np.int64)).shape == (0, 4, 3)
    held = PreparedMeshes(tmp_path / "set", "test")
    torch.testing.assert_close(held.vertices(np.arange(3)), SPLITS["test"].table, rtol=0, atol=0)
    for wrong in (-1, 11):
        with pytest.raises(IndexError):
            got.vertices(np.array([wrong]))


def test_resumes_without_reading_the_finished_files_again(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(now: int, of: int) -> None:
        if now == 8:
            raise Stop

    folder = tmp_path / "set"
    with pytest.raises(Stop):
        write(folder, done=stop)
    assert refusal(folder).code == "dataset_missing"
    kept = {p.name: p.stat().st_mtime_ns for p in folder.glob("train-*")}
    assert sorted(kept) == ["train-00000.safetensors", "train-00001.safetensors"]
    damaged = folder / "train-00001.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    write(folder)
    assert (folder / "train-00000.safetensors").stat().st_mtime_ns == kept["train-00000.safetensors"]
    fresh = tmp_path / "fresh"
    write(fresh)
    names = sorted(p.name for p in fresh.iterdir())
    assert names == sorted(p.name for p in folder.iterdir())
    assert all((fresh / n).read_bytes() == (folder / n).read_bytes() for n in names)


def test_never_overwrites_another_data_set(tmp_path: Path) -> None:
    write(tmp_path / "set")
    write(tmp_path / "set")  # the same: nothing to do
    with pytest.raises(InputError) as caught:
        write(tmp_path / "set", source={"kind": "other"})
    assert caught.value.code == "dataset_exists"
    with pytest.raises(ResourceError):
        write(tmp_path / "absent" / "set")


def test_refuses_splits_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dev"):
        write(tmp_path / "set", {"dev": meshes(2, 0)})
    with pytest.raises(ValueError, match="none"):
        write(tmp_path / "set", {})
    other = RegisteredMeshes("o", "o", FACES[::-1].copy(), torch.zeros(1, 4, 3), ("",), "m")
    with pytest.raises(ValueError, match="triangles"):
        write(tmp_path / "set", SPLITS | {"val": other})


def test_damage_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write(folder)
    assert refusal(folder, "val").code == "dataset_split"
    shard = folder / "train-00002.safetensors"
    whole = shard.read_bytes()
    for broken, found in ((whole[:-4], "bytes, expected"), (whole[:-4] + b"abcd", "SHA-256")):
        shard.write_bytes(broken)
        error = refusal(folder)
        assert error.code == "dataset_damaged"
        assert found in error.message
        assert "train-00002" in error.location
    # meshes of the other files can be read, and unverified reading trusts the size
    PreparedMeshes(folder).vertices(np.arange(8))
    PreparedMeshes(folder, verify=False).vertices(np.arange(11))
    shard.unlink()
    assert "No such file" in refusal(folder).message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "format"),
        ({"vertices": "4"}, "vertices"),
        ({"vertices": 5}, "expected"),
        ({"vertices": 3}, "not there"),
        ({"splits": {"train": [{"file": "a"}]}}, "count"),
        ({"splits": {"train": {}}}, "no list"),
        ({"splits": {"dev": []}}, "unknown"),
        ({"faces": {"file": "../faces", "bytes": 1, "sha256": ""}}, "outside"),
        ({"faces": None}, "no name"),
    ],
)
def test_a_wrong_index_is_named(tmp_path: Path, change: dict, message: str) -> None:
    write(tmp_path / "set")
    path = tmp_path / "set" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    error = refusal(tmp_path / "set")
    assert error.code == "dataset_damaged"
    assert message in error.message


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("[" * 100_000)
    assert refusal(tmp_path).code == "dataset_damaged"
    assert refusal(tmp_path / "absent").code == "dataset_missing"
