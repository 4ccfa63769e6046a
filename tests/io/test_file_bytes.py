"""Bytes of regular files only, within limits, also when the file changes while it is read."""

import errno
import os
import socket
import threading
from pathlib import Path

import pytest

from headform.errors import InputError, WeightsError
from headform.io import file_bytes
from headform.io.file_bytes import first_bytes, open_regular, read_bytes, read_mesh_bytes, read_regular, sha256_of


@pytest.fixture(params=["folder", "fifo", "pipe", "socket", "device", "nul", "surrogate", "long"])
def no_file(request, tmp_path):
    """A path of everything that is no regular file, and a word of the reason; opening a pipe would wait for ever."""
    path = tmp_path / "x"
    match request.param:
        case "folder":
            yield tmp_path, "folder"
        case "fifo":
            os.mkfifo(path)
            yield path, "pipe"
        case "pipe":  # as of `<(command)` in a shell
            ends = os.pipe()
            yield Path(f"/dev/fd/{ends[0]}"), "pipe"
            for end in ends:
                os.close(end)
        case "socket":
            here, folder = socket.socket(socket.AF_UNIX), os.getcwd()
            os.chdir(tmp_path)  # a socket's path may have 108 characters
            here.bind("x")
            os.chdir(folder)
            yield path, "socket"
            here.close()
        case "device":
            yield Path("/dev/zero"), "device"
        case "nul":
            yield tmp_path / "a\0b", "name"
        case "surrogate":
            yield tmp_path / "a\ud800b", "name"
        case "long":
            yield tmp_path / ("a" * 300), "long"


def test_anything_but_a_file_is_refused_without_being_opened(no_file):
    path, word = no_file
    with pytest.raises(OSError, match=word):
        open_regular(path)
    with pytest.raises(OSError, match=word):
        sha256_of(path)
    assert first_bytes(path, 4) == b""
    with pytest.raises(InputError, match=word) as caught:
        read_mesh_bytes(path)
    assert caught.value.code == "mesh_unreadable"
    with pytest.raises(WeightsError, match=word) as refused:
        read_bytes(path)
    assert refused.value.code == "weights_missing"


def test_a_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="5 bytes are more than the limit of 4") as caught:
        read_regular(path, 4)
    assert caught.value.errno == errno.EFBIG
    with pytest.raises(WeightsError, match="limit of 4") as damaged:
        read_bytes(path, max_bytes=4)
    assert damaged.value.code == "weights_damaged"
    with pytest.raises(InputError, match="limit of 4") as large:
        read_mesh_bytes(path, max_bytes=4)
    assert large.value.code == "mesh_too_large"


def test_a_file_that_grows_while_it_is_read_is_read_or_refused(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    real = os.fstat

    def smaller(handle):
        values = list(real(handle))
        values[6] = 2  # st_size: what it was a moment ago
        return os.stat_result(values)

    monkeypatch.setattr(file_bytes.os, "fstat", smaller)
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="more than the limit of 4"):
        read_regular(path, 4)


def test_a_pipe_put_in_place_of_the_file_does_not_block(tmp_path, monkeypatch):
    """The name can belong to a pipe by the time it is opened."""
    plain, fifo = tmp_path / "a", tmp_path / "fifo"
    plain.write_bytes(b"1")
    os.mkfifo(fifo)
    real, refused = os.open, []
    monkeypatch.setattr(file_bytes.os, "open", lambda path, flags: real(fifo, flags))

    def attempt():
        with pytest.raises(OSError, match="pipe"):
            open_regular(plain)
        refused.append(True)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(20)
    assert refused
