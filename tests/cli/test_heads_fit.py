"""`headform heads fit` as it is run: files, report, refusals."""

import json

import numpy as np
import pytest
import torch

from headform import errors, heads
from headform.cli.main import main
from headform.evaluate import fit_picture
from headform.heads.coefficients import layout_of
from headform.heads.coefficients_file import load_coefficients, save_coefficients
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration import head_fit
from headform.registration.fit_source import head_source


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A head of the open model in millimeters somewhere, with landmarks of its own in a file."""
    folder = tmp_path_factory.mktemp("scan")
    head = heads.load_open()
    code = layout_of(head).sample(generator=torch.Generator().manual_seed(11))
    source = head_source(head, code)
    place = 1000 * source.mesh.vertices + [10.0, 1500.0, -30.0]
    mesh = TriangleMesh(place, source.mesh.faces)
    (folder / "scan.obj").write_bytes(obj.encode(mesh))
    (folder / "scan.ply").write_bytes(ply.encode(mesh))
    np.savetxt(folder / "marks.txt", 1000 * source.landmarks + [10.0, 1500.0, -30.0])
    save_coefficients(folder / "code.safetensors", code, head)
    return folder


def test_a_scan_with_landmarks(scan, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["heads", "fit", str(scan / "scan.ply"), "--landmarks", str(scan / "marks.txt")]
    assert main([*words, "-o", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    report = json.loads((out / "fit.json").read_text())
    assert printed == report
    assert (report["unit"], report["scale_fitted"], report["region"]) == ("mm", False, "face")
    assert report["distance_mm"]["median"] < 0.05
    assert report["source"]["landmarks"] == "marks.txt"
    assert len(report["source"]["sha256"]) == 64
    assert report["converged"]
    files = {p.name for p in out.iterdir()}
    names = {"coefficients.safetensors", "fit.json", "fit.png", "fitted.obj", "fitted_head.obj"}
    assert files == names
    head = heads.load_open()
    code = load_coefficients(out / "coefficients.safetensors", head)
    truth = load_coefficients(scan / "code.safetensors", head)
    np.testing.assert_allclose(code["identity"].numpy(), truth["identity"].numpy(), atol=0.1)
    placed, own = obj.read(out / "fitted.obj"), obj.read(out / "fitted_head.obj")
    to = report["head_to_source"]
    again = to["scale"] * own.vertices @ np.array(to["R"]).T + to["t"]
    np.testing.assert_allclose(placed.vertices, again, atol=0.001)
    there = ply.read(scan / "scan.ply").vertices
    face = head.regions["face"].numpy()
    assert np.median(np.linalg.norm(placed.vertices - there, axis=1)[face]) < 0.1
    assert placed.uv is not None
    assert (out / "fit.png").read_bytes().startswith(b"\x89PNG")


def test_a_head_by_seed_equals_the_head_by_its_code(scan, tmp_path, capsys):
    first, second = tmp_path / "a", tmp_path / "b"
    common = ["--neutral", "--format", "ply", "--region", "face"]
    assert main(["heads", "fit", "open", "--seed", "11", "-o", str(first), *common]) == 0
    code = str(scan / "code.safetensors")
    assert main(["heads", "fit", "open", "--code", code, "-o", str(second), *common]) == 0
    assert "median 0.0" in capsys.readouterr().out
    assert (first / "fitted.ply").read_bytes() == (second / "fitted.ply").read_bytes()
    fitted = load_coefficients(first / "coefficients.safetensors", heads.load_open())
    assert (fitted["expression"] == 0).all()
    assert len(ply.read(first / "fitted_head.ply").vertices) == len(heads.load_open().mean)


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (["open", "--landmarks", "marks.txt"], 2, "option_unused"),
        (["open", "--unit", "mm"], 2, "option_unused"),
        (["scan.obj", "--seed", "3"], 2, "option_unused"),
        (["open", "--seed", "3", "--code", "code.safetensors"], 2, "option_unused"),
        (["scan.obj", "--landmarks", "marks.txt", "--unit", "m"], 3, "mesh_unit"),
        (["none.obj", "--landmarks", "marks.txt"], 3, "mesh_unreadable"),
        (["scan.obj", "--landmarks", "none.txt"], 3, "landmarks_unreadable"),
        (["none.npz"], 5, "weights_missing"),
        (["model.npz"], 3, "parameters_format"),
        (["scan.stl"], 3, "mesh_unreadable"),
        (["open", "--to", "none.safetensors"], 5, "head_missing"),
        (["scan.ply", "--landmarks", "far.txt"], 3, "fit_lost"),
    ],
)
def test_refusals(scan, tmp_path, monkeypatch, capsys, words, exit_code, code):
    monkeypatch.chdir(scan)
    np.savetxt(scan / "far.txt", np.loadtxt(scan / "marks.txt") + 700.0)
    np.savez(scan / "model.npz", v_template=np.zeros((5, 3)))
    out = tmp_path / "out"
    assert main(["heads", "fit", *words, "-o", str(out)]) == exit_code
    assert f"[{code}]" in capsys.readouterr().err
    assert not out.exists()


def test_nothing_is_written_unless_all_of_it_is_made(scan, tmp_path, monkeypatch, capsys):
    words = ["heads", "fit", "open", "--seed", "1", "--region", "face", "--neutral", "-o"]
    fits = []

    def once(*given):
        fits[:] = fits or [whole(*given)]
        return fits[0]

    whole = head_fit.fit_head
    monkeypatch.setattr(head_fit, "fit_head", once)
    (tmp_path / "file").write_text("mine")
    assert main([*words, str(tmp_path / "file")]) == 6
    assert "[write_failed]" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"

    def stopped(fit):
        raise KeyboardInterrupt

    monkeypatch.setattr(fit_picture, "fit_picture", stopped)
    assert main([*words, str(tmp_path / "out")]) == errors.INTERRUPTED
    assert not (tmp_path / "out").exists()
