"""Which kind a file is: asked of every importer, without any of them failing."""

import json
import os

import numpy as np
import pytest

from headform.cli.main import main
from headform.errors import UsageError, WeightsError
from headform.heads.formats.registry import MODULES, Importer, convert, importer, kind_of


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
        assert importer(kind).recognises(tmp_path / name) in (True, False)
    assert not importer(kind).recognises(tmp_path / "absent.mat")
    assert not importer(kind).recognises(tmp_path)
    os.mkfifo(tmp_path / "pipe.npz")
    assert not importer(kind).recognises(tmp_path / "pipe.npz")


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
def test_real_files_are_recognised(data_root, path, kind) -> None:
    assert kind_of(data_root / path) == kind


def test_a_model_is_converted_inspected_and_pictured(data_root, tmp_path, capsys) -> None:
    source = str(data_root / "models/eos_sfm/sfm_shape_3448.bin")
    out, picture = tmp_path / "surrey.safetensors", tmp_path / "surrey.png"
    assert main(["heads", "convert", source, "-o", str(out)]) == 0
    text = capsys.readouterr().out
    assert "outer eye distance mm: 92.4" in text
    assert "unit check: as on a head" in text
    assert main(["heads", "inspect", str(out), "--json", "-o", str(picture)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["vertices"], facts["identity_modes"]) == (3448, 63)
    assert facts["expressions"] == "anger disgust fear happiness sadness surprise".split()
    assert picture.read_bytes()[:4] == b"\x89PNG"
    # the publisher's file itself can be looked at, too
    assert main(["heads", "inspect", source, "--json"]) == 0
    direct = json.loads(capsys.readouterr().out)
    assert {k: direct[k] for k in direct if k != "sha256"} == {
        k: facts[k] for k in facts if k != "sha256"
    }


def test_convert_refuses_before_it_reads(tmp_path, capsys) -> None:
    source = str(tmp_path / "absent.mat")
    assert main(["heads", "convert", source, "-o", str(tmp_path / "head.npz")]) == 2
    assert capsys.readouterr().err.startswith("error [out_suffix]: ")
    (tmp_path / "head.safetensors").write_bytes(b"mine")
    words = ["heads", "convert", source, "-o", str(tmp_path / "head.safetensors")]
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("error [out_exists]: ")
    assert main([*words, "--overwrite"]) == 5
    assert capsys.readouterr().err.startswith("error [weights_missing]: ")
    assert (tmp_path / "head.safetensors").read_bytes() == b"mine"


def test_what_goes_with_a_model_has_to_be_there_and_to_be_of_use(
    data_root, tmp_path, capsys
) -> None:
    source = str(data_root / "models/eos_sfm/sfm_shape_3448.bin")
    out = tmp_path / "head.safetensors"

    def code_of(*words: str) -> str:
        assert main(["heads", *words]) in (2, 5, 6)
        return capsys.readouterr().err.split("]")[0].removeprefix("error [")

    there = str(tmp_path / "there.txt")
    (tmp_path / "there.txt").write_text("?")
    convert_it = ["convert", source, "-o", str(out)]
    assert code_of(*convert_it, "--with", str(tmp_path / "absent.txt")) == "weights_missing"
    assert code_of(*convert_it, "--with", str(tmp_path)) == "weights_missing"
    assert code_of(*convert_it, "--with", there) == "model_kind"
    assert code_of("convert", source, "-o", str(tmp_path / "no/head.safetensors")) == "write_failed"
    long = str(tmp_path / ("n" * 300 + ".safetensors"))
    assert code_of("convert", source, "-o", long) == "write_failed"
    assert not out.exists()
    assert main(["heads", *convert_it]) == 0
    capsys.readouterr()
    for file in ("open", str(out)):
        assert code_of("inspect", file, "--with", there) == "head_whole"
        assert code_of("inspect", file, "--kind", "surrey") == "head_whole"
    again = ["heads", "convert", str(out), "-o", str(tmp_path / "again.safetensors")]
    assert main(again) == 5
    assert "nothing is to be converted" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["head.safetensors", "there.txt"]
