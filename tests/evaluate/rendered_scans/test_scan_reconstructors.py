"""Programs, folders and the built-in head as reconstructors."""

import shlex
import sys

import numpy as np
import pytest

from headform import heads
from headform.errors import InputError, UsageError
from headform.evaluate.rendered_scans.scan_reconstructors import (
    attempt,
    command_reconstructor,
    folder_reconstructor,
    mean_head,
    read_prediction,
)
from headform.heads.linear import PARTS

PHOTO = np.zeros((8, 8, 3), np.uint8)
MESH = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
SEVEN = "\n".join(f"{k} {2 * k} 1.5" for k in range(7))
WRITER = f"""
import pathlib, sys
photo, out = sys.argv[1:]
assert pathlib.Path(photo).read_bytes() == b"picture"
pathlib.Path(out + ".obj").write_text({MESH!r})
pathlib.Path(out + ".txt").write_text({SEVEN!r})
"""


def write(folder, name="p"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.obj").write_text(MESH)
    (folder / f"{name}.txt").write_text(SEVEN)


def command(tmp_path, program: str) -> str:
    (tmp_path / "tool.py").write_text(program)
    words = (sys.executable, "-S", "-E", str(tmp_path / "tool.py"))
    return " ".join(shlex.quote(word) for word in words) + " {photo} {out}"


def photo_file(tmp_path, name="a b_v00.png"):
    path = tmp_path / name
    path.write_bytes(b"picture")
    return path


def test_a_folder_of_predictions(tmp_path):
    write(tmp_path, "x_v00_l00")
    found = folder_reconstructor(tmp_path)(PHOTO, tmp_path / "photos" / "x_v00_l00.png")
    assert found.surface.vertices.shape == (3, 3)
    np.testing.assert_array_equal(found.landmarks[3], [3, 6, 1.5])
    np.save(tmp_path / "x_v00_l00.npy", np.ones((7, 3)))  # the array goes before the text
    assert (read_prediction(tmp_path / "x_v00_l00").landmarks == 1).all()


@pytest.mark.parametrize("gone", ["obj", "txt"])
def test_a_half_prediction_is_none(tmp_path, gone):
    write(tmp_path)
    (tmp_path / f"p.{gone}").unlink()
    with pytest.raises(InputError) as caught:
        read_prediction(tmp_path / "p")
    assert caught.value.code == "prediction_missing"
    prediction, reason = attempt(folder_reconstructor(tmp_path), PHOTO, tmp_path / "p.png")
    assert prediction is None
    assert reason.startswith("prediction_missing: ")


def test_a_program_gets_the_photo_and_writes_the_head(tmp_path):
    run = command_reconstructor(command(tmp_path, WRITER), tmp_path / "out put")
    found = run(PHOTO, photo_file(tmp_path))
    assert found.surface.faces.tolist() == [[0, 1, 2]]
    assert (tmp_path / "out put" / "a b_v00.obj").is_file()


def test_what_an_earlier_run_left_is_not_taken_for_an_answer(tmp_path):
    write(tmp_path / "out", "a b_v00")
    run = command_reconstructor(command(tmp_path, "pass"), tmp_path / "out")
    with pytest.raises(InputError) as caught:
        run(PHOTO, photo_file(tmp_path))
    assert caught.value.code == "prediction_missing"


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no face today')", "exit code 1: no face today"),
        ("import sys; sys.exit(9)", "exit code 9: it said nothing"),
        ("import time; time.sleep(60)", "more than 1 s"),
    ],
)
def test_a_program_that_fails_is_a_missing_head(tmp_path, program, message):
    run = command_reconstructor(command(tmp_path, program), tmp_path / "out", timeout_s=1.0)
    prediction, reason = attempt(run, PHOTO, photo_file(tmp_path))
    assert prediction is None
    assert reason.startswith("reconstructor_failed: ")
    assert message in reason


def test_words_are_given_as_they_are_to_no_shell(tmp_path):
    words = command(tmp_path, WRITER) + " ; touch {out}.owned"
    prediction, reason = attempt(command_reconstructor(words, tmp_path / "out"), PHOTO, photo_file(tmp_path))
    assert prediction is None  # the program was handed the semicolon and knew nothing to do with it
    assert "exit code 1" in reason
    assert not list((tmp_path / "out").glob("*.owned"))


@pytest.mark.parametrize("words", ["", "tool {photo}", "tool {out}", "tool '{photo} {out}"])
def test_commands_that_cannot_work_are_refused_at_once(tmp_path, words):
    with pytest.raises(UsageError) as caught:
        command_reconstructor(words, tmp_path)
    assert caught.value.code == "reconstructor_invalid"


def test_a_program_that_is_not_there_ends_everything(tmp_path):
    run = command_reconstructor("/no/such/tool {photo} {out}", tmp_path / "out")
    with pytest.raises(UsageError) as caught:
        attempt(run, PHOTO, photo_file(tmp_path))
    assert caught.value.code == "reconstructor_missing"


def test_the_floor_has_nothing_inside_its_mouth():
    head = heads.load_open()
    floor = mean_head(head)
    np.testing.assert_allclose(floor.surface.vertices, head.mean.numpy())
    np.testing.assert_allclose(floor.landmarks, head.mean.numpy()[head.now7.numpy()])
    part = head.part.numpy()[floor.surface.faces]
    names = {PARTS[k] for k in np.unique(part[(part == part[:, :1]).all(1)])}
    assert {"face", "head", "eye_left"} <= names
    assert not names & {"teeth", "tongue", "mouth", "socket_left"}
