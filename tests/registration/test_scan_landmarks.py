"""Landmarks found on meshes: on sampled heads, whose points are known, however they lie in space."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform import heads
from headform.errors import FaceError
from headform.heads.linear import LinearHead
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.scan_landmarks import ScanLandmarker
from headform.registration.shape_models import outer
from tests.mesh.surfaces import sphere


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


@pytest.fixture(scope="module")
def landmarker() -> ScanLandmarker:
    return ScanLandmarker.load()


def made_scan(head: LinearHead, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices and landmarks of a person in meters, and the triangles a scanner would see."""
    code = torch.from_numpy(np.random.default_rng(seed).normal(0, 0.8, 100)).float()
    vertices = head.vertices(code)
    faces = head.faces.numpy()
    shown = faces[outer(head)[faces].all(1)]
    marks = head.landmarks(vertices, offset=False).double().numpy()
    return vertices.double().numpy(), shown, marks


def error_mm(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return 1000 * np.linalg.norm(found - truth, axis=1)


def test_a_head_in_its_colors(head, landmarker):
    vertices, faces, marks = made_scan(head, 1)
    linear = head.mean_albedo.double().numpy()
    colors = np.clip(linear, 0, 1) ** (1 / 2.2)
    stray = np.array([[80.0, -70.0, 60.0]])  # of no triangle
    mesh = TriangleMesh(np.concatenate([vertices, stray]), faces, colors=np.concatenate([colors, stray * 0]))
    found = landmarker.find(mesh)
    gap = error_mm(found.points, marks)
    assert np.median(gap[17:]) < 3.0
    assert gap[17:].max() < 9.0
    assert found.sure[17:].mean() > 0.8
    assert gap[found.sure].max() < 12.0
    assert found.relative_sigma < 0.04
    np.testing.assert_array_equal(np.isfinite(found.usable[36]), True)


def test_clay_in_millimeters_that_looks_along_minus_y_with_z_up(head, landmarker):
    """As some scanners write: the face is found from one of the other directions."""
    vertices, faces, marks = made_scan(head, 2)
    turn = Rotation.from_euler("xz", [90, 10], degrees=True)  # z out of the face becomes -y, y becomes z
    turned = 1000 * turn.apply(vertices) + [300.0, -200, 50]
    found = landmarker.find(TriangleMesh(turned, faces))
    truth = 1000 * turn.apply(marks) + [300.0, -200, 50]
    gap = np.linalg.norm(found.points - truth, axis=1)
    assert np.median(gap[17:]) < 3.5
    front = found.from_mean.R[:, 2]
    assert front @ turn.apply([0, 0, 1.0]) > 0.98
    assert found.from_mean.scale == pytest.approx(1000, rel=0.15)


def test_a_ball_has_no_face(landmarker):
    vertices, faces = sphere(20, 30)
    with pytest.raises(FaceError, match="--landmarks") as caught:
        landmarker.find(TriangleMesh(vertices, faces), name="ball.obj")
    assert (caught.value.code, caught.value.location) == ("no_face", "ball.obj")
