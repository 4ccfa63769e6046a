"""The original evaluator's numbers on a real scan, digit by digit; from arrays, and from files by the command."""

import json

import numpy as np
import pytest

from headform.cli.main import main
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import crop_scan, scan_error
from headform.geometry.seven_landmarks import face_sphere
from tests.evaluate.scan.golden import EXPECTED, ITERATIONS, TOLERANCE, arrays, write_all


@pytest.fixture(scope="module")
def z(data_root):
    return arrays(data_root)


@pytest.fixture(scope="module")
def pair(z):
    return (
        Surface(z["scan_vertices"], z["scan_faces"].astype(np.int64), "scan"),
        z["scan_landmarks"].astype(np.float64),
        Surface(z["predicted_vertices"], z["predicted_faces"].astype(np.int64), "prediction"),
        z["predicted_landmarks"],
    )


@pytest.fixture(scope="module")
def folder(z, tmp_path_factory):
    made = tmp_path_factory.mktemp("golden")
    write_all(made, z)
    return made


def measured(pair, protocol, **options):
    scan, marks, head, head_marks = pair
    cut = crop_scan(scan, marks, PROTOCOLS[protocol])
    return scan_error(cut, head, head_marks, protocol=PROTOCOLS[protocol], **options)


def check(median, mean, std, metrical):
    np.testing.assert_allclose((median, mean, std), EXPECTED[metrical], rtol=0, atol=TOLERANCE[metrical])


@pytest.mark.parametrize("metrical", [False, True])
def test_official_vertex_by_vertex(pair, data_root, metrical):
    found = measured(pair, "official", unit="m", metrical=metrical)
    check(found.median, found.mean, found.std, metrical)
    name = "metrical" if metrical else "nonmetrical"
    reference = np.load(data_root / "now_golden" / f"reference_distances_{name}.npy")
    np.testing.assert_allclose(found.distances, reference, rtol=0, atol=1e-5)
    assert found.iterations == ITERATIONS[metrical]
    assert found.scale == pytest.approx(1039.8798, abs=5e-5)
    assert found.scan_vertices == 47653
    assert not found.findings


@pytest.mark.parametrize(
    ("metrical", "scan", "head", "landmarks"),
    [
        (False, "scan.obj", "head.obj", "head.npy"),
        (False, "scan.ply", "head.ply", "head.txt"),
        (True, "scan.ply", "head.ply", "head.npy"),
        (True, "scan.obj", "head.obj", "head.txt"),
    ],
)
def test_official_from_files_by_the_command(folder, tmp_path, metrical, scan, head, landmarks):
    words = ["evaluate", "scan", "--scan", str(folder / scan), "--prediction", str(folder / head)]
    words += ["--scan-landmarks", str(folder / "scan.pp"), "--unit", "m"]
    words += ["--prediction-landmarks", str(folder / landmarks), "--json", str(tmp_path / "o.json")]
    assert main(words + ["--metrical"] * metrical) == 0
    found = json.loads((tmp_path / "o.json").read_text())
    check(found["median"], found["mean"], found["std"], metrical)
    assert found["iterations"] == ITERATIONS[metrical]
    assert (found["vertices"], found["warnings"]) == (21890, [])


def test_corrected_differs_only_where_it_says(pair):
    """Non-metrical alike; metrical starts beside the scan, not 60 mm away, and ends within a micrometer or so."""
    plain = measured(pair, "corrected")
    check(plain.median, plain.mean, plain.std, False)
    near = measured(pair, "corrected", unit="m", metrical=True)
    assert near.iterations == 9
    assert abs(near.median - EXPECTED[True][0]) < 2e-4
    assert near.alignment.scale == 1000.0


def test_fg2018_counts_its_own_sphere(pair):
    found = measured(pair, "fg2018", unit="m")
    p = pair[1]
    bridge = (p[1] + p[2]) / 2
    center = 0.7 * p[4] + 0.3 * bridge
    radius = 0.6 * (np.linalg.norm(p[0] - p[3]) + np.linalg.norm(bridge - p[4]))
    assert face_sphere(p, 1.2)[1] == pytest.approx(radius)
    kept = np.linalg.norm(pair[0].vertices - center, axis=1) <= radius
    assert len(found.distances) == kept.sum() < 21890
    assert found.iterations == 0
    assert found.rmse == pytest.approx(np.sqrt(np.mean(found.distances**2)))
    placed = found.alignment.apply(pair[3])
    assert np.linalg.norm(placed - p, axis=1).mean() < 5.0
    np.testing.assert_allclose(placed.mean(0), p.mean(0), atol=1e-9)
