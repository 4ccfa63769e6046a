"""`headform ...` as a shell sees it: exit codes, one clear line on stderr, help."""

import json
import os
import subprocess
import sys

import pytest

import headform
from headform import errors
from headform.cli.export import Export
from headform.cli.main import main
from headform.cli.message import error_line


def usage(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"headform {headform.__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["reconstruct", "--help"], ["synth", "--help"]])
def test_help(words, capsys):
    assert usage(words) == 0
    assert capsys.readouterr().out.startswith("usage: headform")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["reconstruct", "a.jpg"],
        ["reconstruct", "a.jpg", "-o", "x", "--formats", "fbx"],
        ["reconstruct", "a.jpg", "-o", "x", "--people", "two"],
        ["synth", "-o", "x"],
    ],
)
def test_words_that_mean_nothing_are_usage_errors(words):
    assert usage(words) == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["reconstruct", "-o", "x"], "no_photos"),
        (["synth", "-o", "x", "--count", "0"], "count_invalid"),
        (["synth", "-o", "x", "--count", "1", "--size", "4"], "size_invalid"),
        (["synth", "-o", "x", "--count", "1", "--seed", "-1"], "seed_invalid"),
    ],
)
def test_values_that_mean_nothing_are_usage_errors(words, code, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")
    assert list(tmp_path.iterdir()) == []


def test_error_line_says_what_where_and_how_to_mend():
    error = errors.InputError("image_empty", "the file is empty", "a.jpg", "copy it again")
    assert error_line(error) == "error [image_empty]: the file is empty (a.jpg). Copy it again."
    assert error_line(errors.FaceError("no_face", "no face\nfound.")) == ("error [no_face]: no face found.")


@pytest.mark.parametrize(
    ("name", "data", "exit_code", "code"),
    [
        ("empty.jpg", b"", 3, "image_empty"),
        ("text.jpg", b"hello, I am a letter", 3, "image_format"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 3, "image_truncated"),
        (None, b"", 3, "image_missing"),
    ],
)
def test_bad_photos_through_the_command_line(tmp_path, capsys, name, data, exit_code, code):
    path = tmp_path / (name or "missing.jpg")
    if name:
        path.write_bytes(data)
    out = tmp_path / "out"
    assert main(["reconstruct", str(path), "-o", str(out), "--json"]) == exit_code
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error [{code}]: ")
    assert str(path) in printed.err
    assert len(printed.err.splitlines()) == 1
    assert json.loads(printed.out)["error"]["code"] == code


def test_output_place_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    words = ["reconstruct", "a.jpg", "-o", str(tmp_path / "file" / "out")]
    assert main(words) == 6
    assert capsys.readouterr().err.startswith("error [write_failed]: ")


def test_help_and_import_stay_light(repository):
    """Neither loads torch or numba: the parser alone must answer."""
    script = (
        "import sys, headform, headform.cli.main\n"
        "heavy = {'torch', 'numba', 'scipy', 'PIL'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(repository / "src")},
    )
    assert done.stderr == ""


def test_module_runs_like_the_command(tmp_path, repository):
    words = [sys.executable, "-m", "headform", "reconstruct", "missing.jpg", "-o", "out"]
    environment = os.environ | {"PYTHONPATH": str(repository / "src")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 3
    assert done.stderr == "error [image_missing]: there is no such file (missing.jpg).\n"


@pytest.mark.parametrize(
    "words",
    [
        "landmarks --predictions p --annotations t",
        "now --dataset d --predictions p",
        "now-check --dataset d --predictions p",
        "scan --scan s --scan-landmarks l --prediction p --prediction-landmarks q --unit m",
        "scans-rendered --scans s",
        "texture --results r",
    ],
)
def test_evaluations_try_their_output_before_anything_else(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words.split(), "--json", "none/numbers.json"]) == 6
    assert capsys.readouterr().err.startswith("error [write_failed]: cannot write here")
    assert list(tmp_path.iterdir()) == []


def interrupted_in_a_kernel():
    """What numba makes of Ctrl-C in a compiled loop."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as stopped:
        raise SystemError("returned a result with an exception set") from stopped


def test_an_interrupt_is_one_wherever_it_strikes(capsys, monkeypatch):
    words = ["export", "now", "results", "-o", "x"]
    monkeypatch.setattr(Export, "run", lambda self: interrupted_in_a_kernel())
    assert main(words) == 130
    assert capsys.readouterr().err == "interrupted\n"

    def fault(self):
        raise SystemError("another one")

    monkeypatch.setattr(Export, "run", fault)
    with pytest.raises(SystemError, match="another"):
        main(words)


def test_names_and_strings_of_others_do_not_reach_the_terminal_raw(tmp_path, capsys):
    photo = tmp_path / "\x1b[31mred\nline\u202e.jpg"
    photo.write_text("no photo")
    assert main(["reconstruct", str(photo), str(tmp_path / "\x07none\udcff.jpg"), "-o", str(tmp_path / "out")]) == 7
    results = tmp_path / "results"
    results.mkdir()
    line = {"input": "\x1b[32m/b\x1b]0;t\x07/c.jpg", "faces": [{"folder": "\x1b[2J"}]}
    (results / "manifest.jsonl").write_text(json.dumps(line))
    assert main(["export", "now", str(results), "-o", str(tmp_path / "now")]) == 3
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "[31mred\\nline\\u202e.jpg" in text
    assert "none\\udcff.jpg" in text
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\udcff"}
    assert len(printed.err.splitlines()) == 3
