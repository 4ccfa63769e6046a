"""Non-rigid registration of a sphere to a bumpy one: the oracle is the bumpy sphere's formula."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from headform.errors import InputError
from headform.registration.fold_overs import turned_over
from headform.registration.non_rigid import MarkedPoints, NonRigidOptions, Stiffness, register_mesh
from headform.registration.surface import SurfaceIndex
from tests.mesh.surfaces import sphere

RADIUS = 0.08
OPTIONS = NonRigidOptions(
    schedule=(
        Stiffness(0.03, 0.03, 0.4, 1.0, 4),
        Stiffness(0.012, 0.02, 0.5, 0.2, 4),
        Stiffness(0.005, 0.01, 0.6, 0.0, 6),
    )
)


def radius_of(direction: np.ndarray) -> np.ndarray:
    """Distance of the bumpy sphere from its middle, meters: 5 mm waves."""
    x, y, z = direction.T
    return np.asarray(RADIUS + 0.005 * np.sin(3 * x) * np.cos(4 * y) + 0.004 * z)


def bumpy(rows: int, columns: int, hole: float = 2.0) -> SurfaceIndex:
    """The bumpy sphere, open where the direction's x is above `hole`."""
    unit, faces = sphere(rows, columns)
    faces = faces[unit[faces].mean(axis=1)[:, 0] < hole]
    return SurfaceIndex.of(unit * radius_of(unit)[:, None], faces)


def no_marks(count: int) -> MarkedPoints:
    return MarkedPoints(csr_array((0, count)), np.zeros((0, 3)))


def off_mm(vertices: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vertices, axis=1)
    return np.asarray(1000 * np.abs(length - radius_of(vertices / length[:, None])))


def test_lies_on_the_surface_and_bridges_its_hole():
    unit, faces = sphere(30, 44)
    rest, every = RADIUS * unit, np.ones(len(unit), bool)
    found = register_mesh(rest, faces, every, bumpy(60, 90, 0.9), no_marks(len(unit)), OPTIONS)
    hole = found.vertices[:, 0] / np.linalg.norm(found.vertices, axis=1) > 0.92
    before, after = off_mm(rest), off_mm(found.vertices)
    assert np.median(before) > 2.0
    assert np.percentile(after[~hole], 95) < 0.25
    assert hole.sum() > 15
    assert (found.weights[hole] == 0).mean() > 0.9
    assert after[hole].max() < 1.0
    assert (found.weights[~hole] > 0).mean() > 0.9
    assert found.fold_overs == 0
    assert not turned_over(rest, found.vertices, faces).any()


def test_a_mesh_in_two_layers_of_a_surface_does_not_fold():
    """A spike and a flap above the surface, as hair and clothes are, pull no triangle over."""
    unit, faces = sphere(24, 36)
    rest, scan = RADIUS * unit, bumpy(40, 60)
    vertices = scan.vertices.copy()
    spikes = np.random.default_rng(2).choice(len(vertices), 60, replace=False)
    vertices[spikes] *= np.random.default_rng(3).uniform(0.8, 1.4, (60, 1))
    found = register_mesh(
        rest, faces, np.ones(len(unit), bool), SurfaceIndex.of(vertices, scan.faces), no_marks(len(unit)), OPTIONS
    )
    assert found.fold_overs == 0
    assert not turned_over(rest, found.vertices, faces).any()
    assert np.median(off_mm(found.vertices)) < 0.3


def test_landmarks_slide_the_mesh_along_and_a_wrong_one_does_not_matter():
    unit, faces = sphere(24, 36)
    rest, every = RADIUS * unit, np.ones(len(unit), bool)
    surface = SurfaceIndex.of(RADIUS * unit, faces)  # any turn of the sphere lies on it
    rows = np.flatnonzero((unit[:, 2] > 0.8) & (unit[:, 2] < 0.98))[::6]
    turn = np.array([[np.cos(0.05), -np.sin(0.05), 0], [np.sin(0.05), np.cos(0.05), 0], [0, 0, 1]])
    goals = rest[rows] @ turn.T
    mixture = csr_array((np.ones(len(rows)), (np.arange(len(rows)), rows)), shape=(len(rows), len(unit)))
    still = register_mesh(rest, faces, every, surface, no_marks(len(unit)), OPTIONS)
    np.testing.assert_allclose(still.vertices, rest, atol=1e-4)
    led = register_mesh(rest, faces, every, surface, MarkedPoints(mixture, goals), OPTIONS)
    before, after = (np.linalg.norm(v[rows] - goals, axis=1) for v in (rest, led.vertices))
    assert np.median(after) < 0.4 * np.median(before)
    assert np.percentile(1000 * np.abs(np.linalg.norm(led.vertices, axis=1) - RADIUS), 95) < 0.25
    goals[0] += [0.0, 0.0, 0.2]
    wrong = register_mesh(rest, faces, every, surface, MarkedPoints(mixture, goals), OPTIONS)
    assert 1000 * np.linalg.norm(wrong.vertices - led.vertices, axis=1).max() < 1.5
    assert wrong.fold_overs == 0


def test_a_surface_that_is_elsewhere_is_refused():
    unit, faces = sphere(12, 18)
    far = SurfaceIndex.of(RADIUS * unit + 1.0, faces)
    with pytest.raises(InputError) as refused:
        register_mesh(RADIUS * unit, faces, np.ones(len(unit), bool), far, no_marks(len(unit)), OPTIONS)
    assert refused.value.code == "fit_lost"
