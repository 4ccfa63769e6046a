"""Landmark files of 68 rows in place of seven, in every command that reads them."""

import json

import numpy as np

from headform.cli.main import main
from headform.geometry.landmarks68 import NOW7
from tests.evaluate.now.made_tree import IMAGES, part_of, prediction, write_prediction


def as_68(landmarks: np.ndarray) -> np.ndarray:
    points = np.full((68, 3), 1e3)  # far from the face: nothing but the seven may count
    points[list(NOW7)] = landmarks
    return points


def test_sixty_eight_rows_measure_as_their_seven(dataset, tmp_path):
    few = part_of(dataset, tmp_path / "few", 2)
    numbers = {}
    for kind in ("seven", "many"):
        for number in range(2):
            mesh, landmarks = prediction(number)
            rows = landmarks if kind == "seven" else as_68(landmarks)
            write_prediction(tmp_path / kind, IMAGES[number], mesh, rows)  # .npy and .txt by turns
        words = ["--dataset", str(few), "--predictions", str(tmp_path / kind), "--json"]
        assert main(["evaluate", "now-check", *words, str(tmp_path / "check.json")]) == 0
        assert main(["evaluate", "now", *words, str(tmp_path / f"{kind}.json"), "--metrical"]) == 0
        numbers[kind] = json.loads((tmp_path / f"{kind}.json").read_text())["images"]
    assert numbers["many"] == numbers["seven"]


def test_of_one_scan_and_one_head(dataset, tmp_path):
    subject = IMAGES[0].split("/")[0]
    scan = next((dataset / "scans" / subject).glob("*.obj"))
    picks = next((dataset / "scans_lmks_onlypp" / subject).glob("*.pp"))
    write_prediction(tmp_path, IMAGES[0], *prediction(0))
    base = tmp_path / IMAGES[0]
    found = []
    for name in ("seven", "many"):
        rows = np.load(base.with_suffix(".npy"))[0]
        np.save(tmp_path / f"{name}.npy", rows if name == "seven" else as_68(rows))
        words = ["evaluate", "scan", "--scan", str(scan), "--scan-landmarks", str(picks), "--unit", "m"]
        words += ["--prediction", str(base.with_suffix(".obj")), "--json", str(tmp_path / "out.json")]
        assert main([*words, "--prediction-landmarks", str(tmp_path / f"{name}.npy")]) == 0
        found.append(json.loads((tmp_path / "out.json").read_text())["median"])
    assert found[0] == found[1]
