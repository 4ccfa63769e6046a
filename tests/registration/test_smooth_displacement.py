"""Thin plate over a sheet: what it follows, what it continues, and the minimum itself."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from headform.registration.smooth_displacement import PointPulls, ThinPlate
from tests.mesh.surfaces import grid

FADE = 50.0


@pytest.fixture(scope="module")
def sheet():
    vertices, faces = grid(25, 25)
    return vertices, ThinPlate.of(vertices, faces)


def test_a_shift_is_followed_whatever_the_stiffness(sheet):
    vertices, plate = sheet
    wanted = np.tile([1.0, -2.0, 0.5], (len(vertices), 1))
    for length in (0.5, 3.0):
        move = plate.displacements(wanted, np.ones(len(vertices)), length=length, fade=FADE)
        np.testing.assert_allclose(move, wanted, atol=1e-3)


def test_short_waves_are_smoothed_and_long_ones_are_not(sheet):
    """Inside of a sheet a wave of number k keeps 1 / (1 + (k l)^4) of its height."""
    vertices, plate = sheet
    ones, inner = np.ones(len(vertices)), (np.abs(vertices[:, :2] - 12) < 6).all(axis=1)
    for wave, length in ((0.25, 2.0), (0.5, 2.0), (0.8, 2.0)):
        wanted = np.zeros_like(vertices)
        wanted[:, 2] = np.cos(wave * (vertices[:, 0] - 12))
        move = plate.displacements(wanted, ones, length=length, fade=FADE)
        kept = (move[inner, 2] @ wanted[inner, 2]) / (wanted[inner, 2] @ wanted[inner, 2])
        assert kept == pytest.approx(1 / (1 + (wave * length) ** 4), abs=0.04)


def test_a_hole_is_bridged_smoothly(sheet):
    vertices, plate = sheet
    wanted = np.zeros_like(vertices)
    wanted[:, 2] = 1.0 + 0.02 * (vertices[:, 0] - 12) ** 2 / 12
    hole = (np.abs(vertices[:, :2] - 12) < 4).all(axis=1)
    nonsense = np.where(hole[:, None], 99.0, wanted)
    move = plate.displacements(nonsense, (~hole).astype(float), length=0.5, fade=FADE)
    np.testing.assert_allclose(move[hole], wanted[hole], atol=0.05)


def test_far_from_data_the_mesh_stays(sheet):
    vertices, plate = sheet
    weights = (vertices[:, 0] < 4).astype(float)
    wanted = np.tile([0.0, 0.0, 1.0], (len(vertices), 1))
    move = plate.displacements(wanted, weights, length=1.0, fade=3.0)[:, 2]
    assert move[vertices[:, 0] == 0].min() > 0.9
    assert np.abs(move[vertices[:, 0] > 20]).max() < 0.05


def test_is_the_minimum_of_the_stated_sum():
    vertices, faces = grid(6, 5)
    vertices[:, 2] = 0.3 * np.sin(vertices[:, 0])
    plate, rng = ThinPlate.of(vertices, faces), np.random.default_rng(1)
    count = len(vertices)
    targets, weights, bend = rng.normal(size=(count, 3)), rng.uniform(0, 1, count), rng.uniform(0.5, 3, count)
    mixture = csr_array(([0.3, 0.7, 1.0], ([0, 0, 1], [3, 4, 20])), shape=(2, count))
    pulls = PointPulls(mixture, rng.normal(size=(2, 3)), np.array([2.0, 0.5]))

    def energy(move):
        curve = (plate.laplacian @ move) / plate.area[:, None]
        data = (plate.area * weights) @ ((move - targets) ** 2).sum(1)
        smooth = (plate.area * bend) @ ((curve**2).sum(1) + (move**2).sum(1) / 4.0**4)
        marks = pulls.weights @ ((mixture @ move - pulls.targets) ** 2).sum(1)
        return data + 1.3**4 * smooth + marks

    best = plate.displacements(targets, weights, length=1.3, fade=4.0, stiffness=bend, pulls=pulls)
    for _ in range(20):
        step = rng.normal(size=best.shape)
        up, down = (energy(best + sign * 1e-4 * step) for sign in (1, -1))
        assert up > energy(best) < down
        assert abs(up - down) < 1e-9 * energy(best) + 1e-10
