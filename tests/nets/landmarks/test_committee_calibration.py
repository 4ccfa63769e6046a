"""What the calibration does to readings, by hand on small numbers; and the file that ships."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import WeightsError
from headform.geometry.mediapipe478 import IRIS_RIGHT, LID_PAIRS, LIP_PAIRS, MIRROR478
from headform.heads.linear import PARTS
from headform.io.model_file import CARD_FIELDS, load_model, save_model
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.committee_calibration import (
    CLOSED,
    Calibration,
    load_calibration,
    save_calibration,
)


def plain(**changes: np.ndarray) -> Calibration:
    """No offsets, equal members, errors that double from presence 10 to 0."""
    two = np.array([2.0, 1.0])
    return replace(
        Calibration(
            surface_vertices=np.zeros((478, 3), np.int64),
            surface_weights=np.tile([1.0, 0, 0], (478, 1)),
            mesh_offset=np.zeros((478, 2)),
            mesh_sigma=np.full(478, 0.01),
            gap_sigma=np.array([0.004, 0.002]),
            expression_precision=np.eye(3),
            presence=np.array([0.0, 10.0]),
            mesh_growth=two,
            offset68=np.zeros((4, 68, 2)),
            sigma68=np.ones((4, 68)),
            growth68=np.tile(two, (4, 1)),
        ),
        **changes,
    )


def reading(presence: float = 10.0, turn: float = 0.0) -> CommitteeReading:
    """A face whose box is 100 by 100 pixels, rolled by `turn` radians."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-45, 45, (68, 2))
    points[36:42], points[42:48], points[48:68] = [-20, 0], [20, 0], [0, 30]
    points[0], points[16] = [-50, -50], [50, 50]
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    place = points @ axes.T + 300
    mesh = rng.uniform(-45, 45, (478, 2)) @ axes.T + 300
    return CommitteeReading(mesh, presence, np.stack([place] * 3), place)


@pytest.mark.parametrize("turn", [0.0, 0.4, -1.2])
def test_offsets_turn_with_the_eyes_and_scale_with_the_face(turn: float) -> None:
    offset = np.zeros((478, 2))
    offset[7] = [0.1, 0.2]
    seen = reading(turn=turn)
    assert seen.frame.size == pytest.approx(100)
    points, sigma = plain(mesh_offset=offset).mesh_on_surface(seen)
    expected = 10 * np.array([np.cos(turn), np.sin(turn)]) + 20 * np.array([-np.sin(turn), np.cos(turn)])
    np.testing.assert_allclose(points[7] - seen.mesh[7], expected, atol=1e-9)
    np.testing.assert_allclose(sigma, 1.0)


@pytest.mark.parametrize(("presence", "factor"), [(-5.0, 2), (0.0, 2), (5.0, 1.5), (10.0, 1), (30.0, 1)])
def test_errors_grow_as_presence_falls(presence: float, factor: float) -> None:
    _, sigma = plain().mesh_on_surface(reading(presence))
    np.testing.assert_allclose(sigma, factor)
    _, gap_sigma = plain().gaps(reading(presence))
    np.testing.assert_allclose(gap_sigma[: len(LID_PAIRS)], 0.4 * factor)


def test_gaps_of_lids_and_lips() -> None:
    pairs = np.array([*LID_PAIRS, *LIP_PAIRS])
    mesh = reading().mesh.copy()
    heights = np.full(len(pairs), 3.0)  # pixels of a face of 100
    first = len(LID_PAIRS)
    heights[0] = -2.0  # an upper lid below the lower one: shut
    heights[first], heights[first + 1] = 0.5 * CLOSED * 100, 0.0
    for (upper, lower), height in zip(pairs, heights, strict=True):
        mesh[upper] = mesh[lower] - [0.0, height]
    seen, sigma = plain().gaps(replace(reading(), mesh=mesh))
    assert seen[0] == 0
    np.testing.assert_allclose(seen[1:first], 3.0)
    np.testing.assert_allclose(seen[first + 2 :], 3.0)
    np.testing.assert_allclose(seen[first], 0.25 * CLOSED * 100)
    assert 0 < seen[first + 1] < 0.2 * CLOSED * 100  # closed lips touch, and are sure to
    np.testing.assert_allclose(sigma[first:] / 0.2, [0.5, 0.25, *[1.0] * (len(LIP_PAIRS) - 2)])


