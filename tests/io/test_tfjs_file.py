"""Weights of TensorFlow.js, written byte by byte."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.io.tfjs_file import read_tfjs

WHOLE = np.array([[0, 7, 255]], np.uint8)
PLAIN = np.array([1.5, -2.0], np.float32)
COARSE = np.array([3, 60_000], np.uint16)
ENTRIES = [
    {"name": "a/filters", "shape": [1, 3], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -2}},
    {"name": "b", "shape": [2], "dtype": "float32"},
    {"name": "c", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint16", "scale": 0.1, "min": 1.0}},
]  # fmt: skip


def write(folder: Path, entries: Any = ENTRIES, paths: Any = ("one.bin", "two.bin")) -> Path:
    data = WHOLE.tobytes() + PLAIN.astype("<f4").tobytes() + COARSE.astype("<u2").tobytes()
    (folder / "one.bin").write_bytes(data[:5])  # tensors may cross files
    (folder / "two.bin").write_bytes(data[5:])
    path = folder / "m.json"
    path.write_text(json.dumps([{"paths": list(paths), "weights": entries}]))
    return path


def test_quantized_and_plain_tensors(tmp_path: Path) -> None:
    found = read_tfjs(write(tmp_path))
    assert list(found) == ["a/filters", "b", "c"]
    np.testing.assert_allclose(found["a/filters"], [[-2, 1.5, 125.5]])
    np.testing.assert_array_equal(found["b"], PLAIN)
    np.testing.assert_allclose(found["c"], [1.3, 6001], rtol=1e-6)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("entries", "paths", "code"),
    [
        (ENTRIES[:2], ("one.bin", "two.bin"), "weights_damaged"),
        (ENTRIES, ("one.bin",), "weights_damaged"),
        (ENTRIES, ("one.bin", "none.bin"), "weights_missing"),
        (ENTRIES, ("../one.bin",), "weights_damaged"),
        ([ENTRIES[0] | {"shape": [1 << 62, 1 << 62]}], ("one.bin",), "weights_damaged"),
        ([ENTRIES[0] | {"shape": "3"}], ("one.bin",), "weights_damaged"),
        ([ENTRIES[1] | {"dtype": "string"}], ("one.bin",), "weights_damaged"),
        ([*ENTRIES, ENTRIES[0]], ("one.bin", "two.bin"), "weights_damaged"),
        (7, ("one.bin",), "weights_damaged"),
    ],
)
def test_manifests_that_say_something_else(tmp_path: Path, entries: Any, paths: Any, code: str) -> None:
    with pytest.raises(WeightsError) as caught:
        read_tfjs(write(tmp_path, entries, paths))
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"paths": []}]', "[" * 100_000])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(WeightsError) as caught:
        read_tfjs(tmp_path / "m.json")
    assert caught.value.code == "weights_damaged"
