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


def spoiled(kind):
    head = heads.load_open()
    mean, faces = head.mean.numpy(), head.faces.numpy().astype(np.int32)
    return {
        "a line": {"neutral": mean * np.float32([0, 1, 0])},
        "one point": {"neutral": mean * 0},
        "beyond float32 in millimeters": {"neutral": mean.astype(np.float64) * 1e38},
        "millimeters": {"neutral": mean * 1000},
        "half the size": {"neutral": (mean - mean.mean(0)) * np.float32(0.6) + mean.mean(0)},
        "one vertex far off": {"neutral": np.vstack([mean[:-1], mean[-1:] + 1])},
        "vertices in another order": {"neutral": mean[::-1].copy()},
        "triangles in another order": {"faces": faces[::-1].copy()},
        "indices out of range": {"faces": faces + 500},
        "negative indices": {"faces": faces - 5},
        "indices that are no whole numbers": {"faces": faces + 0.5},
        "a single triangle": {"faces": faces[:1]},
    }[kind]


KINDS = [
    "a line", "one point", "beyond float32 in millimeters", "millimeters", "half the size", "one vertex far off",
    "vertices in another order", "triangles in another order", "indices out of range", "negative indices",
    "indices that are no whole numbers", "a single triangle",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_meshes_that_are_no_head_are_refused(tmp_path, capsys, kind):
    """Each was written as a sound submission."""
    out = tmp_path / "out" / "anna" / "selfie"
    out.mkdir(parents=True)
    for name in ("IMG_1.obj", "IMG_1.npy"):
        (out / name).write_text("of an earlier export")
    write_result(tmp_path / "run" / "anna" / "selfie" / "IMG_1", **spoiled(kind))
    assert main(["export", "now", str(tmp_path / "run"), "-o", str(tmp_path / "out"), "--unit", "mm"]) == 3
    assert capsys.readouterr().err.startswith("error [results_invalid]: the result is no head to submit")
    assert not any(out.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, capsys, value):
    folder = tmp_path / "anna" / "selfie" / "IMG_1"
    write_result(folder)
    with np.load(folder / "parameters.npz") as file:
        arrays = dict(file)
    arrays["neutral"][5, 1] = value
    np.savez(folder / "parameters.npz", **arrays)
    assert main(["export", "now", str(tmp_path), "-o", str(tmp_path / "out")]) == 3
    assert "finite numbers" in capsys.readouterr().err
    np.savez(folder / "parameters.npz", **arrays | {"neutral": arrays["vertices"].ravel()})
    assert main(["export", "now", str(tmp_path), "-o", str(tmp_path / "out")]) == 3


def test_results_outside_the_challenges_are_warned_of(tmp_path, capsys):
    write_result(tmp_path / "me" / "photos" / "IMG_1")
    write_result(tmp_path / "me" / "selfie" / "IMG_2")
    assert main(["export", "now", str(tmp_path / "me"), "-o", str(tmp_path / "out")]) == 0
    error = capsys.readouterr().err
    assert error.startswith("warning: 1 of 2 images lie in no challenge of NoW (multiview_neutral")
    assert ": me/photos/IMG_1; " in error
    (tmp_path / "list.txt").write_text("me/selfie/IMG_2.jpg\n")
    words = [
        "export",
        "now",
        str(tmp_path / "me"),
        "-o",
        str(tmp_path / "out2"),
        "--dataset",
        str(tmp_path / "list.txt"),
    ]
    assert main(words) == 0
    assert "1 results belong to no image of the list: me/photos/IMG_1" in capsys.readouterr().err


def test_names_are_escaped_in_print(tmp_path, capsys):
    write_manifest(tmp_path, [("a/\x1b[2J\x1b]0;pwn\x07/c.jpg", [])])
    assert main(["export", "now", str(tmp_path), "-o", str(tmp_path / "out")]) == 7
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err
    assert r"a/\x1b[2J" in printed.out


@pytest.mark.parametrize("name", ["a/b/\0.jpg", "a/b/\ud800.jpg", "a/" + "b" * 300 + "/c.jpg", "a/b/..", "/", ""])
def test_names_of_no_file_are_refused(tmp_path, name):
    write_manifest(tmp_path, [(name, [])])
    with pytest.raises(InputError) as caught:
        find_results([tmp_path])
    assert caught.value.code == "results_invalid"
