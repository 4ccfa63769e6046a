import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headform.errors import ResourceError
from headform.io.atomic import check_place, make_folder, remove_temporary_files, write_bytes


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(ResourceError, match="No space left") as caught:
        write_bytes(path, b"new")
    assert caught.value.code == "write_failed"
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        write_bytes(tmp_path / "none" / "file.bin", b"x")
    assert caught.value.exit_code == 6


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "file.bin"
    write_bytes(path, b"a" * (1 << 20))
    code = (
        "import sys; from pathlib import Path; from headform.io.atomic import write_bytes\n"
        "n = 0\n"
        "while True:\n"
        "    n += 1; write_bytes(Path(sys.argv[1]), bytes([97 + n % 26]) * (1 << 20))"
    )
    for wait in (0.15, 0.2, 0.25):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            env=os.environ | {"PYTHONPATH": str(repository / "src")},
        )
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        data = path.read_bytes()
        assert len(data) == 1 << 20
        assert len(set(data)) == 1


def test_folders_are_made_or_refused(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "c"):
        with pytest.raises(ResourceError, match="cannot create the folder") as caught:
            make_folder(place)
        assert (caught.value.code, caught.value.location) == ("write_failed", str(place))


def test_a_place_is_tried_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("stays")
    for good in (None, tmp_path / "new", tmp_path / "old"):
        check_place(good)
    assert (tmp_path / "old").read_text() == "stays"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old"]
    for bad in (tmp_path, tmp_path / "none" / "a", tmp_path / "old" / "a"):
        with pytest.raises(ResourceError, match="cannot write here") as caught:
            check_place(bad)
        assert (caught.value.code, caught.value.location) == ("write_failed", str(bad))


def test_temporary_files_of_killed_processes_are_removed_and_nothing_else(tmp_path) -> None:
    kept = ["curve.csv", ".curve.csv", ".curve.csv.short", ".notes.original", ".curve.csv.old.original"]
    left, long = f".curve.csv.{'a' * 8}", "n" * 60
    for name in (*kept, left, f".{long[:40]}.abcdefgh"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".curve.csv.afolder_").mkdir()
    remove_temporary_files([tmp_path / "curve.csv", tmp_path / long, tmp_path / "missing" / "file"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, ".curve.csv.afolder_"])
