"""`headform reconstruct` with the shipped networks: a real photo, its turned copy, and no face."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import headform
from headform.cli.main import main
from headform.heads import head_file
from tests.images.photo_files import gradient
from tests.registration.other_heads import face_only, without_uv

FILES = {
    "parameters.npz",
    "landmarks.json",
    "head.glb",
    "head.obj",
    "head.mtl",
    "texture.png",
    "head.ply",
    "overlay.png",
    "report.html",
    "albedo.png",
}
WHOLE_FACE = (170.0, 60.0, 290.0, 230.0)
"""x0, y0, x1, y1 in pixels: the astronaut's face from brows to chin lies within, read off by eye."""


@pytest.fixture(scope="module")
def run(tmp_path_factory, repository):
    """One command over four inputs: the photo, the same turned with its EXIF tag, noise, text."""
    folder = tmp_path_factory.mktemp("reconstruct")
    photo = Image.open(repository / "examples" / "astronaut.jpg").convert("RGB")
    upright, turned = folder / "upright.png", folder / "turned.png"
    photo.save(upright)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter clockwise
    photo.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    nobody, text = folder / "nobody.png", folder / "text.jpg"
    Image.fromarray(gradient(160, 120)).save(nobody)
    text.write_text("no photo")
    inputs = [str(path) for path in (upright, turned, nobody, text)]
    code = main(["reconstruct", *inputs, "-o", str(folder / "out"), "--texture", "both"])
    return code, folder / "out"


def test_one_line_for_each_input_and_the_code_of_a_partial_failure(run):
    code, out = run
    assert code == 7
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines] == ["ok", "ok", "failed", "failed"]
    assert [line["error"] and line["error"]["code"] for line in lines] == [
        None,
        None,
        "no_face",
        "image_format",
    ]
    assert [line["error"] and line["error"]["exit_code"] for line in lines] == [None, None, 4, 3]
    assert lines[1]["notes"] == ["turned upright (EXIF orientation 6)"]
    assert lines[0]["faces"][0]["status"] == "ok"


def test_every_file_is_there(run):
    _, out = run
    assert {path.name for path in (out / "upright").iterdir()} == FILES
    assert sorted(path.name for path in out.iterdir()) == ["manifest.jsonl", "turned", "upright"]


def test_the_face_is_where_it_is(run):
    _, out = run
    landmarks = json.loads((out / "upright" / "landmarks.json").read_text())
    points = np.array(landmarks["points68"])
    assert points.shape == (68, 2)
    x0, y0, x1, y1 = WHOLE_FACE
    inside = (points >= (x0, y0)) & (points <= (x1, y1))
    assert inside.all()
    right_eye, left_eye = points[36:42].mean(0), points[42:48].mean(0)
    assert 35 < left_eye[0] - right_eye[0] < 60  # the subject's right eye is on the picture's left
    assert abs(left_eye[1] - right_eye[1]) < 12
    assert landmarks["confidence"] > 0.5


def test_camera_and_vertices_put_the_head_on_the_face(run):
    """The numbers of parameters.npz, used as its documentation says, land on the landmarks."""
    _, out = run
    with np.load(out / "upright" / "parameters.npz") as stored:
        seen = stored["vertices"].astype(float) @ stored["R"].T + stored["t"]
        assert (seen[:, 2] > 0.1).all()
        pixels = seen @ stored["K"].T
        pixels = pixels[:, :2] / pixels[:, 2:]
        assert tuple(stored["image_size"]) == (512, 512)
        nearest = np.linalg.norm(pixels[None] - stored["landmarks68"][:, None], axis=2).min(1)
        height = np.ptp(stored["neutral"][:, 1])
    assert nearest.mean() < 4.0
    assert 0.2 < height < 0.5  # meters, with the neck


def test_an_upright_photo_and_its_turned_copy_give_the_same_bytes(run):
    _, out = run
    for name in ("landmarks.json", "parameters.npz", "head.glb", "texture.png"):
        assert (out / "upright" / name).read_bytes() == (out / "turned" / name).read_bytes(), name


def test_python_gives_what_the_command_wrote(run, repository):
    _, out = run
    photo = np.asarray(Image.open(repository / "examples" / "astronaut.jpg").convert("RGB"))
    result = headform.reconstruct(photo)
    assert isinstance(result, headform.Reconstruction)
    stored = json.loads((out / "upright" / "landmarks.json").read_text())
    np.testing.assert_allclose(result.points68, stored["points68"], atol=1e-3)


