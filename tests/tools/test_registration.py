"""The registration of MediaPipe's canonical face: rings on the head's edges, the rest near what it names."""

from pathlib import Path

import numpy as np
import pytest

from headform import heads
from headform.geometry.mediapipe478 import (
    IRIS_LEFT,
    IRIS_RIGHT,
    LID_PAIRS,
    LIP_PAIRS,
    MIRROR478,
    TO_68,
)
from headform.heads.linear import PARTS, LinearHead
from tools.committee.registration import RINGS, Placement, canonical_face, register


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


@pytest.fixture(scope="module")
def placement(head: LinearHead, data_root: Path) -> Placement:
    file = data_root / "models" / "mediapipe_canonical" / "face_model_with_iris.obj"
    return register(head, *canonical_face(file))


def test_places_are_named_parts_of_the_head(head: LinearHead, placement: Placement) -> None:
    places = placement.positions(head.mean.double().numpy() * 1000, head.faces.numpy())
    marks = head.landmarks(head.mean, offset=False).double().numpy() * 1000
    # nose, eye corners, corners and middle of the lips
    for k in (*range(27, 31), 33, 36, 39, 42, 45, 48, 51, 54, 57, 62, 66):
        assert np.linalg.norm(places[TO_68[k]] - marks[k]) < 1.8, k
    assert np.linalg.norm(places[MIRROR478] * [-1, 1, 1] - places, axis=1).max() < 0.5
    part = head.part.numpy()[head.faces.numpy()[placement.triangle, 0]]
    assert (part[IRIS_RIGHT] == PARTS.index("eye_right")).all()
    assert (part[IRIS_LEFT] == PARTS.index("eye_left")).all()


def test_rings_lie_on_edges(head: LinearHead, placement: Placement) -> None:
    places = placement.positions(head.mean.double().numpy() * 1000, head.faces.numpy())
    vertices = head.mean.double().numpy() * 1000
    skin = vertices[head.part.numpy() == PARTS.index("face")]
    for upper, lower in (*LID_PAIRS[1:6], *LID_PAIRS[8:13], *LIP_PAIRS):
        gap = places[upper, 1] - places[lower, 1]
        assert 0.3 < gap < 11
        x = (places[upper, 0] + places[lower, 0]) / 2
        between = (np.abs(skin[:, 0] - x) < 0.4) & (skin[:, 1] < places[upper, 1] - 0.2)
        between &= (skin[:, 1] > places[lower, 1] + 0.2) & (skin[:, 2] > places[upper, 2] - 3)
        assert not between.any()  # nothing of the face's skin in the opening
    assert len(set(RINGS)) == len(set(MIRROR478[list(RINGS)]))
