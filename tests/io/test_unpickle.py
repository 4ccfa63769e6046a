"""Pickles that are data are read; pickles that are programs are refused by name."""

import bz2
import collections
import gzip
import io
import lzma
import os
import pickle
import pickletools
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import joblib
import lz4.frame
import numpy as np
import pytest

from headform.errors import ResourceError, WeightsError
from headform.io.unpickle import read_pickle, read_pickles


def write(folder: Path, value: object, protocol: int = 4) -> Path:
    path = folder / "file.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def refusal(path: Path, **limits: int) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read_pickle(path, **limits)
    assert path.name in str(caught.value)
    return caught.value


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.function, self.arguments


ARRAYS = {
    "f8": np.linspace(-1, 1, 7),
    "f4": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "f2": np.array([[0.5, -2]], np.float16),
    "c8": np.array([1 + 2j], np.complex64),
    "i1": np.array([-128, 127], np.int8),
    "i8": np.array([2**62, -1]),
    "u2": np.array([0, 65535], np.uint16),
    "bool": np.array([[True], [False]]),
    "big": np.arange(5, dtype=">f8"),
    "big int": np.arange(-3, 3, dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(20.0)[::3],
    "transposed": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "scalar array": np.array(3.5),
    "empty": np.zeros((0, 3), np.float32),
    "text": np.array(["jawOpen", "é"]),
    "bytes": np.array([b"ab", b"c"]),
}


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype.newbyteorder("=")
    assert found.dtype.isnative


def test_arrays_of_every_plain_type_and_order_in_every_protocol(tmp_path: Path) -> None:
    paths = [tmp_path / f"{protocol}.pkl" for protocol in range(6)]
    for protocol, path in enumerate(paths):
        path.write_bytes(pickle.dumps(ARRAYS, protocol))
    for found in read_pickles(paths):
        assert found.keys() == ARRAYS.keys()
        for name, expected in ARRAYS.items():
            assert_same(found[name], expected)


def test_nested_values_become_paths(tmp_path: Path) -> None:
    value = {
        "a": [np.ones(2), {"b": (np.zeros(1), None)}],
        "names": ["x", "y"],
        "weights": [1, 2.5],
        "count": 3,
        "ordered": collections.OrderedDict(k=np.float32(2)),
        b"python2": np.int64(5),
    }
    found = read_pickle(write(tmp_path, value))
    assert {name: array.tolist() for name, array in found.items()} == {
        "a/0": [1, 1],
        "a/1/b/0": [0],
        "names/0": "x",
        "names/1": "y",
        "weights": [1, 2.5],
        "count": 3,
        "ordered/k": 2,
        "b'python2'": 5,
    }


def test_one_array_is_called_value(tmp_path: Path) -> None:
    assert_same(read_pickle(write(tmp_path, np.arange(3.0)))["value"], np.arange(3.0))


def test_joblib_files_plain_and_compressed(tmp_path: Path) -> None:
    methods = [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3), ("lz4", 3)]
    paths = [tmp_path / f"{number}.joblib" for number in range(len(methods))]
    for path, method in zip(paths, methods, strict=True):
        joblib.dump(list(ARRAYS.values()), path, compress=method)
    for found in read_pickles(paths):
        assert len(found) == len(ARRAYS)
        for number, expected in enumerate(ARRAYS.values()):
            assert_same(found[str(number)], expected)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress, lz4.frame.compress])
