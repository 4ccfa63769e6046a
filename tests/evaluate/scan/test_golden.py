"""The original evaluator's numbers on a real scan, digit by digit."""

import numpy as np
import pytest

from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import scan_error

EXPECTED = {
    False: (1.451816312863, 1.665171574183, 1.208422476914),
    True: (1.457833449523, 1.735711044988, 1.286760854420),
}


@pytest.fixture(scope="module")
def pair(data_root):
    with np.load(data_root / "now_golden" / "fixture.npz") as file:
        z = {name: file[name] for name in file.files}
    return (
        Surface(z["scan_vertices"], z["scan_faces"].astype(np.int64), "scan"),
        z["scan_landmarks"].astype(np.float64),
        Surface(z["predicted_vertices"], z["predicted_faces"].astype(np.int64), "prediction"),
        z["predicted_landmarks"],
    )


@pytest.mark.parametrize("metrical", [False, True])
def test_official(pair, data_root, metrical):
    found = scan_error(*pair, protocol=PROTOCOLS["official"], unit="m", metrical=metrical)
    tolerance = 1e-4 if metrical else 1e-6
    numbers = (found.median, found.mean, found.std)
    np.testing.assert_allclose(numbers, EXPECTED[metrical], rtol=0, atol=tolerance)
    name = "metrical" if metrical else "nonmetrical"
    reference = np.load(data_root / "now_golden" / f"reference_distances_{name}.npy")
    np.testing.assert_allclose(found.distances, reference, rtol=0, atol=1e-5)
    assert found.iterations == (53 if metrical else 8)
    assert found.scale == pytest.approx(1039.8798, abs=5e-5)
    assert found.scan_vertices == 47653
    assert not found.findings
