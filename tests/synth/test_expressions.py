"""Expressions of synthetic faces: what is drawn as often as its rate says, and shapes that belong together."""

from dataclasses import replace

import numpy as np
import pytest

from headform.heads.linear import LinearHead
from headform.synth.expressions import SIDES, Expression, sample_expression
from headform.synth.randomization import STRONG_EXPRESSIONS, ExpressionRandomization

COUNT = 1500


@pytest.fixture(scope="module")
def names(open_head: LinearHead) -> tuple[str, ...]:
    return open_head.expression_names


def drawn(names: tuple[str, ...], config: ExpressionRandomization, count: int = COUNT) -> list[Expression]:
    rng = np.random.default_rng(0)
    return [sample_expression(rng, names, config, camera=np.array([0.4, -0.1, 0.9])) for _ in range(count)]


def test_mouths_and_eyes_are_closed_as_often_as_configured(names: tuple[str, ...]) -> None:
    config = ExpressionRandomization(rate=1.0)
    faces = drawn(names, config)
    assert np.mean([f.mouth_closed for f in faces]) == pytest.approx(config.closed_mouth_rate, abs=0.04)
    eyes = np.array([f.eyes_closed for f in faces])
    assert eyes.all(1).mean() == pytest.approx(config.blink_rate, abs=0.02)
    assert (eyes.sum(1) == 1).mean() == pytest.approx(config.wink_rate, abs=0.015)
    never = drawn(names, replace(config, closed_mouth_rate=0.0, blink_rate=0.0, wink_rate=0.0), 100)
    assert not any(f.mouth_closed or f.eyes_closed.any() for f in never)


def test_weights_are_blendshapes_that_can_be_worn_together(names: tuple[str, ...]) -> None:
    jaw, shut = names.index("jawOpen"), names.index("mouthClose")
    for face in drawn(names, ExpressionRandomization(rate=1.0)):
        assert 0 <= face.weights.min() <= face.weights.max() <= 1
        assert face.weights[shut] <= face.weights[jaw], "lips are pulled together as far as the jaw parts them"
        if face.mouth_closed:
            assert face.weights[jaw] < 0.2
        for side, closed in zip(SIDES, face.eyes_closed, strict=True):
            if closed:
                assert face.weights[names.index("eyeBlink" + side)] == 1
                assert face.weights[names.index("eyeWide" + side)] == 0


def test_a_face_that_is_not_drawn_at_all_is_neutral(names: tuple[str, ...]) -> None:
    for face in drawn(names, ExpressionRandomization(rate=0.0), 50):
        assert not face.weights.any()
        assert not face.gaze.any()
        assert not face.eyes_closed.any()


def test_looking_left_moves_the_lids_of_both_eyes(names: tuple[str, ...]) -> None:
    looks_left = [f for f in drawn(names, ExpressionRandomization(rate=1.0), 300) if f.gaze[0] > 0.2]
    assert len(looks_left) > 30
    for face in looks_left:
        assert face.weights[names.index("eyeLookOutLeft")] > 0
        assert face.weights[names.index("eyeLookInRight")] > 0


def test_eyes_look_into_the_camera(names: tuple[str, ...]) -> None:
    config = ExpressionRandomization(rate=1.0, gaze_rate=1.0, camera_gaze_rate=1.0, camera_gaze_sd=0.0)
    gaze = np.array([f.gaze for f in drawn(names, config, 20)])
    np.testing.assert_allclose(
        gaze, np.tile([np.arctan2(0.4, 0.9), np.arcsin(-0.1 / np.sqrt(0.98))], (20, 1)), atol=1e-6
    )


@pytest.mark.parametrize("strong", STRONG_EXPRESSIONS, ids=lambda s: s.name)
def test_strong_expressions_are_made_of_known_shapes(names: tuple[str, ...], strong) -> None:
    assert max(strong.closed, strong.open) > 0
    for group in strong.groups:
        for name, (low, high) in group.weights:
            assert name in names or name + "Left" in names
            assert 0 <= low <= high <= 1
    config = replace(
        ExpressionRandomization(rate=1.0, strong_rate=1.0, strong=(strong,), brow_groups=(), mouth_groups=()),
        **{f"{name}_rate": 0.0 for name in ("mild_smile", "smile", "parted", "gaze", "blink", "wink")},
        closed_mouth_rate=float(strong.open == 0),
        open_mouth_rate=0.0,
    )
    certain = [name for group in strong.groups if group.rate == 1 for name, _ in group.weights]
    for face in drawn(names, config, 10):
        for name in certain:
            sides = [name] if name in names else [name + "Left", name + "Right"]
            assert any(face.weights[names.index(side)] > 0 for side in sides)
        if strong.one_sided:
            left, right = (face.weights[names.index(certain[0] + side)] for side in ("Left", "Right"))
            assert min(left, right) == 0


def test_the_halves_of_a_face_differ(names: tuple[str, ...]) -> None:
    left, right = names.index("mouthSmileLeft"), names.index("mouthSmileRight")
    same = ExpressionRandomization(rate=1.0, mild_smile_rate=1.0, asymmetry_sd=0.0, side_sd=0.0, mouth_groups=())
    for face in drawn(names, same, 20):
        assert face.weights[left] == pytest.approx(face.weights[right])
    uneven = [f.weights[left] / f.weights[right] for f in drawn(names, replace(same, side_sd=0.2), 300)]
    assert np.log(uneven).std() == pytest.approx(0.2 * np.sqrt(2), rel=0.15)
