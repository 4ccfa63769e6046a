"""Drawn brows lie where hand-placed contours of open portraits have them."""

import numpy as np

from headform.heads import load_open
from headform.synth import Generator
from headform.synth.randomization import PORTRAIT


def test_drawn_brows_have_the_height_length_and_slant_of_photos() -> None:
    calm = PORTRAIT.with_changes(
        expression={"rate": 0.0},
        pose={"frontal_rate": 1.0, "turned_rate": 0.0, "frontal_yaw_sd": 1.0, "pitch_sd": 1.0, "roll_sd": 1.0},
    )
    points = Generator(load_open(), size=64, randomization=calm).batch(np.random.default_rng(3), 24).points[:, :68]
    right, left = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    pupils = np.linalg.norm(left - right, axis=1)
    eyes = (right + left)[:, 1] / 2
    height = (eyes - points[:, [18, 19, 20, 23, 24, 25], 1].mean(1)) / pupils
    length = np.linalg.norm(points[:, 17] - points[:, 21], axis=1) / pupils
    lower = (points[:, [17, 26], 1] - points[:, [21, 22], 1]).mean(1) / pupils
    # means of London and Canada: height 0.28, length 0.71, outer end lower by 0.05
    assert abs(height.mean() - 0.28) < 0.04
    assert abs(length.mean() - 0.71) < 0.06
    assert abs(lower.mean() - 0.045) < 0.05
    assert height.std() > 0.02
