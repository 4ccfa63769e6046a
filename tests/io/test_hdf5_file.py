"""HDF5 files: against h5py itself; nothing outside of the file, no more memory than its sizes say, no crash of ours."""

import zlib

import h5py
import numpy as np
import pytest

from headform.errors import WeightsError
from headform.io.hdf5_file import is_hdf5, list_hdf5, read_hdf5


def code_of(path, *wanted, **options):
    with pytest.raises(WeightsError) as caught:
        read_hdf5(path, wanted, **options)
    return caught.value.code, str(caught.value)


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["g/f4"] = np.arange(12, dtype=np.float32).reshape(3, 4)
        file["g/big"] = np.arange(5, dtype=">i2")
        file["g/one"] = 7
        file["g/text"] = ["one text"]
        file["g/fixed"] = np.bytes_("bytes")
        file["g/texts"] = ["one", "two"]
        file["g/compound"] = np.zeros(2, [("a", int)])
        file["g/none"] = np.zeros((0, 3))
        file.create_dataset("g/packed", data=np.arange(1000), compression="gzip", shuffle=True)
        file["g"].attrs["name"] = "somebody"
        file["g"].attrs["numbers"] = np.array([1.5, 2.5])
        file.attrs["root"] = np.bytes_("r")
    return path


def test_values_are_those_of_h5py(made):
    names = ["g/f4", "g/big", "g/one", "g/none", "g/packed"]
    texts = ["g/text", "g/fixed", "g@name", "@root"]
    got = read_hdf5(made, [*names, *texts, "g@numbers"], optional=["g/absent", "g@absent"])
    with h5py.File(made) as file:
        for name in names:
            np.testing.assert_array_equal(got[name], file[name][()])
            assert got[name].shape == file[name].shape
            assert got[name].dtype == file[name].dtype.newbyteorder("=")
    assert [got[name] for name in texts] == ["one text", "bytes", "somebody", "r"]
    assert got["g@numbers"].tolist() == [1.5, 2.5]
    assert len(got) == 10
    assert list_hdf5(made)["g/f4"] == (3, 4)
    assert is_hdf5(made)


def test_a_real_file(data_root):
    path = data_root / "models" / "scalismo_random_momo" / "random-momo.h5"
    names = list(list_hdf5(path))
    assert len(names) == 42
    numbers = [n for n in names if n.endswith(("mean", "pcaBasis", "cells", "pcaVariance"))]
    got = read_hdf5(path, numbers)
    with h5py.File(path) as file:
        for name in numbers:
            np.testing.assert_array_equal(got[name], file[name][()])


def test_what_is_not_there_or_not_plain(made):
    code, text = code_of(made, "g/f4", "g/absent")
    assert code == "model_missing_key"
    assert "`g/absent`" in text
    assert "g/compound" in text
    for name in ("g/texts", "g/compound", "g"):
        code, text = code_of(made, name)
        assert code == "weights_damaged"
        assert f"`{name}`" in text
    code, text = code_of(made, "g/f4", max_bytes=40)
    assert code == "weights_damaged"
    assert "48 bytes; at most 40" in text


def test_other_files(tmp_path, made):
    assert not is_hdf5(tmp_path)
    assert code_of(tmp_path / "absent", "a")[0] == "weights_missing"
    assert code_of(tmp_path, "a")[0] == "weights_missing"
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    assert code_of(other, "a")[0] == "weights_damaged"
    data = made.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        other.write_bytes(data[: int(share * len(data))])
        assert code_of(other, "g/f4")[0] == "weights_damaged"


def test_bent_files_end_in_an_error_of_ours(tmp_path, made):
    data = bytearray(made.read_bytes())
    path, refused = tmp_path / "bent.h5", 0
    for at in range(8, 808, 50):
        bent = data.copy()
        bent[at : at + 8] = bytes(255 - b for b in bent[at : at + 8])
        path.write_bytes(bent)
        try:
            read_hdf5(path, ["g/f4", "g/packed"])
        except WeightsError as error:
            refused += error.code in ("weights_damaged", "model_missing_key")
    assert refused > 3


def test_nothing_outside_of_the_file_is_followed(tmp_path, made):
    path, raw = tmp_path / "links.h5", tmp_path / "raw"
    raw.write_bytes(b"secret" * 4)
    layout = h5py.VirtualLayout((3, 4), np.float32)
    layout[...] = h5py.VirtualSource(str(made), "g/f4", (3, 4))
    with h5py.File(path, "w") as file:
        file["external"] = h5py.ExternalLink(str(made), "g")
        file["soft"] = h5py.SoftLink("/external")
        file.create_dataset("stored", (24,), np.uint8, external=[(str(raw), 0, 24)])
        file.create_virtual_dataset("virtual", layout)
        file["good"] = 1.0
    for name, word in {
        "external": "another file",
        "external/f4": "another file",
        "soft": "soft link",
        "soft/f4": "soft link",
        "stored": "another file",
        "virtual": "another file",
    }.items():
        code, text = code_of(path, name)
        assert code == "weights_damaged"
        assert word in text
    assert read_hdf5(path, ["good"])["good"] == 1
    assert set(list_hdf5(path)) == {"good", "stored", "virtual"}


def test_claims_are_not_believed(tmp_path):
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("lazy", (1 << 40,), np.float32, chunks=(1 << 20,))
        file.create_dataset("chunky", (4,), np.uint8, chunks=(1 << 31,), maxshape=(None,))
    assert path.stat().st_size < 1 << 20
    for name in ("lazy", "chunky"):
        code, text = code_of(path, name, max_bytes=1 << 30)
        assert code == "weights_damaged"
        assert "at most" in text


def test_a_compressed_bomb_ends_its_own_reader_alone(tmp_path):
    """A chunk that says it holds 4 kB and swells to 1 GiB: libhdf5 would inflate it all."""
    path = tmp_path / "bomb.h5"
    packer = zlib.compressobj(1)
    piece = bytes(1 << 24)
    data = b"".join(packer.compress(piece) for _ in range(64)) + packer.flush()
    with h5py.File(path, "w") as file:
        made = file.create_dataset("x", (4096,), np.uint8, chunks=(4096,), compression="gzip")
        made.id.write_direct_chunk((0,), data)
    code, _ = code_of(path, "x")
    assert code == "weights_damaged"


def test_circles_of_groups_end(tmp_path):
    path = tmp_path / "circle.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("a")
        group["a"] = group
    with pytest.raises(WeightsError, match="circle"):
        list_hdf5(path)


def test_more_names_than_a_command_line_holds(tmp_path):
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["a"] = 1
    assert code_of(path, "a", *(f"{k:05d}" + "x" * 995 for k in range(4000)))[0] == "model_missing_key"
