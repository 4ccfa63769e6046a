"""A pickle under any model's name is refused and never runs; nothing foreign is taken for a model or upsets a look at it."""

import io
import struct
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.importers import _facewarehouse_files as facewarehouse_files
from headform.importers import (
    facescape,
    facewarehouse,
    flame,
    gnm,
    hifi3d,
    ict,
    lsfm,
    lyhm,
    surrey,
)
from tests.importers.made_surface import Opens, malicious

READERS = [
    (surrey, "sfm_shape_3448.bin"),
    (surrey, "sfm.scm"),
    (lsfm, "all_all_all.mat"),
    (lyhm, "LYHM_global.mat"),
    (hifi3d, "HIFI3D++.mat"),
    (facewarehouse, "shape.bs"),
    (facewarehouse, "raw_tensor.bin"),
    (facewarehouse, "tensor.npy"),
    (ict, "all_modes.npz"),
    (ict, "generic_neutral_mesh.obj"),
    (gnm, "gnm_head.npz"),
    (facescape, "facescape_bm_v1.6_847_50_52_id_front.npz"),
]


@pytest.mark.parametrize(("module", "name"), READERS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_pickle_under_a_models_name(tmp_path: Path, module: ModuleType, name: str) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / name
    data = malicious(canary)
    content = {
        "pickle": data,
        "long": data * 20000,
        "mat": b"MATLAB 5.0" + b" " * 116 + b"\0\1IM" + data,
    }
    trap = np.array([Opens(canary)], dtype=object)
    archive = io.BytesIO()
    keys = ("shape_bm_core", "id_mean", "id_var", "template_vertex_positions", "neutral")
    np.savez(archive, **dict.fromkeys(keys, trap))
    content["npz"] = archive.getvalue()
    plain = io.BytesIO()
    np.save(plain, trap)
    content["npy"] = plain.getvalue()
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as file:
        for key in keys:
            file.writestr(f"{key}.npy", data)
    content["zip"] = inside.getvalue()
    for kind, raw in content.items():
        path.write_bytes(raw)
        if kind != "pickle" or name != "generic_neutral_mesh.obj":
            module.recognizes(path)
        with pytest.raises(WeightsError):
            module.read(path)
        with pytest.raises(WeightsError):
            module.read(path, (path,))
        assert not canary.exists()


@pytest.mark.parametrize("module", sorted({m for m, _ in READERS}, key=lambda m: m.KIND))
def test_a_look_never_raises(tmp_path: Path, module: ModuleType) -> None:
    for number, raw in enumerate((b"", b"\0" * 5000, b"MATLAB 7.3", b"\x93NUMPY\xff", b"PK\x03\x04", b"v 1")):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(raw)
        assert not module.recognizes(path)
    for path in (tmp_path, tmp_path / "absent", Path("/dev/zero"), Path("a\0b")):
        assert not module.recognizes(path)
    for path in (tmp_path / "absent.bin", tmp_path / "absent.scm"):
        with pytest.raises(WeightsError) as caught:
            module.read(path)
        assert caught.value.code in ("weights_missing", "model_missing_key")


def sparse(path: Path, start: bytes, size: int) -> Path:
    """A file that claims many bytes and takes none of the disk."""
    path.write_bytes(start)
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def test_files_larger_than_any_model_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "mesh").mkdir()
    huge = 1 << 40
    counts = struct.pack("<iii", 46, 1 << 30, 9)
    for module, path in (
        (facewarehouse, sparse(tmp_path / "shape.bs", counts, huge)),
        (facewarehouse, sparse(tmp_path / "raw.bin", b"", 10**6 * facewarehouse_files.RECORD)),
        (ict, sparse(tmp_path / "mesh" / "generic_neutral_mesh.obj", b"v 1 2 3\n", huge)),
    ):
        with pytest.raises(WeightsError) as caught:
            module.read(path)
        assert caught.value.code == "weights_damaged", path.name
    pickle = sparse(tmp_path / "generic_model.pkl", b"\x80\x02v_template shapedirs posedirs", huge)
    assert not flame.recognizes(pickle)
