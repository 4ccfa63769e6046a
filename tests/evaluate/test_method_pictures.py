"""A sheet of several methods: headings, columns, photos without a result."""

import json
from pathlib import Path

import numpy as np
import pytest

from headform import heads, images
from headform.cli.main import main
from headform.errors import InputError
from headform.evaluate import method_pictures
from headform.evaluate.method_pictures import condition_of, sheet_of_methods
from headform.export.parameters import encode
from headform.geometry.landmarks68 import NOW7
from headform.io.image_bytes import png
from headform.viz.method_sheets import SheetRow, method_sheet
from tests.evaluate.landmarks68.board import SIZE, write_board, write_manifest
from tests.evaluate.now.made_tree import prediction, write_prediction

SIDE = 64
STEP = SIDE + 4
RED, BLUE = np.full((90, 60, 3), (200, 20, 20), np.uint8), np.full((60, 60, 3), (20, 20, 200), np.uint8)


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(pixels))


@pytest.fixture
def tree(tmp_path) -> Path:
    """Two photos; predictions for one, pictures for both, a headform result for one."""
    for name in ("S/multiview_occlusions/a1", "S/pose/b0"):
        picture(tmp_path / "photos" / f"{name}.png", RED)
        picture(tmp_path / "pictures" / f"{name}.png", BLUE)
    write_prediction(tmp_path / "meshes", "S/pose/b0", *prediction(0))
    head = heads.load_open()
    arrays = {
        "vertices": head.mean.numpy(),
        "faces": head.faces.numpy(),
        "K": np.array([[300.0, 0, 30], [0, 300, 45], [0, 0, 1]]),
        "R": np.diag([1.0, -1.0, -1.0]),
        "t": np.array([0.0, 0.0, 1.0]),
        "landmarks68": np.tile([[10.0, 20.0], [50.0, 70.0]], (34, 1)),
        "image_size": np.array([60, 90]),
    }
    (tmp_path / "ours" / "a1").mkdir(parents=True)
    (tmp_path / "ours" / "a1" / "parameters.npz").write_bytes(encode(arrays))
    face = {"folder": "a1", "status": "ok", "confidence": 1.0, "reasons": []}
    photo = tmp_path / "photos" / "S" / "multiview_occlusions" / "a1.png"
    line = {"input": str(photo), "status": "ok", "faces": [face], "notes": [], "error": None, "seconds": 1.0}
    (tmp_path / "ours" / "manifest.jsonl").write_text(json.dumps({**line, "path": str(photo), "name": "a1"}) + "\n")
    return tmp_path


def cell(sheet: np.ndarray, top: int, column: int) -> np.ndarray:
    x = 4 + column * STEP
    return sheet[top : top + SIDE, x : x + SIDE].astype(int)


