"""Natural colors that ship."""

import numpy as np
import pytest

from headform.heads import load_open
from headform.synth._subject import SubjectBuilder
from headform.synth.face_shape import FaceShaper
from headform.synth.natural_colors import NaturalColors, load_natural_colors
from headform.synth.people import sample_person
from headform.synth.randomization import FULL
from headform.synth.skin import skin_rgb


@pytest.fixture(scope="module")
def colors() -> NaturalColors:
    return load_natural_colors()


def test_pigments_are_drawn_with_the_portraits_quantiles(colors: NaturalColors) -> None:
    rng = np.random.default_rng(0)
    melanin, haemoglobin = np.array([colors.draw_pigments(rng) for _ in range(4000)]).T
    steps = np.linspace(0, 1, len(colors.melanin_quantiles))
    np.testing.assert_allclose(np.quantile(melanin, steps[2:-2]), colors.melanin_quantiles[2:-2], atol=0.03)
    assert haemoglobin.std() == pytest.approx(colors.haemoglobin[1], rel=0.15)
    assert np.sign(np.corrcoef(melanin, haemoglobin)[0, 1]) == np.sign(colors.haemoglobin_per_melanin)


def test_dark_skin_goes_with_dark_irises_and_hair(colors: NaturalColors) -> None:
    rng = np.random.default_rng(1)
    for groups in (colors.iris, colors.hair):
        assert groups.share.sum() == pytest.approx(1, abs=0.01)
        light = np.array([groups.draw(rng, 0.2) for _ in range(300)])
        dark = np.array([groups.draw(rng, 1.8) for _ in range(300)])
        assert dark.mean() < 0.7 * light.mean()
        assert light.min() > 0.002
        assert light.max() < 0.9
    blue = np.array([colors.iris.draw(rng, 0.25) for _ in range(300)])
    assert 0.1 < (blue[:, 2] > 0.9 * blue[:, 0]).mean() < 0.9, "some irises of light skin are blue or gray, not all"


def test_lips_are_redder_than_the_skin(colors: NaturalColors) -> None:
    rng = np.random.default_rng(2)
    for melanin in (0.2, 1.5):
        skin = skin_rgb(melanin, 0.3)
        lips = np.array([colors.draw_lips(rng, skin, melanin) for _ in range(500)])
        assert np.median(lips[:, 0] / lips[:, 1]) > 1.05 * skin[0] / skin[1]
        assert np.median(lips.sum(1)) < 1.05 * skin.sum()


def test_hair_is_not_olive_and_roots_are_not_brighter_than_the_skin() -> None:
    head = load_open()
    config = FULL.with_changes(hair={"natural_color_rate": 1.0})
    builder = SubjectBuilder(head, config, 100.0)
    shaper = FaceShaper(head, config.expression)
    rng = np.random.default_rng(5)
    people = [sample_person(rng, config, head.expression_names, len(head.identity)) for _ in range(30)]
    for person, verts in zip(people, shaper.shape(people), strict=True):
        subject = builder.build(rng, person, verts)
        red, green, blue = subject.hair_rgb
        assert green <= 1.3501 * np.sqrt(red * blue)
        assert red >= green >= blue
        assert subject.brow_rgb.sum() < 0.65 * subject.surface.rgb.sum()
