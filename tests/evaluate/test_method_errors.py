"""Scans and errors on a sheet of methods: the truth has none, the mean head has some, photos without a scan stay blank."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import InputError
from headform.evaluate.method_errors import MEAN, SCAN, ScanColumns, mean_open_head, neutral_of
from headform.evaluate.method_pictures import sheet_of_methods
from headform.evaluate.rendered_scans.scan_reconstructors import HeadPrediction, predicted_by
from headform.heads import LinearHead
from headform.io.image_bytes import png
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.viz.method_sheets import SheetRow, method_sheet

SIDE = 48
STEP = SIDE + 4


def no_finder(mesh: TriangleMesh, name: str) -> np.ndarray:
    raise AssertionError("the landmarks lie beside the scan")


@pytest.fixture(scope="module")
def truth(head: LinearHead) -> HeadPrediction:
    code = torch.zeros(len(head.identity))
    code[:4] = torch.tensor([2.0, -2.0, 1.5, -1.5])
    return predicted_by(head, head.vertices(code).double().numpy())


@pytest.fixture(scope="module")
def tree(truth: HeadPrediction, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos `ann_1` and `bob`, a scan of Ann in millimeters, and a method that knows her head."""
    folder = tmp_path_factory.mktemp("sheet")
    for name in ("photos", "scans", "method"):
        (folder / name).mkdir()
    for name in ("ann_1", "bob"):
        (folder / "photos" / f"{name}.png").write_bytes(png(np.full((40, 40, 3), 90, np.uint8)))
    mesh = TriangleMesh(1000 * truth.surface.vertices, truth.surface.faces)
    (folder / "scans" / "ann.ply").write_bytes(ply.encode(mesh))
    np.savetxt(folder / "scans" / "ann.txt", 1000 * truth.landmarks)
    obj.write(folder / "method" / "ann_1.obj", TriangleMesh(truth.surface.vertices, truth.surface.faces))
    np.save(folder / "method" / "ann_1.npy", truth.landmarks)
    return folder


@pytest.fixture(scope="module")
def measured(tree: Path) -> tuple[ScanColumns, list[SheetRow]]:
    columns = ScanColumns([tree / "scans"], no_finder)
    rows = []
    for name in ("ann_1", "bob"):
        row = SheetRow(name, np.zeros((SIDE, SIDE, 3), np.uint8), {"known": None, MEAN: None})
        own = Path(f"{name}.png")
        readers = {"known": lambda own=own: neutral_of(tree / "method", None, own), MEAN: mean_open_head}
        assert columns.measure(row, own, readers) == []
        rows.append(row)
    return columns, rows


def test_errors_are_those_of_the_heads(measured: tuple[ScanColumns, list[SheetRow]]) -> None:
    rows, columns, top = measured[0].finish(["known", MEAN], SIDE)
    assert columns == [SCAN, "known: error", "mean head: error"]
    numbers = {name: float(text.split()[1]) for name, text in rows[0].captions.items()}
    assert numbers["known: error"] < 0.25, "the protocol's alignment stops before the end"
    assert numbers["mean head: error"] > 3 * numbers["known: error"]
    assert top is not None
    assert top > 1
    exact, mean = (np.asarray(rows[0].tiles[name], float) for name in columns[1:])
    clay = rows[0].tiles[SCAN]
    assert clay is not None
    middle = np.s_[SIDE // 2 - 4 : SIDE // 2 + 4, SIDE // 2 - 4 : SIDE // 2 + 4]
    assert np.ptp(exact[middle].mean((0, 1))) < np.ptp(mean[middle].mean((0, 1))), "no error is nearly white"


def test_nothing_is_missing_where_there_is_no_scan(measured: tuple[ScanColumns, list[SheetRow]]) -> None:
    rows, columns, top = measured[0].finish(["known", MEAN], SIDE)
    assert rows[1].blank == set(columns)
    sheet = method_sheet(rows, ["known", MEAN, *columns], top_mm=top)
    second = sheet[26 + 30 + STEP + 30 :][:SIDE]
    assert (second[:, 4 + 3 * STEP :] == 255).all()
    assert (second[2, 4 + STEP + 2] == 232).all(), "a method's head is"
    assert (sheet[-20:] != 255).any(), "the scale"


def test_the_mean_head_beside_methods(tree: Path) -> None:
    sheet, notes = sheet_of_methods(tree / "photos", {"method": tree / "method"}, mean=True, side=SIDE)
    assert not notes
    assert sheet.shape == (26 + 2 * STEP, 3 * STEP + 4, 3)
    for row in range(2):
        tile = sheet[26 + row * STEP :][:SIDE, 4 + 2 * STEP :][:, :SIDE]
        assert tile[SIDE // 2, SIDE // 2].sum() < 600
        assert (tile[1, 1] == 255).all()


def test_scans_that_cannot_be_read_are_named(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        ScanColumns([tmp_path])
    assert caught.value.code == "scan_missing"
    (tmp_path / "bob.ply").write_text("no mesh")
    columns = ScanColumns([tmp_path], no_finder)
    row = SheetRow("", np.zeros((SIDE, SIDE, 3), np.uint8), {})
    (note,) = columns.measure(row, Path("bob/left.png"), {})
    assert note.startswith("scan of bob/left.png: ")
    assert columns.finish([], SIDE)[1:] == ([], None)