def test_compressed_plain_pickles_and_their_truncation(tmp_path: Path, compress: Any) -> None:
    path = tmp_path / "file.pkl"
    data = compress(pickle.dumps({"a": np.random.default_rng(0).random(500)}))
    path.write_bytes(data)
    assert read_pickle(path)["a"].shape == (500,)
    path.write_bytes(data[: len(data) // 2])
    assert refusal(path).code == "weights_damaged"


def test_several_files_in_one_child(tmp_path: Path) -> None:
    paths = [tmp_path / "a.pkl", tmp_path / "b.pkl"]
    for number, path in enumerate(paths):
        path.write_bytes(pickle.dumps([np.full(2, number)]))
    found = read_pickles(paths)
    assert [table["0"].tolist() for table in found] == [[0, 0], [1, 1]]
    paths[1].write_bytes(pickle.dumps(Calls(os.getcwd)))
    with pytest.raises(WeightsError, match=r"posix\.getcwd.*b\.pkl"):
        read_pickles(paths)


@pytest.mark.parametrize("protocol", [0, 4])
@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, "system"), (eval, "eval"), (exec, "exec"), (open, "open"), (getattr, "getattr")],
)
def test_calls_are_refused_by_name_and_never_made(tmp_path: Path, function: Any, name: str, protocol: int) -> None:
    canary = tmp_path / "canary"
    argument = {
        "system": f"touch {canary}",
        "eval": f"open({str(canary)!r}, 'w')",
        "exec": f"open({str(canary)!r}, 'w')",
    }.get(name, str(canary))
    path = write(tmp_path, [np.ones(3), Calls(function, argument, "w")], protocol)
    error = refusal(path)
    assert error.code == "unsafe_pickle"
    assert f".{name}" in error.message
    assert not canary.exists()


def assembled(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"cos\nsystem\n(S'touch canary'\ntR.", "os.system"),
        (b"(S'touch canary'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch canary'\no.", "os.system"),
        (assembled(b"X\x02\x00\x00\x00os", b"X\x06\x00\x00\x00system", b"\x93"), "os.system"),
        (assembled(b"cnumpy\nload\n"), "numpy.load"),
        (assembled(b"cnumpy.core.multiarray\n_reconstruct.__globals__\n"), "__globals__"),
        (assembled(b"X\x01\x00\x00\x00a", b"Q"), "persistent object 'a'"),
        (b"Pa\n.", "persistent object 'a'"),
    ],
)
def test_every_way_to_name_a_function_is_closed(tmp_path: Path, data: bytes, named: str) -> None:
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    error = refusal(path)
    assert error.code == "unsafe_pickle"
    assert named in error.message


@pytest.mark.parametrize(
    "data",
    [
        assembled(b"X\x01\x00\x00\x00a", b")R"),
        assembled(b"X\x01\x00\x00\x00a", b"}b"),
        assembled(b"cnumpy\ndtype\n", b"}b"),
        assembled(b"cnumpy\ndtype\n", b"N}X\x01\x00\x00\x00aK\x01s\x86b"),
        assembled(b"c_codecs\nencode\n", b"}b"),
        assembled(b"c_codecs\nencode\n", b"N}X\x09\x00\x00\x00_functionK\x01s\x86b"),
        assembled(b"ccollections\nOrderedDict\n", b"N}X\x01\x00\x00\x00aK\x01s\x86b"),
        assembled(b"ccollections\nOrderedDict\n)R", b"N}X\x01\x00\x00\x00aK\x01s\x86b", b"cnumpy\nndarray\n)R", b"}b"),
        assembled(b"\x82\x01"),
    ],
)
def test_what_is_on_the_list_cannot_be_changed_and_data_cannot_be_called(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    assert refusal(path).code == "weights_damaged"


def test_object_arrays_hide_nothing(tmp_path: Path) -> None:
    array = np.array([Calls(os.system, "true"), 1], dtype=object)
    for dump in (pickle.dump, joblib.dump):
        path = tmp_path / "file.pkl"
        with path.open("wb") as file:
            dump(array, file)
        assert "posix.system" in refusal(path).message


@pytest.mark.parametrize("cut", [0, 1, 20, 60, -1])
def test_truncated_pickles(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, {"a": np.arange(9.0)})
    path.write_bytes(path.read_bytes()[:cut])
    assert refusal(path).code == "weights_damaged"


def test_truncated_joblib_array(tmp_path: Path) -> None:
    path = tmp_path / "file.joblib"
    joblib.dump(np.arange(1000.0), path)
    path.write_bytes(path.read_bytes()[:-200])
    assert refusal(path).code == "weights_damaged"


@pytest.mark.parametrize(
    "data",
    [
        b"not a pickle",
        b"\x80\x04]\x94(.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x40.",
        b"(" * 100_000 + b".",
        b"h\x05.",
    ],
    ids=["text", "mark", "huge bytes", "huge bytes 8", "marks", "unknown memo"],
)
def test_malformed_pickles_end_with_a_code(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    assert refusal(path).code in ("weights_damaged", "unsafe_pickle")


@pytest.mark.parametrize("state", [(3,), (-1,), (2**50,), ("3",), 3, (1, 2)])
def test_shapes_that_lie(tmp_path: Path, state: Any) -> None:
    function, arguments, full = np.zeros(1).__reduce__()[:3]
    lie = (full[0], state, *full[2:])
    opcodes = io.BytesIO()
    pickler = pickle._Pickler(opcodes, 2)  # type: ignore[attr-defined]  # its parts write one value
    pickler.save_global(function)
    pickler.save(arguments)
    opcodes.write(pickle.REDUCE)
    pickler.save(lie)
    path = tmp_path / "file.pkl"
    path.write_bytes(b"\x80\x02" + opcodes.getvalue() + pickle.BUILD + pickle.STOP)
    assert refusal(path).code == "weights_damaged"


def test_shared_references_do_not_explode(tmp_path: Path) -> None:
    value: list[Any] = ["x"]
    for _ in range(40):
        value = [value, value]
    begin = time.monotonic()
    assert "entries" in refusal(write(tmp_path, value)).message
    assert time.monotonic() - begin < 10


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    value: list[Any] = []
    value.append(value)
    assert refusal(write(tmp_path, value)).code == "weights_damaged"


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress, lz4.frame.compress])
def test_decompression_bomb(tmp_path: Path, compress: Any) -> None:
    path = tmp_path / "file.pkl"
    size = 80 << 20
    path.write_bytes(compress(b"\x80\x04\x8e" + size.to_bytes(8, "little") + bytes(size) + b"."))
    assert path.stat().st_size < 1 << 20
    error = refusal(path, memory_bytes=60 << 20)
    assert error.code == "unsafe_pickle"
    assert "of memory" in error.message


