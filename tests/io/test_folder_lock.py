"""One writer per folder, held against processes of their own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headform.errors import ResourceError
from headform.io.folder_lock import LOCK, FolderLock

HOLDER = """
import sys, time, os
from headform.io.folder_lock import FolderLock
with FolderLock(sys.argv[1]):
    if len(sys.argv) > 2 and os.fork() == 0:  # a child that lives on when its parent is killed
        os.write(1, f"{os.getpid()}\\n".encode())
        time.sleep(60)
        os._exit(0)
    os.write(1, b"held\\n")
    sys.stdin.readline()
"""


@contextlib.contextmanager
def holder(folder, repository, *more):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *more],
        env=os.environ | {"PYTHONPATH": str(repository / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def refusal(folder, **options):
    with pytest.raises(ResourceError) as caught, FolderLock(folder, **options):
        pass
    assert caught.value.code == "folder_in_use"
    return caught.value


def test_a_second_process_is_refused_by_name_until_the_first_has_ended(tmp_path, repository):
    with holder(tmp_path, repository) as first:
        assert first.stdout.readline() == "held\n"
        error = refusal(tmp_path)
        assert f"process {first.pid} is writing into this folder" in error.message
        assert error.location == str(tmp_path)
        first.stdin.write("\n")
        first.stdin.flush()
        with FolderLock(tmp_path, wait_s=60.0):
            assert first.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_killed_owner_holds_nothing(tmp_path, repository):
    with holder(tmp_path, repository) as first:
        first.stdout.readline()
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert (tmp_path / LOCK).exists()
        with FolderLock(tmp_path):
            assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_child_that_outlives_its_killed_parent_holds_nothing(tmp_path, repository):
    with holder(tmp_path, repository, "with a child") as first:
        words = {first.stdout.readline().strip(), first.stdout.readline().strip()}
        (child,) = map(int, words - {"held"})
        refusal(tmp_path)
        first.kill()
        first.wait()
        try:
            with FolderLock(tmp_path):
                os.kill(child, 0)  # lives
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_file_that_names_a_living_process_locks_nothing(tmp_path):
    """As after a restart of the machine, when the number belongs to another program."""
    (tmp_path / LOCK).write_text(json.dumps({"pid": os.getppid(), "host": "elsewhere"}))
    with FolderLock(tmp_path):
        refusal(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[" * 5000, '{"pid": "x", "host": 3}', '{"pid": 12, "host": "far away"}'])
def test_the_owner_is_named_as_far_as_it_is_known(tmp_path, content):
    with FolderLock(tmp_path):
        (tmp_path / LOCK).write_text(content)
        message = refusal(tmp_path).message
    assert message.startswith("process 12 is" if "12" in content else "another process is")
    assert ("on the machine far away" in message) == ("far away" in content)


def test_a_folder_that_was_made_and_stays_empty_is_removed(tmp_path):
    folder = tmp_path / "a" / "b"
    with FolderLock(folder) as lock:
        assert lock.made
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []
    with FolderLock(folder):
        (folder / "result").touch()
    assert folder.is_dir()
    with FolderLock(folder) as lock:
        assert not lock.made
    (folder / "result").unlink()
    with FolderLock(folder):
        pass
    assert folder.is_dir(), "it was here before"


def test_a_nested_lock_takes_part_in_that_of_its_process(tmp_path, monkeypatch):
    with FolderLock(tmp_path):
        monkeypatch.chdir(tmp_path)
        with FolderLock(".", nested=True):
            pass
        refusal(tmp_path)
    with FolderLock(tmp_path, nested=True) as lock:
        lock.acquire()  # again, without effect
        refusal(tmp_path, wait_s=0.05)
    lock.release()
    with FolderLock(tmp_path):
        pass


@pytest.mark.parametrize("make", ["file", "link", "folder"])
def test_what_is_no_place_for_a_lock_is_a_write_failure(tmp_path, make):
    place = tmp_path / "out"
    if make == "file":
        place.write_text("mine")
    else:
        place.mkdir()
        other = tmp_path / "other"
        other.write_text("mine")
        (place / LOCK).symlink_to(other) if make == "link" else (place / LOCK).mkdir()
    with pytest.raises(ResourceError) as caught, FolderLock(place):
        pass
    assert caught.value.code == "write_failed"
    if make == "link":
        assert (tmp_path / "other").read_text() == "mine"


def test_without_locks_in_the_file_system_the_folder_is_used_all_the_same(tmp_path, monkeypatch):
    def unknown(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("headform.io.folder_lock.fcntl.flock", unknown)
    with FolderLock(tmp_path), FolderLock(Path(tmp_path)):
        pass
