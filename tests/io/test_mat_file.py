"""MATLAB files: against scipy's reader, byte by byte in both byte orders, cut, bent, too large, with more than data."""

import io
import struct
import time
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from headform.errors import WeightsError
from headform.io.mat_file import is_mat, list_mat, read_mat, read_mats

CONTENT = {
    "a": np.arange(6.0).reshape(2, 3),
    "single": np.arange(4, dtype=np.float32).reshape(4, 1),
    "text": "hello",
    "rows": np.array(["abc", "def"]),
    "nested": {"x": np.array([[1, -2]], np.int16), "deep": {"y": "down"}},
    "cells": np.array([1.5, "two", np.eye(2)], object),
    "flags": np.array([[True, False]]),
    "z": np.array([[1 + 2j, 3]]),
    "empty": np.zeros((0, 3)),
    "people": np.array([[(1.0, "x"), (2.0, "y")]], [("age", object), ("name", object)]),
}


def element(order, kind, data):
    return struct.pack(f"{order}II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(order, name, klass, dims, content, flags=0):
    body = element(order, 6, struct.pack(f"{order}II", klass | flags << 8, 0))
    body += element(order, 5, struct.pack(f"{order}{len(dims)}i", *dims))
    body += element(order, 1, name) + content
    return element(order, 14, body)


def file_of(*variables, order="<"):
    mark = {"<": b"\x00\x01IM", ">": b"\x01\x00MI"}[order]
    return b"MATLAB 5.0 MAT-file".ljust(124) + mark + b"".join(variables)


def packed(variable, order="<"):
    data = zlib.compress(variable)
    return struct.pack(f"{order}II", 15, len(data)) + data


def saved(tmp_path, data):
    path = tmp_path / "m.mat"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("compress", [False, True])
def test_every_kind_of_value_as_it_was_saved(tmp_path, compress):
    path = tmp_path / "m.mat"
    scipy.io.savemat(path, CONTENT, do_compression=compress)
    got = read_mat(path)
    assert set(got) == set(CONTENT)
    for name in ("a", "single", "flags", "z", "empty"):
        np.testing.assert_array_equal(got[name], CONTENT[name])
        assert got[name].dtype == CONTENT[name].dtype
    assert got["text"] == "hello"
    assert got["rows"] == ["abc", "def"]
    np.testing.assert_array_equal(got["nested"]["x"], [[1, -2]])
    assert got["nested"]["x"].dtype == np.int16
    assert got["nested"]["deep"] == {"y": "down"}
    assert got["cells"][1] == "two"
    np.testing.assert_array_equal(got["cells"][2], np.eye(2))
    assert [(float(p["age"][0, 0]), p["name"]) for p in got["people"]] == [(1.0, "x"), (2.0, "y")]
    assert list_mat(path)["a"] == (2, 3)
    assert set(read_mat(path, ["a"], optional=["text", "absent"])) == {"a", "text"}


@settings(max_examples=10, deadline=None)
@given(
    arrays=st.lists(
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.uint8, np.int16, np.int32, np.uint32]),
            hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4),
        ),
        min_size=1,
        max_size=10,
    ),
    compress=st.booleans(),
)
def test_arrays_come_back_in_one_or_several_files(tmp_path_factory, arrays, compress):
    folder = tmp_path_factory.mktemp("mat")
    for k, array in enumerate(arrays):
        scipy.io.savemat(folder / f"{k}.mat", {"x": array}, do_compression=compress)
    found = read_mats([folder / f"{k}.mat" for k in range(len(arrays))], ["x"])
    for got, array in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(got["x"], array)
        assert got["x"].dtype == array.dtype
        assert got["x"].dtype.isnative


def test_complex_numbers_beside_doubles_stored_as_bytes(tmp_path):
    stored = element("<", 4, struct.pack("<3H", 1, 2, 60000))
    imaginary = element("<", 2, bytes([3, 4, 5]))
    nested = matrix("<", b"", 6, (1, 3), stored + imaginary, flags=8) + matrix("<", b"", 6, (1, 3), stored)
    cells = matrix("<", b"c", 1, (1, 2), nested)
    got = read_mat(saved(tmp_path, file_of(cells, matrix("<", b"x", 6, (1, 3), stored))))
    np.testing.assert_array_equal(got["c"][0], [[1 + 3j, 2 + 4j, 60000 + 5j]])
    for value in (got["c"][1], got["x"]):
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value, [[1, 2, 60000]])


@pytest.mark.parametrize("order", "<>")
def test_doubles_stored_as_bytes_in_either_byte_order(tmp_path, order):
    """MATLAB stores numbers in the smallest type that holds them: three doubles as uint16."""
    stored = element(order, 4, struct.pack(f"{order}3H", 1, 2, 60000))
    name = struct.pack(f"{order}I", 2 << 16 | 1) + b"ab\0\0"  # a small element
    plain = matrix(order, b"x", 6, (1, 3), stored)
    small = plain.replace(element(order, 1, b"x"), name)
    small = small[:4] + struct.pack(f"{order}I", len(small) - 8) + small[8:]
    path = saved(tmp_path, file_of(plain, packed(small, order), order=order))
    got = read_mat(path)
    for key in ("x", "ab"):
        assert got[key].dtype == np.float64
        np.testing.assert_array_equal(got[key], [[1, 2, 60000]])


