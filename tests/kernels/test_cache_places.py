"""Folders of caches: the first that can be written and that nobody else can have filled."""

import os
import stat

import pytest

from headform.kernels import cache_places
from headform.kernels.cache_places import cache_root, kernel_places

VARIABLES = ("NUMBA_CACHE_DIR", "HEADFORM_CACHE", "XDG_CACHE_HOME", "TMPDIR")


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty home, and a temporary folder as every system has it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "home"
    folder.mkdir()
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(cache_places, "_TEMPORARY", (str(shared),))
    monkeypatch.setenv("HOME", str(folder))
    return folder


def blocked(folder):
    """A path at which no folder can be made, by root either."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file")
    return folder


def test_where_a_cache_lies(home, monkeypatch) -> None:
    assert cache_root() == home / ".cache" / "headform"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_root() == home / ".cache" / "headform"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_root() == cache_places.Path("/somewhere/headform")
    monkeypatch.setenv("HEADFORM_CACHE", "/else")
    assert cache_root() == cache_places.Path("/else")


def test_a_user_without_home_has_none(home, monkeypatch) -> None:
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache_places.Path, "home", homeless)
    assert cache_root() is None
    assert kernel_places().write is not None


def test_kernels_lie_in_the_home_and_are_private(home) -> None:
    places = kernel_places()
    assert places.write == home / ".cache" / "headform" / "kernels"
    assert places.read == (places.write,)
    assert stat.S_IMODE(places.write.stat().st_mode) == 0o700


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "HEADFORM_CACHE", "XDG_CACHE_HOME"])
def test_a_folder_that_the_user_names_is_taken(home, monkeypatch, tmp_path, variable) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "named" / "deep"))
    assert kernel_places().write.is_relative_to(tmp_path / "named" / "deep")


def test_no_home_is_made(home, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(home / "missing"))
    write = kernel_places().write
    assert write.parent.parent == home.parent / "tmp"
    assert not (home / "missing").exists()


def test_a_place_that_cannot_be_written_is_passed_over(home, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HEADFORM_CACHE", str(blocked(tmp_path / "full")))
    blocked(home / ".cache")
    places = kernel_places()
    assert places.write == tmp_path / "tmp" / f"headform-{os.geteuid()}" / "kernels"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (places.write, places.write.parent)] == [0o700, 0o700]
    assert len(places.passed_over) == 2
    assert all(reason for _, reason in places.passed_over)


def test_without_any_place_there_is_none(home, monkeypatch, tmp_path) -> None:
    blocked(home / ".cache")
    blocked(tmp_path / "tmp" / f"headform-{os.geteuid()}")
    places = kernel_places()
    assert (places.write, places.read) == (None, ())


def test_a_folder_filled_at_installation_is_read_where_it_cannot_be_written(home, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("HEADFORM_CACHE", str(tmp_path / "installed"))
    warm = kernel_places().write
    assert warm == tmp_path / "installed" / "kernels"
    assert stat.S_IMODE(warm.stat().st_mode) & 0o055, "other users can read it"
    monkeypatch.setattr(cache_places.os, "access", lambda path, mode: cache_places.Path(path) != warm or mode != 3)
    places = kernel_places()
    assert places.read == (warm, home / ".cache" / "headform" / "kernels")
    assert places.write == places.read[1]


def squat_shared_folder(mine) -> None:
    mine.mkdir()
    mine.chmod(0o777)


def squat_link(mine) -> None:
    target = mine.parent / "target"
    target.mkdir(mode=0o700)
    mine.symlink_to(target)


@pytest.mark.parametrize("squat", [squat_shared_folder, squat_link])
def test_code_that_others_can_have_placed_is_not_read(home, tmp_path, squat) -> None:
    blocked(home / ".cache")
    squat(tmp_path / "tmp" / f"headform-{os.geteuid()}")
    places = kernel_places()
    assert (places.write, places.read) == (None, ())


def test_a_folder_of_another_user_is_not_read(home, monkeypatch, tmp_path) -> None:
    blocked(home / ".cache")
    mine = tmp_path / "tmp" / "headform-12345"
    mine.mkdir(mode=0o700)
    monkeypatch.setattr(cache_places.os, "geteuid", lambda: 12345)
    monkeypatch.setattr(cache_places.os, "lstat", lambda path: owned_by(54321, os.stat(path)))
    places = kernel_places()
    assert (places.write, places.read) == (None, ())


def owned_by(user, found):
    fields = list(found)
    fields[4] = user
    return os.stat_result(fields)


def test_a_temporary_folder_in_which_others_can_rename_is_not_used(home, tmp_path) -> None:
    blocked(home / ".cache")
    (tmp_path / "tmp").chmod(0o777)  # not sticky
    assert kernel_places().write is None


def test_a_named_folder_in_which_everybody_writes_is_not_used(home, monkeypatch, tmp_path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "kernels").mkdir()
    (tmp_path / "open" / "kernels").chmod(0o777)
    monkeypatch.setenv("HEADFORM_CACHE", str(tmp_path / "open"))
    assert kernel_places().write == home / ".cache" / "headform" / "kernels"
