"""`headform register` as it is run: folders of results, failures with reasons, what a second run does."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from headform import heads
from headform.cli import scan_batch, scan_job
from headform.cli.main import main
from headform.cli.scan_batch import list_jobs
from headform.cli.scan_job import ScanOptions
from headform.errors import InputError, UsageError
from headform.heads.coefficients import layout_of
from headform.heads.coefficients_file import load_coefficients
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration import scan_registration
from headform.registration.fit_source import head_source
from headform.registration.non_rigid import NonRigidOptions, Stiffness
from headform.registration.to_surface import Stage, SurfaceFitOptions

FILES = {
    "coefficients.safetensors",
    "register.json",
    "register.png",
    "errors.png",
    "registered.obj",
    "registered_head.obj",
}


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder with a head in millimeters and its landmarks, and below it a file that is no mesh."""
    folder = tmp_path_factory.mktemp("scans")
    head = heads.load_open()
    source = head_source(head, layout_of(head).sample(generator=torch.Generator().manual_seed(3)))
    place = 1000 * source.mesh.vertices + [10.0, 1500.0, -30.0]
    (folder / "anna.ply").write_bytes(ply.encode(TriangleMesh(place, source.mesh.faces)))
    np.savetxt(folder / "anna.txt", 1000 * source.landmarks + [10.0, 1500.0, -30.0])
    (folder / "more").mkdir()
    (folder / "more" / "bad.obj").write_text("v 0 0 zero\n")
    return folder


@pytest.fixture
def quick(monkeypatch):
    """A short fit and a short schedule."""
    fit = SurfaceFitOptions(stages=(Stage(4, 0.02, 0.4, 0.001, 0.003, 1e-4),), most_points=400)
    schedule = (Stiffness(0.02, 0.01, 0.5, 0.5, 1), Stiffness(0.006, 0.006, 0.6, 0.0, 2))
    whole = scan_registration.fit_head

    def short(head, source, options):
        return whole(head, source, scan_registration.HeadFitOptions(surface=fit))

    monkeypatch.setattr(scan_registration, "fit_head", short)
    bent = partial(scan_registration.register_mesh, options=NonRigidOptions(schedule=schedule))
    monkeypatch.setattr(scan_registration, "register_mesh", lambda *arguments: bent(*arguments[:5]))


def test_a_folder_with_a_good_and_a_bad_scan(scans, tmp_path, capsys, quick, monkeypatch):
    out = tmp_path / "out"
    assert main(["register", str(scans), "-o", str(out)]) == 7
    said = capsys.readouterr()
    assert "anna: scan to mesh 0." in said.out
    assert "more/bad: error [mesh_" in said.err
    rows = json.loads((out / "registrations.json").read_text())
    assert [(row["name"], row["status"]) for row in rows] == [("anna", "ok"), ("more/bad", "failed")]
    assert rows[1]["error"]["code"].startswith("mesh_")
    assert rows[0]["fold_overs"] == 0
    assert {path.name for path in (out / "anna").iterdir()} - {".headform.lock"} == FILES
    assert not (out / "more").exists()
    report = json.loads((out / "anna" / "register.json").read_text())
    assert report["scan_to_mesh_mm"] == rows[0]["scan_to_mesh_mm"]
    assert report["scan_to_mesh_mm"]["median"] < 0.3
    assert report["source"]["landmarks"] == "anna.txt"
    head = heads.load_open()
    assert load_coefficients(out / "anna" / "coefficients.safetensors", head)["identity"].abs().sum() > 1
    placed, own = (obj.read(out / "anna" / f"{stem}.obj") for stem in ("registered", "registered_head"))
    np.testing.assert_array_equal(own.faces, head.faces.numpy())
    to = report["head_to_source"]
    np.testing.assert_allclose(placed.vertices, to["scale"] * own.vertices @ np.array(to["R"]).T + to["t"], atol=0.001)
    scan = ply.read(scans / "anna.ply").vertices
    face = head.regions["face"].numpy()
    assert np.median(np.linalg.norm(placed.vertices - scan, axis=1)[face]) < 1.0
    for name in ("register.png", "errors.png"):
        with Image.open(out / "anna" / name) as picture:
            assert np.asarray(picture).std() > 10

    def never(*_):
        raise AssertionError("the scan was registered again")

    monkeypatch.setattr(scan_job, "_registered", never)
    assert main(["register", str(scans / "anna.ply"), "-o", str(out)]) == 0
    assert "anna: as before" in capsys.readouterr().out
    (out / "anna" / "errors.png").unlink()
    with pytest.raises(AssertionError):
        scan_job.register_one(list_jobs([scans / "anna.ply"], out, ScanOptions())[0])


def test_a_scan_that_fails_leaves_no_older_results(tmp_path, scans):
    (tmp_path / "out" / "bad").mkdir(parents=True)
    (tmp_path / "out" / "bad" / "registered.obj").write_text("v 0 0 0\n")
    (tmp_path / "out" / "bad" / "mine.txt").write_text("kept")
    assert main(["register", str(scans / "more" / "bad.obj"), "-o", str(tmp_path / "out")]) == 3
    assert [path.name for path in (tmp_path / "out" / "bad").iterdir()] == ["mine.txt"]


def test_two_processes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.obj").write_text("v 0 0 zero\n")
    jobs = list_jobs([tmp_path / "one.obj", tmp_path / "two.obj"], tmp_path / "out", ScanOptions())
    seen = []
    outcomes = scan_batch.run_jobs(jobs, 2, lambda outcome: seen.append(outcome.name))
    assert [outcome.name for outcome in outcomes] == ["one", "two"] == sorted(seen)
    assert all(outcome.error is not None for outcome in outcomes)


def test_what_is_listed(scans, tmp_path):
    (scans / "results").mkdir(exist_ok=True)
    (scans / "results" / "registered.obj").write_text("")
    jobs = {job.name: job for job in list_jobs([scans], scans / "results", ScanOptions())}
    assert set(jobs) == {"anna", "more/bad"}
    assert jobs["anna"].landmarks == scans / "anna.txt"
    assert jobs["more/bad"].landmarks is None
    assert jobs["more/bad"].folder == scans / "results" / "more" / "bad"
    marks = tmp_path / "marks" / "more"
    marks.mkdir(parents=True)
    (marks / "bad.pp").write_text("")
    given = {j.name: j.landmarks for j in list_jobs([scans], tmp_path, ScanOptions(), landmarks=tmp_path / "marks")}
    assert given == {"anna": None, "more/bad": marks / "bad.pp", "results/registered": None}


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ((), "scans_missing", 2),
        (("anna.ply", "--workers", "0"), "workers_invalid", 2),
        (("nothing.obj",), "scan_missing", 3),
        (("anna.ply", "--landmarks", "nothing.pp"), "landmarks_unreadable", 3),
    ],
)
def test_refusals(words, code, kind, scans, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(scans)
    assert main(["register", *words, "-o", str(tmp_path / "out")]) == kind
    assert f"[{code}]" in capsys.readouterr().err


def test_refused_lists(scans, tmp_path):
    (tmp_path / "anna.obj").write_text("")
    with pytest.raises(InputError) as refused:
        list_jobs([scans / "anna.ply", tmp_path / "anna.obj"], tmp_path, ScanOptions())
    assert refused.value.code == "scan_twice"
    with pytest.raises(UsageError) as refused:
        list_jobs([scans], tmp_path, ScanOptions(), landmarks=scans / "anna.txt")
    assert refused.value.code == "several_scans"
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as refused:
        list_jobs([tmp_path / "empty"], tmp_path, ScanOptions())
    assert refused.value.code == "scan_missing"