def test_real_annotations_equal_what_scipy_reads(data_root):
    for number in ("00050", "03614"):
        path = data_root / "photos" / "aflw2000_prnet" / f"image{number}.mat"
        want = scipy.io.loadmat(path)
        got = read_mat(path)
        assert set(got) == {name for name in want if not name.startswith("__")}
        for name, value in got.items():
            np.testing.assert_array_equal(value, want[name])


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_cut_anywhere_is_damaged(tmp_path, compress):
    stream = io.BytesIO()
    scipy.io.savemat(stream, {k: CONTENT[k] for k in ("a", "nested")}, do_compression=compress)
    data = stream.getvalue()
    path = saved(tmp_path, data)
    second = 128 + 8 + struct.unpack("<I", data[132:136])[0]
    for length in set(range(len(data))) - {128, second}:
        path.write_bytes(data[:length])
        with pytest.raises(WeightsError) as caught:
            read_mat(path)
        assert caught.value.code == "weights_damaged"
    path.write_bytes(data[:second])
    with pytest.raises(WeightsError) as caught:
        read_mat(path, ["nested"])
    assert caught.value.code == "model_missing_key"
    assert "`nested`" in str(caught.value)
    assert "holds a" in str(caught.value)


def test_no_flipped_byte_raises_anything_else(tmp_path):
    stream = io.BytesIO()
    scipy.io.savemat(stream, {k: CONTENT[k] for k in CONTENT if k != "people"})
    data, path, refused = stream.getvalue(), tmp_path / "m.mat", 0
    for at in range(124, len(data), 40):
        flip = 0xFF if at % 80 else 0x01
        path.write_bytes(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])
        try:
            read_mat(path, max_bytes=1 << 20)
        except WeightsError:
            refused += 1
    assert refused > 10


def peak_of(path, limit, **options):
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError) as caught:
            read_mat(path, max_bytes=limit, **options)
        return caught.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_compressed_bomb_costs_nothing(tmp_path):
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"x": np.zeros((1 << 12, 1 << 13))}, do_compression=True)
    path = saved(tmp_path, stream.getvalue())
    assert path.stat().st_size < 1 << 20
    error, peak = peak_of(path, 1 << 24)
    assert error.code == "weights_damaged"
    assert "at most 16777216" in str(error)
    assert peak < 8 << 20


def test_a_bomb_behind_a_value_costs_nothing(tmp_path):
    """The array is small, what is compressed with it is not."""
    small = matrix("<", b"x", 6, (1, 1), element("<", 9, struct.pack("<d", 1.0)))
    path = saved(tmp_path, file_of(packed(small + bytes(64 << 20))))
    error, peak = peak_of(path, 1 << 24)
    assert error.code == "weights_damaged"
    assert "compressed contents" in str(error)
    assert peak < 8 << 20


def test_claims_are_not_believed(tmp_path):
    """A size in a header asks for no memory; neither do many cells, rows of text or fields."""
    many = (1 << 15, 1 << 15)
    names = element("<", 5, struct.pack("<i", 8)) + element("<", 1, b"f".ljust(8, b"\0"))
    claims = {
        "numbers": matrix("<", b"x", 6, many, struct.pack("<II", 2, 0xFFFFFFF0)),
        "cells": matrix("<", b"x", 1, many, b""),
        "structures": matrix("<", b"x", 2, many, names),
        "text": matrix("<", b"x", 4, (1 << 30, 1), element("<", 16, b"ab")),
        "no numbers": matrix("<", b"x", 6, (1 << 30, 1 << 30), element("<", 9, b"")),
    }
    for name, claim in claims.items():
        error, peak = peak_of(saved(tmp_path, file_of(claim)), 1 << 28)
        assert error.code == "weights_damaged", name
        assert peak < 8 << 20, name


def test_many_empty_cells_are_paid_for(tmp_path):
    """Eight bytes each in the file, a hundred in memory."""
    cells = matrix("<", b"x", 1, (1 << 18, 1), struct.pack("<II", 14, 0) * (1 << 18))
    error, peak = peak_of(saved(tmp_path, file_of(packed(cells))), 1 << 24)
    assert error.code == "weights_damaged"
    assert "cells" in str(error)
    assert peak < 8 << 20


def test_deep_nesting_is_refused(tmp_path):
    inner = matrix("<", b"", 6, (1, 1), element("<", 9, struct.pack("<d", 1.0)))
    for _ in range(2000):
        inner = matrix("<", b"", 1, (1, 1), inner)
    error, _ = peak_of(saved(tmp_path, file_of(matrix("<", b"x", 1, (1, 1), inner))), 1 << 28)
    assert error.code == "weights_damaged"
    assert "deeper" in str(error)