def test_columns_of_methods_under_headings(tree):
    methods = {name: tree / name for name in ("ours", "meshes", "pictures")}
    sheet, notes = sheet_of_methods(tree / "photos", methods, side=SIDE)
    assert not notes
    assert sheet.shape == (26 + 2 * (30 + STEP), 4 * STEP + 4, 3)
    first, second = 26 + 30, 26 + 30 + STEP + 30
    for top in (first, second):
        assert (cell(sheet, top, 3)[SIDE // 2, SIDE // 2] == BLUE[0, 0]).all()
    assert (cell(sheet, first, 0)[SIDE // 2, SIDE // 2] == RED[0, 0]).all()
    clay = cell(sheet, first, 1)
    assert clay[SIDE // 2, SIDE // 2].sum() < 600, "the head is in the middle"
    assert clay[2, 2].sum() == 3 * 255
    assert (cell(sheet, first, 2)[2, 2] == 232).all(), "no result"
    assert cell(sheet, second, 2)[SIDE // 2, SIDE // 2].sum() < 600
    assert (cell(sheet, second, 1)[2, 2] == 232).all()


def test_conditions_from_a_file_and_from_folders(tree):
    assert condition_of(Path("S/multiview_expressions/x.jpg")) == "expression"
    assert condition_of(Path("profile.jpg")) == ""
    (tree / "conditions.json").write_text(json.dumps({"b0.png": "dark"}))
    methods = {"pictures": tree / "pictures"}
    sheet, _ = sheet_of_methods(tree / "photos", methods, conditions=tree / "conditions.json", side=SIDE)
    assert len(sheet) == 26 + 30 + 2 * STEP, "one heading, and a photo without one below"
    (tree / "conditions.json").write_text("[1]")
    with pytest.raises(InputError) as caught:
        sheet_of_methods(tree / "photos", methods, conditions=tree / "conditions.json", side=SIDE)
    assert caught.value.code == "conditions_invalid"


def test_the_command_names_what_cannot_be_read(tree, capsys):
    words = ["contact-sheet", "--photos", str(tree / "photos"), "-o", str(tree / "sheet.png")]
    assert main([*words, "--method", f"pictures={tree / 'pictures'}"]) == 0
    assert images.read(tree / "sheet.png").rgb.shape[1] == 2 * (256 + 4) + 4
    (tree / "pictures" / "S" / "pose" / "b0.png").write_bytes(b"no picture")
    assert main([*words, "--method", f"pictures={tree / 'pictures'}"]) == 7
    assert "warning: pictures, S/pose/b0.png" in capsys.readouterr().out
    assert main(words) == 2
    assert main([*words, str(tree), "--method", f"pictures={tree / 'pictures'}"]) == 2
    assert main([*words, "--method", f"none={tree / 'none'}"]) == 3


def test_colors_instead_of_clay(tmp_path):
    """A board in its texture over its photo, a colored mesh, a mesh with a picture beside it, and a published picture."""
    photo = tmp_path / "photos" / "a0.png"
    picture(photo, np.full((SIZE[1], SIZE[0], 3), 128, np.uint8))
    write_board(tmp_path / "ours" / "a", np.tile(np.array([[[250, 30, 20]]], np.uint8), (16, 16, 1)))
    write_manifest(tmp_path / "ours", (str(photo), ["a"]))
    mesh, seven = prediction(0)
    colors = np.tile([[20, 200, 40]], (len(mesh.vertices), 1))
    (tmp_path / "deng").mkdir()
    rows = [f"v {x:.6f} {y:.6f} {z:.6f} {r / 255:.4f} {g / 255:.4f} {b / 255:.4f}"
            for (x, y, z), (r, g, b) in zip(mesh.vertices.tolist(), colors.tolist(), strict=True)]  # fmt: skip
    text = "\n".join([*rows, *(f"f {a + 1} {b + 1} {c + 1}" for a, b, c in mesh.faces.tolist())])
    (tmp_path / "deng" / "a0_mesh.obj").write_text(text)
    np.save(tmp_path / "deng" / "a0.npy", seven)
    picture(tmp_path / "ganfit" / "a0" / "rendering.png", BLUE)
    methods = {name: tmp_path / name for name in ("ours", "deng", "ganfit")}
    middle = {}
    for shown in ("shape", "texture"):
        sheet, notes = sheet_of_methods(tmp_path / "photos", methods, shown=shown, side=SIDE)
        assert len(notes) == (shown == "shape"), "the board's shape is not written"
        middle[shown] = [cell(sheet, 26, column)[SIDE // 2, SIDE // 2] for column in (1, 2, 3)]
    np.testing.assert_allclose(middle["texture"][0], (250, 30, 20), atol=3)
    np.testing.assert_allclose(middle["texture"][1], (20, 200, 40), atol=3)
    assert np.ptp(middle["shape"][1]) < 60, "clay"
    for tiles in middle.values():
        np.testing.assert_array_equal(tiles[2], BLUE[0, 0])


def test_a_mesh_without_landmarks_is_a_note_unless_its_vertices_are_known(tmp_path, monkeypatch):
    picture(tmp_path / "photos" / "a0.png", RED)
    mesh, seven = prediction(0)
    write_prediction(tmp_path / "chen", "a0", mesh, seven)
    next((tmp_path / "chen").glob("a0.npy")).unlink()
    methods = {"chen": tmp_path / "chen"}
    _, notes = sheet_of_methods(tmp_path / "photos", methods, side=SIDE)
    assert "landmarks of a mesh of" in notes[0]
    nearest = [int(np.linalg.norm(mesh.vertices - p, axis=1).argmin()) for p in seven]
    known = dict(zip(NOW7, nearest, strict=True))
    monkeypatch.setattr(method_pictures, "landmark_vertices", lambda _: [known.get(k, 0) for k in range(68)])
    monkeypatch.setattr(method_pictures, "is_like_a_face", lambda _: True)
    sheet, notes = sheet_of_methods(tmp_path / "photos", methods, side=SIDE)
    assert not notes
    assert cell(sheet, 26, 1)[SIDE // 2, SIDE // 2].sum() < 600


def test_a_sheet_of_nothing():
    with pytest.raises(ValueError, match="no rows"):
        method_sheet([], ["a"])
    row = SheetRow("", np.zeros((SIDE, SIDE, 3), np.uint8), {})
    assert method_sheet([row], ["a method with a very long name"]).shape[1] == 2 * STEP + 4
