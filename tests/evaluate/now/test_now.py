"""The benchmark end to end on a made copy: numbers, tables, files, resuming, workers."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from headform.cli.main import main
from headform.evaluate.now import image as image_module
from headform.evaluate.now import run as run_module
from headform.evaluate.now._curve import share_below
from headform.evaluate.now.image import Options
from headform.evaluate.now.layout import CHALLENGES
from headform.evaluate.now.run import evaluate_dataset
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import read_surface
from tests.evaluate.now.made_tree import IMAGES, SUBJECTS, copied, part_of, remove
from tests.evaluate.scan.faces import measured


@pytest.fixture(scope="module")
def table(dataset, good):
    return evaluate_dataset(dataset, good, Options(unit="m"))


def one_by_one(dataset: Path, predictions: Path, name: str, **options):
    subject, _, stem = name.split("/")
    scan = next((dataset / "scans" / subject).glob("*.obj"))
    marks = next((dataset / "scans_lmks_onlypp" / subject).glob("*.pp"))
    base = predictions / name
    mesh = next(base.parent / f"{stem}{s}" for s in (".obj", ".ply") if (base.parent / f"{stem}{s}").exists())
    own = next(base.parent / f"{stem}{s}" for s in (".npy", ".txt") if (base.parent / f"{stem}{s}").exists())
    pairs = (read_surface(scan), read_landmarks7(marks)), (read_surface(mesh), read_landmarks7(own))
    return measured(*pairs, **options)


def test_every_image_is_what_it_is_alone_and_numbers_are_pooled(dataset, good, table):
    assert [record.image.name for record in table.records] == list(IMAGES)
    assert not table.holes()
    assert not table.warnings()
    alone = {record.image.name: record.distances for record in table.records}
    for subject in range(10):  # one image of each, by turns of every challenge
        name = IMAGES[4 * subject + subject % 4]
        np.testing.assert_array_equal(one_by_one(dataset, good, name).distances, alone[name])
    pooled = table.pooled()
    everything = np.concatenate(list(alone.values()))
    assert (pooled.images, pooled.measured, pooled.vertices) == (40, 40, len(everything))
    assert pooled.median == pytest.approx(np.median(everything), abs=1e-14)
    assert pooled.mean == pytest.approx(everything.sum() / len(everything))
    assert pooled.std == pytest.approx(np.sqrt(((everything - everything.mean()) ** 2).mean()))
    assert 0.2 < pooled.median < 2.0
    content = json.loads(table.to_json())
    for index, challenge in enumerate(CHALLENGES):
        part = np.concatenate([alone[name] for name in IMAGES[index::4]])
        assert content["challenges"][challenge]["median"] == pytest.approx(np.median(part))
        assert content["challenges"][challenge]["images"] == 10
    part = np.concatenate([alone[name] for name in IMAGES[8:12]])
    assert content["subjects"][SUBJECTS[2]]["mean"] == pytest.approx(part.mean())
    assert content["images"][7]["median"] == pytest.approx(np.median(alone[IMAGES[7]]))
    at = content["curve"]["millimeters"].index(1.5)
    assert content["curve"]["share"][at] == pytest.approx((everything <= 1.5).mean())


def test_the_curve_is_exact():
    distances = np.array([0.0, 0.5, 0.5, 2.0])
    shares = share_below(distances, np.array([0.0, 0.49, 0.5, 1.99, 2.0, 8.0]))
    assert shares.tolist() == [0.25, 0.25, 0.75, 0.75, 1.0, 1.0]
    with pytest.raises(ValueError, match="no distances"):
        share_below(np.zeros(0), np.zeros(1))


def test_metrical_and_corrected(dataset, few, good):
    plain = evaluate_dataset(few, good, Options(unit="m"))
    metrical = evaluate_dataset(few, good, Options("corrected", "m", True))
    assert metrical.pooled().mean > plain.pooled().mean
    name = IMAGES[5]
    alone = one_by_one(dataset, good, name, protocol="corrected", unit="m", metrical=True)
    np.testing.assert_array_equal(metrical.records[5].distances, alone.distances)
    mended = evaluate_dataset(few, good, Options("corrected"))
    assert mended.pooled() == plain.pooled(), "they differ in metrical mode only"


def test_workers_change_nothing(dataset, good, table, tmp_path):
    """Separate processes, the same bytes."""
    shared = evaluate_dataset(dataset, good, Options(unit="m"), workers=2, out=tmp_path)
    assert shared.to_json() == table.to_json()
    assert len(list((tmp_path / "images").rglob("*.npz"))) == 40


def test_the_table_keeps_the_lists_order_whoever_is_first(few, good, monkeypatch):
    real = run_module._records
    monkeypatch.setattr(run_module, "_records", lambda *given: reversed(list(real(*given))))
    found = evaluate_dataset(few, good, Options())
    assert [record.image.name for record in found.records] == list(IMAGES[:8])


def test_the_command_writes_tables_and_resumes(few, predictions, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    words = ["evaluate", "now", "--dataset", str(few), "--predictions", str(predictions)]
    words += ["--unit", "m", "-o", str(out), "--json", str(tmp_path / "now.json")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "| multiview_occlusions | 2 | 2 |" in printed
    assert "[8/8] " in printed
    first = (tmp_path / "now.json").read_bytes()
    assert first == (out / "now.json").read_bytes()
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    rows = (out / "curve.csv").read_text().splitlines()
    assert rows[0] == "millimeters,all," + ",".join(CHALLENGES)
    assert len(rows) == 802
    last = [float(value) for value in rows[-1].split(",")]
    assert last[0] == 8.0
    assert 0.95 < last[1] <= 1.0
    assert f"| {IMAGES[3]} |" in (out / "now.md").read_text()

    computed = []
    real = image_module.scan_error

    def counted(*arguments, **options):
        computed.append(Path(arguments[1].name).stem)
        return real(*arguments, **options)

    monkeypatch.setattr(image_module, "scan_error", counted)
    assert main(words) == 0
    assert computed == [], "all was there"
    assert (tmp_path / "now.json").read_bytes() == first
    # a changed prediction, a damaged result and a vanished one are computed again, and only they
    landmarks = predictions / f"{IMAGES[0]}.npy"
    np.save(landmarks, np.load(landmarks) + 1e-5)
    (out / "images" / f"{IMAGES[1]}.npz").write_bytes(b"PK\x03\x04 half")
    (out / "images" / f"{IMAGES[2]}.npz").unlink()
    assert main(words) == 0
    assert computed == ["IMG_0100", "IMG_0101", "IMG_0102"]
    # other options, all again
    computed.clear()
    assert main([*words, "--protocol", "corrected"]) == 0
    assert len(computed) == 8


@pytest.mark.parametrize(
    "changed",
    [Options("official", "m", True), Options("corrected", "m"), Options("official", "mm")],
)
def test_every_option_that_changes_is_measured_again(few, good, tmp_path, monkeypatch, changed):
    """Nothing that was measured otherwise is taken over into a table of other options."""
    (tmp_path / "list").mkdir()
    one = part_of(few, tmp_path / "list" / "now", 1)
    out = tmp_path / "out"
    evaluate_dataset(one, good, Options("official", "m"), out=out)
    calls = []
    real = image_module.scan_error
    monkeypatch.setattr(image_module, "scan_error", lambda *a, **k: calls.append(k["metrical"]) or real(*a, **k))
    found = evaluate_dataset(one, good, changed, out=out)
    assert calls == [changed.metrical]
    assert found.pooled() == evaluate_dataset(one, good, changed).pooled()
    del calls[:]
    assert evaluate_dataset(one, good, changed, out=out).pooled() == found.pooled()
    assert calls == [], "now it is kept"


def test_a_changed_scan_is_measured_again(few, good, tmp_path):
    out, options = tmp_path / "out", Options()
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "imagepathsvalidation.txt").write_text(f"{IMAGES[0]}.jpg\n")
    for part in ("scans", "scans_lmks_onlypp"):
        copied(few / part / SUBJECTS[0], kept / part / SUBJECTS[0])
    before = evaluate_dataset(kept, good, options, out=out).pooled()
    scan = next((kept / "scans" / SUBJECTS[0]).iterdir())
    lines = scan.read_text().splitlines()
    nose = [i for i, line in enumerate(lines) if line.startswith("v ")][::2]
    scan.write_text("\n".join(line for i, line in enumerate(lines) if i not in nose and line[0] == "v"))
    after = evaluate_dataset(kept, good, options, out=out).pooled()
    assert after.vertices < before.vertices


def test_without_matplotlib_the_picture_alone_is_missing(few, predictions, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = ["evaluate", "now", "--dataset", str(few), "--predictions", str(predictions)]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    assert "no curve.png: matplotlib is not installed" in capsys.readouterr().out
    assert (tmp_path / "out" / "curve.csv").is_file()
    assert not (tmp_path / "out" / "curve.png").exists()


def test_holes_are_counted_and_not_averaged_over(few, predictions, tmp_path, capsys):
    remove(predictions, IMAGES[4])
    (predictions / f"{IMAGES[6]}.npy").unlink()
    words = ["evaluate", "now", "--dataset", str(few), "--predictions", str(predictions)]
    out = tmp_path / "out"
    assert main([*words, "-o", str(out)]) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error [predictions_incomplete]: 1 missing and 1 invalid of 8 predictions")
    assert IMAGES[4] in error
    assert "no landmarks beside it" in error
    assert not (out / "now.json").exists()
    assert main([*words, "-o", str(out), "--allow-missing"]) == 0
    printed = capsys.readouterr().out
    assert "| all | 8 | 6 |" in printed
    assert "Without a number: 2 of 8" in printed
    content = json.loads((out / "now.json").read_text())
    assert (content["missing"], content["invalid"]) == (1, 1)
    assert content["all"]["measured"] == 6
    assert content["images"][4]["status"] == "missing"
    assert content["images"][6]["error"]["code"] == "landmarks_missing"


def test_nothing_at_all_is_never_an_average(dataset, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    words = ["evaluate", "now", "--dataset", str(dataset), "--allow-missing", "--predictions"]
    assert main([*words, str(tmp_path / "empty")]) == 3
    error = capsys.readouterr().err
    assert "predictions_incomplete" in error
    assert "--allow-missing" not in error, "it would not help"
    assert main([*words, str(tmp_path / "nowhere")]) == 3
    assert "predictions_missing" in capsys.readouterr().err


def test_usage(dataset, good, capsys):
    words = ["evaluate", "now", "--dataset", str(dataset), "--predictions", str(good)]
    assert main([*words, "--workers", "0"]) == 2
    assert capsys.readouterr().err.startswith("error [workers_invalid]: ")


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "dataset_invalid", "names no image"),
        ("a/b\n", "dataset_invalid", "line 1"),
        ("a/../c.jpg\n", "dataset_invalid", "SUBJECT/CHALLENGE/IMAGE"),
        ("a/b/c.jpg\n\na/b/c.png\n", "dataset_invalid", "already on line 1"),
        (None, "dataset_missing", "imagepathsvalidation.txt"),
        ("a/b/c.jpg\n", "dataset_missing", "no scans"),
    ],
)
def test_a_data_set_that_is_none(tmp_path, good, capsys, text, code, says):
    if text is not None:
        (tmp_path / "imagepathsvalidation.txt").write_text(text)
    words = ["evaluate", "now", "--dataset", str(tmp_path), "--predictions", str(good)]
    assert main(words) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"error [{code}]: ")
    assert says in error


def test_a_subject_needs_one_scan(dataset, good, tmp_path, capsys):
    (tmp_path / "imagepathsvalidation.txt").write_text(f"{IMAGES[0]}.jpg\n")
    (tmp_path / "scans" / SUBJECTS[0]).mkdir(parents=True)
    words = ["evaluate", "now", "--dataset", str(tmp_path), "--predictions", str(good)]
    assert main(words) == 3
    assert capsys.readouterr().err.startswith("error [scan_missing]: expected one .obj file")


def test_a_failed_run_leaves_no_table_of_an_earlier_one(few, predictions, tmp_path, capsys):
    out, extra = tmp_path / "out", tmp_path / "numbers.json"
    words = ["evaluate", "now", "--dataset", str(few), "--predictions", str(predictions)]
    words += ["-o", str(out), "--json", str(extra)]
    assert main(words) == 0
    assert {p.name for p in out.iterdir()} >= {"now.json", "now.md", "curve.csv", "images"}
    remove(predictions, IMAGES[4])
    assert main(words) == 3
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == {"images"}
    assert not extra.exists()


def spoil_record(path: Path, **change) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{name: change.get(name, array) for name, array in arrays.items()})


@pytest.mark.parametrize(
    "change",
    [
        {"distances": np.zeros(0)},
        {"distances": np.float64(1.0)},
        {"distances": np.ones((5, 3))},
        {"distances": np.full(700, np.nan)},
        {"distances": np.ones(3)},
        {"distances": np.ones(3, np.complex128)},
        {"shape": np.ones(3, np.float32)},
        {"shape": np.ones((4, 2), np.float32)},
        {"shape": np.full((4, 3), np.inf, np.float32)},
        {"landmarks": np.ones((68, 3), np.float32)},
        {"landmarks": np.array("text")},
        {"record": np.array("[]")},
        {"record": np.array("[" * 100000)},
        {"record": np.array("{}")},
    ],
)
def test_a_kept_result_of_another_shape_is_measured_again(few, good, tmp_path, change):
    (tmp_path / "list").mkdir()
    one, out = part_of(few, tmp_path / "list" / "now", 1), tmp_path / "out"
    right = evaluate_dataset(one, good, Options(), out=out)
    path = out / "images" / f"{IMAGES[0]}.npz"
    spoil_record(path, **change)
    again = evaluate_dataset(one, good, Options(), out=out)
    assert again.to_json() == right.to_json()
    with np.load(path) as file:
        np.testing.assert_array_equal(file["distances"], right.records[0].distances)


def test_a_kept_result_with_other_numbers_is_measured_again(few, good, tmp_path):
    (tmp_path / "list").mkdir()
    one, out = part_of(few, tmp_path / "list" / "now", 1), tmp_path / "out"
    right = evaluate_dataset(one, good, Options(), out=out)
    path = out / "images" / f"{IMAGES[0]}.npz"
    for old, new in (
        ('"median": ', '"median": 1'),
        ('"scale": ', '"scale": -'),
        ('"iterations": ', '"iterations": "a" + '),
    ):
        with np.load(path) as file:
            text = str(file["record"])
        assert old in text
        spoil_record(path, record=np.array(text.replace(old, new)))
        assert evaluate_dataset(one, good, Options(), out=out).to_json() == right.to_json()