def test_only_plain_data_is_built(tmp_path):
    """Objects, functions and sparse arrays are refused where they are asked for, and passed over where they are not."""
    good = matrix("<", b"good", 6, (1, 1), element("<", 9, struct.pack("<d", 7.0)))
    opaque = element("<", 6, struct.pack("<II", 17, 0)) + element("<", 1, b"bad")
    opaque += element("<", 1, b"MCOS") + element("<", 1, b"string")
    bad = {
        "an object": [element("<", 14, opaque), matrix("<", b"bad", 3, (1, 1), b"")],
        "a function": [matrix("<", b"bad", 16, (1, 1), good)],
    }
    stream = io.BytesIO()
    scipy.io.savemat(stream, {"bad": scipy.sparse.csc_array(np.eye(3))})
    bad["a sparse array"] = [stream.getvalue()[128:]]
    for what, variables in bad.items():
        for variable in variables:
            path = saved(tmp_path, file_of(variable, good))
            with pytest.raises(WeightsError, match=f"`bad` is {what}"):
                read_mat(path)
            assert read_mat(path, ["good"])["good"] == 7


def test_other_files(tmp_path):
    assert not is_mat(tmp_path)
    assert not is_mat(tmp_path / "absent")
    path = saved(tmp_path, b"something else")
    assert not is_mat(path)
    for read in (read_mat, list_mat):
        with pytest.raises(WeightsError) as caught:
            read(path)
        assert caught.value.code == "weights_damaged"
        with pytest.raises(WeightsError) as caught:
            read(tmp_path / "absent")
        assert caught.value.code == "weights_missing"
    twice = matrix("<", b"x", 6, (1, 1), element("<", 9, struct.pack("<d", 1.0)))
    with pytest.raises(WeightsError, match="two variables"):
        read_mat(saved(tmp_path, file_of(twice, twice)))


def test_version_73(tmp_path):
    """HDF5 behind 512 bytes of MATLAB's, dimensions reversed, text as UTF-16, structures as groups."""
    path = tmp_path / "m.mat"
    wanted = np.arange(6.0).reshape(2, 3)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["a"] = wanted.T
        file["s/t"] = np.frombuffer("héllo".encode("utf-16-le"), np.uint16).reshape(5, 1)
        file["s/t"].attrs["MATLAB_class"] = np.bytes_("char")
        file["b"] = np.array([[1, 0]], np.uint8)
        file["b"].attrs["MATLAB_class"] = np.bytes_("logical")
        file["#refs#/a"] = np.zeros(3)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert is_mat(path)
    got = read_mat(path)
    np.testing.assert_array_equal(got["a"], wanted)
    assert got["s"] == {"t": "héllo"}
    assert got["b"].tolist() == [[True], [False]]
    assert list_mat(path) == {"a": (2, 3), "s": (), "b": (2, 1)}
    assert set(read_mat(path, ["a"], optional=["b", "c"])) == {"a", "b"}
    with pytest.raises(WeightsError) as caught:
        read_mat(path, ["c"])
    assert caught.value.code == "model_missing_key"


def test_version_73_whose_classes_do_not_fit(tmp_path):
    """Text and tables of numbers that say they are something else come out as they are stored."""
    path = tmp_path / "m.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for kind in ("char", "logical"):
            file[f"text_{kind}"] = "text"
            file[f"number_{kind}"] = np.array([np.nan, 1e30])
            for name in ("text", "number"):
                file[f"{name}_{kind}"].attrs["MATLAB_class"] = np.bytes_(kind)
        file["x"] = 1.0
        file["x"].attrs["MATLAB_class"] = np.arange(3)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    got = read_mat(path)
    assert got["text_char"] == got["text_logical"] == "text"
    for name in ("number_char", "number_logical"):
        np.testing.assert_array_equal(got[name], [np.nan, 1e30])
    assert got["x"] == 1.0


def test_claims_inside_of_a_value_are_not_believed(tmp_path):
    """Sizes that only the content names meet the limits of the process."""
    for inner in (
        matrix("<", b"", 6, (1 << 15, 1 << 17), element("<", 9, bytes(8))),
        matrix("<", b"", 1, (1 << 15, 1 << 15), b""),
        matrix("<", b"", 6, (1 << 15, 1 << 17), struct.pack("<II", 9, 0xFFFFFFF0)),
    ):
        error, peak = peak_of(saved(tmp_path, file_of(matrix("<", b"x", 1, (1, 1), inner))), 1 << 24)
        assert error.code == "weights_damaged"
        assert peak < 8 << 20


def test_names_are_not_held_against_all_others(tmp_path):
    """A file of many small variables would take hours."""
    content = element("<", 9, b"")
    path = saved(tmp_path, file_of(*(matrix("<", b"v%07d" % k, 6, (0, 0), content) for k in range(30_000))))
    begin = time.monotonic()
    assert len(list_mat(path)) == 30_000
    assert list(read_mat(path, ["v0000000"])) == ["v0000000"]
    assert time.monotonic() - begin < 20
