"""Scans registered to the open head: a head that the model does not know, with holes, noise and an edge."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import FaceError, InputError
from headform.geometry.landmarks68 import MIRROR68
from headform.heads.linear import LinearHead
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.closest_point import ClosestPointTree
from headform.registration import scan_registration
from headform.registration.fit_source import FitSource, scan_source
from headform.registration.fold_overs import turned_over
from headform.registration.non_rigid import NonRigidOptions, Stiffness
from headform.registration.registration_report import registration_report, registration_summary
from headform.registration.scan_registration import RegistrationOptions, ScanRegistration, register_scan
from headform.registration.shape_models import skin

QUICK = RegistrationOptions(
    non_rigid=NonRigidOptions(
        schedule=(
            Stiffness(0.03, 0.02, 0.5, 1.0, 2),
            Stiffness(0.012, 0.012, 0.6, 0.1, 3),
            Stiffness(0.004, 0.006, 0.7, 0.0, 4),
        )
    )
)
HOLES = ((0.035, 0.0), (-0.03, -0.045), (0.0, 0.055))
"""Middles of holes of 8 mm radius, from the middle of the face, meters: a cheek, beside the chin, the forehead."""


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


@pytest.fixture(scope="module")
def truth(head) -> np.ndarray:
    """A person of the model, bent by smooth waves of 80 mm that it has no modes for, 4 mm on average."""
    vertices = head.vertices(torch.randn(100, generator=torch.Generator().manual_seed(1))).double().numpy()
    rng = np.random.default_rng(1)
    move = np.zeros_like(vertices)
    for _ in range(6):
        wave = rng.normal(size=3)
        wave *= 2 * np.pi / 0.08 / np.linalg.norm(wave)
        move += np.sin(vertices @ wave + rng.uniform(0, 6))[:, None] * rng.normal(size=3) * 0.0015
    return vertices + move


def middle(head: LinearHead, vertices: np.ndarray) -> np.ndarray:
    return head.landmarks(torch.from_numpy(vertices), offset=False)[17:].mean(0).numpy()


def scanned(head: LinearHead, truth: np.ndarray) -> TriangleMesh:
    """In millimeters, of other triangles: each is split at its middle; with holes, noise of 0.05 mm, and no back."""
    faces, center = head.faces.numpy(), middle(head, truth)
    faces = faces[skin(head)[faces].all(axis=1)]
    at = truth[faces].mean(axis=1)
    kept = at[:, 2] > center[2] - 0.1
    for hole in HOLES:
        kept &= np.linalg.norm((at - center)[:, :2] - hole, axis=1) > 0.008
    faces, at = faces[kept], at[kept]
    new = len(truth) + np.arange(len(faces))
    split = np.concatenate([np.stack([faces[:, k], faces[:, (k + 1) % 3], new], axis=1) for k in range(3)])
    vertices = np.concatenate([truth, at]) + np.random.default_rng(0).normal(0, 5e-5, (len(truth) + len(at), 3))
    return TriangleMesh(1000 * vertices, split)


@pytest.fixture(scope="module")
def source(head, truth) -> FitSource:
    marks = 1000 * head.landmarks(torch.from_numpy(truth), offset=False).numpy()
    return scan_source("scan", scanned(head, truth), marks)


@pytest.fixture(scope="module")
def result(head, source) -> ScanRegistration:
    return register_scan(head, source, QUICK)


def to_truth_mm(head: LinearHead, truth: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.asarray(1000 * np.sqrt(ClosestPointTree.of(truth, head.faces.numpy()).query(points).squared))


def test_the_face_lies_on_the_truth(head, truth, result):
    face = head.regions["face"].numpy()
    before = to_truth_mm(head, truth, result.fit.surface.similarity.apply(result.fit.vertices)[face])
    after = to_truth_mm(head, truth, result.placed[face])
    assert np.median(before) > 0.5
    assert np.median(after) < 0.15
    assert np.percentile(after, 95) < 0.8
    shift = 1000 * np.linalg.norm(result.placed - truth, axis=1)[face]
    old = 1000 * np.linalg.norm(result.fit.surface.similarity.apply(result.fit.vertices) - truth, axis=1)[face]
    assert np.median(shift) < 0.7 * np.median(old)


def test_holes_are_bridged(head, truth, result):
    off = (truth - middle(head, truth))[:, :2]
    near = np.min([np.linalg.norm(off - hole, axis=1) for hole in HOLES], axis=0) < 0.006
    hole = head.regions["face"].numpy() & near
    assert hole.sum() > 10
    assert (result.non_rigid.weights[hole[result.main]] == 0).mean() > 0.8
    assert to_truth_mm(head, truth, result.placed[hole]).max() < 1.5


def test_nothing_is_folded_and_nothing_flies_off(head, result):
    faces = head.faces.numpy()
    faces = faces[result.main[faces].all(axis=1)]
    assert not turned_over(result.fit.vertices, result.vertices, faces).any()
    assert result.non_rigid.fold_overs == 0
    move = np.linalg.norm(result.vertices - result.fit.vertices, axis=1)[result.main]
    free = result.non_rigid.weights == 0
    assert free.sum() > 1000
    assert np.median(move[free]) < 0.01


def test_the_report_says_what_was_measured(result):
    report = registration_report(result)
    there, back = report["scan_to_mesh_mm"], report["mesh_to_scan_mm"]
    assert there["median"] < 0.2
    assert back["median"] < 0.2
    assert there["median"] < there["mean"] < there["p95"]
    assert back["vertices"] > 1000
    assert report["landmarks_mm"]["median"] < 2.0
    assert (report["unit"], report["fold_overs"], report["source_reversed"]) == ("mm", 0, False)
    assert 0.9 < report["cover"] <= 1.0
    assert report["model_fit"]["distance_mm"]["median"] > there["median"]
    assert f"{there['median']:.2f}, {there['mean']:.2f}" in registration_summary(result)


def again(monkeypatch, head: LinearHead, result: ScanRegistration, mesh: TriangleMesh, *, reverse: bool = False):
    """Register another mesh from the same model fit, which takes most of the time."""
    surface = replace(result.fit.surface, reversed=reverse)
    fit = replace(result.fit, source=replace(result.fit.source, mesh=mesh), surface=surface)
    monkeypatch.setattr(scan_registration, "fit_head", lambda *_: fit)
    return register_scan(head, fit.source, QUICK)


def test_a_scan_that_is_inside_out_gives_the_same(monkeypatch, head, source, result):
    mesh = replace(source.mesh, faces=source.mesh.faces[:, ::-1].copy())
    turned = again(monkeypatch, head, result, mesh, reverse=True)
    np.testing.assert_allclose(turned.vertices, result.vertices, atol=2e-5)


def test_triangles_that_run_both_ways_are_refused(monkeypatch, head, source, result):
    faces = source.mesh.faces.copy()
    flip = np.random.default_rng(4).random(len(faces)) < 0.45
    faces[flip] = faces[flip][:, ::-1]
    with pytest.raises(InputError) as refused:
        again(monkeypatch, head, result, replace(source.mesh, faces=faces))
    assert refused.value.code == "scan_winding"


def test_a_scan_of_hardly_anything_is_refused(monkeypatch, head, source, result):
    """The nose alone, with landmarks of a whole face."""
    at = source.mesh.vertices[source.mesh.faces].mean(axis=1)
    nose = np.linalg.norm(at - source.landmarks[30], axis=1) < 18
    with pytest.raises(FaceError) as refused:
        again(monkeypatch, head, result, replace(source.mesh, faces=source.mesh.faces[nose]))
    assert refused.value.code == "scan_uncovered"


def test_mirrored_landmarks_are_refused(head, source):
    with pytest.raises(InputError) as refused:
        register_scan(head, replace(source, landmarks=source.landmarks[MIRROR68]), QUICK)
    assert refused.value.code == "fit_lost"
