"""Small files that describe much: what is unpacked may take 256 MiB and 100 times the file, whatever the format."""

import gzip
import pickle

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from headform.errors import WeightsError
from headform.io import file_bytes
from headform.io._child import seconds_for
from headform.io.hdf5_file import read_hdf5
from headform.io.mat_file import read_mat
from headform.io.torch_file import read_torch
from headform.io.unpickle import read_pickle

N = 40_000_000


def filled(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", shape=(N,), dtype="u1", chunks=(1 << 20,), fillvalue=7)


def packed(path):
    scipy.io.savemat(path, {"a": np.zeros(N, np.uint8)}, do_compression=True)


def repeated(path):
    with gzip.open(path, "wb") as file:
        pickle.dump({"a": np.zeros(N, np.uint8)}, file)


def expanded(path):
    torch.save({"a": torch.zeros(1, dtype=torch.uint8).expand(N)}, path)


@pytest.mark.parametrize(
    ("write", "read", "code"),
    [
        (filled, lambda path: read_hdf5(path, ["a"]), "weights_damaged"),
        (packed, read_mat, "weights_damaged"),
        (repeated, read_pickle, "unsafe_pickle"),
        (expanded, read_torch, "weights_damaged"),
    ],
)
def test_descriptions_of_gigabytes_are_refused(tmp_path, monkeypatch, write, read, code):
    path = tmp_path / "a"
    write(path)
    assert path.stat().st_size < N // 500
    assert read(path)
    monkeypatch.setattr(file_bytes, "UNPACKED_FREE", N // 4)
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert caught.value.code == code


def test_time_grows_with_the_file():
    """A damaged HDF5 file of 20 kB kept libhdf5 busy for minutes."""
    assert [seconds_for(size, 120) for size in (0, 20_000, 50 << 20, 4 << 30)] == [10, 10, 60, 120]
