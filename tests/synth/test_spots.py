"""Freckles and moles: nothing without them, the same for one person, on bare skin alone, and round."""

from dataclasses import replace

import numpy as np
import pytest

from headform.heads.linear import LinearHead
from headform.synth.skin import SkinAttributes
from headform.synth.skin_fields import skin_fields
from headform.synth.spots import SpotPainter, Spots

PLAIN = SkinAttributes(noise_seed=3)
SIDE = 256


@pytest.fixture(scope="module")
def painter(open_head: LinearHead) -> SpotPainter:
    return SpotPainter(open_head, skin_fields(open_head))


def drawn(painter: SpotPainter, spots: Spots) -> np.ndarray:
    picture = np.full((SIDE, SIDE, 3), 200, np.uint8)
    painter.draw(spots, [picture])
    return picture


def test_amounts_and_seed_decide(painter: SpotPainter) -> None:
    assert not len(painter.sample(PLAIN).places)
    freckled = replace(PLAIN, freckles=1.0)
    one, two = painter.sample(freckled), painter.sample(freckled)
    np.testing.assert_array_equal(one.places, two.places)
    assert len(painter.sample(replace(freckled, freckles=0.3)).places) < len(one.places) < 400
    assert not np.array_equal(painter.sample(replace(freckled, noise_seed=4)).places[:9], one.places[:9])
    moles = painter.sample(replace(PLAIN, moles=1.0))
    assert 2 < len(moles.places) < 12
    assert moles.melanin.min() > np.median(one.melanin)


def test_they_darken_skin_blue_most_and_lips_not_at_all(painter: SpotPainter, open_head: LinearHead) -> None:
    spots = painter.sample(replace(PLAIN, freckles=1.0, moles=1.0))
    picture = drawn(painter, spots).astype(int)
    assert picture.max() == 200
    loss = (200 - picture).sum((0, 1))
    assert loss[2] > loss[1] > loss[0] > 0
    lips = open_head.regions["lips"].numpy()[open_head.faces.numpy()].all(1)
    uv = open_head.uv.numpy()[open_head.uv_faces.numpy()[lips]].mean(1)
    away = np.linalg.norm(uv[:, None] - spots.places, axis=2).min(1)
    assert np.median(away) > 2 / SIDE


def test_one_mole_by_hand(painter: SpotPainter) -> None:
    u, v, across, along = 0.4, 0.7, 0.03, 0.015
    metric = np.array([[across**-2, along**-2, 0.0]], np.float32)
    one = Spots(np.array([[u, v]], np.float32), metric, np.ones(1, np.float32), np.full(1, 4, np.float32))
    found = drawn(painter, one)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    du, dv = (columns + 0.5) / SIDE - u, 1 - (rows + 0.5) / SIDE - v
    away = np.hypot(du / across, dv / along)
    depth = np.where(away < 2.2, np.exp(-(away**4)), 0.0)
    wanted = 200 * np.exp(-depth[..., None] * np.array([1.10, 1.45, 1.75]) / 2.2)
    np.testing.assert_allclose(found, wanted, atol=1.5)
