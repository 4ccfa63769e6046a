"""One step toward planes: its derivatives, its minimum, and where repeated steps lead, against scipy."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from headform.geometry.similarity import Similarity
from headform.registration._plane_step import (
    PlacedShape,
    Planes,
    joined,
    pivot,
    plane_step,
    points_as_planes,
    residuals,
)
from headform.registration.shape_models import ShapeModel
from headform.registration.surface import Border
from tests.mesh.surfaces import face_sheet

MODES, SHAPES = 4, 3


@pytest.fixture(scope="module")
def model() -> ShapeModel:
    vertices, faces = face_sheet(9, 8)
    rng = np.random.default_rng(1)
    waves, phase = rng.normal(0, 20, (MODES + SHAPES, 3, 3)), rng.uniform(0, 6, (MODES + SHAPES, 3))
    basis = 0.004 * np.sin(np.einsum("kcd,nd->kcn", waves, vertices) + phase[..., None])
    count = len(vertices)
    return ShapeModel(
        mean=vertices,
        basis=np.ascontiguousarray(basis.transpose(1, 2, 0)),
        faces=faces,
        border=Border.of(faces, count),
        region=np.ones(count, bool),
        landmark_corners=np.zeros((68, 3), np.int64),
        landmark_weights=np.zeros((68, 3)),
        precision=np.array([1.0] * MODES + [16.0] * SHAPES),
        lower=np.array([-np.inf] * MODES + [0.0] * SHAPES),
        upper=np.array([np.inf] * MODES + [1.0] * SHAPES),
        num_identity=MODES,
    )


def made_planes(model: ShapeModel, seed: int, count: int = 200) -> Planes:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(3), count)
    weights[: count // 2] = [1.0, 0.0, 0.0]
    weights[count // 2 : count // 2 + 20] = [1.0, -1.0, 0.0]  # differences between points
    normal = rng.normal(size=(count, 3))
    return Planes(
        corners=rng.integers(0, len(model.mean), (count, 3)),
        weights=weights,
        normal=normal / np.linalg.norm(normal, axis=1, keepdims=True),
        offset=rng.normal(0, 0.05, count),
        stiffness=rng.uniform(0.5, 2, count) * 1e4,
    )


def made_shape(seed: int) -> PlacedShape:
    rng = np.random.default_rng(seed)
    R = Rotation.from_rotvec(rng.normal(0, 0.5, 3)).as_matrix()
    code = np.concatenate([rng.normal(size=MODES), rng.uniform(0.2, 0.8, SHAPES)])
    return PlacedShape(code, Similarity(1.1, R, rng.normal(0, 0.1, 3)))


def moved(model: ShapeModel, at: PlacedShape, step: np.ndarray) -> PlacedShape:
    """The parametrization of the module's head, written down once more."""
    center = pivot(model, at)
    turn, factor = Rotation.from_rotvec(step[-7:-4]).as_matrix(), np.exp(step[-1])
    old = at.similarity
    t = factor * turn @ (old.t - center) + center + step[-4:-1]
    return PlacedShape(at.coefficients + step[:-7], Similarity(old.scale * factor, turn @ old.R, t))


def distances(model: ShapeModel, at: PlacedShape, planes: Planes) -> np.ndarray:
    """The plain formula."""
    vertices = model.mean + np.einsum("ank,k->na", model.basis, at.coefficients)
    x = np.einsum("nc,nca->na", planes.weights, vertices[planes.corners])
    y = np.einsum("ab,nb->na", at.similarity.scale * at.similarity.R, x)
    y += planes.weights.sum(1)[:, None] * at.similarity.t
    return np.einsum("na,na->n", planes.normal, y) - planes.offset


def test_distances_and_derivatives(model):
    planes, at = made_planes(model, 0), made_shape(1)
    value, rows = residuals(model, at, planes)
    np.testing.assert_allclose(value, distances(model, at, planes), atol=1e-14)
    h = 1e-6
    for k in range(MODES + SHAPES + 7):
        step = np.zeros(MODES + SHAPES + 7)
        step[k] = h
        ahead = distances(model, moved(model, at, step), planes)
        behind = distances(model, moved(model, at, -step), planes)
        np.testing.assert_allclose(rows[:, k], (ahead - behind) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("scale", [False, True])
def test_steps_lead_to_the_minimum_that_scipy_finds(model, scale):
    """The whole objective, distances and prior within bounds, minimized by an independent method from the same start."""
    planes, start, truth = made_planes(model, 2), made_shape(3), made_shape(8)
    noise = np.random.default_rng(9).normal(0, 0.003, len(planes.offset))
    here = planes.offset + distances(model, truth, planes) + noise
    planes = replace(planes, offset=here)

    known = MODES + SHAPES + (7 if scale else 6)

    def objective(x):
        at = moved(model, start, np.concatenate([x, np.zeros(MODES + SHAPES + 7 - known)]))
        data = np.sqrt(planes.stiffness) * distances(model, at, planes)
        return np.concatenate([data, np.sqrt(model.precision) * at.coefficients])

    low, high = np.full(known, -np.inf), np.full(known, np.inf)
    low[: MODES + SHAPES] = model.lower - start.coefficients
    high[: MODES + SHAPES] = model.upper - start.coefficients
    theirs = least_squares(objective, np.zeros(known), bounds=(low, high), xtol=1e-13, ftol=1e-13)
    at = start
    for _ in range(30):
        at = plane_step(model, at, planes, scale=scale)
    data = planes.stiffness @ distances(model, at, planes) ** 2
    ours = 0.5 * (data + model.precision @ at.coefficients**2)
    assert ours == pytest.approx(theirs.cost, rel=1e-7)
    np.testing.assert_allclose(at.coefficients, start.coefficients + theirs.x[: MODES + SHAPES], atol=2e-4)
    if not scale:
        assert at.similarity.scale == pytest.approx(start.similarity.scale, abs=1e-15)
    assert np.linalg.det(at.similarity.R) == pytest.approx(1, abs=1e-12)


def test_expressions_stay_within_their_bounds(model):
    planes, at = made_planes(model, 5), made_shape(6)
    at = plane_step(model, at, planes, scale=True)
    assert (at.coefficients[MODES:] >= 0).all()
    assert (at.coefficients[MODES:] <= 1).all()
    assert (at.coefficients[MODES:] == 0).any() or (at.coefficients[MODES:] == 1).any()


def test_targets_as_planes_pull_to_the_point(model):
    """Stiff targets of three vertices place a shape without modes exactly."""
    none = np.zeros(0)
    bare = ShapeModel(
        **{**vars(model), "basis": model.basis[:, :, :0], "precision": none, "lower": none,
           "upper": none, "num_identity": 0}
    )  # fmt: skip
    truth = made_shape(7).similarity
    ids = np.array([0, 30, 65])
    corners = np.repeat(ids[:, None], 3, axis=1)
    weights = np.tile([1.0, 0.0, 0.0], (3, 1))
    pulls = points_as_planes(corners, weights, truth.apply(model.mean[ids]), np.full(3, 1e6))
    at = PlacedShape(none, Similarity(1.0, np.eye(3), np.zeros(3)))
    for _ in range(15):
        at = plane_step(bare, at, joined([pulls]), scale=True)
    np.testing.assert_allclose(at.similarity.matrix(), truth.matrix(), atol=1e-7)
