"""`headform heads convert` and `inspect`: a real model from a shell, and what is refused before anything is read."""

import json

from headform.cli.main import main


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
    assert {k: direct[k] for k in direct if k != "sha256"} == {k: facts[k] for k in facts if k != "sha256"}


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


def test_what_goes_with_a_model_has_to_be_there_and_to_be_of_use(data_root, tmp_path, capsys) -> None:
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
    assert "needs no conversion" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["head.safetensors", "there.txt"]
