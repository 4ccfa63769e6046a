"""Procrustes, the crop, the border and the mouth by themselves."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from headform.errors import InputError
from headform.evaluate.scan import sanity_checks
from headform.evaluate.scan._mouth import mouth_gap
from headform.evaluate.scan.procrustes import procrustes
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import crop_scan
from headform.geometry.similarity import fit_similarity
from headform.mesh.closest_point import closest_points
from tests.evaluate.scan.faces import head_of, moved
from tests.mesh.surfaces import grid

RNG = np.random.default_rng(0)


def residual(target, source, scale, turn, shift):
    return ((target - scale * source @ turn.T - shift) ** 2).sum()


@pytest.mark.parametrize("mirrored", [False, True])
def test_procrustes_is_the_best_there_is(mirrored):
    source = RNG.normal(0, 1, (7, 3))
    noise = RNG.normal(0, 0.05, (7, 3))
    turn = Rotation.from_rotvec([0.4, 1.0, -2.0]).as_matrix() @ np.diag([-1.0 if mirrored else 1, 1, 1])
    target = 3.0 * source @ turn.T + [5, -2, 9] + noise
    found = procrustes(target, source)
    assert found.mirrors is mirrored
    own = residual(target, source, found.scale, found.R, found.t)

    def loss(p):
        turn = Rotation.from_rotvec(p[1:4]).as_matrix() * (-1 if mirrored else 1)
        return residual(target, source, p[0], turn, p[4:])

    sign = -1 if mirrored else 1
    near = np.concatenate([[3.0], Rotation.from_matrix(sign * found.R).as_rotvec(), [5, -2, 9]])
    best = minimize(loss, near + 0.05, method="BFGS", options={"gtol": 1e-9})
    assert own == pytest.approx(best.fun, rel=1e-6)
    np.testing.assert_allclose(found.apply(source), target, atol=0.2)
    np.testing.assert_allclose(found.inverse().apply(found.apply(source)), source, atol=1e-12)
    straight = fit_similarity(source, target)  # Umeyama's, without reflections
    assert not straight.mirrors
    if mirrored:
        assert residual(target, source, straight.scale, straight.R, straight.t) > 10 * own
    else:
        np.testing.assert_allclose(straight.R, found.R, atol=1e-9)
        assert straight.scale == pytest.approx(found.scale)


def test_one_alignment_after_another():
    a, b = (procrustes(RNG.normal(0, 1, (7, 3)), RNG.normal(0, 1, (7, 3))) for _ in range(2))
    points = RNG.normal(0, 1, (5, 3))
    np.testing.assert_allclose(b.after(a).apply(points), b.apply(a.apply(points)), atol=1e-12)


@pytest.mark.parametrize("bad", [np.ones((7, 3)), np.full((7, 3), np.nan)])
def test_procrustes_refuses(bad):
    with pytest.raises(ValueError, match="points must"):
        procrustes(RNG.normal(0, 1, (7, 3)), bad)


def test_scans_that_cannot_be_cropped():
    surface, landmarks = head_of(1)
    for scan, code in (
        (moved((surface, landmarks), 0.001), "scan_unit"),
        ((surface, landmarks + 1000.0), "crop_empty"),
        ((surface, landmarks[::-1].copy()), "landmarks_order"),
    ):
        for protocol in ("official", "florence"):
            with pytest.raises(InputError) as caught:
                crop_scan(*scan, PROTOCOLS[protocol])
            assert caught.value.code == code


def test_border_of_a_sheet():
    vertices, faces = grid(5, 5)
    points = np.array([[2.3, 2.2, 1], [2, 2, 1], [-1, 2, 0.5], [2.3, 9, 0], [-3, -3, 0], [0.4, 1, 1], [4, 2.5, 0]])
    found = closest_points(points, vertices, faces)
    on = sanity_checks.on_border(faces, found.triangle, found.weights)
    assert on.tolist() == [False, False, True, True, True, False, True]
    share, finding = sanity_checks.assess_size(faces, found.triangle, found.weights)
    assert share == pytest.approx(4 / 7)
    assert finding is not None
    assert finding.code == "too_small"


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.3])
def test_unit(scale):
    assert sanity_checks.assess_unit(1000 * scale, "m", metrical=True, where="") is None
    assert sanity_checks.likely_unit(10 * scale) == "cm"
    assert sanity_checks.likely_unit(100 * scale) is None


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ({}, 0.0, 2.0),
        ({"jawOpen": 0.3}, 6.0, 12.0),
        ({"jawOpen": 1.0}, 28.0, 38.0),
        ({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}, 0.0, 2.0),
    ],
)
def test_mouth_gap(expression, low, high):
    """Opening the open head's jaw wholly parts the lips by about 33 mm; it is the same wherever the head lies."""
    surface, landmarks = head_of(3, count=4900, spread=0.0, **expression)
    gap = mouth_gap(surface.vertices, surface.faces, landmarks)
    assert low <= gap <= high
    turned, marks = moved((surface, landmarks), turn=Rotation.from_rotvec([1, 2, 3]).as_matrix())
    assert mouth_gap(turned.vertices, turned.faces, marks) == pytest.approx(gap, abs=0.3)
    mirror, marks = moved((surface, landmarks), turn=np.diag([-1.0, 1, 1]))
    assert mouth_gap(mirror.vertices, mirror.faces, marks) == pytest.approx(gap, abs=0.3)
