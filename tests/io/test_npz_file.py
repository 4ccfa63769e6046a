"""Arrays out of .npz and .npy: what numpy writes is read, what lies or holds objects is refused with a code."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.io import file_bytes, npz_file
from headform.io.npz_file import array_shapes, holds_objects, read_npy, read_npz
from headform.io.unpickle import read_pickle

ARRAYS = {
    "f8": np.linspace(-1, 1, 7),
    "f4 fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big": np.arange(5, dtype=">u4"),
    "bool": np.array([[True], [False]]),
    "complex": np.array([1 + 2j]),
    "text": np.array("lbs"),
    "bytes": np.array([b"ab", b"c"]),
    "empty": np.zeros((0, 3)),
    "scalar": np.array(3.5),
}


def refusal(path: Path, **options: int) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        (read_npz if path.suffix == ".npz" else read_npy)(path, **options)
    assert path.name in str(caught.value)
    return caught.value


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.flags.writeable
    assert found.flags.c_contiguous


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_every_plain_type_and_order(tmp_path: Path, save) -> None:
    path = tmp_path / "a.npz"
    save(path, **ARRAYS)
    found = read_npz(path)
    assert found.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        assert_same(found[name], expected)
        np.save(tmp_path / "one.npy", expected)
        assert_same(read_npy(tmp_path / "one.npy"), expected)
    assert array_shapes(path) == {name: array.shape for name, array in ARRAYS.items()}
    assert list(read_npz(path, ["big"])) == ["big"]
    assert not holds_objects(path)


def test_an_absent_array_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, MU=np.ones(2), PC=np.ones(2))
    with pytest.raises(WeightsError, match=r"no array `mean`, there are MU, PC") as caught:
        read_npz(path, ["mean"])
    assert caught.value.code == "model_missing_key"


def test_objects_are_refused_and_not_loaded(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Touches:
        def __reduce__(self):
            return os.system, (f"touch {canary}",)

    bad = np.array(Touches(), dtype=object)
    np.savez(tmp_path / "a.npz", fine=np.ones(2), bad=bad)
    np.save(tmp_path / "a.npy", bad)
    for name in ("a.npz", "a.npy"):
        error = refusal(tmp_path / name)
        assert error.code == "unsafe_pickle"
        assert "holds Python objects" in error.message
        assert holds_objects(tmp_path / name)
    assert "`bad`" in refusal(tmp_path / "a.npz").message
    assert not canary.exists()
    assert read_npz(tmp_path / "a.npz", ["fine"])["fine"].tolist() == [1, 1]


def member(shape, dtype="<f4", data=b"") -> bytes:
    out = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue() + data


@pytest.mark.parametrize(
    "content",
    [
        member((1 << 40, 3), data=bytes(24)),
        member((2, 3), data=bytes(20)),
        member((2, 3), data=bytes(28)),
        member((-2, -3), data=bytes(24)),
        member((2,), [("a", "<f4"), ("b", "<i4")], bytes(16)),
        member((2,), "<M8[s]", bytes(16)),
        member((2, 3), data=bytes(24)).replace(b"}", b"{"),
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 0xFFFF,
        b"\x93NUMPY\x09\x00",
        b"",
    ],
    ids="huge short long negative structured dates brace nested version empty".split(),
)
def test_headers_that_lie(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert refusal(tmp_path / "a.npy").code == "weights_damaged"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", content)
    assert refusal(tmp_path / "a.npz").code == "weights_damaged"


def test_limits_count_what_unpacks(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(1000, np.uint8), b=np.zeros(1000, np.uint8))
    assert path.stat().st_size < 1000
    assert read_npz(path, max_bytes=2300)["b"].shape == (1000,)
    error = refusal(path, max_bytes=2000)
    assert error.code == "weights_damaged"
    assert "`b` has 1128 bytes unpacked" in error.message


def test_truncated_and_spoiled_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(500))
    whole = path.read_bytes()
    for cut in (0, 3, 100, len(whole) - 5):
        path.write_bytes(whole[:cut])
        assert refusal(path).code == "weights_damaged"
        assert array_shapes(path) == {}
        assert not holds_objects(path)
    np.savez(path, a=np.arange(500))
    whole = path.read_bytes()
    at = whole.index(np.arange(100, 102).tobytes())
    path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
    assert "CRC" in refusal(path).message


def test_missing_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.npz")
    for name in ("none.npz", "none.npy", "fifo.npz"):
        assert refusal(tmp_path / name).code == "weights_missing"
    (tmp_path / "folder.npy").mkdir()
    assert refusal(tmp_path / "folder.npy").code == "weights_missing"
    assert array_shapes(tmp_path / "fifo.npz") == {}


def test_every_kind_of_problem_has_a_code() -> None:
    assert set(npz_file.Problem.__args__) == set(npz_file._CODES)


def header_of(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(8)


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': (), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': ('<f8',), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '\\d', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9L,)}",
        "1if 2else 3",
    ],
)
def test_headers_that_upset_numpy_or_the_parser(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.npy").write_bytes(header_of(text))
    assert refusal(tmp_path / "one.npy").code == "weights_damaged"
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", header_of(text))
    assert refusal(path).code == "weights_damaged"
    assert array_shapes(path) in ({}, {"a": (9,)})
    assert not holds_objects(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_broken_streams_of_every_compression(tmp_path: Path, method: int) -> None:
    path, plain = tmp_path / "a.npz", io.BytesIO()
    np.save(plain, np.random.default_rng(0).normal(size=(50, 50)))
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", plain.getvalue())
    data = bytearray(path.read_bytes())
    for at in (60, 100, 200):
        data[at] ^= 0xFF
    path.write_bytes(data)
    assert refusal(path).code == "weights_damaged"
    with pytest.raises(WeightsError) as caught:
        read_pickle(path)
    assert caught.value.code == "weights_damaged"


def test_two_arrays_of_one_name(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.npz", io.BytesIO()
    np.save(plain, np.ones(3))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", plain.getvalue())
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.npy", plain.getvalue())
    assert "the same name" in refusal(path).message
    assert array_shapes(path) == {}


def test_an_archive_whose_entries_begin_before_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.ones(3))
    data = path.read_bytes()
    start = data.rindex(b"PK\x05\x06") + 16  # where the directory begins
    path.write_bytes(data[:start] + b"\xff\xff\0\0" + data[start + 4 :])
    assert refusal(path).code == "weights_damaged"
    with pytest.raises(WeightsError) as caught:
        read_pickle(path)
    assert caught.value.code == "weights_damaged"


def test_what_unpacks_to_a_large_multiple_of_the_file_is_refused(tmp_path: Path, monkeypatch) -> None:
    """1.8 MB of packed zeros are 1.9 GB."""
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, a=np.zeros(2_000_000, np.uint8))
    assert read_npz(path)["a"].nbytes == 2_000_000
    monkeypatch.setattr(file_bytes, "UNPACKED_FREE", 1_000_000)
    error = refusal(path)
    assert error.code == "weights_damaged"
    assert f"the limit for this file is {1_000_000 + 100 * path.stat().st_size}" in error.message
    np.savez_compressed(path, a=np.random.default_rng(0).integers(0, 256, 2_000_000, np.uint8))
    assert read_npz(path)["a"].nbytes == 2_000_000


def test_many_arrays_are_found_in_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    store = io.BytesIO()
    np.save(store, np.zeros(0))
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.npy", store.getvalue())
    assert len(read_npz(path)) == 2000


def test_texts_and_booleans_hold_what_they_can(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(3, bool))
    path.write_bytes(path.read_bytes()[:-3] + b"\x00\x02\xff")
    assert read_npy(path).view(np.uint8).tolist() == [0, 1, 1]
    np.save(path, np.array("ab"))
    path.write_bytes(path.read_bytes()[:-4] + b"\xff\xff\xff\x7f")
    assert "not Unicode" in refusal(path).message


def test_memory_that_is_not_there_is_an_error_of_the_file(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(3))

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(npz_file.np, "empty", full)
    assert "does not fit into memory" in refusal(path).message
