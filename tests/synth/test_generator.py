"""Synthetic faces: the same from the same seed, and labeled where they are."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headform.geometry.face_classes import BROWS as BROW_CLASS
from headform.geometry.face_classes import FACE_CLASSES
from headform.geometry.head_angles import rotation_from_synthetic_angles
from headform.geometry.landmarks68 import BROWS
from headform.heads import load_open
from headform.synth.face_shape import FaceShaper
from headform.synth.folder import write_folder
from headform.synth.generator import Generator
from headform.synth.people import sample_person
from headform.synth.randomization import FULL
from headform.synth.skin import SkinAttributes, paint, sample_skin, skin_rgb
from headform.synth.skin_fields import skin_fields

BARE = FULL.with_changes(
    expression={"rate": 0.0},
    pose={"frontal_rate": 1.0, "frontal_yaw_sd": 5.0, "pitch_sd": 3.0, "roll_sd": 3.0},
    hair={"bald_rate": 1.0},
    lashes={"rate": 0.0},
    glasses={"rate": 0.0},
    hats={"rate": 0.0},
    occluders={"rate": 0.0, "strands_rate": 0.0},
    clothes={"rate": 0.0},
    camera={"crop_scale_sd": 0.0, "crop_shift_sd": 0.0},
    degradation={"strength": 0.0},
)


@pytest.fixture(scope="module")
def bare() -> Generator:
    return Generator(load_open(), size=64, randomization=BARE, bank_size=4)


def test_the_same_seed_makes_the_same_people(bare: Generator) -> None:
    one = bare.batch(np.random.default_rng(5), 3)
    two = bare.batch(np.random.default_rng(5), 3)
    for name in one.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    other = bare.batch(np.random.default_rng(6), 3)
    assert (one.images != other.images).any()


def test_labels_lie_on_the_face(bare: Generator) -> None:
    batch = bare.batch(np.random.default_rng(1), 8)
    nose = np.round(batch.points[:, 30] - 0.5).astype(int)
    inside = [batch.skin[k, y, x] for k, (x, y) in enumerate(nose)]
    assert min(inside) > 200
    assert (batch.skin[:, :2, :2] == 0).mean() > 0.7  # corners show the background
    # the whole face is seen from the front
    assert batch.visible[:, 17:68].mean() > 0.85
    # the subject's right eye lies left in the picture, the chin below the nose
    assert (batch.points[:, 36, 0] < batch.points[:, 45, 0]).all()
    assert (batch.points[:, 8, 1] > batch.points[:, 30, 1]).all()


def test_points_are_the_perspective_image_of_the_labeled_head(bare: Generator) -> None:
    head, rng = load_open(), np.random.default_rng(2)
    people = [sample_person(rng, BARE, head.expression_names, len(head.identity)) for _ in range(6)]
    batch = bare.photograph(rng, people)
    dense = FaceShaper(head, BARE.expression).shape(people)[:, head.dense.numpy()]
    for k in range(6):
        marks = dense[k, :68].mean(0)
        camera = (dense[k] - marks) @ batch.rotation[k].T + [0, 0, batch.distance[k]]
        # without the pupils, which the gaze moves, and the brows, which are drawn where they please
        on_bone = np.setdiff1d(np.arange(len(camera) - 2), np.arange(68)[BROWS])
        flat = camera[on_bone, :2] / camera[on_bone, 2:]
        # a similarity (the crop) takes the projection to the labels
        design = np.column_stack([flat, np.ones(len(flat))])
        solution, *_ = np.linalg.lstsq(design, batch.points[k, on_bone], rcond=None)
        rest = batch.points[k, on_bone] - design @ solution
        assert np.abs(rest).max() < 0.5, "pixels of 64; a collar may press on the jaw"
        a, b = solution[:2]
        assert abs(a @ b) < 0.02 * (a @ a)
        assert abs(a @ a - b @ b) < 0.03 * (a @ a)


def test_rotation_angles_turn_the_face_where_they_say() -> None:
    np.testing.assert_allclose(rotation_from_synthetic_angles(0.0, 0.0, 0.0), np.diag([1, -1, -1]), atol=1e-12)
    ahead = rotation_from_synthetic_angles(0.5, 0.0, 0.0) @ [0, 0, 1]
    assert ahead[0] > 0.4, "yaw turns the face to image right"
    up = rotation_from_synthetic_angles(0.0, 0.0, 0.3) @ [0, 1, 0]
    assert up[0] > 0.2, "roll is clockwise"
    assert (rotation_from_synthetic_angles(0.0, 0.3, 0.0) @ [0, 0, 1])[1] > 0.2, "pitch turns it down"


def test_attributes_do_what_they_say() -> None:
    assert (skin_rgb(1.5, 0.3) < skin_rgb(0.1, 0.3)).all()
    head = load_open()
    fields = skin_fields(head)
    plain = SkinAttributes(noise_seed=3)
    base, _ = paint(head, fields, plain)
    bearded, _ = paint(head, fields, replace(plain, beard=1.0))
    changed = np.abs(bearded - base).sum(1) > 0.05
    assert changed.any()
    assert (fields.beard[changed] > 0).mean() > 0.9
    painted, _ = paint(head, fields, replace(plain, lip_paint=1.0))
    lips = np.abs(painted - base).sum(1) > 0.05
    assert head.regions["lips"].numpy()[lips].mean() > 0.8
    for seed in range(20):
        albedo, gloss = paint(head, fields, sample_skin(np.random.default_rng(seed)))
        assert np.isfinite(albedo).all()
        assert 0 < albedo.min() <= albedo.max() <= 1
        assert (gloss >= 0).all()


def test_a_folder_of_people_is_written_alike_twice(tmp_path: Path) -> None:
    sheet = write_folder(tmp_path / "a", 3, size=48, seed=4)
    write_folder(tmp_path / "b", 3, size=48, seed=4)
    assert sheet.is_file()
    for path in sorted((tmp_path / "a").glob("*.png")):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    labels = np.load(tmp_path / "a" / "labels.npz")
    assert labels["points"].shape == (3, 336, 2)
    facts = json.loads((tmp_path / "a" / "labels.json").read_text())
    assert facts["count"] == 3
    assert len(facts["expression_names"]) == labels["expression"].shape[1]


def test_changes_of_a_randomization_touch_nothing_else() -> None:
    changed = FULL.with_changes(pose={"roll_sd": 1.0}, camera={"distance": (1.0, 2.0)})
    assert (changed.pose.roll_sd, changed.camera.distance) == (1.0, (1.0, 2.0))
    assert changed.with_changes(pose={"roll_sd": FULL.pose.roll_sd}, camera={"distance": FULL.camera.distance}) == FULL
    with pytest.raises(TypeError):
        FULL.with_changes(pose={"rol_sd": 1.0})


def test_landmarks_of_the_brows_follow_the_drawn_brows() -> None:
    lifts = {}
    for lift in (-0.35, 0.35):
        brows = {"opacity": (1.0, 1.0), "bare_rate": 0.0, "lift_cm": (lift, 0.0), "half_height_cm": (0.8, 0.8)}
        generator = Generator(load_open(), size=128, randomization=BARE.with_changes(brows=brows), bank_size=2)
        batch = generator.batch(np.random.default_rng(8), 4)
        middle = np.floor(batch.points[:, [18, 19, 20, 23, 24, 25]]).astype(int)
        found = [batch.classes[k, y, x] for k in range(4) for x, y in middle[k]]
        assert np.mean(np.array(found) == BROW_CLASS) > 0.9
        eyes = batch.points[:, 36:48]
        height = eyes[..., 1].mean(1) - batch.points[:, BROWS, 1].mean(1)
        lifts[lift] = height / np.ptp(eyes[..., 0], axis=1)
    assert (lifts[0.35] - lifts[-0.35] > 0.04).all(), "7 mm of some 9 cm, in the same people"


def test_classes_say_what_is_drawn(bare: Generator) -> None:
    batch = bare.batch(np.random.default_rng(3), 4)
    assert set(np.unique(batch.classes)) <= set(range(len(FACE_CLASSES)))
    own = [FACE_CLASSES.index(n) for n in ("skin", "brows", "eyes", "lips", "mouth_inside", "neck")]
    assert (np.isin(batch.classes, own) == (batch.skin > 127)).mean() > 0.98
    lips = np.floor((batch.points[:, [51, 57]] + batch.points[:, [62, 66]]) / 2).astype(int)
    assert np.mean([batch.classes[k, y, x] == FACE_CLASSES.index("lips") for k in range(4) for x, y in lips[k]]) > 0.7


def test_painted_roots_are_hair() -> None:
    shaved = BARE.with_changes(
        hair={"bald_rate": 0.0, "shaved_rate": 1.0, "shaved": (0.8, 0.8), "recede_rate": 0.0, "crown_rate": 0.0}
    )
    batch = Generator(load_open(), size=64, randomization=shaved, bank_size=4).batch(np.random.default_rng(2), 3)
    hair = batch.classes == FACE_CLASSES.index("hair")
    assert hair[:, :16].any((1, 2)).all(), "above"
    assert not hair[:, 40:, 16:48].any(), "around the mouth"
