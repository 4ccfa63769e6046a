"""Distances of the face: which points count, and how far they are."""

import numpy as np
import pytest

from headform.geometry.seven_landmarks import face_sphere
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.normals import vertex_normals
from headform.registration.face_distances import face_distance
from headform.registration.shape_models import outer, skin


@pytest.fixture(scope="module")
def parts(head: LinearHead) -> dict:
    vertices = head.mean.double().numpy()
    return {
        "vertices": vertices,
        "faces": head.faces.numpy(),
        "landmarks": head.landmarks(head.mean, offset=False).double().numpy(),
        "shown": outer(head),
    }


def measure(parts: dict, surface: np.ndarray, landmarks: np.ndarray | None = None):
    return face_distance(
        surface,
        parts["faces"],
        parts["landmarks"] if landmarks is None else landmarks,
        parts["vertices"],
        parts["faces"],
        parts["shown"],
        np.eye(3),
    )


def test_a_skin_one_millimeter_above_is_one_millimeter_away(head, parts):
    grown = parts["vertices"] + 0.001 * vertex_normals(parts["vertices"], parts["faces"])
    found = measure(parts, grown)
    assert found.median_mm == pytest.approx(1.0, abs=0.02)
    assert found.mean_mm == pytest.approx(1.0, abs=0.05)
    assert found.p90_mm == pytest.approx(1.0, abs=0.05)
    counted = found.distance_mm[found.measured]
    assert found.median_mm == np.median(counted)
    assert found.p90_mm == np.percentile(counted, 90)


def test_only_what_is_seen_within_the_sphere_counts(head, parts):
    found = measure(parts, parts["vertices"])
    assert found.median_mm < 1e-6
    center, radius = face_sphere(parts["landmarks"][[36, 39, 42, 45, 33, 48, 54]])
    far = np.linalg.norm(parts["vertices"] - center, axis=1) > radius
    assert not found.measured[far].any()
    np.testing.assert_array_equal(np.isnan(found.distance_mm), far)
    part = head.part.numpy()
    for hidden in ("tongue", "socket_left"):
        assert found.measured[part == PARTS.index(hidden)].mean() < 0.05
    front = skin(head) & ~far & (parts["vertices"][:, 2] > 0.07)
    assert found.measured[front].mean() > 0.8


def test_points_beyond_the_end_of_the_head_do_not_count(head, parts):
    """Of the head only the right half is left: the other half of the surface is not judged by it."""
    half = parts["faces"][(parts["vertices"][parts["faces"]][..., 0] < 0).all(1)]
    found = face_distance(
        parts["vertices"],
        parts["faces"],
        parts["landmarks"],
        parts["vertices"],
        half,
        parts["shown"],
        np.eye(3),
    )
    left = parts["vertices"][:, 0] > 0.01
    whole = measure(parts, parts["vertices"])
    assert found.measured[left].sum() < 0.2 * whole.measured[left].sum()
    assert found.measured.sum() > 800
    assert found.median_mm < 1e-6


def test_a_turned_head_is_measured_the_same(parts):
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    moved = parts["vertices"] @ turn.T + 3.0
    found = face_distance(
        moved, parts["faces"], parts["landmarks"] @ turn.T + 3.0, moved + 0.002, parts["faces"],
        parts["shown"], turn,
    )  # fmt: skip
    straight = measure(parts, parts["vertices"] - 0.002 * turn.sum(0))
    assert found.measured.sum() == pytest.approx(straight.measured.sum(), rel=0.02)
    assert found.median_mm == pytest.approx(straight.median_mm, rel=0.02)


def test_unknown_landmarks_and_an_empty_face_are_refused(parts):
    unknown = parts["landmarks"].copy()
    unknown[33] = np.nan
    with pytest.raises(ValueError, match="seven"):
        measure(parts, parts["vertices"], unknown)
    with pytest.raises(ValueError, match="no vertex"):
        measure(parts, parts["vertices"], parts["landmarks"] + 2.0)
