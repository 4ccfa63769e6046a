"""The way of a batch: order, folders, manifest, exit codes; the test plays the two steps."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform import errors
from headform.cli.batch import Work, run_batch
from headform.cli.inputs import list_inputs


@dataclass(frozen=True)
class Head:
    """As much of a reconstruction as the batch looks at."""

    status: str = "ok"
    confidence: float = 0.875
    reasons: tuple[str, ...] = ()


def write_head(head, folder):
    (folder / "head.txt").write_text(head.status)


def photo(path, side=32):
    Image.fromarray(np.full((side, side, 3), 120, np.uint8)).save(path)
    return path


def run(paths, out, reconstruct=lambda photo: [Head()], write=write_head, **options):
    return run_batch(list_inputs(paths), out, lambda: Work(reconstruct, write), **options)


def lines(out):
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_one_good_photo(tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    assert run([photo(tmp_path / "me.png")], out) == errors.SUCCESS
    (line,) = lines(out)
    seconds = line.pop("seconds")
    assert 0 <= seconds < 60
    assert line == {
        "input": str(tmp_path / "me.png"),
        "status": "ok",
        "faces": [{"folder": "me", "status": "ok", "confidence": 0.875, "reasons": []}],
        "notes": [],
        "error": None,
        "path": str(tmp_path / "me.png"),
        "name": "me",
    }
    assert (out / "me" / "head.txt").read_text() == "ok"
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{out / 'me'}: ok, confidence 0.88 [")
    assert printed.err == ""


def test_faces_of_one_photo_are_numbered(tmp_path):
    out = tmp_path / "out"
    heads = [Head(), Head("low_confidence", 0.2, ("the face is turned away",))]
    assert run([photo(tmp_path / "me.png")], out, lambda photo: heads) == errors.SUCCESS
    assert [face["folder"] for face in lines(out)[0]["faces"]] == ["me_0", "me_1"]
    assert (out / "me_1" / "head.txt").read_text() == "low_confidence"
    assert not (out / "me").exists()


def test_doubt_is_printed(tmp_path, capsys):
    doubtful = Head("low_confidence", 0.2, ("the face is turned away", "it is dark"))
    run([photo(tmp_path / "me.png")], tmp_path / "out", lambda photo: [doubtful])
    assert "low_confidence, confidence 0.20 (the face is turned away; it is dark)" in (capsys.readouterr().out)


def test_order_and_one_line_for_each_input(tmp_path, capsys):
    empty = tmp_path / "b_empty.jpg"
    empty.write_bytes(b"")
    paths = [
        photo(tmp_path / "c.png"),
        empty,
        tmp_path / "missing.jpg",
        photo(tmp_path / "a.png"),
        photo(tmp_path / "small.png", 8),
    ]
    out = tmp_path / "out"
    assert run(paths, out) == errors.PARTIAL
    found = lines(out)
    assert [line["input"] for line in found] == [str(path) for path in paths]
    codes = [line["error"] and line["error"]["code"] for line in found]
    assert codes == [None, "image_empty", "image_missing", None, "face_too_small"]
    exits = [line["error"] and line["error"]["exit_code"] for line in found]
    assert exits == [None, 3, 3, None, 4]
    assert sorted(path.name for path in out.iterdir()) == ["a", "c", "manifest.jsonl"]
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert printed.err.splitlines()[0] == (f"[2/5] error [image_empty]: the file is empty ({empty}). Copy it again.")


@pytest.mark.parametrize(
    "error",
    [
        errors.InputError("image_corrupt", "a"),
        errors.FaceError("no_face", "b"),
        errors.ResourceError("time_out", "c"),
    ],
)
def test_the_only_input_gives_its_own_exit_code(tmp_path, error):
    def fail(photo):
        raise error

    assert run([photo(tmp_path / "a.png")], tmp_path / "out", fail) == error.exit_code


def test_several_failures_are_a_partial_failure_even_when_none_succeeds(tmp_path):
    assert run([tmp_path / "a.jpg", tmp_path / "b.jpg"], tmp_path / "out") == errors.PARTIAL


def test_nothing_is_loaded_for_photos_that_cannot_be_read(tmp_path):
    def load():
        raise AssertionError("loaded")

    inputs = list_inputs([tmp_path / "a.jpg"])
    assert run_batch(inputs, tmp_path / "out", load) == 3


def test_networks_are_loaded_once(tmp_path):
    count = []

    def load():
        count.append(1)
        return Work(lambda photo: [Head()], write_head)

    inputs = list_inputs([photo(tmp_path / f"{k}.png") for k in range(3)])
    assert run_batch(inputs, tmp_path / "out", load) == 0
    assert len(count) == 1


def test_broken_weights_end_the_run(tmp_path):
    def load():
        raise errors.WeightsError("weights_missing", "the weights are gone")

    inputs = list_inputs([photo(tmp_path / f"{k}.png") for k in range(3)])
    with pytest.raises(errors.WeightsError):
        run_batch(inputs, tmp_path / "out", load)


def test_a_fault_of_the_program_is_shown_and_the_rest_goes_on(tmp_path, capsys):
    calls = []

    def faulty(photo):
        calls.append(photo.name)
        if photo.name == "a":
            raise ZeroDivisionError("a bug")
        return [Head()]

    out = tmp_path / "out"
    assert run([photo(tmp_path / "a.png"), photo(tmp_path / "b.png")], out, faulty) == 1
    assert calls == ["a", "b"]
    assert [line["status"] for line in lines(out)] == ["failed", "ok"]
    assert lines(out)[0]["error"]["code"] == "internal"
    printed = capsys.readouterr().err
    assert "Traceback (most recent call last)" in printed
    assert "ZeroDivisionError: a bug" in printed


def test_memory_that_runs_out_is_a_resource(tmp_path, capsys):
    def greedy(photo):
        raise MemoryError

    assert run([photo(tmp_path / "a.png")], tmp_path / "out", greedy) == 6
    assert "error [out_of_memory]" in capsys.readouterr().err


def test_a_full_disk_stops_the_run_and_names_what_was_not_reached(tmp_path):
    def full(head, folder):
        raise errors.ResourceError("write_failed", "no space left", str(folder))

    out = tmp_path / "out"
    paths = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    assert run(paths, out, write=full) == 6
    assert [(line["status"], line["error"]["code"]) for line in lines(out)] == [
        ("failed", "write_failed"),
        ("not_reached", "not_reached"),
    ]
    assert [path.name for path in out.iterdir()] == ["manifest.jsonl"]


@pytest.mark.parametrize("in_a_kernel", [False, True])
def test_an_interrupted_run_leaves_the_lines_of_what_was_done(tmp_path, in_a_kernel):
    def interrupted(photo):
        if photo.name != "b":
            return [Head()]
        stopped = KeyboardInterrupt()
        if in_a_kernel:  # so numba hands it on
            raise SystemError from stopped
        raise stopped

    out = tmp_path / "out"
    with pytest.raises((KeyboardInterrupt, SystemError)):
        run([photo(tmp_path / "a.png"), photo(tmp_path / "b.png")], out, interrupted)
    assert [(line["input"], line["status"]) for line in lines(out)] == [
        (str(tmp_path / "a.png"), "ok"),
        (str(tmp_path / "b.png"), "not_reached"),
    ]


def test_a_second_run_keeps_the_lines_of_other_photos(tmp_path):
    out = tmp_path / "out"
    run([photo(tmp_path / "a.png"), photo(tmp_path / "b.png")], out)
    run([photo(tmp_path / "c.png"), photo(tmp_path / "a.png")], out, lambda photo: [Head(confidence=0.5)])
    found = [(Path(line["input"]).name, line["faces"][0]["confidence"]) for line in lines(out)]
    assert found == [("a.png", 0.5), ("b.png", 0.875), ("c.png", 0.5)]


def test_a_refused_run_leaves_no_folder(tmp_path):
    def load():
        raise errors.WeightsError("weights_missing", "the weights are gone")

    with pytest.raises(errors.WeightsError):
        run_batch(list_inputs([photo(tmp_path / "a.png")]), tmp_path / "deep" / "out", load)
    assert not (tmp_path / "deep").exists()


def test_a_refused_run_leaves_an_older_folder_as_it_was(tmp_path):
    def load():
        raise errors.WeightsError("weights_missing", "the weights are gone")

    out = tmp_path / "out"
    run([photo(tmp_path / "a.png")], out)
    before = (out / "manifest.jsonl").read_bytes()
    with pytest.raises(errors.WeightsError):
        run_batch(list_inputs([photo(tmp_path / "b.png"), tmp_path / "a.png"]), out, load)
    assert (out / "manifest.jsonl").read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == ["a", "manifest.jsonl"]


def test_a_photo_that_is_named_twice_is_reconstructed_once(tmp_path):
    photo(tmp_path / "a.png")
    out = tmp_path / "out"
    assert run([tmp_path / "a.png", tmp_path, tmp_path / ".." / tmp_path.name / "a.png"], out) == 0
    assert [line["input"] for line in lines(out)] == [str(tmp_path / "a.png")]


def test_json_prints_the_manifest(tmp_path, capsys):
    out = tmp_path / "out"
    run([photo(tmp_path / "a.png"), tmp_path / "none.jpg"], out, json=True)
    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == lines(out)
    assert "error [image_missing]" in printed.err


def test_notes_of_the_photo_reach_the_manifest(tmp_path):
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(tmp_path / "a.png")
    run([tmp_path / "a.png"], tmp_path / "out")
    assert lines(tmp_path / "out")[0]["notes"] == ["transparent everywhere: the colors are used as if opaque"]
