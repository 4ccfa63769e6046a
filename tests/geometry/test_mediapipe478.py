from pathlib import Path

import numpy as np

from headform.geometry import mediapipe478 as scheme
from headform.geometry.landmarks68 import MIRROR68


def canonical(data_root: Path) -> np.ndarray:
    file = data_root / "models" / "mediapipe_canonical" / "face_model_with_iris.obj"
    rows = [line.split() for line in file.read_text().splitlines()]
    return np.array([[float(x) for x in row[1:4]] for row in rows if row and row[0] == "v"])


def test_mirroring_twice_changes_nothing() -> None:
    np.testing.assert_array_equal(scheme.MIRROR478[scheme.MIRROR478], np.arange(478))
    # the usual 68 points are mirror images of each other, but for the brows, whose list is known to be uneven
    both = scheme.MIRROR478[scheme.TO_68] == scheme.TO_68[MIRROR68]
    assert both[17:].mean() > 0.85


def test_the_canonical_face_is_its_own_mirror_image(data_root: Path) -> None:
    face = canonical(data_root)
    image = face[scheme.MIRROR478] * [-1, 1, 1]
    assert np.abs(image - face).max() < 0.2  # centimeters; it is not quite symmetric


def test_rings_run_across_and_lie_above_each_other(data_root: Path) -> None:
    face = canonical(data_root)
    for upper, lower in (*scheme.LID_PAIRS, *scheme.LIP_PAIRS):
        assert face[upper, 1] > face[lower, 1] - 1e-6
        assert abs(face[upper, 0] - face[lower, 0]) < 0.5
    for ring in (scheme.UPPER_LIP_OUTER, scheme.LOWER_LIP_OUTER, scheme.UPPER_LIP_INNER):
        assert (np.diff(face[list(ring), 0]) > 0).all()  # to the subject's left
    for ring in (scheme.UPPER_LID_RIGHT, scheme.LOWER_LID_RIGHT):
        assert (np.diff(face[list(ring), 0]) > 0).all()
        assert (np.diff(face[scheme.MIRROR478[list(ring)], 0]) < 0).all()
    for rows, x in ((scheme.IRIS_RIGHT, -3.2), (scheme.IRIS_LEFT, 3.2)):
        np.testing.assert_allclose(face[rows][1:].mean(0)[:2], face[rows.start, :2], atol=0.01)
        assert abs(face[rows.start, 0] - x) < 0.1
