"""Contour errors by hand: a face whose points lie on its curves, and points moved by known amounts."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from headform.cli.main import main
from headform.data import contours
from headform.data.contours import AnnotatedFace
from headform.errors import InputError
from headform.evaluate.landmarks68.contours import contour_errors, evaluate_contours, to_markdown
from headform.evaluate.landmarks68.landmark_files import LandmarkPrediction


def arc(ids: tuple[int, ...], points: np.ndarray, middle: tuple[float, float], half: float, bulge: float) -> None:
    x = np.linspace(-1, 1, len(ids))
    points[list(ids)] = np.column_stack([middle[0] + half * x, middle[1] + bulge * (1 - x**2)])


def face() -> AnnotatedFace:
    """Pupils 100 pixels apart, so that a pixel is one per cent."""
    p = np.zeros((189, 2))
    for side, x in enumerate((150.0, 250.0)):
        p[side] = [x, 200]
        arc(contours.LOWER_LID[side], p, (x, 200), 25, 8)
        arc(contours.UPPER_LID[side], p, (x, 200), 25, -10)
        arc(contours.BROW_LOWER[side], p, (x, 170), 35, -6)
        arc(contours.BROW_UPPER[side], p, (x, 165), 35, -12)
    arc(contours.JAW, p, (200, 250), 110, 130)
    arc(contours.LIP_OUTER_UPPER, p, (200, 310), 40, -12)
    arc(contours.LIP_OUTER_LOWER, p, (200, 310), 40, 16)
    arc(contours.LIP_INNER_UPPER, p, (200, 310), 40, -4)
    arc(contours.LIP_INNER_LOWER, p, (200, 310), 40, 5)
    return AnnotatedFace("a.jpg", p)


def on(truth: AnnotatedFace, ids: tuple[int, ...], x: float) -> list[float]:
    line = truth.points[list(ids)]
    return [x, float(np.interp(x, line[:, 0], line[:, 1]))]


def perfect(truth: AnnotatedFace) -> np.ndarray:
    q = np.zeros((68, 2))
    for k, x in enumerate(np.linspace(95, 305, 17)):
        q[k] = on(truth, contours.JAW, x)
    for side, x in enumerate((150.0, 250.0)):
        for k, dx in enumerate(np.linspace(-30, 30, 5)):
            q[17 + 5 * side + k] = on(truth, contours.BROW_UPPER[side], x + dx)
        first = 36 + 6 * side
        q[first], q[first + 3] = [x - 25, 200], [x + 25, 200]
        q[first + 1], q[first + 2] = (on(truth, contours.UPPER_LID[side], x + d) for d in (-8, 8))
        q[first + 5], q[first + 4] = (on(truth, contours.LOWER_LID[side], x + d) for d in (-8, 8))
    for k, x in enumerate(np.linspace(170, 230, 5)):
        q[49 + k] = on(truth, contours.LIP_OUTER_UPPER, x)
        q[59 - k] = on(truth, contours.LIP_OUTER_LOWER, x)
    for k, x in enumerate((185.0, 200.0, 215.0)):
        q[61 + k] = on(truth, contours.LIP_INNER_UPPER, x)
        q[67 - k] = on(truth, contours.LIP_INNER_LOWER, x)
    return q


def test_points_on_the_curves_have_no_error() -> None:
    errors = asdict(contour_errors(perfect(face()), face()))
    assert max(abs(value) for value in errors.values()) < 1e-9


def test_known_displacements() -> None:
    truth, points = face(), perfect(face())
    points[[37, 38, 43, 44], 1] += 1.0
    points[[61, 62, 63], 1] -= 2.0
    points[[65, 66, 67], 1] += 1.0
    points[[18, 19, 20, 23, 24, 25], 1] -= 3.0
    errors = contour_errors(points, truth)
    assert errors.upper_lid_low == pytest.approx(1.0)
    assert 0.8 < errors.upper_lid <= 1.0
    assert errors.lip_gap == errors.lip_gap_wide == pytest.approx(3.0)
    assert errors.brow_high == pytest.approx(3.0)
    assert errors.lower_lid == errors.outer_lips == errors.jaw == pytest.approx(0, abs=1e-9)
    closer = perfect(truth)
    closer[[65, 66, 67], 1] -= 2.0
    shut = contour_errors(closer, truth)
    assert shut.lip_gap_wide == pytest.approx(-2.0)
    assert shut.lip_gap == pytest.approx(2.0)


def test_a_point_may_slide_along_its_curve() -> None:
    truth, points = face(), perfect(face())
    points[62] = on(truth, contours.LIP_INNER_UPPER, 203)
    points[51] = on(truth, contours.LIP_OUTER_UPPER, 206)
    points[8] = on(truth, contours.JAW, 190)
    errors = contour_errors(points, truth)
    assert errors.outer_lips < 1e-9
    assert errors.jaw < 1e-9


def test_missing_faces_and_strangers() -> None:
    truth = [face(), AnnotatedFace("b.jpg", face().points)]
    stranger = LandmarkPrediction(perfect(face()) + 400.0)
    table = evaluate_contours({"a.jpg": [stranger, LandmarkPrediction(perfect(face()))]}, truth)
    assert table.missed == 1
    mean = table.mean()
    assert mean is not None
    assert mean.jaw < 1e-9
    with pytest.raises(InputError) as caught:
        table.require_complete()
    assert caught.value.code == "predictions_incomplete"
    assert "b.jpg" in str(caught.value)
    assert "| mine | 2 | 1 |" in to_markdown({"mine": table})
    nothing = evaluate_contours({}, truth)
    assert nothing.mean() is None
    assert "–" in to_markdown({"none": nothing})
    content = json.loads(nothing.to_json())
    assert content["missed"] == 2
    assert content["mean"] is None


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    truth = face()
    listed = [{"file": "a.jpg", "points": (truth.points - 0.5).tolist()}]
    (tmp_path / "truth.json").write_text(json.dumps({"faces": listed}))
    Image.new("RGB", (400, 420), (90, 90, 90)).save(tmp_path / "a.jpg")
    points = perfect(truth) + [0.0, 1.0]
    rows = [{"file": "a.jpg", "set": "x", "points68": (points - 0.5).tolist()}]
    (tmp_path / "found.json").write_text(json.dumps(rows))
    files = {
        "--predictions": "found.json",
        "--annotations": "truth.json",
        "-o": "sheet.png",
        "--json": "out.json",
    }
    named = [part for flag, name in files.items() for part in (flag, str(tmp_path / name))]
    command = ["evaluate", "contours", *named]
    assert main(command) == 0
    assert "(+1.00)" in capsys.readouterr().out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (4 * 480, 480)
        first = np.asarray(sheet.convert("RGB")).astype(int)[:, :480]
    green = (first[..., 1] > 180) & (first[..., 0] < 120)
    red = (first[..., 0] > 180) & (first[..., 1] < 120)
    assert green.sum() > 500
    assert red.sum() > 300
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["mean"]["upper_lid_low"] == pytest.approx(1.0, abs=0.01)
    (tmp_path / "found.json").write_text("[]")
    assert main(command) != 0
