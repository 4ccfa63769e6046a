"""The convention offset: put into made faces, learned back."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import MIRROR68
from headform.heads.linear import LinearHead
from headform.train.convention import (
    LARGEST,
    ConventionSample,
    learn_from_photos,
    learn_offset,
    yaw_degrees,
)

FLIP = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def head() -> LinearHead:
    """68 points, 14 cm wide, in mirror pairs."""
    rng = np.random.default_rng(1)
    xy = rng.uniform(-0.07, 0.07, (68, 2))
    mean = np.column_stack([xy, 0.05 - 8 * (xy**2).sum(1)])
    mean = (mean + mean[MIRROR68] * FLIP) / 2
    every = torch.arange(68)
    zeros = torch.zeros(1, 68, 3)
    return LinearHead(
        name="sheet",
        sha256="ef" * 32,
        licence="a test's own sheet",
        mean=torch.as_tensor(mean, dtype=torch.float32),
        identity=zeros,
        expression=zeros,
        expression_names=("jawOpen",),
        faces=torch.tensor([[0, 1, 2]]),
        mirror=torch.as_tensor(MIRROR68),
        part=torch.zeros(68, dtype=torch.uint8),
        regions={"face": torch.ones(68, dtype=torch.bool)},
        uv=torch.zeros(3, 2),
        uv_faces=torch.tensor([[0, 1, 2]]),
        landmark_vertices=every[:, None].repeat(1, 3),
        landmark_weights=torch.tensor([[1.0, 0, 0]]).repeat(68, 1),
        landmark_offset=torch.full((68, 3), 0.5),  # must not be used
        contour=every[:17, None],
        now7=every[:7],
        dense=every,
        dense_mirror=torch.as_tensor(MIRROR68),
        albedo_mean=torch.zeros(68, 3),
        albedo=zeros,
        neck_weight=torch.ones(68),
        neck_pivot=torch.zeros(3),
    )


def symmetric_offset(largest: float = 0.003) -> np.ndarray:
    offset = np.random.default_rng(2).uniform(-largest, largest, (68, 3))
    return (offset + offset[MIRROR68] * FLIP) / 2


def make_samples(
    head: LinearHead, offset: np.ndarray, count: int, noise_px: float = 0.0, wide: float = 35.0
) -> list[ConventionSample]:
    rng = np.random.default_rng(3)
    samples = []
    for _ in range(count):
        angles = [rng.uniform(-wide, wide), rng.uniform(-25, 25), rng.uniform(-20, 20)]
        turn = Rotation.from_euler("yxz", angles, degrees=True).as_matrix()
        focal = rng.uniform(300, 2000)
        camera = PerspectiveCamera(
            K=np.array([[focal, 0, 320], [0, focal, 240], [0, 0, 1]]),
            R=np.diag([1.0, -1.0, -1.0]) @ turn,
            t=np.array([0.05, -0.02, rng.uniform(0.4, 1.5)]),
        )
        vertices = head.mean.numpy() + rng.normal(0, 0.002, (68, 3)).astype(np.float32)
        reference = camera.project(vertices + offset)[:, :2]
        reference += rng.normal(0, noise_px, reference.shape)
        samples.append(ConventionSample(vertices, camera, reference))
    return samples


def test_the_mirror_map_pairs_points_of_a_face():
    np.testing.assert_array_equal(MIRROR68[MIRROR68], np.arange(68))
    on_the_middle_line = np.flatnonzero(MIRROR68 == np.arange(68))
    np.testing.assert_array_equal(on_the_middle_line, [8, 27, 28, 29, 30, 33, 51, 57, 62, 66])


def test_the_mirror_map_fits_a_hand_annotated_face(data_root):
    """On a nearly frontal annotated face, mirroring and renaming moves points least."""
    import json

    entries = json.loads((data_root / "photos" / "landmarks68.json").read_text())
    best = []
    for entry in entries:
        points = np.array(entry["points68"])
        size = np.ptp(points, axis=0).max()
        mirrored = (points * [-1, 1])[MIRROR68]
        a, b = points - points.mean(0), mirrored - mirrored.mean(0)
        u, _, vt = np.linalg.svd(a.T @ b)
        best.append(np.linalg.norm(b @ (u @ vt).T - a, axis=1).max() / size)
    assert min(best) < 0.06


def test_a_known_offset_comes_back(head):
    true = symmetric_offset()
    samples = make_samples(head, true, 60)
    learned = learn_offset(head, samples, ridge=1e-6)
    np.testing.assert_allclose(learned, true, atol=1e-4)  # the projection is not quite linear


def test_it_comes_back_from_noise_and_outliers(head):
    true = symmetric_offset()
    samples = make_samples(head, true, 150, noise_px=1.0)
    rng = np.random.default_rng(4)
    for sample in samples[::10]:
        sample.reference[rng.integers(0, 68, 30)] += 200.0  # a reference that went astray
    samples[1].reference[5] = np.nan
    learned = learn_offset(head, samples)
    error = np.linalg.norm(learned - true, axis=1).mean()
    assert error < 0.25 * np.linalg.norm(true, axis=1).mean()


def test_the_offset_is_mirror_symmetric_even_where_the_evidence_is_not(head):
    samples = make_samples(head, symmetric_offset() + np.array([0.002, 0, 0]), 20, noise_px=2.0)
    learned = learn_offset(head, samples)
    np.testing.assert_allclose(learned, learned[MIRROR68] * FLIP, atol=1e-12)
    np.testing.assert_allclose(learned[[27, 30, 8], 0], 0, atol=1e-12)


def test_the_ridge_shrinks_and_the_clip_holds(head):
    true = symmetric_offset()
    samples = make_samples(head, true, 5)
    lengths = [np.linalg.norm(learn_offset(head, samples, ridge=r)) for r in (1e-6, 4.0, 100.0)]
    assert lengths[0] > lengths[1] > lengths[2] > 0
    far = np.zeros((68, 3))
    far[:, 1] = 0.012
    learned = learn_offset(head, make_samples(head, far, 30), ridge=1e-6)
    np.testing.assert_allclose(np.linalg.norm(learned, axis=1), LARGEST, rtol=1e-6)


def test_one_direction_of_view_cannot_tell_depth_and_says_zero(head):
    true = np.zeros((68, 3))
    true[:, 2] = 0.003
    camera = PerspectiveCamera.frontal(50_000.0, (640, 480), 50.0)  # nearly parallel rays
    vertices = head.mean.numpy()
    sample = ConventionSample(vertices, camera, camera.project(vertices + true)[:, :2])
    assert np.abs(learn_offset(head, [sample] * 20)).max() < 1e-4


@pytest.mark.parametrize("yaw", [-70, -20, 0, 35])
def test_convention_yaw_is_positive_where_the_camera_is_at_the_subjects_left(yaw):
    turn = Rotation.from_euler("y", -yaw, degrees=True).as_matrix()
    camera = PerspectiveCamera(np.eye(3), np.diag([1.0, -1.0, -1.0]) @ turn, np.array([0, 0, 1.0]))
    assert yaw_degrees(camera) == pytest.approx(yaw)


def test_turned_faces_are_left_out(head):
    true = symmetric_offset()
    good, bad = make_samples(head, true, 40), make_samples(head, -true, 40, wide=89)
    turned = [s for s in bad if abs(yaw_degrees(s.camera)) > 41]
    learned = learn_offset(head, good + turned, ridge=1e-6)
    np.testing.assert_allclose(learned, true, atol=1e-4)
    with pytest.raises(ValueError, match="none of"):
        learn_offset(head, turned)


@dataclass(frozen=True)
class Fitted:
    vertices: np.ndarray
    camera: PerspectiveCamera
    dense: np.ndarray


def test_residuals_count_from_the_points_that_results_use(head):
    true = symmetric_offset()
    moved = []
    for sample in make_samples(head, true, 40):
        seen = sample.camera.project(sample.vertices.astype(float))[:, :2] + 7.0
        reference = sample.reference + 7.0
        moved.append(ConventionSample(sample.vertices, sample.camera, reference, seen))
    np.testing.assert_allclose(learn_offset(head, moved, ridge=1e-6), true, atol=1e-4)


def test_from_photos(head):
    true = symmetric_offset()
    samples = make_samples(head, true, 30)
    photos = [np.full((2, 2, 3), k, np.uint8) for k in range(15)]

    def reconstruct(rgb: np.ndarray) -> list[Fitted]:
        k = 2 * int(rgb[0, 0, 0])
        faces = []
        for s in samples[k : k + 2]:
            own = s.camera.project(s.vertices.astype(float))[:, :2]
            faces.append(Fitted(s.vertices, s.camera, np.concatenate([own, own])))
        return faces

    def reference(rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
        k = 2 * int(rgb[0, 0, 0])
        near = [np.linalg.norm(s.reference - points) for s in samples[k : k + 2]]
        return samples[k + int(np.argmin(near))].reference

    learned, count = learn_from_photos(head, photos, reconstruct, reference)
    assert count == 30
    np.testing.assert_allclose(learned, learn_offset(head, samples), atol=1e-9)
    assert np.linalg.norm(learned - true) < 0.4 * np.linalg.norm(true)