def test_memory_limit(tmp_path: Path) -> None:
    path = write(tmp_path, np.zeros(100 << 20, np.uint8))
    assert read_pickle(path)["value"].nbytes == 100 << 20
    error = refusal(path, memory_bytes=80 << 20)
    assert error.code == "unsafe_pickle"
    assert "of memory" in error.message


def test_an_array_that_is_named_many_times_is_not_sent_endlessly(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, [np.zeros(1 << 20, np.uint8)] * 1000), memory_bytes=64 << 20)
    assert error.code == "unsafe_pickle"
    assert "at most" in error.message


def test_cpu_limit(tmp_path: Path) -> None:
    path = tmp_path / "file.pkl"
    path.write_bytes(gzip.compress(b"\x80\x04" + b"N0" * 20_000_000 + b"N.", 1))
    begin = time.monotonic()
    error = refusal(path, cpu_seconds=1)
    assert error.code == "unsafe_pickle"
    assert "limits" in error.message
    assert time.monotonic() - begin < 25


def test_missing_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "none", tmp_path, tmp_path / "fifo"):
        assert refusal(path).code == "weights_missing"


def test_every_opcode_that_pickle_writes_for_data(tmp_path: Path) -> None:
    value = [None, True, 1, -1, 300, 70000, 2**40, -(2**62), 1.5, "a", "b" * 300, b"c", b"d" * 300]
    value += [bytearray(b"e"), (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1: 2}, {"k"}, [[]]]
    seen: set[str] = set()
    paths = [tmp_path / f"{protocol}.pkl" for protocol in range(6)]
    for protocol, path in enumerate(paths):
        part = [item for item in value if protocol > 3 or not isinstance(item, (bytearray, set))]
        data = pickle.dumps(part, protocol)
        path.write_bytes(data)
        seen |= {op.name for op, _, _ in pickletools.genops(data)}
    for found in read_pickles(paths):
        assert found["8"] == 1.5
        assert found["10"] == "b" * 300
    assert len(seen) > 30


@pytest.mark.parametrize("name", ["a\0b", "n" * 70_000])
def test_names_that_no_archive_holds(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({name: 1}))
    with pytest.raises(WeightsError, match="an entry called") as caught:
        read_pickle(path)
    assert caught.value.code == "weights_damaged"


def test_an_array_is_no_key(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, {np.float64(1): 2})).code == "weights_damaged"


def test_a_process_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, np.ones(2))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ResourceError) as caught:
        read_pickle(path)
    assert caught.value.code == "no_process"