ASSETS = Path(headform.__file__).parent / "nets" / "assets"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--identity-net", str(ASSETS / "dense_landmarks.safetensors")], "weights_kind", "'dense landmarks'"),
        (["--landmarks-net", str(ASSETS / "face_encoder.safetensors")], "weights_kind", "'face encoder'"),
        (["--detector", str(ASSETS / "pfld.safetensors")], "weights_kind", "'PFLD landmarks'"),
        (["--calibration", str(ASSETS / "pfld.safetensors")], "weights_mismatch", "'PFLD landmarks'"),
        (
            ["--identity-net", str(ASSETS.parents[1] / "heads/assets/open_head.safetensors")],
            "weights_kind",
            "open head",
        ),
        (["--texture-net", str(ASSETS / "dense_landmarks.safetensors")], "weights_kind", "'dense landmarks'"),
        (["--identity-net", "missing.safetensors"], "weights_missing", "there is no such file"),
        (["--identity-net", str(ASSETS)], "weights_missing", "this is a folder"),
        (["--identity-net", __file__], "weights_missing", "no weights of headform"),
        (["--landmarks-net", "comittee"], "landmarks_net_unknown", "committee or own"),
        (["--landmarks-net", "own", "--calibration", "a.safetensors"], "option_unused", "--calibration"),
        (["--regressor", "epoch_20.pth"], "option_unused", "Basel head"),
        (["--regressor", "a.pth", "--head", "a.safetensors", "--same-person"], "option_unused", "--same-person"),
    ],
)
def test_weights_that_are_none_of_a_network_are_named(repository, tmp_path, capsys, options, code, says):
    assert main(["reconstruct", str(repository / "examples" / "astronaut.jpg"), "-o", str(tmp_path / "out"), *options])
    err = capsys.readouterr().err
    assert f"error [{code}]: " in err
    assert says in err


def test_a_head_of_another_model(repository, tmp_path, capsys):
    model = tmp_path / "made.safetensors"
    head_file.write(without_uv(face_only()), model)
    photo = str(repository / "examples" / "astronaut.jpg")
    command = ["reconstruct", photo, "--head", str(model), "-o", str(tmp_path / "out"), "--formats", "png", "obj"]
    assert main(command) == 0
    assert "note: made surrey has no texture coordinates" in capsys.readouterr().err
    names = {path.name for path in (tmp_path / "out" / "astronaut").iterdir()}
    assert names == {"parameters.npz", "landmarks.json", "head.obj", "overlay.png"}
    assert len(np.load(tmp_path / "out" / "astronaut" / "parameters.npz")["identity"]) == 30
    line = json.loads((tmp_path / "out" / "manifest.jsonl").read_text())
    assert any("no colors of its own" in note for note in line["notes"])


def test_a_head_without_landmarks_names_the_option_that_mends_it(repository, tmp_path, capsys):
    model = tmp_path / "bare.safetensors"
    head_file.write(replace(face_only(), now7=torch.zeros(0, dtype=torch.int64)), model)
    photo = str(repository / "examples" / "astronaut.jpg")
    assert main(["reconstruct", photo, "--head", str(model), "-o", str(tmp_path / "out")]) == 5
    said = capsys.readouterr().err
    assert "head_lacks" in said
    assert "headform heads convert ... --landmarks FILE" in said


def test_photos_of_one_person_share_a_head(tmp_path, repository):
    photo = Image.open(repository / "examples" / "astronaut.jpg").convert("RGB")
    photo.save(tmp_path / "a.png")
    photo.crop((60, 0, 420, 360)).point(lambda v: int(0.7 * v)).save(tmp_path / "b.png")
    Image.fromarray(gradient(160, 120)).save(tmp_path / "nobody.png")
    inputs = [str(tmp_path / name) for name in ("a.png", "b.png", "nobody.png")]
    assert main(["reconstruct", *inputs, "-o", str(tmp_path / "out"), "--same-person", "--formats", "ply"]) == 7
    with np.load(tmp_path / "out" / "a" / "parameters.npz") as file:
        first = dict(file)
    with np.load(tmp_path / "out" / "b" / "parameters.npz") as file:
        second = dict(file)
    np.testing.assert_allclose(first["identity"], second["identity"], atol=2e-3)
    assert np.abs(first["expression"] - second["expression"]).max() > 1e-3


def test_one_person_and_all_people_are_refused(tmp_path, repository, capsys):
    photo = str(repository / "examples" / "astronaut.jpg")
    assert main(["reconstruct", photo, "-o", str(tmp_path / "out"), "--same-person", "--people", "all"]) == 2
    assert "option_unused" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
