"""Bounds of expressions, and FLAME's jaw as one of them."""

import numpy as np
import pytest

from headform.heads.flame.head import FlameHead
from headform.importers import flame
from headform.registration.expression_range import ExpressionRange, decoded, jaw_chord
from tests.heads import flame_file
from tests.registration.other_heads import face_only


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> FlameHead:
    path = tmp_path_factory.mktemp("flame") / "generic_model.pkl"
    flame_file.write_plain_pkl(path, flame_file.flame_model())
    return flame.read(path)


def test_components_reach_both_ways_and_weights_do_not() -> None:
    weights, components = ExpressionRange.of(face_only()), ExpressionRange.of(face_only("bfm2017"))
    assert (weights.lower.min(), weights.upper.max()) == (0.0, 1.0)
    assert components.lower.max() == -components.upper.min()
    assert not weights.jaw


def test_the_jaw_is_the_last_expression_of_flame(head: FlameHead) -> None:
    span = ExpressionRange.of(head)
    assert span.jaw
    assert len(span.lower) == 101
    assert span.upper[-1] < 1.0, "radians"
    # the chord meets the turned mean exactly at its angle, and nearly at others
    chord = jaw_chord(head, 0.3)
    mean = head.mean.double().numpy()
    zeros = np.zeros(300)
    for angle, most in ((0.3, 1e-6), (0.15, 2e-3)):
        turned = decoded(head, zeros, np.append(np.zeros(100), angle))
        assert np.abs(turned - (mean + angle * chord)).max() < most
    assert np.abs(chord).max() > 0.01
