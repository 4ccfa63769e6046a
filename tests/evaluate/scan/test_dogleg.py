"""The descent: derivatives against finite differences, its end against scipy's, its rules one by one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.optimize import minimize as scipy_minimize
from scipy.spatial.transform import Rotation

from headform.evaluate.scan._dogleg import Linearized, Rules, minimize
from headform.evaluate.scan._rigid_surface import RigidSurface
from headform.geometry.rotation import rotation_derivative, rotation_from_rotvec
from headform.mesh.closest_point import ClosestPointTree, closest_points
from tests.mesh.surfaces import face_sheet

THOROUGH = Rules(improvement=1e-13)


def rosenbrock(x):
    r = np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])
    J = np.array([[-20 * x[0], 10.0], [-1.0, 0.0]])
    return Linearized(float(r @ r), -J.T @ r, J.T @ J)


@pytest.fixture(scope="module")
def pair():
    """A face sheet in millimeters, and points about another one, turned and shifted."""
    vertices, faces = face_sheet(14, 14)
    other, _ = face_sheet(20, 20)
    turn = Rotation.from_rotvec([0.1, -0.05, 0.08]).as_matrix()
    points = 1030 * other[:, [0, 1, 2]] @ turn.T + [3.0, -2.0, 4.0]
    points[:, 2] += np.sin(points[:, 0] / 9)
    return points[::3], vertices * 1000, faces


def explicit(parameters, points, vertices, faces):
    """Distances with the mesh itself moved, by scipy's rotations."""
    placed = parameters[0] * Rotation.from_rotvec(parameters[1:4]).apply(vertices) + parameters[4:]
    return np.sqrt(closest_points(points, placed, faces).squared)


@pytest.mark.parametrize("rotvec", [[0.0, 0, 0], [3e-6, -1e-6, 2e-6], [0.3, -0.7, 1.9], [0, 3.1, 0]])
def test_derivative_of_rotations(rotvec):
    rotvec = np.array(rotvec)
    step = 1e-5
    for k in range(3):
        e = np.eye(3)[k] * step
        slope = (rotation_from_rotvec(rotvec + e) - rotation_from_rotvec(rotvec - e)) / (2 * step)
        np.testing.assert_allclose(rotation_derivative(rotvec)[k], slope, atol=1e-9)


@pytest.mark.parametrize(
    "at",
    [[1.0, 0, 0, 0, 0, 0, 0], [1.03, 0.2, -0.4, 0.1, 3.0, -1.0, 2.0], [-1.0, 0.1, 0, 0, 0, 0, 0]],
)
def test_distances_and_derivatives(pair, at):
    points, vertices, faces = pair
    surface = RigidSurface(points, ClosestPointTree.of(vertices, faces), scaled=True)
    at = np.array(at)
    found = surface(at)
    own = explicit(at, points, vertices, faces)
    np.testing.assert_allclose(found.distances, own, rtol=1e-9, atol=1e-9)
    penalty = 100 * (abs(at[0]) - at[0])
    assert found.energy == pytest.approx(own @ own + penalty**2)

    def residuals(x):
        return np.append(explicit(x, points, vertices, faces), 100 * (abs(x[0]) - x[0]))

    steps = np.array([1e-7, 1e-7, 1e-7, 1e-7, 1e-5, 1e-5, 1e-5])
    # from both sides, for the central difference
    ahead, behind = approx_fprime(at, residuals, steps), approx_fprime(at, residuals, -steps)
    J = (ahead + behind) / 2
    if at[0] == 1.0 or at[0] > 0:
        J[-1] = 0.0
    scale = np.abs(J.T @ J).max(0)
    np.testing.assert_allclose(found.curvature / scale, J.T @ J / scale, atol=2e-4)
    np.testing.assert_allclose(found.descent, -J.T @ residuals(at), rtol=2e-4, atol=1e-2)


def test_a_scale_of_nothing_is_infinitely_bad(pair):
    points, vertices, faces = pair
    surface = RigidSurface(points, ClosestPointTree.of(vertices, faces), scaled=True)
    assert surface(np.zeros(7)).energy == np.inf


@pytest.mark.parametrize("scaled", [True, False])
def test_run_to_the_end_it_is_where_scipy_ends(pair, scaled):
    points, vertices, faces = pair
    surface = RigidSurface(points, ClosestPointTree.of(vertices, faces), scaled=scaled)
    found = minimize(surface, surface.start(), THOROUGH)

    def energy(free):
        d = explicit(surface.all_parameters(free), points, vertices, faces)
        return d @ d

    # in units that make all parameters alike
    size = np.array([0.01, 0.01, 0.01, 0.01, 1.0, 1.0, 1.0])[0 if scaled else 1 :]
    start = surface.start()
    rival = scipy_minimize(lambda y: energy(start + y * size), np.zeros(len(size)), method="BFGS", tol=1e-5)
    assert found.at.energy == pytest.approx(energy(found.parameters))
    assert found.at.energy <= rival.fun * (1 + 1e-9)
    assert found.at.energy == pytest.approx(rival.fun, rel=1e-5)
    np.testing.assert_allclose(found.parameters, start + rival.x * size, atol=0.02, rtol=0)
    assert found.at.energy < 0.3 * surface(start).energy


