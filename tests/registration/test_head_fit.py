"""Heads fitted to heads of another model and to scans, with the distance that is left."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import FaceError
from headform.heads.coefficients import layout_of
from headform.heads.linear import LinearHead
from headform.importers import surrey
from headform.io.mesh.picked_points import read_points
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.fit_source import head_source, read_mesh, scan_source
from headform.registration.head_fit import HeadFitOptions, fit_head
from headform.registration.scan_landmarks import ScanLandmarker

STILL = HeadFitOptions(identity=False, expression=False)


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


def sample(head: LinearHead, seed: int):
    return layout_of(head).sample(generator=torch.Generator().manual_seed(seed))


def test_a_head_of_the_same_model_is_itself(head):
    code = sample(head, 4)
    fit = fit_head(head, head_source(head, code))
    assert fit.region == "head"
    assert fit.distance.p90_mm < 0.05
    assert not fit.scale_fitted
    np.testing.assert_allclose(fit.identity, code["identity"].numpy(), atol=0.05)
    ours = fit.coefficients
    assert ours.layout == layout_of(head)
    np.testing.assert_allclose(ours["identity"].numpy(), fit.identity, atol=1e-6)
    assert (ours["pose"] == 0).all()
    again = head.vertices(ours["identity"], ours["expression"]).double().numpy()
    np.testing.assert_allclose(fit.vertices, again, atol=1e-6)
    np.testing.assert_allclose(fit.placed, fit.vertices, atol=5e-4)


def test_a_scan_in_units_that_nobody_knows(head):
    """The scale is fitted, and what is written lies on the scan in its own unit."""
    made = head_source(head, sample(head, 5))
    grown = TriangleMesh(3.7 * made.mesh.vertices + 5.0, made.mesh.faces)
    source = scan_source("scan", grown, 3.7 * made.landmarks + 5.0)
    assert source.unit == ""
    fit = fit_head(head, source)
    assert fit.scale_fitted
    assert fit.region == "face"
    assert fit.distance.median_mm < 0.1
    assert fit.to_source.scale == pytest.approx(3.7, rel=0.03)
    skin = head.regions["face"].numpy()
    gap = np.linalg.norm(fit.placed - grown.vertices, axis=1)[skin] / 3.7
    assert 1000 * np.median(gap) < 0.3
    fixed = fit_head(head, source, HeadFitOptions(scale="fixed"))
    assert not fixed.scale_fitted
    assert fixed.surface.similarity.scale == 1.0


def test_a_landmark_of_the_measured_sphere_may_be_unknown(head):
    made = head_source(head, sample(head, 6))
    points = made.landmarks.copy()
    points[[33, 48]] = np.nan
    fit = fit_head(head, scan_source("scan", made.mesh, points))
    assert fit.distance.median_mm < 0.1
    assert fit.distance.measured.sum() > 1000


def test_a_source_without_vertices_at_its_landmarks_has_no_face(head):
    """A mask of the chin alone, with landmarks of a whole face."""
    made = head_source(head)
    y = made.mesh.vertices[made.mesh.faces][..., 1].mean(1)
    far = TriangleMesh(made.mesh.vertices, made.mesh.faces[y > 0.125])
    with pytest.raises(FaceError) as caught:
        fit_head(head, scan_source("cap", far, made.landmarks), HeadFitOptions(region="head"))
    assert caught.value.code == "no_face"


@pytest.fixture(scope="module")
def other(data_root: Path) -> LinearHead:
    return surrey.read(data_root / "models/eos_sfm/sfm_shape_3448.bin")


def test_a_surrey_head_in_the_open_head_and_back(head, other):
    """3448 vertices of another laboratory's people: a sub-millimeter surface, both ways."""
    source = head_source(other, sample(other, 1))
    mean = fit_head(head, source, STILL)
    fit = fit_head(head, source)
    assert mean.distance.median_mm > 1.0
    assert fit.distance.median_mm < 0.3
    assert fit.distance.p90_mm < 0.9
    assert fit.surface.converged
    assert np.abs(fit.identity).max() < 5
    assert (fit.expression >= 0).all()
    assert (fit.expression <= 1).all()
    back = fit_head(other, head_source(head, fit.coefficients))
    assert back.distance.median_mm < 0.8
    assert back.coefficients.layout == layout_of(other)


def test_a_real_scan_with_landmarks_found_by_drawing_it(head, data_root):
    """10,381 vertices in millimeters, without colors; the seven picked points lie elsewhere, since they are of others."""
    mesh, _ = read_mesh(data_root / "scans/rvcg_humface/humface.ply")
    found = ScanLandmarker.load().find(mesh)
    picked = read_points(data_root / "scans/rvcg_humface/humface_landmarks_mm.csv")[[0, 1, 2, 3, 5, 6]]
    own = found.points[[36, 39, 42, 45, 48, 54]]
    assert np.linalg.norm(own - picked, axis=1).max() < 8.0
    source = scan_source("humface", mesh, found.usable)
    assert source.unit == "mm"
    mean = fit_head(head, source, STILL)
    fit = fit_head(head, source)
    assert fit.distance.median_mm < 0.3
    assert fit.distance.p90_mm < 1.0
    assert fit.distance.median_mm < mean.distance.median_mm / 4
    assert fit.distance.measured.sum() > 5000
