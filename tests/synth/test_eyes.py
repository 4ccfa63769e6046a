"""Eyes: pictures of irises, and the shadow of the lids."""

from dataclasses import replace

import numpy as np

from headform.heads import load_open
from headform.synth._eyes import PICTURE_SIDE, draw_eye_pictures, eye_geometry, iris_colors, lid_shadow, sample_eyes
from headform.synth.randomization import FULL
from headform.synth.skin import SkinAttributes


def test_pictures_have_a_black_pupil_an_iris_and_a_white() -> None:
    pictures = draw_eye_pictures(6)
    middle = PICTURE_SIDE // 2
    assert pictures[:, middle, middle].max() < 30
    iris = pictures[:, middle, middle + int(0.3 * middle)].astype(int)
    white = pictures[:, middle, middle + int(0.6 * middle)].astype(int)
    assert (white.sum(1) > iris.sum(1) + 60).all()
    assert len(np.unique(iris, axis=0)) == 6
    np.testing.assert_array_equal(pictures, draw_eye_pictures(6))


def test_brown_eyes_go_with_a_brown_iris_and_blue_ones_with_a_blue() -> None:
    bank = draw_eye_pictures()
    brown, blue = (0.03, 0.015, 0.008), (0.12, 0.17, 0.25)
    warmth = []
    for rgb in (brown, blue):
        rng = np.random.default_rng(0)
        as_given = replace(FULL.eyes, brown_rate=(0.0, 0.0))
        looks = [sample_eyes(rng, bank, iris_colors(bank), SkinAttributes(iris_rgb=rgb), as_given) for _ in range(60)]
        drawn = iris_colors(np.stack([look.pictures[0] for look in looks]))
        warmth.append(np.log(drawn[:, 0] / drawn[:, 2]))
    assert (warmth[0] > 0.2).mean() > 0.9
    assert warmth[1].mean() < warmth[0].mean() - 0.8


def test_eyes_of_dark_skin_are_brown_though_the_drawn_iris_is_blue() -> None:
    bank = draw_eye_pictures()
    brown = []
    for melanin in (0.05, 1.2):
        rng = np.random.default_rng(1)
        skin = SkinAttributes(iris_rgb=(0.12, 0.17, 0.25), melanin=melanin)
        looks = [sample_eyes(rng, bank, iris_colors(bank), skin, FULL.eyes) for _ in range(60)]
        drawn = iris_colors(np.stack([look.pictures[0] for look in looks]))
        brown.append(float((drawn[:, 0] > 1.2 * drawn[:, 2]).mean()))
    assert brown[0] < 0.5
    assert brown[1] > 0.9


def test_the_upper_lid_darkens_the_top_of_the_ball() -> None:
    head = load_open()
    verts = head.mean.numpy()
    marks = verts[head.dense.numpy()[:68]]
    geometry = eye_geometry(head)
    share = lid_shadow(geometry, verts, marks, 1.0)
    others = np.ones(len(verts), bool)
    for ids in geometry.vertices:
        others[ids] = False
        front = ids[geometry.local[ids, 2] > 1.2]
        middle = front[np.abs(geometry.local[front, 0]) < 0.3]
        top = share[middle[geometry.local[middle, 1] > 0.4]]
        center = share[middle[np.abs(geometry.local[middle, 1]) < 0.2]]
        assert top.mean() < 0.75 * center.mean()
        assert center.mean() > 0.7
    np.testing.assert_array_equal(share[others], 1)
    assert (lid_shadow(geometry, verts, marks, 0.0) == 1).all()


def test_each_ball_looks_ahead_from_its_own_center() -> None:
    head = load_open()
    geometry = eye_geometry(head)
    right, left = (geometry.local[ids] for ids in geometry.vertices)
    for local in (right, left):
        assert 1.2 < local[:, 2].max() < 2.0, "cm"
        np.testing.assert_allclose(local.min(0)[:2] + local.max(0)[:2], 0, atol=1e-3)
    assert head.mean.numpy()[geometry.vertices[0], 0].max() < 0 < head.mean.numpy()[geometry.vertices[1], 0].min()
