"""Fits to surfaces that are heads of the model itself: what was put in comes out, whatever the mesh is like."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.errors import InputError, WeightsError
from headform.geometry.similarity import Similarity
from headform.heads.linear import LinearHead
from headform.mesh.decimation import decimate
from headform.registration._plane_step import PlacedShape, residuals
from headform.registration.shape_models import ShapeModel, face_region, shape_model, skin
from headform.registration.surface import SurfaceIndex
from headform.registration.to_surface import (
    STAGES,
    SurfaceFit,
    SurfaceFitOptions,
    fit_to_surface,
    lip_gaps,
)
from headform.registration.to_surface import _Landmarks as Landmarks
from headform.registration.to_surface import _Pairs as Pairs


@dataclass(frozen=True)
class Scene:
    """A head of the open model somewhere in space."""

    model: ShapeModel
    code: np.ndarray
    placed: Similarity
    vertices: np.ndarray
    faces: np.ndarray
    landmarks: np.ndarray


@pytest.fixture(scope="module")
def scene(head: LinearHead) -> Scene:
    rng = np.random.default_rng(5)
    identity, expression = rng.normal(0, 0.9, 100), np.zeros(51)
    expression[[3, 17, 20, 41]] = [0.5, 0.3, 0.6, 0.2]
    vertices = head.vertices(torch.from_numpy(identity).float(), torch.from_numpy(expression).float())
    R = Rotation.from_euler("yxz", [35, -20, 15], degrees=True).as_matrix()
    placed = Similarity(1.0, R, np.array([0.4, -1.2, 0.3]))
    outside = skin(head)
    faces = head.faces.numpy()
    return Scene(
        model=shape_model(head, face_region(head)),
        code=np.concatenate([identity, expression]),
        placed=placed,
        vertices=placed.apply(vertices.double().numpy()),
        faces=faces[outside[faces].all(1)],
        landmarks=placed.apply(head.landmarks(vertices, offset=False).double().numpy()),
    )


def shifted(scene: Scene, millimeters: float, seed: int = 0) -> np.ndarray:
    """Landmarks as badly found as on a scan."""
    noise = np.random.default_rng(seed).normal(0, millimeters / 1000, (68, 3))
    return scene.landmarks + noise


def gap_mm(scene: Scene, fit: SurfaceFit, placed: Similarity | None = None) -> np.ndarray:
    """Distance of each fitted vertex from where that very vertex should be."""
    ours = fit.similarity.apply(scene.model.positions(fit.coefficients))
    truth = (placed or scene.placed).apply(scene.model.positions(scene.code))
    return 1000 * np.linalg.norm(ours - truth, axis=1)[scene.model.region]


def test_the_code_and_the_place_come_back(scene):
    fit = fit_to_surface(scene.model, SurfaceIndex.of(scene.vertices, scene.faces), scene.landmarks)
    assert fit.converged
    assert not fit.reversed
    assert gap_mm(scene, fit).max() < 0.05
    np.testing.assert_allclose(fit.coefficients, scene.code, atol=0.02)
    np.testing.assert_allclose(fit.similarity.matrix(), scene.placed.matrix(), atol=1e-4)
    assert fit.landmark_rms < 1e-4


def test_bad_landmarks_only_lead_the_way(scene):
    """3 mm off each, one by 8 cm: the surface has the last word."""
    landmarks = shifted(scene, 3.0)
    landmarks[30] += 0.08
    fit = fit_to_surface(scene.model, SurfaceIndex.of(scene.vertices, scene.faces), landmarks)
    assert np.median(gap_mm(scene, fit)) < 0.1
    assert np.percentile(gap_mm(scene, fit), 95) < 0.4


def test_the_scale_comes_back(scene):
    grown = Similarity(1.15, scene.placed.R, scene.placed.t)
    vertices = grown.apply(scene.placed.inverse().apply(scene.vertices))
    landmarks = grown.apply(scene.placed.inverse().apply(scene.landmarks))
    options = SurfaceFitOptions(scale=True)
    fit = fit_to_surface(scene.model, SurfaceIndex.of(vertices, scene.faces), landmarks, options=options)
    assert fit.similarity.scale == pytest.approx(1.15, abs=1e-3)
    assert gap_mm(scene, fit, grown).max() < 0.2


def test_half_a_face_and_another_mesh(scene):
    """One half alone, simplified to a third of its triangles: the surface of other vertices is matched."""
    middle = scene.placed.inverse().apply(scene.vertices)[scene.faces].mean(1)
    half = scene.faces[(middle[:, 0] > -0.01) & (middle[:, 2] > 0.0)]
    used, compact = np.unique(half, return_inverse=True)
    vertices, faces = scene.vertices[used], compact.reshape(-1, 3)
    coarse = decimate(vertices, faces, len(vertices) // 3)
    surface = SurfaceIndex.of(vertices[coarse.kept], coarse.faces)
    fit = fit_to_surface(scene.model, surface, scene.landmarks)
    own = scene.model.mean[scene.model.region][:, 0] > 0.005
    assert np.median(gap_mm(scene, fit)[own]) < 0.6
    there = SurfaceIndex.of(vertices, faces).closest(
        fit.similarity.apply(scene.model.positions(fit.coefficients))[scene.model.region][own]
    )
    assert 1000 * np.median(there.distance) < 0.15


def test_noise_and_a_beard_of_outliers(scene):
    rng = np.random.default_rng(1)
    vertices = scene.vertices + rng.normal(0, 0.0005, scene.vertices.shape)
    chin = np.linalg.norm(scene.vertices - scene.landmarks[8], axis=1) < 0.03
    vertices[chin] += 0.02 * scene.placed.R[:, 2]
    fit = fit_to_surface(scene.model, SurfaceIndex.of(vertices, scene.faces), shifted(scene, 1.0))
    rows = scene.placed.apply(scene.model.positions(scene.code))[scene.model.region]
    clean = np.linalg.norm(rows - scene.landmarks[8], axis=1) > 0.045
    away = SurfaceIndex.of(scene.vertices, scene.faces).closest(
        fit.similarity.apply(scene.model.positions(fit.coefficients))[scene.model.region]
    )
    assert 1000 * np.median(away.distance[clean]) < 0.25
    assert 0.0002 < fit.noise < 0.001


def test_a_mesh_inside_out_is_turned_and_the_result_is_the_same_again(scene):
    turned = SurfaceIndex.of(scene.vertices, scene.faces[:, ::-1].copy())
    fit = fit_to_surface(scene.model, turned, scene.landmarks)
    assert fit.reversed
    assert gap_mm(scene, fit).max() < 0.05
    again = fit_to_surface(scene.model, turned, scene.landmarks)
    np.testing.assert_array_equal(fit.coefficients, again.coefficients)


def test_seven_landmarks_are_enough(scene):
    few = np.full((68, 3), np.nan)
    seven = [36, 39, 42, 45, 33, 48, 54]
    few[seven] = scene.landmarks[seven]
    fit = fit_to_surface(scene.model, SurfaceIndex.of(scene.vertices, scene.faces), few)
    assert np.percentile(gap_mm(scene, fit), 95) < 0.2


def test_the_gap_between_the_lips_is_kept_wherever_the_lips_are(scene):
    names = np.array([3, 36, 61, 62, 63, 65, 66, 67])
    corners, weights = scene.model.landmark_corners[names], scene.model.landmark_weights[names]
    truth = PlacedShape(scene.code, scene.placed)
    low = scene.landmarks[names] - [0.0, 0.004, 0.001]
    planes = lip_gaps(corners, weights, names, low)
    assert len(planes.normal) == 9
    np.testing.assert_allclose(residuals(scene.model, truth, planes)[0], 0, atol=1e-7)
    low[3, 1] += 0.001  # of point 62, whose partner is 66
    wider = residuals(scene.model, truth, lip_gaps(corners, weights, names, low))[0]
    np.testing.assert_allclose(wider, [0, 0, 0, 0, -0.001, 0, 0, 0, 0], atol=1e-7)
    assert len(lip_gaps(corners[:5], weights[:5], names[:5], low[:5]).normal) == 0


def test_too_few_landmarks_and_a_surface_elsewhere(scene):
    surface = SurfaceIndex.of(scene.vertices, scene.faces)
    few = np.full((68, 3), np.nan)
    few[:3] = scene.landmarks[:3]
    with pytest.raises(WeightsError, match="3 landmarks in common") as caught:
        fit_to_surface(scene.model, surface, few)
    assert caught.value.code == "head_lacks"
    with pytest.raises(InputError, match="lost the surface") as lost:
        fit_to_surface(scene.model, surface, scene.landmarks + 0.5)
    assert lost.value.code == "fit_lost"
    heap = np.full((68, 3), np.nan)
    heap[30:40] = 0.1
    with pytest.raises(InputError, match="do not place"):
        fit_to_surface(scene.model, surface, heap, options=SurfaceFitOptions(scale=True))


@pytest.mark.parametrize("names", [range(68), [36, 39, 42, 45, 33, 48, 54]], ids=["all", "seven"])
@pytest.mark.parametrize("scale", [False, True])
def test_right_for_left_and_another_order_are_refused(scene, names, scale):
    surface, options = SurfaceIndex.of(scene.vertices, scene.faces), SurfaceFitOptions(scale=scale)
    given = np.full((68, 3), np.nan)
    given[list(names)] = scene.landmarks[list(names)]
    own = scene.placed.inverse().apply(given)
    mirrored = scene.placed.apply(own * [-1.0, 1.0, 1.0])
    with pytest.raises(InputError, match="mirrored face") as caught:
        fit_to_surface(scene.model, surface, mirrored, options=options)
    assert caught.value.code == "fit_lost"
    turned = given.copy()
    turned[list(names)] = given[list(names)][::-1]
    with pytest.raises(InputError, match="not those of a face"):
        fit_to_surface(scene.model, surface, turned, options=options)


def test_what_lies_far_from_the_head_changes_nothing(scene):
    """A wall ten meters behind; the head's own points are spread as before."""
    wall = np.array([[-1.0, -1, -10], [1, -1, -10], [0, 1, -10]])
    vertices = np.concatenate([scene.vertices, wall])
    faces = np.concatenate([scene.faces, len(scene.vertices) + np.array([[0, 1, 2]])])
    center = scene.landmarks[30]
    fits = [
        fit_to_surface(scene.model, SurfaceIndex.of(v, f), scene.landmarks, focus=(center, 0.1)).coefficients
        for v, f in ((vertices, faces), (scene.vertices, scene.faces))
    ]
    np.testing.assert_allclose(*fits, atol=1e-9)
    whole = fit_to_surface(scene.model, SurfaceIndex.of(vertices, faces), scene.landmarks)
    assert gap_mm(scene, whole).max() < 0.05


