"""The committee on the photo that ships: members agree, and what is done to the photo is done to the points."""

from pathlib import Path

import numpy as np
import pytest

from headform import images
from headform.geometry.landmarks68 import MIRROR68
from headform.geometry.mediapipe478 import MIRROR478
from headform.nets.landmarks.committee import MEMBERS, Committee, CommitteeReading

GUIDE_EYES = np.array([[203.3, 101.2], [246.1, 103.5]])
"""Middles of the irises in the photo, by eye on an enlargement."""


@pytest.fixture(scope="module")
def committee() -> Committee:
    return Committee.load()


@pytest.fixture(scope="module")
def photo(repository: Path) -> np.ndarray:
    return images.read(repository / "examples" / "astronaut.jpg").rgb


def read(committee: Committee, photo: np.ndarray, guide: np.ndarray) -> CommitteeReading:
    (found,) = committee.read([photo], [guide])
    return found


def guide() -> np.ndarray:
    """A schematic face between the known eyes: the mean of a 68-point template."""
    unit = float(np.linalg.norm(GUIDE_EYES[1] - GUIDE_EYES[0]))
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = [-0.5, 0], [0.5, 0]
    turn = np.linspace(-1, 1, 17)
    points[:17] = np.column_stack([1.15 * np.sin(turn * 1.5), 0.1 + 1.6 * np.cos(turn * 1.5)])
    points[17:27] = np.column_stack([np.linspace(-0.9, 0.9, 10), np.full(10, -0.4)])
    points[27:36] = [0, 0.5]
    points[48:68] = [0, 1.1]
    along = (GUIDE_EYES[1] - GUIDE_EYES[0]) / unit
    axes = np.column_stack([along, [-along[1], along[0]]])
    return GUIDE_EYES.mean(0) + unit * points @ axes.T


@pytest.fixture(scope="module")
def reading(committee: Committee, photo: np.ndarray) -> CommitteeReading:
    return read(committee, photo, read(committee, photo, guide()).points68[0])


def test_members_see_the_eyes_where_they_are_and_agree(reading: CommitteeReading) -> None:
    assert reading.points68.shape == (len(MEMBERS), 68, 2)
    size = reading.frame.size
    for points in reading.points68:
        eyes = np.stack([points[36:42].mean(0), points[42:48].mean(0)])
        assert np.linalg.norm(eyes - GUIDE_EYES, axis=1).max() < 0.04 * size
    spread = np.linalg.norm(reading.points68 - reading.points68.mean(0), axis=2).mean()
    assert spread < 0.03 * size
    assert reading.presence > 10


def test_a_mirrored_photo_gives_mirrored_points(
    committee: Committee, photo: np.ndarray, reading: CommitteeReading
) -> None:
    flipped = np.ascontiguousarray(photo[:, ::-1])
    width = photo.shape[1]
    there = (reading.guide * [-1, 1] + [width, 0])[MIRROR68]
    mirrored = read(committee, flipped, there)
    back = (mirrored.mesh * [-1, 1] + [width, 0])[MIRROR478]
    # each crop is read mirrored too, so that only rounding of the crop's pixels is left
    assert np.linalg.norm(back - reading.mesh, axis=1).max() < 0.02 * reading.frame.size
    back68 = (mirrored.points68 * [-1, 1] + [width, 0])[:, MIRROR68]
    assert np.linalg.norm(back68 - reading.points68, axis=2).mean() < 0.004 * reading.frame.size


def test_a_crop_that_is_no_face_is_told(committee: Committee) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    points = guide() - guide().mean(0) + 150
    assert read(committee, noise, points).presence < 0


def test_a_guide_a_hundredth_off_does_not_matter(
    committee: Committee, photo: np.ndarray, reading: CommitteeReading
) -> None:
    size = reading.frame.size
    moved = read(committee, photo, reading.guide + 0.01 * size)
    assert np.linalg.norm(moved.mesh - reading.mesh, axis=1).mean() < 0.006 * size


def test_many_faces_at_once_are_read_as_one_by_one(
    committee: Committee, photo: np.ndarray, reading: CommitteeReading
) -> None:
    smaller = np.ascontiguousarray(photo[20:, 10:])
    guides = [reading.guide, reading.guide - [10.0, 20.0], reading.guide]
    found = committee.read([photo, smaller, photo], guides)
    for each, shift in zip(found, (0, [10.0, 20.0], 0), strict=True):
        np.testing.assert_allclose(each.points68 + shift, reading.points68, atol=2e-3)
        assert each.presence == pytest.approx(reading.presence, abs=1e-2)
    assert committee.read([], []) == []
