"""`headform doctor` finds what is missing, and warms caches up."""

import json
import tomllib

import pytest

from headform import errors
from headform.cli import diagnosis, warm_up
from headform.cli.main import main
from headform.errors import WeightsError
from headform.kernels import jit
from headform.kernels.cache_places import CachePlaces


def test_a_sound_installation(capsys) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("all is well\n")
    for word in (
        "torch 2",
        "cores",
        "memory",
        "kernels",
        "present and sound: dense landmarks, face encoder",
        "10639 vertices",
    ):
        assert word in out


def test_names_all_packages(repository) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(diagnosis.REQUIRED) == sorted(line.split(">")[0] for line in project["dependencies"])


@pytest.fixture
def only(monkeypatch):
    """Examine one thing alone."""

    def choose(name):
        check = getattr(diagnosis, f"_{name}")
        monkeypatch.setattr(diagnosis, "examine", lambda: [diagnosis._attempt(name, check)])

    return choose


def test_damaged_weights_are_a_problem(monkeypatch, capsys, only) -> None:
    from headform.nets import shipped

    def damaged():
        raise WeightsError("weights_hash", "the weights do not match the card", "face_encoder.safetensors")

    monkeypatch.setattr(shipped, "load_face_encoder", damaged)
    only("networks")
    assert main(["doctor"]) == errors.ResourceError.exit_code
    printed = capsys.readouterr()
    assert printed.err.startswith("error [installation_faulty]: 1 problem: error [weights_hash]")
    assert "68 landmarks" in printed.out


def test_a_missing_package_is_a_problem(monkeypatch, capsys, only) -> None:
    monkeypatch.setitem(diagnosis.REQUIRED, "missing", "a_module_that_is_not_there")
    only("packages")
    assert main(["doctor", "--json"]) == 6
    found = json.loads(capsys.readouterr().out)
    assert not found["well"]
    assert "missing (No module named 'a_module_that_is_not_there')" in found["items"][0]["problem"]


def test_no_cache_is_a_note(monkeypatch, capsys, only, tmp_path) -> None:
    monkeypatch.setattr(jit, "places", lambda: CachePlaces((), None, ((tmp_path, "Read-only file system"),)))
    only("kernels")
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert f"not used: {tmp_path}: Read-only file system" in out
    assert "note: no folder can be written" in out


def test_unforeseen_failures_are_problems(monkeypatch, capsys) -> None:
    def broken():
        raise RuntimeError("no CUDA driver")

    monkeypatch.setattr(diagnosis, "examine", lambda: [diagnosis._attempt("cores", broken)])
    assert main(["doctor"]) == 6
    assert "RuntimeError: no CUDA driver" in capsys.readouterr().err


def test_warming_up_runs_the_commands(monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        warm_up, "_steps", lambda folder: [["heads", "list"], ["weights", "inspect", str(folder / "no")]]
    )
    monkeypatch.setattr(diagnosis, "examine", lambda: [])
    assert main(["doctor", "--warm"]) == 6
    printed = capsys.readouterr()
    assert printed.out.startswith("compiled: heads list\ncompiled: weights failed: error [")
    assert "`headform weights` failed" in printed.err


def test_the_steps_are_commands_that_exist(tmp_path) -> None:
    from headform.cli.commands import parse

    steps = warm_up._steps(tmp_path)
    assert {type(parse(words)).__name__ for words in steps} == {
        "Synth",
        "Reconstruct",
        "Scan",
        "Fit",
        "MeshAutoencoder",
    }
