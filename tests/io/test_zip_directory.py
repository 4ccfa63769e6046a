"""Archives with a table of entries of any size: read, or refused before an object is made of each entry."""

import io
import struct
import zipfile

import pytest

from headform.io import zip_directory
from headform.io.zip_directory import open_archive


def archive(count: int, comment: bytes = b"") -> bytes:
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as file:
        for number in range(count):
            file.writestr(f"{number}.npy", b"")
        file.comment = comment
    return store.getvalue()


@pytest.mark.parametrize("comment", [b"", b"a comment", b"c" * 65535])
def test_ordinary_archives_are_opened(comment):
    with open_archive(io.BytesIO(archive(3, comment))) as opened:
        assert opened.namelist() == ["0.npy", "1.npy", "2.npy"]


def test_a_large_table_is_refused(monkeypatch):
    monkeypatch.setattr(zip_directory, "MAX_DIRECTORY", 5000)
    assert len(open_archive(io.BytesIO(archive(90))).namelist()) == 90
    with pytest.raises(zipfile.BadZipFile, match="the limit is 5000"):
        open_archive(io.BytesIO(archive(120)))


def test_the_size_of_a_zip64_table_is_looked_up():
    """More than 65,535 entries have their size in a record of its own."""
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 30, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 10, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    with pytest.raises(zipfile.BadZipFile, match=f"table of entries has {1 << 30} bytes"):
        open_archive(io.BytesIO(b"\0" * 10 + record + locator + end))


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"PK\x03\x04" * 10, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_stays_an_error_of_zipfile(data):
    with pytest.raises(zipfile.BadZipFile):
        open_archive(io.BytesIO(data))
