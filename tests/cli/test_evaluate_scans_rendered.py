"""`headform evaluate scans-rendered` and `evaluate landmarks` from the command line."""

import json
import shlex
import sys

import numpy as np
import pytest
from PIL import Image

from headform import heads
from headform.cli.main import main
from headform.evaluate.rendered_scans.scan_reconstructors import mean_head
from headform.io.mesh import ply
from headform.io.mesh.triangle_mesh import TriangleMesh

COMMAND = ["evaluate", "scans-rendered"]
SMALL = ["--views", "1", "--lights", "1", "--size", "128"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A scan that is the mean head grown by 2 %, in meters, and that mean head as a prediction."""
    folder = tmp_path_factory.mktemp("made")
    floor = mean_head(heads.load_open())
    kept, faces = np.unique(floor.surface.faces, return_inverse=True)
    vertices = 1.02 * floor.surface.vertices[kept]
    mesh = TriangleMesh(vertices, faces.reshape(-1, 3), colors=np.full((len(kept), 3), 0.6))
    (folder / "scan.ply").write_bytes(ply.encode(mesh))
    np.savetxt(folder / "scan.txt", 1.02 * floor.landmarks, fmt="%.17g")
    model = TriangleMesh(floor.surface.vertices, floor.surface.faces)
    (folder / "model.ply").write_bytes(ply.encode(model))
    np.save(folder / "model.npy", floor.landmarks)
    return folder


def test_a_program_is_measured_against_its_own_floor(made, tmp_path, capsys):
    tool = tmp_path / "tool.py"
    tool.write_text(
        "import shutil, sys\n"
        "source, photo, out = sys.argv[1:]\n"
        "for end in ('.ply', '.npy'):\n"
        "    shutil.copy(source + end, out + end)\n"
    )
    words = (sys.executable, "-S", "-E", str(tool), str(made / "model"))
    template = " ".join(shlex.quote(word) for word in words) + " {photo} {out}"
    words = [*COMMAND, "--scans", str(made / "scan.ply"), "--reconstructor", template, *SMALL]
    words += ["--floor", str(made / "model.ply"), "--scan-unit", "m", "-o", str(tmp_path / "out")]
    assert main([*words, "--json", str(tmp_path / "r.json")]) == 0
    captured = capsys.readouterr()
    assert "floor: model.ply" in captured.out
    assert captured.out.count("| 100 % |") == 6
    assert "assumed" not in captured.out
    assert "[1/1] scan_v00_l00: 0.00 mm" in captured.err
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["all"]["non-metrical"]["reconstruction"]["median"] < 1e-3
    assert content["all"]["metrical"]["reconstruction"]["median"] > 0.1
    assert (tmp_path / "out" / "scan_v00_l00.png").is_file()
    assert (tmp_path / "out" / "predictions" / "scan_v00_l00.ply").is_file()


def test_photos_first_then_a_folder_of_predictions(made, tmp_path, capsys):
    words = [*COMMAND, "--scans", str(made / "scan.ply"), *SMALL]
    assert main([*words, "--render-only", "-o", str(tmp_path / "photos")]) == 0
    assert capsys.readouterr().out == f"1 photos in {tmp_path / 'photos'}\n"
    photo = np.asarray(Image.open(tmp_path / "photos" / "scan_v00_l00.png"))
    assert photo.shape == (128, 128, 3)
    (tmp_path / "answers").mkdir()
    assert main([*words, "--reconstructor", str(tmp_path / "answers")]) == 3
    error = capsys.readouterr().err
    assert "error [predictions_incomplete]: 1 of 1 photos" in error
    assert main([*words, "--reconstructor", str(tmp_path / "answers"), "--allow-missing"]) == 0
    assert "| 0 of 1 | – | – | – |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--views", "0"], "views_invalid"),
        (["--lights", "0"], "lights_invalid"),
        (["--size", "64"], "size_invalid"),
        (["--seed", "-1"], "seed_invalid"),
        (["--render-only"], "out_missing"),
        (["--reconstructor", "nobody"], "reconstructor_invalid"),
        (["--reconstructor", "tool {photo}"], "reconstructor_invalid"),
    ],
)
def test_what_cannot_work_is_refused(made, capsys, words, code):
    assert main([*COMMAND, "--scans", str(made / "scan.ply"), *words]) == 2
    assert f"error [{code}]: " in capsys.readouterr().err


def test_nothing_named_is_nothing_to_do(tmp_path, capsys):
    assert main([*COMMAND, "--scans"]) == 2
    assert capsys.readouterr().err.startswith("error [scans_missing]: ")
    assert main(["evaluate", "landmarks", "--predictions", str(tmp_path), "--annotations"]) == 2
    assert capsys.readouterr().err.startswith("error [annotations_missing]: ")


def test_landmarks_belong_to_one_scan(made, tmp_path, capsys):
    (tmp_path / "other.ply").write_bytes((made / "scan.ply").read_bytes())
    scans = ["--scans", str(made / "scan.ply"), str(tmp_path / "other.ply")]
    assert main([*COMMAND, *scans, "--landmarks", str(made / "scan.txt")]) == 2
    assert "error [several_scans]: " in capsys.readouterr().err


def test_a_real_scan_is_photographed(data_root, tmp_path, capsys):
    """Its colors are found among three pictures, its unit is told from its eyes, its inside left out."""
    scan = data_root / "scans" / "lee_perry_smith" / "LeePerrySmith.obj"
    points = [[-0.0441, -0.009, 0.0121], [-0.0185, -0.0099, 0.014], [0.0178, -0.0101, 0.014]]
    points += [[0.0431, -0.0088, 0.0121], [0.0001, -0.0528, 0.0375], [-0.0251, -0.0759, 0.0264]]
    points += [[0.0256, -0.076, 0.0251]]
    (tmp_path / "seven.json").write_text(json.dumps(points))
    floor = mean_head(heads.load_open())
    (tmp_path / "answers").mkdir()
    mesh = TriangleMesh(floor.surface.vertices, floor.surface.faces)
    (tmp_path / "answers" / "LeePerrySmith_v00_l00.ply").write_bytes(ply.encode(mesh))
    np.save(tmp_path / "answers" / "LeePerrySmith_v00_l00.npy", floor.landmarks)
    words = [*COMMAND, "--scans", str(scan), "--landmarks", str(tmp_path / "seven.json"), *SMALL]
    words += ["--reconstructor", str(tmp_path / "answers"), "-o", str(tmp_path / "out")]
    assert main([*words, "--json", str(tmp_path / "r.json")]) == 0
    assert "metrical (scale of the scan assumed)" in capsys.readouterr().out
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["scans"][0]["unit"] == "m"
    numbers = content["all"]["non-metrical"]["reconstruction"]
    assert 0.5 < numbers["median"] < 1.5
    assert numbers["std"] < 2  # with the inside of its mouth it is 6
    photo = np.asarray(Image.open(tmp_path / "out" / "LeePerrySmith_v00_l00.png")).astype(float)
    face = photo[44:84, 44:84].mean(axis=(0, 1))
    assert face[0] > face[1] > face[2] > 40  # skin


def test_evaluate_landmarks_refuses_holes(tmp_path, capsys):
    points = np.random.default_rng(0).uniform(50, 150, (68, 2)).tolist()
    truth = [{"file": f"{name}.jpg", "set": "s", "points68": points} for name in "ab"]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "out" / "a").mkdir(parents=True)
    (tmp_path / "out" / "a" / "landmarks.json").write_text(json.dumps({"points68": points}))
    words = ["evaluate", "landmarks", "--predictions", str(tmp_path / "out")]
    words += ["--annotations", str(tmp_path / "truth.json")]
    assert main(words) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("error [predictions_incomplete]: 1 of 2 faces")
    assert captured.out == ""
    assert main([*words, "--allow-missing"]) == 0
    assert "Ground truth: truth.json." in capsys.readouterr().out
