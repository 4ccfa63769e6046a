"""Analysis by synthesis on a picture that was made: what was moved away comes back, and the best state is kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform import heads
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.head_points import PointModel
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.rotation import rotation_from_rotvec
from headform.geometry.spherical_harmonics import AMBIENT, sh_basis
from headform.heads.linear import LinearHead
from headform.mesh.normals import vertex_normals
from headform.registration.photo_synthesis import FaceRows, Synthesis, SynthesisStart, synthesize
from tests.fit.scenes import camera_at, photograph
from tests.registration.other_heads import face_only

LIGHT = np.zeros((9, 3))
LIGHT[0], LIGHT[1], LIGHT[3] = AMBIENT, -0.35 * AMBIENT, 0.25 * AMBIENT
MODES = 5
TRUTH = np.array([1.2, -1.0, 0.8, 0.6, -0.7])


@pytest.fixture(scope="module")
def head() -> LinearHead:
    """Five modes, brows and lips darker than the skin, one color mode: redness."""
    face = face_only()
    whole = heads.load_open()
    kept = np.flatnonzero(whole.regions["face"].numpy() & (whole.part.numpy() == 0))
    red = torch.zeros(1, len(face.mean), 3)
    red[..., 0] = 0.05
    return replace(face, identity=face.identity[:MODES], albedo_mean=whole.albedo_mean[kept], albedo=red)


def run(head: LinearHead, rounds: int, code: np.ndarray = TRUTH) -> tuple[Synthesis, PerspectiveCamera]:
    """From the mean head, turned by two degrees, to the picture of `code`; no points help."""
    vertices = head.vertices(torch.from_numpy(code).float()).numpy()
    camera = camera_at(head, 0.0, 200)
    normals = vertex_normals(vertices, head.faces.numpy()) @ camera.R.T
    shading = sh_basis(normals) @ LIGHT
    rgb = photograph(head, vertices, camera, head.albedo_mean.numpy() * shading, 200)
    turned = rotation_from_rotvec(torch.tensor([0.0, 0.03, 0.0]).double()).numpy()
    begin = PerspectiveCamera(camera.K, turned @ camera.R, camera.t)
    photo = FittedPhoto(head, head.mean.numpy(), camera, rgb)
    face = FaceRows(head, np.arange(len(head.mean)), head.identity)
    nothing = PointModel(np.zeros((0, 3)), np.zeros((3, 0, MODES)), MODES)
    start = SynthesisStart(
        coefficients=np.zeros(MODES),
        sigma=np.ones(MODES),
        lower=np.full(MODES, -3.0),
        upper=np.full(MODES, 3.0),
        camera=begin,
        light=LIGHT,
        albedo_code=np.zeros(1),
    )
    return synthesize(face, photo, nothing, np.zeros((0, 2)), np.zeros(0), start, rounds=rounds), camera


def test_shape_and_pose_come_back(head: LinearHead) -> None:
    found, camera = run(head, 60)
    assert found.after < 0.6 * found.before
    assert np.linalg.norm(found.coefficients - TRUTH) < 0.6 * np.linalg.norm(TRUTH)
    away = np.arccos(np.clip((np.trace(found.camera.R @ camera.R.T) - 1) / 2, -1, 1))
    assert away < 0.02, "of 0.03"
    np.testing.assert_allclose(found.camera.R @ found.camera.R.T, np.eye(3), atol=1e-9)


def test_without_rounds_the_start_is_kept(head: LinearHead) -> None:
    found, _ = run(head, 0)
    np.testing.assert_array_equal(found.coefficients, np.zeros(MODES))
    assert found.before == found.after


def test_fixed_coefficients_become_part_of_the_mean(head: LinearHead) -> None:
    face = FaceRows(head, np.arange(len(head.mean)), head.identity)
    code, fixed = TRUTH, np.array([True, False, True, False, False])
    held = face.with_fixed(code, fixed)
    assert len(held.basis) == 3
    left = torch.from_numpy(code[~fixed]).float()
    got = held.mean + torch.einsum("k,kvc->vc", left, held.basis)
    expected = head.vertices(torch.from_numpy(code).float())
    np.testing.assert_allclose(got, expected, atol=1e-7)
    assert len(face.basis) == MODES, "the face itself is as it was"
