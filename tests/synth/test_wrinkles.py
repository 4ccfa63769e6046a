"""Wrinkles: where they are, which expressions fold them, and what is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from headform.heads import load_open
from headform.synth.appearance import load_appearance
from headform.synth.randomization import WrinkleRandomization
from headform.synth.wrinkles import Wrinkles

HEAD = load_open()
NAMES = HEAD.expression_names
GROUPS = list(load_appearance().wrinkles)
SKIN = np.full((512, 512, 3), 150, np.uint8)


@pytest.fixture(scope="module")
def wrinkles() -> Wrinkles:
    return Wrinkles(NAMES)


def depth(wrinkles: Wrinkles, *shapes: str, young: bool = True) -> dict[str, float]:
    weights = np.isin(NAMES, shapes).astype(np.float64)
    config = WrinkleRandomization(lasting=(0.0, 0.0)) if young else WrinkleRandomization(age_power=0.0)
    return dict(zip(GROUPS, wrinkles.sample(np.random.default_rng(0), weights, config).tolist(), strict=True))


def test_a_neutral_young_face_has_none(wrinkles: Wrinkles) -> None:
    assert set(depth(wrinkles).values()) == {0.0}
    assert np.array_equal(wrinkles.draw(SKIN, np.zeros(len(GROUPS), np.float32)), SKIN)


def test_expressions_fold_their_own_skin(wrinkles: Wrinkles) -> None:
    raised, smiling, frowning = (
        {name for name, amount in depth(wrinkles, *shapes).items() if amount > 0}
        for shapes in (("browInnerUp",), ("mouthSmileLeft", "mouthSmileRight"), ("browDownLeft",))
    )
    assert raised == {"forehead"}
    assert smiling == {"crows_feet", "nasolabial"}
    assert frowning == {"glabella", "nose_root"}


def test_the_old_have_them_at_rest(wrinkles: Wrinkles) -> None:
    assert sum(amount > 0.01 for amount in depth(wrinkles, young=False).values()) > len(GROUPS) / 2


@pytest.mark.parametrize(("group", "region"), [("forehead", "forehead"), ("neck", "neck"), ("chin", "chin")])
def test_wrinkles_lie_in_their_region(wrinkles: Wrinkles, group: str, region: str) -> None:
    amounts = np.array([name == group for name in GROUPS], np.float32)
    changed = np.argwhere((wrinkles.draw(SKIN, amounts) != SKIN).any(2))
    uv = HEAD.uv.numpy()
    at = np.stack([(1 - uv[:, 1]) * 512, uv[:, 0] * 512], 1)
    corner = np.zeros(len(uv), np.int64)
    corner[HEAD.uv_faces.numpy().ravel()] = HEAD.faces.numpy().ravel()
    nearest = corner[[int(((at - texel) ** 2).sum(1).argmin()) for texel in changed[::40]]]
    inside = HEAD.mean.numpy()[HEAD.regions[region].numpy()]
    low, high = inside.min(0) - 0.012, inside.max(0) + 0.012
    place = HEAD.mean.numpy()[nearest]
    assert ((place > low) & (place < high)).all(1).mean() > 0.95


def test_deeper_folds_are_darker_and_never_black(wrinkles: Wrinkles) -> None:
    one, two, most = (wrinkles.draw(SKIN, np.full(len(GROUPS), d, np.float32)) for d in (0.2, 0.4, 3.0))
    assert two.min() < one.min() < 150
    assert most.min() > 0
    config = replace(WrinkleRandomization(), folding=(0.5, 0.5))
    ages = [wrinkles.sample(np.random.default_rng(k), np.ones(len(NAMES)), config).max() for k in range(20)]
    assert 0.1 < min(ages) < max(ages) < 1
