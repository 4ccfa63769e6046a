"""Pickles of Python 2 in text, and their copies with CR LF, are read; what is damaged ends in a coded error."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse

from headform.errors import WeightsError
from headform.io.unpickle import read_pickle, read_pickles
from tests.io.python2 import ch, old_matrix, python2_pickle

RNG = np.random.default_rng(0)
MATRIX = scipy.sparse.random(5, 40, density=0.2, format="csc", rng=RNG)
VALUES = {
    "v_template": RNG.normal(size=(7, 3)),
    "bytes of every value": np.arange(256, dtype=np.uint8),
    "chumpy": ch(RNG.normal(size=(4, 2))),
    "J_regressor": old_matrix(MATRIX),
    "fortran": np.asfortranarray(RNG.normal(size=(3, 4))),
    "f": np.array([[0, 1, 2]], np.uint32),
    "flags": np.array([True, False]),
    "scalar": np.float64(2.5),
    "name": b"fran\xe7ais \n\r\n 'quoted'",
    "numbers": [1, -2, 3.25],
    "on": True,
    "nothing": None,
}


def check(found: dict[str, np.ndarray]) -> None:
    for name in ("v_template", "bytes of every value", "fortran", "f", "flags"):
        np.testing.assert_array_equal(found[name], VALUES[name])
        assert found[name].dtype == VALUES[name].dtype
    np.testing.assert_array_equal(found["chumpy"], VALUES["chumpy"].state["x"])
    np.testing.assert_array_equal(found["J_regressor/data"], MATRIX.data)
    np.testing.assert_array_equal(found["J_regressor/indptr"], MATRIX.indptr)
    assert found["name"].item() == "français \n\r\n 'quoted'"
    assert found["numbers"].tolist() == [1, -2, 3.25]
    assert (found["scalar"].item(), found["on"].item()) == (2.5, True)


def test_protocols_of_python_2_and_their_copies_as_text(tmp_path: Path) -> None:
    paths = []
    for protocol in (0, 1, 2):
        data = python2_pickle(VALUES, protocol)
        for name, copy in (("plain", data), ("crlf", data.replace(b"\n", b"\r\n"))):
            paths.append(tmp_path / f"{protocol} {name}.pkl")
            paths[-1].write_bytes(copy)
    for found in read_pickles(paths):
        check(found)


def test_text_pickles_of_python_3_copied_as_text(tmp_path: Path) -> None:
    value = {"a": np.arange(12.0).reshape(3, 4), "é": "café", "on": [True, False], "big": 2**70}
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({k: v for k, v in value.items() if k != "big"}, 0).replace(b"\n", b"\r\n"))
    found = read_pickle(path)
    np.testing.assert_array_equal(found["a"], value["a"])
    assert found["é"].item() == "café"
    assert found["on"].tolist() == [True, False]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_sound_pickles_with_carriage_returns_stay_as_they_are(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    for value in (np.frombuffer(b"\r\n" * 64, np.uint8), np.frombuffer(b"\r\n\n\r" * 64, np.uint8)):
        path.write_bytes(pickle.dumps({"text": "a\r\nb\r\n", "a": value}, protocol))
        found = read_pickle(path)
        np.testing.assert_array_equal(found["a"], value)
        assert found["text"].item() == "a\r\nb\r\n"


def test_a_copy_across_the_pieces_it_is_read_in(tmp_path: Path) -> None:
    values = [float(number) for number in range(200_000)]  # a line each, 2 MB
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(values, 0).replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(read_pickle(path)["value"], values)


def test_a_copy_in_which_lines_end_both_ways_is_not_guessed_at(tmp_path: Path) -> None:
    data = python2_pickle(VALUES, 0).replace(b"\n", b"\r\n")
    half = len(data) // 2
    path = tmp_path / "a.pkl"
    path.write_bytes(data[:half] + data[half:].replace(b"\r\n", b"\n"))
    with pytest.raises(WeightsError):
        read_pickle(path)


def test_a_call_in_text_copied_with_cr_lf_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(b"cposix\r\nsystem\r\np0\r\n(S'touch canary'\r\ntR.")
    with pytest.raises(WeightsError, match=r"posix\.system") as caught:
        read_pickle(path)
    assert caught.value.code == "unsafe_pickle"


def test_mutated_text_pickles_are_read_or_refused() -> None:
    """Seed 5; `python -m tests.io.mutated_pickles 10000 5` runs more of them."""
    command = [sys.executable, "-m", "tests.io.mutated_pickles", "400", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    outcomes = json.loads(done.stdout)
    assert sum(outcomes.values()) == 400
    assert outcomes.keys() == {"read", "damaged", "refused"}