def test_fusing_is_the_weighted_mean() -> None:
    seen = reading()
    rng = np.random.default_rng(1)
    said = rng.normal(300, 30, (3, 68, 2))
    own = rng.normal(300, 30, (68, 2))
    sigma = rng.uniform(0.5, 2.0, (4, 68))
    offset = rng.normal(0, 0.1, (4, 68, 2))
    growth = np.array([[2.0, 1.0], [3.0, 1.0], [1.0, 1.0], [5.0, 1.0]])
    calibration = plain(sigma68=sigma, offset68=offset, growth68=growth)
    fused, apart = calibration.fuse68(own, replace(seen, points68=said, presence=5.0))
    every = np.concatenate([own[None], said]) + 100 * offset
    weight = 1 / (sigma * np.array([1.5, 2.0, 1.0, 3.0])[:, None]) ** 2
    first = sum(weight[m][:, None] * every[m] for m in range(4)) / weight.sum(0)[:, None]
    for m in range(4):
        far = np.linalg.norm(every[m] - first, axis=1).mean() / seen.frame.size
        weight[m] /= (1 + (far / 0.03) ** 2) ** 2
    for k in range(68):
        expected = sum(weight[m, k] * every[m, k] for m in range(4)) / weight[:, k].sum()
        np.testing.assert_allclose(fused[k], expected)
    assert apart > 0.1
    same, none = plain().fuse68(seen.guide, seen)
    np.testing.assert_allclose(same, seen.guide)
    assert none < 1e-9


def test_a_member_that_saw_nothing_hardly_counts() -> None:
    seen = reading()
    said = seen.points68.copy()
    said[1] += [40.0, -30.0]  # half the face's size
    fused, apart = plain().fuse68(seen.guide, replace(seen, points68=said))
    assert np.linalg.norm(fused - seen.guide, axis=1).max() < 0.5  # an even mean would be 12.5 off
    assert apart == pytest.approx((0.375 + 3 * 0.125) / 4)


def test_the_shipped_numbers_fit_the_open_head() -> None:
    calibration, card = load_calibration()
    head = heads.load_open()
    assert card["head"] == head.sha256
    assert card["kind"] == "committee calibration"
    vertices, weights = calibration.surface_vertices, calibration.surface_weights
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-5)
    assert (weights >= -1e-9).all()
    faces = {tuple(sorted(f)) for f in head.faces.tolist()}
    assert all(tuple(sorted(v)) in faces for v in vertices.tolist())
    mean = head.mean.double().numpy()
    places = np.einsum("pk,pkc->pc", weights, mean[vertices])
    mirrored = places[MIRROR478] * [-1, 1, 1]
    assert np.linalg.norm(mirrored - places, axis=1).max() < 0.002  # meters
    pairs = np.array([*LID_PAIRS, *LIP_PAIRS])
    assert (places[pairs[:, 0], 1] > places[pairs[:, 1], 1]).all()
    part = head.part.numpy()[vertices[:, 0]]
    assert (part[IRIS_RIGHT] == PARTS.index("eye_right")).all()
    assert (part[:468] < PARTS.index("mouth")).all()
    np.testing.assert_allclose(calibration.mesh_sigma, calibration.mesh_sigma[MIRROR478], rtol=1e-5)
    assert (np.diff(calibration.mesh_growth) <= 1e-9).all()
    assert np.linalg.eigvalsh(calibration.expression_precision).min() > 0


def test_what_is_written_is_read_and_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "c.safetensors"
    save_calibration(file, plain(), dict.fromkeys(CARD_FIELDS, ""))
    back, _ = load_calibration(file)
    for field in fields(Calibration):
        np.testing.assert_allclose(getattr(back, field.name), getattr(plain(), field.name), rtol=1e-6)
    tensors, card = load_model(file)
    save_model(file, tensors | {"gap_sigma": torch.ones(3)}, card, half=False)
    with pytest.raises(WeightsError) as caught:
        load_calibration(file)
    assert caught.value.code == "weights_mismatch"
    with pytest.raises(WeightsError):
        load_calibration(tmp_path / "none.safetensors")
