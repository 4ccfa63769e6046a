"""Files that are no model are named for what they are."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.io

from headform.errors import WeightsError
from headform.io.file_content import content_of, explained


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return out.getvalue()


def _tar(name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"MATLA"))
    return out.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


PAGE = b"<!DOCTYPE html>\n<html><head><title>FLAME &ndash;\n Sign\x1b in</title></head><body></body></html>"
SMPL = {"v_template": np.zeros((6890, 3)), "shapedirs": np.zeros((4, 3, 10))}
MANO = {"v_template": np.zeros((778, 3)), "shapedirs": np.zeros((2, 3, 1)), "hands_components": np.zeros(3)}
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:efcd14cc4a69f3a3\nsize 53023716\n"
NAMED = {
    "page": (PAGE, "web page (HTML) titled 'FLAME \\u2013 Sign\\x1b in'"),
    "page with a mark": (b"\xef\xbb\xbf\r\n <HTML lang='en'>", "web page"),
    "page with a comment": (b"<!-- saved from url --><html>", "web page"),
    "page of a script": (b"<script>location.href='/login'</script>", "web page"),
    "page in UTF-16": ("\ufeff<html><body>sign in".encode("utf-16-le"), "web page"),
    "page compressed": (gzip.compress(PAGE), "web page"),
    "xhtml": (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "web page"),
    "error of a store": (b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "'AccessDenied'"),
    "message of a server": (b'{"detail": "not authorized"}', "JSON"),
    "LFS": (LFS, "Git LFS pointer, which stands for a file of 53023716 bytes"),
    "annex": (b"/annex/objects/MD5E-s53023716--ab.pkl\n", "git-annex"),
    "dvc": (b"outs:\n- md5: 22a1\n  path: generic_model.pkl\n", "DVC"),
    "zip": (
        _zip("FLAME2020/", "FLAME2020/Readme.pdf", "FLAME2020/generic_model.pkl"),
        "holds 'FLAME2020/generic_model.pkl'",
    ),
    "tar": (_tar("PublicMM1/01_MorphableModel.mat"), "tar archive that holds 'PublicMM1/01_MorphableModel.mat'"),
    "tgz": (gzip.compress(_tar("a.mat")), "tar archive compressed with gzip"),
    "gzip": (gzip.compress(b"MATLAB 5.0" * 99), "compressed with gzip"),
    "bz2": (bz2.compress(b"MATLAB 5.0" * 99), "compressed with bzip2"),
    "xz": (lzma.compress(b"MATLAB 5.0" * 99), "compressed with xz"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(40), "zstd"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z archive"),
    "rar": (b"Rar!\x1a\x07\x00" + bytes(40), "RAR archive"),
    "empty": (b"", "empty file"),
    "zeros": (bytes(9000), "nothing but zeros"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(60), "picture (PNG)"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(60), "picture (JPEG)"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(60), "picture (HEIC)"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "picture (WebP)"),
    "tiff": (b"II*\0" + bytes(60), "picture (TIFF)"),
    "obj": (b"# by Blender\nmtllib a.mtl\no head\nv 0.1 -0.2 1e-3\nv 1 0 0\nf 1 1 1\n", "mesh (OBJ)"),
    "ply": (b"ply\nformat ascii 1.0\nend_header\n", "mesh (PLY)"),
    "glb": (b"glTF\x02\0\0\0" + bytes(30), "mesh (GLB)"),
    "stl": (b"solid head\n facet normal 0 0 1\n", "mesh (STL)"),
    "text": ("hello, größe\n".encode() * 20, "text file"),
    "SMPL": (pickle.dumps(SMPL, 2), "SMPL"),
    "SMPL in text": (pickle.dumps(SMPL, 0), "SMPL"),
    "SMPL-X": (_npz(v_template=np.zeros((10475, 3)), shapedirs=np.zeros((1, 3, 1))), "SMPL-X"),
    "MANO": (pickle.dumps(MANO, 2), "MANO"),
    "hands": (_npz(v_template=np.zeros((9, 3)), hands_components=np.zeros(2)), "hand model"),
    "checkpoint": (_zip("archive/data.pkl", "archive/data/0"), "PyTorch checkpoint"),
    "old checkpoint": (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", "PyTorch checkpoint"),
    "network": (b"\0\0\0\0TFL3" + bytes(9), "TensorFlow Lite"),
    "npz": (_npz(a=np.zeros(3)), "NumPy archive (.npz) that holds 'a'"),
    "pickle": (pickle.dumps([1]), "pickle"),
    "text pickle": (pickle.dumps({"a": 1}, 0), "pickle"),
    "safetensors": (safetensors.numpy.save({"a": np.zeros(3)}), "safetensors"),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_for_what_it_is(tmp_path: Path, name: str) -> None:
    data, words = NAMED[name]
    path = tmp_path / "generic_model.pkl"
    path.write_bytes(data)
    content = content_of(path)
    assert content is not None
    assert words in content.what
    assert content.hint
    assert "\x1b" not in content.what


def _mat() -> bytes:
    out = io.BytesIO()
    scipy.io.savemat(out, {"shapeMU": np.random.default_rng(0).random(900)})
    return out.getvalue()


def _hdf5(libver: str) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w", libver=libver) as file:
        file["shape/model/mean"] = np.random.default_rng(0).random(900)
    return out.getvalue()


def _npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.arange(900.0))
    return out.getvalue()


@pytest.mark.parametrize(
    "whole",
    [
        pickle.dumps({"v_template": np.arange(900.0)}, 2),
        pickle.dumps({"v_template": np.arange(900.0)}, 0),
        _mat(),
        _hdf5("earliest"),
        _hdf5("latest"),
        _npy(),
        _npz(a=np.arange(900.0)),
        safetensors.numpy.save({"a": np.arange(900.0)}),
    ],
    ids=["pickle", "text pickle", "mat", "hdf5", "new hdf5", "npy", "npz", "safetensors"],
)
def test_cut_off_and_whole(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(whole)
    content = content_of(path)
    assert content is not None
    assert content.sort != "broken"
    for share in (0.5, 0.95):
        path.write_bytes(whole[: int(share * len(whole))])
        content = content_of(path)
        assert content is not None
        assert "cut off" in content.what


def test_a_folder_names_models_before_other_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "generic_model.pkl"):
        (tmp_path / name).write_bytes(b"x")
    content = content_of(tmp_path)
    assert content is not None
    assert "'generic_model.pkl'" in content.what
    assert "1 more" in content.what


def test_nothing_raises(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent", Path("a\0b"), tmp_path / "pipe", Path("/dev/zero"), Path("x" * 300)):
        content_of(path)
    path = tmp_path / "noise"
    seeds = [data for data, _ in NAMED.values() if data] + [_mat(), _hdf5("earliest"), _npy()]
    for number in range(400):
        data = bytearray(seeds[number % len(seeds)][:3000])
        for place in rng.integers(0, len(data), 6):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        content_of(path)


def test_what_a_pickle_asks_for_is_not_hidden(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x02cos\nsystem\nq\x00")
    error = WeightsError("unsafe_pickle", "the file asks for os.system", repr(str(path)))
    assert explained(error, path) is error
