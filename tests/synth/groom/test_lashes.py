"""Lashes of one person."""

from dataclasses import replace

import numpy as np

from headform.heads import load_open
from headform.synth.groom.lashes import lashes
from headform.synth.piece import UNLABELED
from headform.synth.randomization.hair import LashRandomization

STILL = np.zeros(load_open().mean.shape, np.float32)
BROWN = np.array([0.1, 0.05, 0.02])
ALWAYS = LashRandomization(rate=1.0, made_up_rate=0.0)


def test_lashes_are_as_long_as_drawn() -> None:
    def reach(length: float) -> float:
        (piece,) = lashes(np.random.default_rng(0), STILL, BROWN, replace(ALWAYS, length=(length, length)))
        return float(piece.vertices[:, 2].max() - piece.vertices[:, 2].min())

    full, half = reach(1.0), reach(0.5)
    assert half < full
    (none,) = lashes(np.random.default_rng(0), STILL, BROWN, replace(ALWAYS, length=(0.0, 0.0)))
    triangle = none.vertices[none.faces]
    area = np.linalg.norm(np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0]), axis=1)
    assert np.quantile(area, 0.8) < 1e-7


def test_lashes_keep_the_class_behind_them() -> None:
    (piece,) = lashes(np.random.default_rng(1), STILL, BROWN, ALWAYS)
    assert piece.label == UNLABELED
    assert 0.35 <= piece.opacity <= 0.95
    assert lashes(np.random.default_rng(1), STILL, BROWN, replace(ALWAYS, rate=0.0)) == []
