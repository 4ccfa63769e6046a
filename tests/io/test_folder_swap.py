"""Files and folders that take their places together."""

import os

import pytest

from headform.errors import ResourceError
from headform.io.atomic import write_bytes
from headform.io.folder_swap import clear_stages, stage, swap, write_together


def contents(folder):
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def test_files_are_replaced_stale_ones_removed_and_others_left(tmp_path):
    out = tmp_path / "deep" / "out"
    write_together(out, {"a": b"1", "b": b"1"}, stale=["a", "b", "c"])
    (out / "mine").write_bytes(b"mine")
    (out / "c").mkdir()
    write_together(out, {"b": b"2"}, stale=["a", "b", "c"])
    assert contents(out) == {"b": b"2", "mine": b"mine", "c": None}


def test_links_are_replaced_and_never_written_through(tmp_path):
    out, mine = tmp_path / "out", tmp_path / "mine"
    out.mkdir()
    mine.write_bytes(b"mine")
    for name in ("a", "b"):
        (out / name).symlink_to(mine)
    write_together(out, {"a": b"1"}, stale=["b"])
    assert contents(out) == {"a": b"1"}
    assert not (out / "a").is_symlink()
    assert mine.read_bytes() == b"mine"


def test_a_full_disk_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_together(out, {"a": b"old", "b": b"old"})
    sync, count = os.fsync, []

    def full(handle: int) -> None:
        count.append(handle)
        if len(count) == 3:  # file and folder of `a`, then `b`
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError) as caught:
        write_together(out, {"a": b"new", "b": b"new"}, stale=["a", "b"])
    assert caught.value.code == "write_failed"
    assert contents(out) == {"a": b"old", "b": b"old"}
    count.clear()
    with pytest.raises(ResourceError):
        write_together(tmp_path / "new", {"a": b"new", "b": b"new"})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("before", ["nothing", "folder"])
def test_a_folder_takes_its_place_and_the_old_one_is_handed_back(tmp_path, monkeypatch, exchange, before):
    if not exchange:
        monkeypatch.setattr("headform.io.folder_swap._exchange", lambda one, other: False)
    place = tmp_path / "me"
    if before == "folder":
        place.mkdir()
        (place / "old").touch()
    with stage(tmp_path) as made:
        staged = made / "0"
        staged.mkdir()
        (staged / "new").touch()
        swap(staged, place)
        assert os.listdir(place) == ["new"]
        assert (os.listdir(staged) == ["old"]) if before == "folder" else not staged.exists()
    assert os.listdir(tmp_path) == ["me"]


@pytest.mark.parametrize("renamed", [1, 2])
def test_what_a_kill_between_two_renames_leaves_is_mended(tmp_path, monkeypatch, renamed):
    monkeypatch.setattr("headform.io.folder_swap._exchange", lambda one, other: False)
    place, made = tmp_path / "me", tmp_path / ".headform-x"
    for folder in (place, made / "0"):
        folder.mkdir(parents=True)
        write_bytes(folder / "of", folder.name.encode())
    rename, count = os.rename, []

    class Killed(BaseException):
        pass

    def killed(one, other):
        if len(count) == renamed:
            raise Killed
        count.append(one)
        rename(one, other)

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(Killed):
        swap(made / "0", place)
    monkeypatch.undo()
    clear_stages(tmp_path)
    assert os.listdir(tmp_path) == ["me"]
    assert (place / "of").read_bytes() == (b"me" if renamed == 1 else b"0")


def test_links_named_like_a_stage_are_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / ".headform-x").symlink_to(tmp_path / "mine")
    clear_stages(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".headform-x", "mine"]
