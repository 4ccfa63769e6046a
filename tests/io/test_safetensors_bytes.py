"""Tensors in bytes: what safetensors wrote is read, and whatever is wrong is one kind of error."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

from headform.io.safetensors_bytes import MAX_HEADER, load_arrays, load_tensors


def file_of(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(dtype: str, shape: list[int], size: int) -> dict[str, object]:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}}


def test_arrays_and_metadata_come_back():
    arrays = {"f": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([True, False]), "n": np.zeros((0, 3))}
    data = safetensors.numpy.save(arrays, {"headform": "x"})
    found, metadata = load_arrays(data)
    tensors, _ = load_tensors(data)
    assert metadata == {"headform": "x"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        np.testing.assert_array_equal(tensors[name].numpy(), array)


@pytest.mark.parametrize("load", [load_arrays, load_tensors])
def test_a_byte_that_is_no_boolean_counts_as_true(load):
    found, _ = load(file_of(entry("BOOL", [3], 3), b"\x00\x02\xff"))
    assert [int(value) for value in found["a"]] == [0, 1, 1]


@pytest.mark.parametrize("load", [load_arrays, load_tensors])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "header"),
        (b"\x05\0\0\0", "header"),
        (b"\xff" * 16, "ends within its header"),
        (file_of({}, length=100), "ends within its header"),
        (file_of(b"[" * 100_000), "nested too deep"),
        (file_of(b"{" + b" " * (MAX_HEADER) + b"}"), f"the limit is {MAX_HEADER}"),
        (file_of(b"\xff{}"), "not JSON"),
        (file_of([]), "not a whole"),
        (file_of(entry("F32", [2**62], 4), b"1234"), "not a whole"),
        (file_of(entry("F32", [-1], 4), b"1234"), "not a whole"),
        (file_of(entry("F99", [1], 4), b"1234"), "not a whole"),
        (file_of(entry("F4", [8], 4), b"1234"), "not a whole"),
        (file_of(entry("F32", [1], 4), b"12"), "not a whole"),
        (file_of({"a": 3}), "not a whole"),
    ],
)
def test_malformed_files_are_value_errors(load, data, message):
    with pytest.raises(ValueError, match=message):
        load(data)
