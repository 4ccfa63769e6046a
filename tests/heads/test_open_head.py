"""What the shipped head promises about its parts, names and points, without the data it is made from."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.heads.linear import PARTS
from headform.mesh.topology import components, edges

ASSETS = Path(__file__).resolve().parents[2] / "src/headform/heads/assets"
ARKIT = (
    "browDownLeft browDownRight browInnerUp browOuterUpLeft browOuterUpRight cheekPuff cheekSquintLeft "
    "cheekSquintRight eyeBlinkLeft eyeBlinkRight eyeLookDownLeft eyeLookDownRight eyeLookInLeft eyeLookInRight "
    "eyeLookOutLeft eyeLookOutRight eyeLookUpLeft eyeLookUpRight eyeSquintLeft eyeSquintRight eyeWideLeft eyeWideRight "
    "jawForward jawLeft jawOpen jawRight mouthClose mouthDimpleLeft mouthDimpleRight mouthFrownLeft mouthFrownRight "
    "mouthFunnel mouthLeft mouthLowerDownLeft mouthLowerDownRight mouthPressLeft mouthPressRight mouthPucker mouthRight "
    "mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthSmileLeft mouthSmileRight mouthStretchLeft "
    "mouthStretchRight mouthUpperUpLeft mouthUpperUpRight noseSneerLeft noseSneerRight"
).split()


def marks(head):
    return head.landmarks(head.mean, offset=False).numpy()


def test_sizes(head) -> None:
    assert (ASSETS / "open_head.safetensors").stat().st_size <= 8e6
    assert 6000 <= len(head.mean) <= 12000
    assert len(head.identity) == 100
    assert len(head.albedo) == 50
    assert len(head.dense) == len(set(head.dense.tolist())) == 336
    assert set(np.unique(head.part)) == set(range(len(PARTS)))


def test_names_are_apples(head) -> None:
    assert sorted(head.expression_names) == sorted(ARKIT)


def test_the_card_tells_the_truth(head) -> None:
    card = json.loads((ASSETS / "open_head.json").read_text())
    assert card["sha256"] == head.sha256
    assert card["bytes"] == (ASSETS / "open_head.safetensors").stat().st_size
    assert card["counts"]["vertices"] == len(head.mean)
    assert card["counts"]["triangles"] == len(head.faces)
    assert card["fidelity_mm"]["median"] < 0.2


def test_frame_and_unit(head) -> None:
    points = marks(head)
    assert 0.08 < np.linalg.norm(points[36] - points[45]) < 0.10  # outer eye corners, meters
    assert points[36, 0] < 0 < points[45, 0]  # the subject's right eye first: x to the left
    assert points[27, 1] > points[8, 1]  # y up
    assert points[30, 2] > points[27, 2] > points[0, 2]  # z out of the face


def test_mirror_is_symmetric(head) -> None:
    mirror = head.mirror.numpy()
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    gap = np.linalg.norm(head.mean.numpy()[mirror] * [-1, 1, 1] - head.mean.numpy(), axis=1)
    assert gap.max() < 1e-4
    np.testing.assert_array_equal(head.dense_mirror[head.dense_mirror], np.arange(len(head.dense)))
    np.testing.assert_array_equal(head.dense[head.dense_mirror], mirror[head.dense])
    here = {frozenset(f) for f in head.faces.tolist()}
    assert {frozenset(f) for f in mirror[head.faces.numpy()].tolist()} == here
    swap = list(range(len(PARTS)))
    for name in ("socket", "eye"):
        left, right = PARTS.index(f"{name}_left"), PARTS.index(f"{name}_right")
        swap[left], swap[right] = right, left
    np.testing.assert_array_equal(np.array(swap)[head.part.numpy()[mirror]], head.part.numpy())


def test_surface_is_sound(head) -> None:
    faces = head.faces.numpy()
    assert len(np.unique(faces)) == len(head.mean)
    pairs, uses = edges(faces)
    assert uses.max() == 2
    label = components(faces, len(head.mean))
    # skin with mouth bag and sockets in one piece, gums and tongue, 32 teeth, two eyeballs
    assert len(np.unique(label)) == 36
    skin = label == label[head.landmark_vertices[30, 0]]
    rim = np.unique(pairs[uses == 1])
    assert head.mean[rim[skin[rim]], 1].max() < -0.1  # open at the bottom of the neck only
    corners = head.mean.double()[head.faces].numpy()
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.linalg.norm(normal, axis=1).min() > 0
    for part in ("eye_right", "eye_left"):
        own = (head.part[head.faces] == PARTS.index(part)).all(1).numpy()
        center = head.eye_center(head.mean, part).numpy()
        assert ((normal[own] * (corners[own].mean(1) - center)).sum(1) > 0).all()  # outwards


def test_eyeballs_are_round_and_turn_about_their_middle(head) -> None:
    for part in ("eye_right", "eye_left"):
        ids = head.part_vertices(part)
        eye, center = head.mean[ids].numpy(), head.eye_center(head.mean, part).numpy()
        behind = eye[eye[:, 2] < center[2] + 0.005]
        radius = np.linalg.norm(behind - center, axis=1)
        assert np.ptp(radius) < 0.002
        assert 0.013 < radius.mean() < 0.017
        # the disc of the iris, 5.8 mm in radius, has enough vertices to be round
        pole = eye[eye[:, 2].argmax()]
        inside = np.linalg.norm(eye[:, :2] - pole[:2], axis=1) < 0.0058
        assert (inside & (eye[:, 2] > center[2])).sum() > 150


def test_landmarks_dense_and_now7(head) -> None:
    np.testing.assert_array_equal(head.landmark_vertices[:, 0], head.dense[:68])
    torch.testing.assert_close(head.landmark_weights.sum(1), torch.ones(68))
    np.testing.assert_array_equal(head.now7, head.dense[[36, 39, 42, 45, 33, 48, 54]])
    for pupil, part in zip(head.dense[-2:].tolist(), ("eye_right", "eye_left"), strict=True):
        assert head.part[pupil] == PARTS.index(part)
        assert head.mean[pupil, 2] == head.mean[head.part_vertices(part), 2].max()


def test_jaw_candidates_run_inwards(head) -> None:
    rows = head.contour.numpy()
    assert rows.shape[0] == 17
    np.testing.assert_array_equal(rows[:, 0], head.dense[:17])
    assert (head.part.numpy()[rows] == PARTS.index("face")).all()
    np.testing.assert_array_equal(rows[9:], head.mirror.numpy()[rows[:8][::-1]])
    across = np.abs(head.mean.numpy()[rows][..., 0])
    assert (np.diff(across[:7], axis=1) <= 2e-3).all()
    assert (across[:6, 0] - across[:6, -1] > 0.015).all()


def test_regions_lie_where_they_should(head) -> None:
    points, mean = marks(head), head.mean.numpy()
    wanted = {
        "nose": range(27, 36),
        "lips": range(48, 68),
        "brows": range(17, 27),
        "face": range(17, 68),
    }
    wanted |= {"right_eye": range(36, 42), "left_eye": range(42, 48), "chin": [8]}
    for name, indices in wanted.items():
        assert head.regions[name][head.dense[list(indices)]].all(), name
    assert not head.regions["neck"][head.dense[:68]].any()
    assert not (head.regions["scalp"] & head.regions["face"]).any()
    assert not (head.regions["ears"] & head.regions["face"]).all()
    for name, mask in head.regions.items():
        assert mask.any(), name
        other = {"right_eye": "left_eye", "left_eye": "right_eye"}.get(name, name)
        agreement = (head.regions[other][head.mirror] == mask).float().mean()
        assert agreement > 0.995, name
    ears = mean[head.regions["ears"].numpy()]
    assert np.abs(ears[:, 0]).min() > 0.06
    assert mean[head.regions["scalp"].numpy(), 1].max() == mean[:, 1].max()
    assert points[8, 1] - 0.03 < mean[head.regions["chin"].numpy(), 1].mean()


def test_neck_turns_smoothly(head) -> None:
    weight, y = head.neck_weight.numpy(), head.mean.numpy()[:, 1]
    assert (weight[head.regions["face"].numpy()] == 1).all()
    assert (weight[head.part.numpy() >= 2] == 1).all()
    assert weight[y < -0.14].max() < 0.35
    steps = np.abs(weight[head.faces.numpy()] - np.roll(weight[head.faces.numpy()], 1, axis=1))
    assert steps.max() < 0.5


def test_closed_lids_and_open_jaw(head) -> None:
    """Shapes do what they are called."""

    def moved(name):
        code = torch.zeros(len(head.expression))
        code[head.expression_names.index(name)] = 1
        return head.landmarks(head.vertices(None, code), offset=False).numpy()

    rest = marks(head)
    closed = moved("eyeBlinkLeft")
    opening = lambda p, up, low: np.linalg.norm(p[up] - p[low])  # noqa: E731
    assert opening(closed, 43, 47) < 0.35 * opening(rest, 43, 47)  # 42..47: the subject's left eye
    assert opening(closed, 38, 40) > 0.95 * opening(rest, 38, 40)
    assert moved("jawOpen")[8, 1] < rest[8, 1] - 0.015
    smile = moved("mouthSmileLeft")
    assert smile[54, 1] > rest[54, 1] + 0.003
    assert abs(smile[48, 1] - rest[48, 1]) < 0.003


def test_albedo_is_a_color(head) -> None:
    assert 0 < head.albedo_mean.min()
    assert head.albedo_mean.max() < 1
    skin = head.regions["cheeks"]
    red, green, blue = head.albedo_mean[skin].mean(0).tolist()
    assert red > green > blue
    size = head.albedo.square().sum((1, 2))
    assert (size[:-1] >= 0.98 * size[1:]).all()  # strongest first, within the rounding to 8 bits


@pytest.mark.parametrize("name", ["face", "lips", "neck"])
def test_every_part_is_painted_and_textured(head, name) -> None:
    ids = torch.nonzero(head.regions[name])[:, 0]
    assert torch.isin(ids, head.faces).all()