def test_rosenbrock():
    found = minimize(rosenbrock, np.array([-1.2, 1.0]), Rules(improvement=0.0))
    np.testing.assert_allclose(found.parameters, 1.0, atol=1e-9)
    assert found.stop in ("gradient", "step")


def test_each_rule_ends_it():
    start = np.array([-1.2, 1.0])
    assert minimize(rosenbrock, np.ones(2), Rules()).stop == "gradient"
    assert minimize(rosenbrock, np.ones(2), Rules()).iterations == 0
    short = minimize(rosenbrock, start, Rules(iterations=3))
    assert (short.stop, short.iterations) == ("iterations", 3)
    lazy = minimize(rosenbrock, start, Rules(improvement=0.9))
    assert (lazy.stop, lazy.iterations) == ("improvement", 1)
    assert minimize(rosenbrock, start, Rules(step=10.0)).stop == "step"


def test_the_radius_holds_and_grows():
    """On a linear problem every promise is kept: steps of 0.1, 0.25, 0.625, ... until the end is in reach."""
    places = []

    def line(x):
        places.append(x.copy())
        return Linearized(float(x @ x), -x, np.eye(2))

    found = minimize(line, np.array([3.0, 4.0]), Rules(improvement=0.0))
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    np.testing.assert_allclose(steps[:4], [0.1, 0.25, 0.625, 1.5625])
    np.testing.assert_allclose(found.parameters, 0.0, atol=1e-15)


def test_a_bad_step_is_taken_back_and_the_radius_quartered():
    tried = []

    @dataclass(frozen=True)
    class At(Linearized):
        x: float = 0.0

    def wall(x):
        """Downhill by the derivatives, but a wall stands 0.03 away."""
        tried.append(float(x[0]))
        energy = float((1 - x[0]) ** 2) if x[0] < 0.03 else 100.0
        return At(energy, np.array([1 - x[0]]), np.eye(1), float(x[0]))

    found = minimize(wall, np.zeros(1), replace(Rules(), iterations=1))
    np.testing.assert_allclose(tried, [0.0, 0.1, 0.025])
    assert found.at.x == pytest.approx(0.025)


def test_a_direction_that_does_not_matter_is_left_alone():
    """A singular system has the shortest solution."""

    def flat(x):
        return Linearized(float((x[0] - 1) ** 2), np.array([1 - x[0], 0.0]), np.diag([1.0, 0.0]))

    found = minimize(flat, np.array([0.95, 5.0]), Rules())
    np.testing.assert_allclose(found.parameters, [1.0, 5.0])


@pytest.mark.parametrize("start", [np.zeros(2), np.array([1.0, -3.0])])
def test_it_ends_where_no_step_helps(start):
    """Derivatives that promise what the energy does not keep; at zero, no step is short beside the parameters."""
    calls = []

    def stubborn(x):
        calls.append(x)
        return Linearized(1.0, np.array([1.0, 1.0]), np.eye(2))

    found = minimize(stubborn, start, Rules())
    assert found.stop == "step"
    np.testing.assert_array_equal(found.parameters, start)
    assert len(calls) < 40


def test_steps_into_nothing_are_taken_back():
    def cliff(x):
        outside = abs(x[0] - 1.0) > 0.03
        energy = np.nan if outside else float((1.5 - x[0]) ** 2)
        return Linearized(energy, np.array([np.nan if outside else 1.5 - x[0]]), np.eye(1))

    found = minimize(cliff, np.ones(1), Rules())
    assert found.parameters[0] == pytest.approx(1.03, abs=1e-3)
    assert np.isfinite(found.at.energy)


def test_it_does_not_start_from_nothing():
    with pytest.raises(ValueError, match="not finite"):
        minimize(lambda x: Linearized(np.inf, np.ones(1), np.eye(1)), np.ones(1), Rules())


def test_a_solution_at_infinity_is_no_step():
    """Solving with the least positive number overflows."""

    def weak(x):
        return Linearized(float((x[0] - 1) ** 2), np.array([1 - x[0], 1e-3]), np.diag([1.0, 5e-324]))

    assert np.isfinite(minimize(weak, np.array([0.95, 5.0]), Rules()).parameters).all()
