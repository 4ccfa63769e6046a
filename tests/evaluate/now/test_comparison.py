"""Several methods in one table, curves of all, errors by region and on the mean face."""

import json

import numpy as np
import pytest

from headform import images
from headform.cli.main import main
from headform.errors import UsageError
from headform.evaluate.now.by_region import map_subjects, mean_map, pooled_regions, regions_markdown
from headform.evaluate.now.image import Options
from headform.evaluate.now.published import TABLE_1
from headform.evaluate.now.run import evaluate_dataset
from headform.evaluate.scan.error_maps import SIDE, draw_mean_maps
from headform.evaluate.scan.face_regions import REGIONS, map_face, mean_face
from tests.evaluate.now.made_tree import IMAGES, part_of, prediction, write_prediction


@pytest.fixture(scope="module")
def two(dataset, tmp_path_factory):
    """Two images, and two methods: a good one and a bad one."""
    root = tmp_path_factory.mktemp("two")
    for name, noise in (("good", 0.2), ("bad", 0.9)):
        for number in range(2):
            write_prediction(root / name, IMAGES[number], *prediction(number, noise=noise))
    return part_of(dataset, root / "now", 2), root / "good", root / "bad"


def test_one_table_of_all_methods(two, tmp_path, capsys):
    dataset, good, bad = two
    words = ["evaluate", "now", "--dataset", str(dataset), "--both", "--published", "--unit", "m"]
    words += ["--method", f"ours={good}", "--method", f"theirs={bad}", "-o", str(tmp_path / "out")]
    assert main([*words, "--json", str(tmp_path / "all.json")]) == 0
    printed = capsys.readouterr().out
    content = json.loads((tmp_path / "all.json").read_text())
    for alignment in ("non-metrical", "metrical"):
        options = Options(unit="m", metrical=alignment == "metrical")
        for name, folder in (("ours", good), ("theirs", bad)):
            alone = evaluate_dataset(dataset, folder, options).pooled()
            found = content["methods"][name][alignment]["all"]
            assert (found["median"], found["mean"], found["std"]) == (alone.median, alone.mean, alone.std)
            assert f"{alone.median:.3f} | {alone.mean:.3f} | {alone.std:.3f}" in printed
    row = next(line for line in printed.splitlines() if line.startswith("| DECA (published)"))
    assert row == "| DECA (published) | 1.09 | 1.38 | 1.18 | 1.35 | 1.80 | 1.64 | – |"
    assert "| PRNet (published) | 1.50 | 1.98 | 1.88 | – | – | – | – |" in printed
    assert "not measured here" in printed
    assert content["published"]["measured_here"] is False
    assert len(content["published"]["methods"]) == len(TABLE_1) == 8
    assert "| method | multiview_neutral | multiview_expressions |" in printed
    out = tmp_path / "out"
    header = (out / "curve.csv").read_text().splitlines()[0]
    assert header == "millimeters,ours non-metrical,theirs non-metrical,ours metrical,theirs metrical"
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert images.read(out / "error_map.png").rgb.shape[1] == 4 * SIDE
    assert (out / "ours" / "metrical" / "now.json").exists()
    assert "By region, metrical" in (out / "comparison.md").read_text()
    assert main([*words, "--method", f"none={tmp_path / 'none'}"]) == 3
    assert not (out / "comparison.md").exists()


def test_regions_hold_all_points(two):
    dataset, _, bad = two
    table = evaluate_dataset(dataset, bad, Options(unit="m"))
    maps = map_subjects(dataset, table.subjects(), "official")
    parts = pooled_regions(table, maps)
    assert set(REGIONS[:4]) <= set(parts)
    np.testing.assert_allclose(np.sort(np.concatenate(list(parts.values()))), np.sort(table.distances()))
    text = regions_markdown({"all": parts})
    assert f"| nose | {np.median(parts['nose']):.2f} / {parts['nose'].mean():.2f} / {parts['nose'].std():.2f} |" in text
    errors = mean_map(table, maps)
    known = np.isfinite(errors)
    assert 0.1 < known.mean() < 0.9, "the back of the head has no error"
    assert errors[known].mean() == pytest.approx(table.pooled().mean, rel=0.2)


def test_points_of_the_mean_head_are_in_its_regions():
    mesh, landmarks = mean_face()
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    points = 1000 * landmarks @ turn.T + [5.0, 300.0, -20.0]
    found = map_face(points, points)
    assert [REGIONS[k] for k in found.region] == ["eyes"] * 4 + ["nose"] + ["mouth"] * 2
    carried = found.carried(np.arange(7.0))
    own = [int(np.linalg.norm(mesh.vertices - p, axis=1).argmin()) for p in landmarks]
    assert carried[own].tolist() == list(range(7))
    assert np.isnan(carried[mesh.vertices[:, 1].argmax()])


def test_a_map_is_dark_where_the_error_is():
    mesh, _ = mean_face()
    left = (mesh.vertices[:, 0] > 0).astype(float)
    picture = draw_mean_maps({"left": left}, top_mm=1.0).astype(float)
    tile = picture[26 : 26 + SIDE]
    right_half, left_half = tile[100:220, 60:150], tile[100:220, 170:260]  # the subject's
    assert left_half.mean() + 60 < right_half.mean()


def test_methods_that_are_none(two):
    dataset, good, _ = two
    words = ["evaluate", "now", "--dataset", str(dataset)]
    for wrong in (
        [],
        ["--method", "name"],
        ["--method", f"a/b={good}"],
        ["--method", f"a={good}", "--method", f"a={good}"],
    ):
        assert main([*words, *wrong]) == UsageError.exit_code


def test_a_scan_is_drawn_with_its_errors_by_region(dataset, tmp_path, capsys):
    subject = IMAGES[0].split("/")[0]
    scan = next((dataset / "scans" / subject).glob("*.obj"))
    picks = next((dataset / "scans_lmks_onlypp" / subject).glob("*.pp"))
    write_prediction(tmp_path, IMAGES[0], *prediction(0))
    base = tmp_path / IMAGES[0]
    words = ["evaluate", "scan", "--scan-landmarks", str(picks), "--unit", "m", "--json", str(tmp_path / "scan.json")]
    words += ["--prediction", str(base.with_suffix(".obj")), "--prediction-landmarks", str(base.with_suffix(".npy"))]
    points = tmp_path / "points.obj"
    points.write_text("\n".join(line for line in scan.read_text().splitlines() if not line.startswith("f ")) + "\n")
    for path, columns in ((scan, 3), (points, 2)):
        picture = tmp_path / f"{path.stem}.png"
        assert main([*words, "--scan", str(path), "--picture", str(picture)]) == 0
        assert "nose: median" in capsys.readouterr().out
        assert images.read(picture).rgb.shape[1] == columns * SIDE
        content = json.loads((tmp_path / "scan.json").read_text())
        assert sum(row["vertices"] for row in content["regions"].values()) == content["vertices"]
