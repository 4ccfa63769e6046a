"""Drawn covers: where they lie, and what the training of the network of covers makes of them."""

import numpy as np
import pytest
import torch

from headform.nets.cover_net import INPUT_SIDE, MAP_SIDE
from tools.cover.covers import PAINTERS, Scene, cover, face_area
from tools.cover.faces import HELD_OUT, Faces, held_out
from tools.cover.training import batches, make_pool, train

SIDE = 96


def points() -> np.ndarray:
    """68 points of a frontal face, about 50 pixels high."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.column_stack([48 + 22 * np.cos(turn), 42 + 32 * np.sin(turn)])
    brows = [(x, 36) for x in (*np.linspace(30, 44, 5), *np.linspace(52, 66, 5))]
    nose = [*((48, y) for y in np.linspace(42, 54, 4)), *((x, 57) for x in np.linspace(44, 52, 5))]
    ring = np.column_stack([np.cos(np.linspace(np.pi, -np.pi, 7)[:-1]), np.sin(np.linspace(np.pi, -np.pi, 7)[:-1])])
    eyes = [middle + ring * [4, 2] for middle in ([38, 42], [58, 42])]
    lips = [48, 65] + np.column_stack([np.cos(np.linspace(np.pi, -np.pi, 21)[:-1]), np.zeros(20)]) * [8, 3]
    return np.concatenate([jaw, brows, nose, *eyes, lips]).astype(float)


def scene(seed: int = 0) -> Scene:
    rng = np.random.default_rng(seed)
    image, other = rng.uniform(100, 200, (2, SIDE, SIDE, 3)).astype(np.float32)
    return Scene(image, points(), other)


@pytest.mark.parametrize("kind", sorted(PAINTERS))
def test_every_cover_is_a_layer_that_hides_some_of_the_face(kind: str) -> None:
    shares = []
    for seed in range(8):
        color, opacity = PAINTERS[kind][0](np.random.default_rng(seed), scene(seed))
        assert color.shape == (SIDE, SIDE, 3)
        assert opacity.shape == (SIDE, SIDE)
        assert 0 <= opacity.min() <= opacity.max() <= 1
        assert np.isfinite(color).all()
        shares.append((opacity * face_area(points(), SIDE)).sum() / face_area(points(), SIDE).sum())
    assert 0.02 < np.median(shares) < 0.9


def test_masks_hide_the_mouth_and_sunglasses_the_eyes() -> None:
    mouth, eyes = points()[57].astype(int), points()[36:48].mean(0).astype(int) + [-10, 0]
    for seed in range(8):
        assert PAINTERS["mask"][0](np.random.default_rng(seed), scene())[1][mouth[1], mouth[0]] == 1
        assert PAINTERS["sunglasses"][0](np.random.default_rng(seed), scene())[1][eyes[1], eyes[0]] > 0.8


def test_only_what_is_hidden_changes() -> None:
    picture, hidden = cover(np.random.default_rng(2), scene())
    np.testing.assert_array_equal(picture[hidden == 0], scene().image[hidden == 0])
    assert (hidden > 0.5).any()


def test_both_photos_of_a_person_are_held_out_or_neither() -> None:
    names = [f"london/{k:03}_{look}.jpg" for k in range(1, 103) for look in ("neutral", "smiling")]
    kept = np.array([held_out(name) for name in names]).reshape(-1, 2)
    assert (kept[:, 0] == kept[:, 1]).all()
    assert 0.5 / HELD_OUT < kept.mean() < 2 / HELD_OUT


def test_a_pool_yields_batches_and_a_few_steps_of_training() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(80, 200, (3, SIDE, SIDE, 3)).astype(np.uint8)
    faces = Faces(np.array(["a", "b", "c"]), image, np.ones((3, SIDE, SIDE), bool), np.stack([points()] * 3))
    pool = make_pool(rng, faces, 12)
    rgb, inside, covered, weight = next(batches(rng, pool, 6))
    assert rgb.shape == (6, 3, INPUT_SIDE, INPUT_SIDE)
    assert inside.shape == (6, 1, INPUT_SIDE, INPUT_SIDE)
    assert covered.shape == weight.shape == (6, MAP_SIDE, MAP_SIDE)
    assert set(covered.unique().tolist()) <= {0.0, 1.0}
    assert 0 < float(covered.mean()) < 1
    first, second = (train(pool, 3, 2).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first), "the seed decides"
