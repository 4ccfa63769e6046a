"""What a fit takes of a head: the same vertices as the head decodes, regions, landmarks, bounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.geometry.seven_landmarks import face_sphere
from headform.heads.linear import PARTS, LinearHead
from headform.heads.provenance import Provenance
from headform.registration.shape_models import ShapePriors, face_region, outer, shape_model, skin


def test_decodes_like_the_head(head):
    region = face_region(head)
    model = shape_model(head, region)
    rng = np.random.default_rng(0)
    code, weights = rng.normal(size=100), rng.uniform(0, 1, 51)
    whole = head.vertices(torch.from_numpy(code).float(), torch.from_numpy(weights).float())
    ours = model.positions(np.concatenate([code, weights]))
    rows = np.flatnonzero(region)
    np.testing.assert_allclose(ours[model.region], whole.numpy()[rows], atol=2e-7)
    points = (ours[model.landmark_corners] * model.landmark_weights[..., None]).sum(1)
    np.testing.assert_allclose(points, head.landmarks(whole, offset=False).numpy(), atol=2e-7)
    assert model.landmark_known.all()


def test_identity_or_expression_alone(head):
    region = face_region(head)
    neutral = shape_model(head, region, expression=False)
    assert (neutral.basis.shape[2], neutral.num_identity) == (100, 100)
    assert np.isinf(neutral.lower).all()
    still = shape_model(head, region, identity=False, expression=False)
    np.testing.assert_array_equal(still.positions(np.zeros(0)), still.mean)
    moving = shape_model(head, region, identity=False)
    assert (moving.basis.shape[2], moving.num_identity) == (51, 0)


def test_weights_have_bounds_and_components_have_none(head):
    priors = ShapePriors(identity_sigma=2.0, component_sigma=0.5, weight_sigma=0.1)
    region = face_region(head)
    named = shape_model(head, region, priors=priors)
    np.testing.assert_allclose(named.precision[[0, 99, 100, 150]], [0.25, 0.25, 100, 100])
    np.testing.assert_array_equal(named.lower[100:], 0)
    np.testing.assert_array_equal(named.upper[100:], 1)
    other = replace(head, provenance=Provenance(kind="bfm2017"))
    components = shape_model(other, region, priors=priors)
    np.testing.assert_allclose(components.precision[[0, 150]], [0.25, 4])
    assert np.isinf(components.lower).all()


def test_regions_of_a_head_without_names_come_from_its_landmarks(head):
    bare = replace(head, regions={}, part=torch.zeros(0, dtype=torch.uint8))
    region = face_region(bare)
    center, radius = face_sphere(head.mean[head.now7].double().numpy())
    inside = np.linalg.norm(head.mean.double().numpy() - center, axis=1) <= radius
    np.testing.assert_array_equal(region, inside)
    assert skin(bare).all()


def test_outside_of_a_head(head):
    part = head.part.numpy()
    shown = outer(head)
    assert shown[part >= PARTS.index("eye_right")].all()
    hidden = [PARTS.index(p) for p in ("mouth", "tongue", "teeth", "socket_left")]
    assert not shown[np.isin(part, hidden)].any()
    assert (shown & ~skin(head)).sum() == (part >= PARTS.index("eye_right")).sum()


def without_landmarks(head: LinearHead) -> LinearHead:
    return replace(
        head,
        landmark_vertices=torch.zeros(0, 3, dtype=torch.int64),
        landmark_weights=torch.zeros(0, 3),
        landmark_offset=torch.zeros(0, 3),
        now7=torch.zeros(0, dtype=torch.int64),
    )


def test_a_head_without_landmarks_is_refused(head):
    bare = without_landmarks(head)
    with pytest.raises(WeightsError, match="no landmarks") as caught:
        shape_model(bare, face_region(head))
    assert caught.value.code == "head_lacks"
    with pytest.raises(WeightsError, match="NoW"):
        face_region(replace(bare, regions={}))


def test_an_empty_region_is_refused(head):
    with pytest.raises(ValueError, match="no triangle"):
        shape_model(head, np.zeros(len(head.mean), bool))
