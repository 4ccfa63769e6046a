"""Checkpoints: what goes in comes out, every damaged byte is noticed, the one before stays."""

from pathlib import Path

import pytest
import torch

from headform.errors import ResourceError, WeightsError
from headform.train import checkpoint
from headform.train.checkpoint import (
    NEWEST,
    PREVIOUS,
    clear_leftovers,
    load_checkpoint,
    save_checkpoint,
)

FACTS = {"step": 7, "seconds": 0.1 + 0.2, "shown": {"total": 1e-310, 'a "name"': 2.0}}


def some(value: float) -> dict[str, torch.Tensor]:
    weight = torch.full((3, 2), value).t()  # not contiguous
    return {"a": weight, "b": weight, "n": torch.tensor(5), "e": torch.zeros(0, 4)}


def test_tensors_and_facts_come_back_to_the_bit(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, some(0.1), FACTS)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.metadata == FACTS
    assert found.tensors.keys() == some(0.1).keys()
    for name, value in some(0.1).items():
        assert torch.equal(found.tensors[name], value)
        assert found.tensors[name].dtype == value.dtype
    first = (tmp_path / NEWEST).read_bytes()
    save_checkpoint(tmp_path, some(0.1), FACTS)
    assert (tmp_path / NEWEST).read_bytes() == first == (tmp_path / PREVIOUS).read_bytes()


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, some(0.1), {"step": 1})
    path = tmp_path / NEWEST
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(WeightsError) as caught:
            load_checkpoint(tmp_path)
        assert caught.value.code == "checkpoint_damaged"
    for length in (0, 5, 40, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError):
            load_checkpoint(tmp_path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(WeightsError):
        load_checkpoint(tmp_path)
    path.write_bytes(whole)
    assert load_checkpoint(tmp_path) is not None


def test_the_one_before_is_kept_and_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, some(1.0), {"step": 1})
    save_checkpoint(tmp_path, some(2.0), {"step": 2})
    save_checkpoint(tmp_path, some(3.0), {"step": 3})
    with (tmp_path / NEWEST).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(tmp_path)
    assert "step 2, is intact" in caught.value.hint
    assert f"mv {PREVIOUS} {NEWEST}" in caught.value.hint
    (tmp_path / PREVIOUS).replace(tmp_path / NEWEST)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.metadata == {"step": 2}
    # both damaged: no false hope
    save_checkpoint(tmp_path, some(3.0), {"step": 3})
    for name in (NEWEST, PREVIOUS):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(tmp_path)
    assert "another folder" in caught.value.hint


def test_a_missing_newest_is_replaced_by_the_one_before(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, some(1.0), {"step": 1})
    (tmp_path / NEWEST).replace(tmp_path / PREVIOUS)
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.path.name == PREVIOUS


def test_a_disk_without_room_leaves_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, some(1.0), {"step": 1})

    def full(path: Path, data: bytes) -> None:
        raise ResourceError("write_failed", "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write_bytes", full)
        with pytest.raises(ResourceError):
            save_checkpoint(tmp_path, some(2.0), {"step": 2})
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert (found.path.name, found.metadata) == (NEWEST, {"step": 1})


def test_without_hard_links_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(checkpoint.os, "link", refused)
    save_checkpoint(tmp_path, some(1.0), {"step": 1})
    first = (tmp_path / NEWEST).read_bytes()
    save_checkpoint(tmp_path, some(2.0), {"step": 2})
    assert (tmp_path / PREVIOUS).read_bytes() == first
    assert {p.name for p in tmp_path.iterdir()} == {NEWEST, PREVIOUS}


def test_leftovers_of_a_killed_process_go(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, some(1.0), {"step": 1})
    for name in (f".{NEWEST}.ab12", f".{PREVIOUS}.spare", ".config.json.x", ".log.jsonl.y"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "mine.txt").write_text("kept")
    clear_leftovers(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {NEWEST, "mine.txt"}
