"""Which kind a file is: asked of every importer, without any of them failing."""

import os

import numpy as np
import pytest

from headform.errors import UsageError, WeightsError
from headform.importers.registry import MODULES, Importer, convert, importer, kind_of


@pytest.mark.parametrize("kind", list(MODULES))
def test_every_kind_has_its_importer(kind) -> None:
    module = importer(kind)
    assert isinstance(module, Importer)
    assert kind == module.KIND


@pytest.mark.parametrize("kind", list(MODULES))
def test_no_importer_fails_on_what_is_not_its_own(kind, tmp_path) -> None:
    strange = {
        "empty.mat": b"",
        "text.npz": b"not an archive",
        "noise.h5": bytes(range(256)) * 8,
        "pickle.pkl": b"\x80\x04cos\nsystem\n.",
        "cut.bin": np.arange(9, dtype=np.int32).tobytes(),
        "mat.mat": b"MATLAB 5.0 MAT-file" + bytes(200),
        "hdf.h5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "zip.npz": b"PK\x03\x04" + bytes(60),
        "npy.npy": b"\x93NUMPY\x01\x00v\x00" + bytes(60),
    }
    for name, data in strange.items():
        (tmp_path / name).write_bytes(data)
        assert importer(kind).recognizes(tmp_path / name) in (True, False)
    assert not importer(kind).recognizes(tmp_path / "absent.mat")
    assert not importer(kind).recognizes(tmp_path)
    os.mkfifo(tmp_path / "pipe.npz")
    assert not importer(kind).recognizes(tmp_path / "pipe.npz")


def test_what_nobody_knows_is_named(tmp_path) -> None:
    (tmp_path / "face.xyz").write_bytes(b"?" * 100)
    with pytest.raises(WeightsError) as caught:
        kind_of(tmp_path / "face.xyz")
    assert caught.value.code == "model_kind"
    assert "--kind" in str(caught.value)
    with pytest.raises(WeightsError) as caught:
        convert(tmp_path / "absent.mat")
    assert caught.value.code == "weights_missing"
    for name in ("n" * 300 + ".mat", "a\0b.mat"):
        with pytest.raises(WeightsError) as caught:
            convert(tmp_path / name)
        assert caught.value.code == "weights_missing"
    with pytest.raises(UsageError) as caught:
        convert(tmp_path / "face.xyz", "flume")
    assert caught.value.code == "kind_unknown"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("models/eos_sfm/sfm_shape_3448.bin", "surrey"),
        ("models/scalismo_random_momo/random-momo.h5", "bfm2017"),
        ("ict_facekit/all_modes.npz", "ict"),
        ("ict_facekit/FaceXModel", "ict"),
    ],
)
def test_real_files_are_recognized(data_root, path, kind) -> None:
    assert kind_of(data_root / path) == kind
