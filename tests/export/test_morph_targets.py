"""The 52 shapes: names, passing through, and eyeballs that look where the name says."""

import numpy as np
import pytest

from headform.export.morph_targets import (
    ARKIT_NAMES,
    LOOK_PITCH,
    LOOK_YAW,
    arkit_targets,
    arkit_weights,
    gaze_rotation,
)
from headform.heads.linear import LinearHead

AHEAD = np.array([0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [
        ("eyeLookInLeft", 0, -1), ("eyeLookOutLeft", 0, 1), ("eyeLookInRight", 0, 1),
        ("eyeLookOutRight", 0, -1), ("eyeLookUpLeft", 1, 1), ("eyeLookUpRight", 1, 1),
        ("eyeLookDownLeft", 1, -1), ("eyeLookDownRight", 1, -1),
    ],
)  # fmt: skip
def test_gaze_turns_where_the_name_says(name: str, axis: int, sign: int) -> None:
    """x to the subject's left, whose left eye lies at positive x; y up."""
    gaze = gaze_rotation(name) @ AHEAD
    assert sign * gaze[axis] == pytest.approx(np.sin(LOOK_YAW if axis == 0 else LOOK_PITCH))
    assert gaze[1 - axis] == pytest.approx(0)
    assert np.linalg.det(gaze_rotation(name)) == pytest.approx(1)


@pytest.mark.parametrize("name", ["jawOpen", "eyeLookSidewaysLeft", "eyeLookIn sideways"])
def test_other_names_have_no_gaze(name: str) -> None:
    with pytest.raises(ValueError, match="is not an eyeLook shape"):
        gaze_rotation(name)


def test_shapes_of_the_head_pass_through_and_eyes_turn_rigidly(egg: LinearHead) -> None:
    neutral = egg.mean.numpy()
    eyes = {side: egg.part_vertices(f"eye_{side.lower()}").numpy() for side in ("Left", "Right")}
    shuffled = list(reversed(range(51)))
    targets = arkit_targets(
        egg.expression.numpy()[shuffled],
        [egg.expression_names[k] for k in shuffled],
        neutral,
        eyes,
    )
    assert tuple(target.name for target in targets) == ARKIT_NAMES
    skin = egg.part.numpy() == 0
    for k, target in enumerate(targets[:-1]):
        np.testing.assert_allclose(target.delta[skin], egg.expression.numpy()[k][skin])
    assert not targets[-1].delta.any()
    look = targets[ARKIT_NAMES.index("eyeLookUpLeft")].delta + neutral
    left = eyes["Left"]
    before = neutral[left] - neutral[left].mean(0)
    after = look[left] - look[left].mean(0)
    np.testing.assert_allclose(look[left].mean(0), neutral[left].mean(0), atol=1e-7)
    np.testing.assert_allclose(after @ after.T, before @ before.T, atol=1e-9)
    assert np.array_equal(look[eyes["Right"]], neutral[eyes["Right"]])


def test_weights_are_reordered_clipped_and_zero_where_unknown() -> None:
    weights = arkit_weights(np.array([0.5, 1.7, -0.2]), ["jawOpen", "eyeBlinkLeft", "cheekPuff"])
    assert weights[ARKIT_NAMES.index("jawOpen")] == 0.5
    assert weights[ARKIT_NAMES.index("eyeBlinkLeft")] == 1.0
    assert weights.sum() == 1.5


@pytest.mark.parametrize("yaw", [-0.3, 0.25])
@pytest.mark.parametrize("pitch", [-0.2, 0.35])
def test_gaze_weights_turn_the_eyes_by_the_gaze(yaw: float, pitch: float) -> None:
    weights = arkit_weights(np.array([1.0]), ["eyeLookUpLeft"], np.array([yaw, pitch]))
    for side in ("Left", "Right"):
        turned = AHEAD.copy()
        for direction in ("In", "Out", "Up", "Down"):
            name = f"eyeLook{direction}{side}"
            turned += weights[ARKIT_NAMES.index(name)] * (gaze_rotation(name) @ AHEAD - AHEAD)
        assert np.arctan2(turned[0], turned[2]) == pytest.approx(yaw, abs=0.035)
        assert np.arctan2(turned[1], turned[2]) == pytest.approx(pitch, abs=0.035)
