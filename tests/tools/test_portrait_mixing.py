"""Skins of portraits: pigments from photographs, details without light, and maps that take each region from someone else."""

import numpy as np
import pytest

from headform import heads
from headform.geometry.spherical_harmonics import sh_basis
from headform.synth.skin import skin_rgb
from tools.appearance.portrait_chart import REGIONS, FaceChart
from tools.appearance.portrait_detail import fill, own_detail
from tools.appearance.portrait_mixing import SkinMixer
from tools.appearance.portrait_pigments import pigments
from tools.appearance.portrait_residuals import PortraitSkins


def _coarse(chart: FaceChart) -> list[np.ndarray]:
    return [part[::2, ::2] for part in (chart.lip, chart.beard, chart.neck)]


@pytest.fixture(scope="module")
def chart() -> FaceChart:
    return FaceChart.of(heads.load_open())


def test_regions_share_the_whole_chart_and_cheeks_lie_on_their_sides(chart: FaceChart) -> None:
    masks = chart.region_masks(np.random.default_rng(3))
    assert (masks.sum(0) == chart.inside).all()
    x, y, _ = chart.centimeters.transpose(2, 0, 1)
    middle = {name: np.median(x[mask & (y > -7)]) for name, mask in zip(REGIONS, masks, strict=True)}
    assert middle["right cheek"] < -3
    assert middle["left cheek"] > 3
    assert abs(middle["nose"]) < 0.5


def test_pigments_are_found_despite_exposure_and_white_of_a_set() -> None:
    rng = np.random.default_rng(0)
    truth = np.column_stack([rng.gamma(4, 0.14, 400).clip(0.1, 1.9), rng.normal(0.3, 0.03, 400)])
    source = np.repeat(["london", "congress"], 200)
    tone = np.log([skin_rgb(*row) for row in truth])
    tone[200:] += [0.15, -0.05, -0.1]  # another white
    tone[200:] += rng.normal(0.4, 0.1, (200, 1))  # exposures
    found = pigments(tone, source)
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.9
    assert np.abs(found[:200, 0] - truth[:200, 0]).mean() < 0.1


def test_filling_keeps_what_is_seen_and_continues_it() -> None:
    value, weight = np.zeros((60, 60, 3)), np.zeros((60, 60))
    value[:, :20], weight[:, :20] = 0.5, 1
    filled = fill(value, weight, rest=np.full(3, -0.2))
    np.testing.assert_allclose(filled[:, :20], 0.5)
    assert filled[30, 22, 0] > 0.4
    far = fill(np.pad(value, ((0, 0), (0, 400), (0, 0))), np.pad(weight, ((0, 0), (0, 400))), rest=np.full(3, -0.2))
    np.testing.assert_allclose(far[30, -1], -0.2, atol=1e-3)


def test_detail_keeps_spots_and_loses_light(chart: FaceChart) -> None:
    weight = chart.inside.astype(np.float32)
    light = sh_basis(np.nan_to_num(chart.normals)) @ np.array([0, 0.1, 0.05, 0.2, 0, 0, 0.05, 0, 0])
    spot = np.zeros_like(weight)
    spot[150:153, 80:83] = -0.2
    log = (0.5 * light + spot)[..., None].repeat(3, -1).astype(np.float32)
    bands = own_detail(log, weight, chart).bands.sum(0)
    assert bands[151, 81].mean() < -0.1
    inner = np.s_[60:220, 60:250]
    without = own_detail((0.5 * light)[..., None].repeat(3, -1).astype(np.float32), weight, chart).bands.sum(0)
    assert without[inner].std() < 0.2 * (0.5 * light[inner]).std()


def test_every_region_is_of_another_person_and_shows_that_person(chart: FaceChart) -> None:
    chart = FaceChart(chart.centimeters[::2, ::2], chart.normals[::2, ::2], chart.marks, *_coarse(chart))
    people = 10
    rng = np.random.default_rng(1)
    shape = chart.inside.shape
    log = np.zeros((people, *shape, 3), np.float32)
    stripes = np.sin(np.arange(shape[0]) * 2 * np.pi / 6)[:, None] * np.ones(shape)
    amount = rng.permutation(np.linspace(0.01, 0.08, people))
    log += (amount[:, None, None] * stripes)[..., None]
    pigment = np.column_stack([np.linspace(0.3, 0.5, people), np.full(people, 0.3)])
    tone = np.log([skin_rgb(*row) for row in pigment])
    weight = np.broadcast_to(chart.inside, log.shape[:3]).astype(np.float32)
    names = np.array([f"london/{k}.jpg" for k in range(people)])
    skins = PortraitSkins(log, weight, tone, pigment, np.zeros(people), np.zeros(people), names)
    mixer = SkinMixer(skins, chart)
    one = mixer.draw(np.random.default_rng(2), pigment[5], bearded=False)
    assert len(set(one.sources.tolist())) == len(REGIONS)
    np.testing.assert_array_equal(one.tone, tone[5])
    x, y, _ = chart.centimeters.transpose(2, 0, 1)
    strength = []
    for center in ((0.0, 10.5), (-4.7, 0.0), (4.7, 0.0)):
        near = np.hypot(x - center[0], y - center[1]) < 0.9
        strength.append(one.log[near].mean(-1) @ stripes[near] / (stripes[near] @ stripes[near]))
    taken = [amount[one.sources[REGIONS.index(name)]] for name in ("forehead", "right cheek", "left cheek")]
    assert np.argsort(strength).tolist() == np.argsort(taken).tolist()