def test_pairs_end_where_either_surface_ends(scene):
    """Beside an open edge there are none, neither of the half surface nor of the face; none within reach is forgotten."""
    place, stage = PlacedShape(scene.code, scene.placed), STAGES[0]
    middle = scene.placed.inverse().apply(scene.vertices)[scene.faces].mean(1)
    surface = SurfaceIndex.of(scene.vertices, scene.faces[middle[:, 0] > 0])
    pairs = Pairs(scene.model, surface, SurfaceFitOptions(), None)
    planes, noise = pairs.planes(place, stage)
    assert noise == stage.least_noise
    forward = planes.corners[:, 0] == planes.corners[:, 1]
    model = scene.model
    head = SurfaceIndex.of(scene.placed.apply(model.positions(scene.code)), model.faces, border=model.border)
    for points, normals, met, count in (
        (head.vertices[pairs.rows], head.normals[pairs.rows], surface, forward.sum()),
        (pairs.samples, surface.closest(pairs.samples).normals, head, (~forward).sum()),
    ):
        found = met.closest(points)
        inside = (found.distance < stage.reach) & ((found.normals * normals).sum(1) > stage.cosine)
        assert 500 < count == (inside & ~found.at_border).sum() < 0.98 * inside.sum()


def test_landmarks_pull_together_with_the_gap_of_the_lips(scene):
    marks = Landmarks(scene.model, np.ones(68, bool), scene.landmarks, 3.0)
    planes = marks.planes(PlacedShape(scene.code, scene.placed), 0.003)
    assert (planes.weights.sum(1) == 0).sum() == 9
    assert len(planes.weights) == 3 * 68 + 9
