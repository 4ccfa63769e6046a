"""The thin commands: heads, contact-sheet, evaluate, train; what they print and how they refuse."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from headform import heads
from headform.cli.main import main
from headform.synth import folder as synth_folder
from tests.synth.kept_generators import keep_generators


def test_heads_list_names_the_open_head(capsys):
    assert main(["heads", "list"]) == 0
    assert capsys.readouterr().out.startswith("open: ")


def test_heads_inspect_says_what_the_file_holds(capsys):
    assert main(["heads", "inspect", "open", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    head = heads.load_open()
    assert facts["sha256"] == head.sha256
    assert facts["vertices"] == head.mean.shape[0]
    assert facts["expressions"] == list(head.expression_names)
    assert 200 < facts["size_mm"][1] < 400  # a head with its neck, in millimeters
    assert main(["heads", "inspect", "open"]) == 0
    assert f"sha256: {head.sha256}" in capsys.readouterr().out


@pytest.mark.parametrize(("data", "code"), [(None, "head_missing"), (b"not a head", "head_damaged")])
def test_heads_inspect_refuses_what_is_no_head(tmp_path, capsys, data, code):
    path = tmp_path / "h.safetensors"
    if data is not None:
        path.write_bytes(data)
    assert main(["heads", "inspect", str(path)]) == 5
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")


def test_build_open_without_its_source_is_refused(tmp_path, capsys):
    words = ["heads", "build-open", "--ict", str(tmp_path), "-o", str(tmp_path / "h.safetensors")]
    assert main(words) == 5
    assert capsys.readouterr().err.startswith("error [model_missing_key]: ")
    assert not (tmp_path / "h.safetensors").exists()


def test_data_portraits_says_what_was_dropped_and_sheet_needs_an_index(tmp_path, capsys):
    (tmp_path / "photos" / "congress").mkdir(parents=True)
    Image.new("RGB", (64, 64), (90, 120, 90)).save(tmp_path / "photos" / "congress" / "1.jpg")
    words = ["data", "portraits", str(tmp_path / "photos"), "-o", str(tmp_path / "out"), "--sets", "congress"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "congress/1.jpg: no_face" in said
    assert f"0 portraits, 0 pictures, 1 dropped, in {tmp_path / 'out'}" in said
    assert main([*words, "--turned", "99"]) == 2
    assert main(["data", "sheet", str(tmp_path), "-o", str(tmp_path / "s.png")]) == 3
    assert "error [dataset_missing]: " in capsys.readouterr().err


def test_contact_sheet_collects_overlays(tmp_path, capsys):
    for name, tone in (("a", 40), ("b", 200)):
        (tmp_path / "out" / name).mkdir(parents=True)
        overlay = Image.fromarray(np.full((90, 120, 3), tone, np.uint8))
        overlay.save(tmp_path / "out" / name / "overlay.png")
    sheet = tmp_path / "sheet.png"
    assert main(["contact-sheet", str(tmp_path / "out"), "-o", str(sheet)]) == 0
    assert capsys.readouterr().out == f"2 overlays in {sheet}\n"
    pixels = np.asarray(Image.open(sheet).convert("L"))
    assert {40, 200} <= set(np.unique(pixels).tolist())


def test_contact_sheet_of_nothing(tmp_path, capsys):
    assert main(["contact-sheet", str(tmp_path), "-o", str(tmp_path / "s.png")]) == 3
    assert capsys.readouterr().err.startswith("error [no_overlays]: ")
    assert main(["contact-sheet", str(tmp_path), "-o", "s.png", "--columns", "0"]) == 2


def test_evaluate_landmarks_prints_the_table_and_writes_json(tmp_path, capsys):
    truth = np.random.default_rng(0).uniform(50, 150, (68, 2))
    corner = truth + 0.5  # results count from the corner of the first pixel
    side = np.sqrt(np.prod(np.ptp(truth, axis=0)))
    wrong = corner + np.array([0.05 * side, 0])  # every point is 5 % of the box off
    (tmp_path / "truth.json").write_text(json.dumps([{"file": "d/me.jpg", "set": "s", "points68": truth.tolist()}]))
    (tmp_path / "out" / "me").mkdir(parents=True)
    result = {"points68": wrong.tolist()}
    (tmp_path / "out" / "me" / "landmarks.json").write_text(json.dumps(result))
    words = ["evaluate", "landmarks", "--predictions", str(tmp_path / "out")]
    words += ["--annotations", str(tmp_path / "truth.json"), "--json", str(tmp_path / "t.json")]
    assert main(words) == 0
    assert "| s | 1 | 0 | 5.00 |" in capsys.readouterr().out
    assert json.loads((tmp_path / "t.json").read_text())["all"]["mean"] == pytest.approx(0.05)


def test_train_parsing_refuses_presets_it_does_not_know_and_no_portraits(tmp_path, capsys):
    out = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        main(["train", "parsing", "-o", str(out), "--preset", "opne"])
    assert ended.value.code == 2
    assert "synthetic-only" in capsys.readouterr().err
    assert main(["train", "parsing", "-o", str(out)]) == 2
    assert capsys.readouterr().err.startswith("error [photos_missing]: ")
    assert main(["train", "parsing", "-o", str(out), "--steps", "5", "--minutes", "1"]) == 2
    assert capsys.readouterr().err.startswith("error [length_twice]: ")
    assert not out.exists()


@pytest.mark.parametrize("stage", ["landmarks", "parsing"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--minutes", "0"], "minutes_invalid"),
        (["--minutes", "nan"], "minutes_invalid"),
        (["--workers", "0"], "workers_invalid"),
        (["--seed", "-1"], "seed_invalid"),
    ],
)
def test_train_refuses_before_anything_is_made(tmp_path, capsys, stage, words, code):
    out = tmp_path / "run"
    assert main(["train", stage, "-o", str(out), *words]) == 2
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fold", "1"], "option_unused"),
        (["--no-zoom"], "option_unused"),
        (["--preset", "open"], "portraits_not_given"),
        (["--preset", "open", "--portraits", "."], "dataset_missing"),
        (["--preset", "open", "--portraits", ".", "--fold", "4"], "fold_invalid"),
        (["--preset", "synthetic-only", "--fold", "0"], "option_unused"),
        (["--preset", "synthetic-only", "--portraits", "."], "option_unused"),
        (["--preset", "synthetic-only", "--steps", "0"], "steps_invalid"),
        (["--preset", "synthetic-only", "--steps", "9", "--minutes", "1"], "option_unused"),
    ],
)
def test_options_of_a_student_are_refused_before_anything_is_made(tmp_path, capsys, words, code):
    out = tmp_path / "run"
    assert main(["train", "landmarks", "-o", str(out), *words]) == (3 if code == "dataset_missing" else 2)
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")
    assert not out.exists()


def test_synth_writes_labeled_pictures_that_a_seed_repeats(tmp_path, capsys, monkeypatch):
    keep_generators(monkeypatch, synth_folder)
    digests = []
    for name in ("a", "b"):
        out = tmp_path / name
        words = ["synth", "-o", str(out), "--count", "2", "--size", "64", "--seed", "5"]
        assert main(words) == 0
        assert str(out / "sheet.png") in capsys.readouterr().out
        pictures = sorted(out.glob("0*.png"))
        assert [p.name for p in pictures] == ["000000.png", "000001.png"]
        digests.append([hashlib.sha256(p.read_bytes()).hexdigest() for p in pictures])
    assert digests[0] == digests[1]
    with np.load(tmp_path / "a" / "labels.npz") as labels:
        assert labels["points"].shape == (2, len(heads.load_open().dense), 2)
