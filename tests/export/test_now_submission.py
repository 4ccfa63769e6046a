"""A submission from made results: names, neutral shape, landmarks, units; what is missing and what is refused."""

import json

import numpy as np
import pytest

from headform import heads
from headform.cli.main import main
from headform.errors import InputError, ResourceError
from headform.export import now_submission, parameters
from headform.export.now_submission import find_results
from headform.io.mesh import obj


def write_result(folder, seed=0, **change):
    head = heads.load_open()
    rng = np.random.default_rng(seed)
    neutral = (head.mean.numpy() + rng.normal(0, 1e-3, (1, 3))).astype(np.float32)
    content = {
        "neutral": neutral,
        "vertices": neutral + np.float32(0.5),  # with expression: must not be written
        "faces": head.faces.numpy().astype(np.int32),
        "head_name": np.array(head.name),
        "head_sha256": np.array(head.sha256),
    } | change
    folder.mkdir(parents=True)
    (folder / "parameters.npz").write_bytes(parameters.encode(content))
    return neutral


def write_manifest(folder, entries):
    """`entries`: path of the photo and folders of its faces."""
    lines = [json.dumps({"input": photo, "faces": [{"folder": name} for name in names]}) for photo, names in entries]
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(("unit", "factor"), [("m", 1.0), ("cm", 100.0)])
def test_units(tmp_path, unit, factor):
    neutral = write_result(tmp_path / "anna" / "selfie" / "IMG_1")
    out = tmp_path / "out"
    assert main(["export", "now", str(tmp_path / "anna"), "-o", str(out), "--unit", unit]) == 0
    mesh = obj.read(out / "anna" / "selfie" / "IMG_1.obj")
    np.testing.assert_allclose(mesh.vertices, neutral * factor, rtol=1e-6, atol=1e-7)


def test_an_interrupted_run_leaves_no_mesh_without_landmarks(tmp_path, monkeypatch):
    write_result(tmp_path / "anna" / "selfie" / "IMG_1")

    def full(path, data):
        raise ResourceError("write_failed", "no space left", str(path))

    monkeypatch.setattr(now_submission, "write_bytes", full)
    assert main(["export", "now", str(tmp_path / "anna"), "-o", str(tmp_path / "out")]) == 6
    kept = []
    monkeypatch.setattr(now_submission, "write_bytes", lambda path, data: kept.append(path.suffix))
    assert main(["export", "now", str(tmp_path / "anna"), "-o", str(tmp_path / "out")]) == 0
    assert kept == [".npy", ".obj"]


def test_a_run_with_a_manifest(tmp_path, capsys):
    unit, factor = "mm", 1000.0
    run, out = tmp_path / "run", tmp_path / "out"
    shapes = {name: write_result(run / name, i) for i, name in enumerate(["IMG_1", "IMG_1-2", "IMG_2_0"])}
    write_result(run / "IMG_2_1", 9)
    write_manifest(
        run,
        [
            ("/data/now/anna/selfie/IMG_1.jpg", ["IMG_1"]),
            ("/data/now/bert/selfie/IMG_1.jpg", ["IMG_1-2"]),
            ("/data/now/bert/multiview_neutral/IMG_2.jpg", ["IMG_2_0", "IMG_2_1"]),
        ],
    )
    assert main(["export", "now", str(run), "-o", str(out), "--unit", unit]) == 0
    assert capsys.readouterr().out == f"3 meshes in {unit} in {out}\n"
    head = heads.load_open()
    expected = {
        "anna/selfie/IMG_1": "IMG_1",
        "bert/selfie/IMG_1": "IMG_1-2",
        "bert/multiview_neutral/IMG_2": "IMG_2_0",
    }
    for name, folder in expected.items():
        mesh = obj.read(out / f"{name}.obj")
        np.testing.assert_allclose(mesh.vertices, shapes[folder] * factor, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(mesh.faces, head.faces.numpy())
        assert mesh.colors is None
        landmarks = np.load(out / f"{name}.npy")
        assert landmarks.shape == (7, 3)
        np.testing.assert_array_equal(landmarks, mesh.vertices[head.now7.numpy()].astype(np.float32))
    assert len([p for p in out.rglob("*") if p.is_file()]) == 6


def test_folders_without_a_manifest_and_images_without_a_result(tmp_path, capsys):
    run, out = tmp_path / "run", tmp_path / "out"
    write_result(run / "anna" / "selfie" / "IMG_1")
    write_result(run / "anna" / "selfie" / "IMG_7")
    (tmp_path / "imagepathsvalidation.txt").write_text("anna/selfie/IMG_1.jpg\nanna/selfie/IMG_2.jpg\n")
    words = ["export", "now", str(run), "-o", str(out), "--dataset", str(tmp_path)]
    assert main(words) == 7
    assert capsys.readouterr().out.endswith("without a result: 1\n- anna/selfie/IMG_2\n")
    assert (out / "anna" / "selfie" / "IMG_1.obj").is_file()
    assert not (out / "anna" / "selfie" / "IMG_7.obj").exists(), "the list does not name it"


def test_a_photo_that_failed_is_named(tmp_path, capsys):
    run = tmp_path / "run"
    write_result(run / "IMG_1")
    write_manifest(run, [("a/b/IMG_1.jpg", ["IMG_1"]), ("a/b/IMG_2.jpg", [])])
    assert main(["export", "now", str(run), "-o", str(tmp_path / "out")]) == 7
    assert "- a/b/IMG_2" in capsys.readouterr().out


def test_another_head_is_refused(tmp_path, capsys):
    run = tmp_path / "a" / "b" / "IMG_1"
    write_result(run, head_sha256=np.array("ab" * 32), head_name=np.array("other"))
    assert main(["export", "now", str(tmp_path), "-o", str(tmp_path / "out")]) == 5
    error = capsys.readouterr().err
    assert error.startswith("error [model_mismatch]: the result was made with the head other")
    assert "--head" in error


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ('{"input": "IMG_1.jpg", "faces": []}', "results_invalid"),
        ('{"input": "a/../IMG_1.jpg", "faces": []}', "results_invalid"),
        ("[1]", "results_invalid"),
        ("{", "results_invalid"),
        ("", "results_missing"),
        (
            '{"input": "a/b/c.jpg", "faces": []}\n{"input": "x/a/b/c.jpg", "faces": []}',
            "results_clash",
        ),
    ],
)
def test_results_that_cannot_be_named(tmp_path, manifest, code):
    (tmp_path / "manifest.jsonl").write_text(manifest)
    with pytest.raises(InputError) as caught:
        find_results([tmp_path])
    assert caught.value.code == code


def test_damaged_parameters(tmp_path, capsys):
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    (folder / "parameters.npz").write_bytes(b"PK\x03\x04")
    assert main(["export", "now", str(tmp_path), "-o", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err.startswith("error [results_invalid]: ")
    assert main(["export", "now", "-o", str(tmp_path / "out")]) == 2
