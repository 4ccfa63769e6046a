"""Degradations of photos: each does what it says, on its own."""

from dataclasses import fields, replace

import numpy as np
import pytest

from headform.synth._degradations import degrade_photo
from headform.synth.randomization import FULL, DegradationRandomization

NOTHING = replace(
    FULL.degradation,
    severity_power=0.0,  # as severe as it gets
    **{f.name: 0.0 for f in fields(DegradationRandomization) if f.name.endswith("_rate")},
)
SIDE = 96


def only(*names: str, **values: object) -> DegradationRandomization:
    return replace(NOTHING, **{f"{name}_rate": 1.0 for name in names}, **values)


def flat(level: float, side: int = SIDE) -> np.ndarray:
    return np.full((side, side, 3), level, np.float32)


def scene() -> np.ndarray:
    """A colored picture with shades, edges and texture."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    image = np.stack([200 * x + 20, 180 * y + 30, 120 + 80 * np.sin(9 * x * y)], -1)
    image[30:60, 30:60] = (220, 190, 160)
    return (image + rng.normal(0, 6, image.shape)).clip(0, 255).astype(np.float32)


def degrade(image: np.ndarray, config: DegradationRandomization, seed: int = 0) -> np.ndarray:
    return degrade_photo(np.random.default_rng(seed), image, config).astype(np.float32)


def detail(image: np.ndarray, axis: int) -> float:
    return float(np.abs(np.diff(image, axis=axis)).mean())


def test_nothing_is_done_where_no_rate_says_so() -> None:
    for seed in range(5):
        np.testing.assert_array_equal(degrade(scene(), NOTHING, seed), scene().astype(np.uint8))
        np.testing.assert_array_equal(
            degrade(scene(), replace(FULL.degradation, strength=0.0), seed), scene().astype(np.uint8)
        )


@pytest.mark.parametrize("side", [32, 97, 144])
def test_every_photo_keeps_its_size_and_its_seed(side: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (side, side, 3)).astype(np.float32)
    before = image.copy()
    changed = 0
    for seed in range(40):
        one, two = (degrade_photo(np.random.default_rng(seed), image, FULL.degradation) for _ in range(2))
        assert one.shape == image.shape
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, two)
        changed += bool((one != image.astype(np.uint8)).any())
    np.testing.assert_array_equal(image, before)
    assert changed > 30


def test_most_photos_are_mild_and_some_are_not() -> None:
    image = scene()
    errors = [np.abs(degrade(image, FULL.degradation, seed) - image).mean() for seed in range(150)]
    assert np.median(errors) < 12 < 25 < max(errors)
    mild = [
        np.abs(degrade(image, replace(FULL.degradation, severity_power=20.0), seed) - image).mean()
        for seed in range(40)
    ]
    assert np.mean(mild) < 0.6 * np.mean(errors)


def test_exposure_brightens_and_darkens() -> None:
    levels = [degrade(flat(120), only("exposure"), seed).mean() for seed in range(30)]
    assert min(levels) < 105
    assert max(levels) > 135


def test_white_balance_trades_red_for_blue() -> None:
    pictures = [degrade(flat(120), only("white_balance"), seed)[0, 0] for seed in range(30)]
    for r, _, b in pictures:
        assert (r - 120) * (b - 120) <= 1
    assert max(abs(r - b) for r, _, b in pictures) > 10


def test_vignetting_darkens_away_from_its_middle() -> None:
    picture = degrade(flat(200), only("vignetting", vignetting=(0.5, 0.5)))
    assert picture.max() >= 198
    assert picture[[0, 0, -1, -1], [0, -1, 0, -1]].min() < 185
    assert (np.ptp(picture, axis=2) <= 1).all()


def test_lenses_blur_and_keep_the_brightness() -> None:
    image = scene()
    soft = degrade(image, only("defocus", defocus=(3.0, 3.0)))
    assert detail(soft, 0) < 0.7 * detail(image, 0)
    np.testing.assert_allclose(degrade(flat(90), only("defocus", "motion")), 90, atol=1)
    light = degrade(
        np.where(np.eye(SIDE)[..., None] > 0, 255, 0).astype(np.float32).repeat(3, 2),
        only("defocus", defocus=(2.0, 2.0)),
    )
    linear = ((light / 255 + 0.055) / 1.055) ** 2.4
    assert linear[20:-20].sum(1).mean() == pytest.approx(1.0, rel=0.1), "light is spread, not sRGB values"


def test_motion_blurs_along_one_line() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (SIDE, SIDE, 1)).astype(np.float32).repeat(3, 2)
    ratios = []
    for seed in range(30):
        moved = degrade(noise, only("motion", motion=(24.0, 24.0)), seed)
        ratios.append(detail(moved, 0) / detail(moved, 1))
    assert max(ratios) > 2
    assert min(ratios) < 0.5


def test_aberration_moves_red_against_blue() -> None:
    image = scene()
    moved = degrade(image, only("aberration", aberration=(3.0, 3.0)))
    inside = (slice(4, -4), slice(4, -4))
    np.testing.assert_array_equal(moved[..., 1], image.astype(np.uint8)[..., 1])
    assert np.abs(moved - image)[inside][..., [0, 2]].mean() > 2


def test_small_photos_lose_detail_alone() -> None:
    image = scene()
    small = degrade(image, only("small", small=(0.7, 0.7)))
    assert detail(small, 1) < 0.6 * detail(image, 1)
    assert abs(small.mean() - image.mean()) < 1


def test_noise_follows_the_light_and_has_color() -> None:
    config = only(
        "noise", shot_noise=(0.05, 0.05), read_noise=(0.002, 0.002), blotches=(0.0, 0.0), color_noise=(1.0, 1.0)
    )
    deviations = {level: degrade(flat(level), config).std((0, 1)) for level in (60.0, 200.0)}
    # sd in light is shot * root(light) + read; in sRGB values it is that times the slope of the curve
    for level, sd in deviations.items():
        light = ((level / 255 + 0.055) / 1.055) ** 2.4
        slope = 255 * 1.055 / 2.4 * light ** (1 / 2.4 - 1)
        assert sd[1] == pytest.approx(slope * (0.05 * np.sqrt(light) + 0.002), rel=0.1)
        assert sd[2] >= sd[1] * 0.95
    colored = degrade(flat(120), config)
    gray = degrade(flat(120), replace(config, color_noise=(0.0, 0.0)))
    assert np.corrcoef(colored[..., 0].ravel(), colored[..., 1].ravel())[0, 1] < 0.2
    assert np.corrcoef(gray[..., 0].ravel(), gray[..., 1].ravel())[0, 1] > 0.98
    rows = colored[..., 1] - colored[..., 1].mean()
    assert np.abs(np.corrcoef(rows)[np.triu_indices(SIDE, 1)]).max() < 0.6, "no row repeats another"


def test_blotches_are_coarse() -> None:
    nothing = {"shot_noise": (0.0, 0.0), "read_noise": (0.0, 0.0)}
    picture = degrade(flat(120), only("noise", blotches=(0.02, 0.02), **nothing))
    assert picture.std() > 1
    assert detail(picture, 0) < 0.5 * picture.std()


def test_smearing_takes_noise_and_leaves_edges() -> None:
    image = flat(80)
    image[:, SIDE // 2 :] = 200
    noisy = degrade(image, only("noise"))
    smeared = degrade(image, only("noise", "smear"))
    assert smeared[:, : SIDE // 3].std() < 0.8 * noisy[:, : SIDE // 3].std()
    step = smeared.mean((0, 2))[SIDE // 2] - smeared.mean((0, 2))[SIDE // 2 - 1]
    assert step > 60


def test_curves_keep_black_white_and_the_order() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, SIDE, dtype=np.float32)[None, :, None], (SIDE, SIDE, 3)).copy()
    slopes = []
    for seed in range(20):
        picture = degrade(ramp, only("curve"), seed)[0, :, 1]
        assert picture[0] <= 1
        assert picture[-1] >= 254
        assert (np.diff(picture) >= 0).all()
        slopes.append(picture[SIDE * 5 // 8] - picture[SIDE * 3 // 8])
    assert min(slopes) < 60 < 68 < max(slopes)


def test_saturation_goes_both_ways() -> None:
    image = scene()
    spread = [
        np.ptp(degrade(image, only("saturation"), seed), axis=2).mean() / np.ptp(image, axis=2).mean()
        for seed in range(20)
    ]
    assert min(spread) < 0.8 < 1.1 < max(spread)


def test_sharpening_overshoots_at_edges() -> None:
    image = flat(80)
    image[:, SIDE // 2 :] = 180
    sharp = degrade(image, only("sharpening", sharpening=(1.5, 1.5)))
    assert sharp.max() > 195
    assert sharp.min() < 65
    np.testing.assert_array_equal(sharp[:, :20], 80)


def test_monochrome_photos_are_gray_or_toned() -> None:
    assert (np.ptp(degrade(scene(), only("monochrome")), axis=2) <= 1).all()
    toned = [degrade(scene(), only("monochrome", "tone"), seed).mean((0, 1)) for seed in range(10)]
    assert all(r >= g >= b - 1 for r, g, b in toned)
    assert max(r - b for r, _, b in toned) > 15


def test_old_photos_have_faded() -> None:
    image = flat(0)
    image[:, SIDE // 2 :] = 255
    for seed in range(10):
        old = degrade(image, only("old", grain=(0.0, 0.0), scratches=(0, 1), dust=(0, 1), cast=(0.0, 0.0)), seed)
        assert old[:, :40].min() > 8
        assert old[:, -40:].max() < 251
        assert old[0, 0, 1] + 60 < old[0, -1, 1]
    grain = degrade(flat(128), only("old", scratches=(0, 1), dust=(0, 1), grain=(9.0, 9.0), faded=(0.0, 0.0)))
    assert 6 < grain[..., 1].std() < 12
    marked = degrade(
        flat(128), only("old", grain=(0.0, 0.0), faded=(0.0, 0.0), cast=(0.0, 0.0), scratches=(5, 6), dust=(9, 10))
    )
    assert 0.001 < (np.abs(marked - 128) > 20).mean() < 0.2


def test_casts_add_a_color() -> None:
    shifts = [degrade(flat(128), only("cast"), seed)[0, 0] - 128 for seed in range(10)]
    assert all(2 <= np.abs(s).max() <= 26 for s in shifts)
    assert all(
        (s == s[0]).all()
        for s in [degrade(flat(128), only("cast"), 3)[:, 0] - degrade(flat(128), only("cast"), 3)[0, 0]]
    )


def test_prints_are_dots_that_keep_the_shade() -> None:
    means = []
    for level in (50.0, 128.0, 210.0):
        dots = degrade(flat(level), only("print", print_strength=(1.0, 1.0), print_period=(10.0, 10.0)))
        assert dots.std() > 25
        assert (np.ptp(dots, axis=2) <= 1).all(), "a gray picture is printed in black"
        means.append(dots.mean())
    assert means[0] < 90 < means[1] < 170 < means[2]
    colored = degrade(scene(), only("print", print_strength=(1.0, 1.0), print_period=(10.0, 10.0)))
    assert np.abs(colored - scene()).mean() > 20


def test_screens_show_the_stripes_of_their_colors() -> None:
    screen = degrade(flat(128), only("screen", screen_strength=(0.5, 0.5), screen_period=(12.0, 12.0)))
    assert screen.std() > 15
    assert np.corrcoef(screen[..., 0].ravel(), screen[..., 1].ravel())[0, 1] < 0.5
    assert abs(screen.mean() - 128) < 4


def test_compression_leaves_blocks() -> None:
    image = scene()
    picture = degrade(image, only("jpeg", jpeg_quality=(8, 9)))
    steps = np.abs(np.diff(picture, axis=1)).mean((0, 2))
    at_blocks = np.arange(SIDE - 1) % 8 == 7
    assert steps[at_blocks].mean() > 1.3 * steps[~at_blocks].mean()
    good = degrade(image, only("jpeg", jpeg_quality=(96, 97)))
    assert np.abs(good - image).mean() < np.abs(picture - image).mean() / 2
