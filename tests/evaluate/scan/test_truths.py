"""Scans whose error is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from headform.errors import InputError
from headform.evaluate.scan._dogleg import Rules
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from tests.evaluate.scan.faces import head_of, measured, moved
from tests.mesh.surfaces import sphere

TURN = Rotation.from_rotvec([0.2, -1.1, 0.4]).as_matrix()


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_the_scan_itself_scores_zero_wherever_it_lies(protocol):
    scan = head_of(1)
    elsewhere = moved(scan, 0.001, TURN, (0.3, 1.5, -0.2))
    for metrical in (False, True):
        found = measured(scan, elsewhere, protocol, unit="m", metrical=metrical)
        assert found.distances.max() < 1e-6
        assert found.rmse < 1e-6
        assert found.scale == pytest.approx(1000.0)
        assert not found.findings
        placed = found.alignment.apply(elsewhere[0].vertices)
        np.testing.assert_allclose(placed, scan[0].vertices, atol=1e-5)


def on_sphere(radius):
    """A sphere with seven places in a face's order on it."""
    vertices, faces = sphere(60, 120)
    at = np.array(
        [
            [-35, 15, 0],
            [-12, 15, 0],
            [12, 15, 0],
            [35, 15, 0],
            [0, -10, 9],
            [-18, -28, 0],
            [18, -28, 0.0],
        ]
    )
    at[:, 2] += 30
    return Surface(vertices * radius, faces, "sphere"), at / np.linalg.norm(at, axis=1)[:, None] * radius


@pytest.mark.parametrize("offset", [-3.0, 0.5, 2.0])
def test_a_known_offset_along_the_normals_is_the_score(offset):
    """Concentric spheres cannot come closer without scaling; the whole sphere is measured."""
    whole = replace(PROTOCOLS["corrected"], factor=4.0, refine=Rules(improvement=1e-12))
    scan, head = on_sphere(50.0), on_sphere(50.0 + offset)
    found = measured(scan, head, whole, unit="mm", metrical=True)
    assert len(found.distances) == len(scan[0].vertices)
    assert found.mean == pytest.approx(abs(offset), abs=0.025)  # facets
    np.testing.assert_allclose(found.distances, abs(offset), atol=0.08)
    assert measured(scan, head, whole, unit="mm").distances.max() < 0.08, "a scale undoes it"


@pytest.mark.parametrize("protocol", ["official", "corrected", "fg2018"])
def test_scaling_the_prediction_matters_to_the_metrical_mode_only(protocol):
    scan, head = head_of(2), head_of(2, noise=0.2)
    larger = moved(head, 1.1)
    same = measured(scan, head, protocol), measured(scan, larger, protocol)
    np.testing.assert_allclose(same[0].distances, same[1].distances, atol=1e-7)
    assert same[1].scale == pytest.approx(same[0].scale / 1.1)
    options = {"unit": "mm", "metrical": True}
    other = measured(scan, head, protocol, **options), measured(scan, larger, protocol, **options)
    assert other[1].mean > 1.5 * other[0].mean


def test_florence_measures_to_planes_within_95_mm_of_the_nose_tip():
    scan, head = head_of(4), head_of(5)
    found = measured(scan, head, "florence")
    marks = scan[1]
    forwards = np.cross(marks[3] - marks[0] + marks[6] - marks[5], marks[:4].mean(0) - marks[5:].mean(0))
    tip = scan[0].vertices[(scan[0].vertices @ forwards).argmax()]
    near = np.linalg.norm(scan[0].vertices - tip, axis=1) <= 95.0
    points, placed = scan[0].vertices[near], found.alignment.apply(head[0].vertices)
    assert len(found.distances) == near.sum()
    a, b, c = placed[head[0].faces].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    planes = np.abs(((points[:, None] - a) * normal).sum(2))
    assert (np.abs(planes - found.distances[:, None]).min(1) < 1e-9).all(), "one of the planes"
    exact = measured(scan, head, replace(PROTOCOLS["florence"], to_plane=False))
    assert (found.distances <= exact.distances + 1e-12).all()
    assert (found.distances < exact.distances - 1e-6).any()


def test_official_mirrors_and_says_so_corrected_refuses():
    scan, head = head_of(6), head_of(6)
    mirrored = moved(head, turn=np.diag([-1.0, 1, 1]))
    found = measured(scan, mirrored)
    assert [f.code for f in found.findings] == ["reflected"]
    assert found.alignment.mirrors
    assert found.distances.max() < 1e-6
    with pytest.raises(InputError, match="mirrored") as caught:
        measured(scan, mirrored, "corrected")
    assert caught.value.code == "landmarks_mirrored"


def test_official_starts_metrical_runs_where_the_evaluator_does():
    """Its shift belongs to the fitted scale: the further the origin is from the face, the further off the start."""
    scan, head = head_of(7), moved(head_of(8), 1 / 1040, shift=(0, 1.5, 0))
    options = {"unit": "m", "metrical": True}
    at_start = {}
    for name in ("official", "corrected"):
        found = measured(scan, head, replace(PROTOCOLS[name], refine=None), **options)
        at_start[name] = found.alignment.apply(head[1]).mean(0) - scan[1].mean(0)
        turn, size = found.alignment.R, found.scale
        assert found.alignment.scale == 1000.0
    np.testing.assert_allclose(at_start["corrected"], 0.0, atol=1e-9)
    np.testing.assert_allclose(at_start["official"], (1000 - size) * turn @ head[1].mean(0), atol=1e-9)
    assert np.linalg.norm(at_start["official"]) > 20
    astray, near = measured(scan, head, **options), measured(scan, head, "corrected", **options)
    assert astray.iterations > near.iterations
    assert astray.mean == pytest.approx(near.mean, rel=0.01)
    assert astray.border == near.border == measured(scan, head).border > 0, "as the landmarks place it"


def test_a_metrical_run_needs_a_unit():
    with pytest.raises(ValueError, match="unit"):
        measured(head_of(1), head_of(2), metrical=True)
