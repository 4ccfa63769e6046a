"""Albedo of single pixels: shine, glow between hairs, and creases are told from skin by the smooth fill around."""

import numpy as np
import pytest

from headform.fit._pixel_albedo import GLOW, PORE, PORES_KEPT, SHINE, SHINE_KEPT, matt, unfolded

FILL = (np.float32(0.5), np.float32(0.3), np.float32(0.2))


def of(pixel: tuple[float, ...], hair: float) -> np.ndarray:
    red, green, blue = (np.float32(value) for value in pixel)
    return np.array(matt(red, green, blue, FILL, np.float32(hair)))


def albedo(pixel: float, *, folds: float = 1.0, fill: float = 0.3) -> float:
    """Albedo where the photo around is 0.5 and the pixel's own albedo 0.1."""
    return float(unfolded(*(np.float32(value) for value in (0.1, fill, pixel, 0.5, folds))))


@pytest.mark.parametrize("brightness", [0.2, 0.9, 1.0, 1.0 + float(SHINE)])
@pytest.mark.parametrize("hair", [0.0, 1.0])
def test_what_is_no_brighter_than_the_skin_around_is_kept(brightness: float, hair: float) -> None:
    pixel = tuple(brightness * float(value) for value in FILL)
    np.testing.assert_allclose(of(pixel, hair), pixel, rtol=1e-5)


def test_a_highlight_of_the_sky_is_dulled_in_brightness_and_hue() -> None:
    blue = np.array([0.6, 0.48, 0.42])  # half as bright again
    found = of(tuple(blue), 0)
    share = (SHINE + SHINE_KEPT * (0.5 - SHINE)) / 0.5
    np.testing.assert_allclose(found, FILL + share * (blue - FILL), rtol=1e-5)
    assert 1 < found.sum() / sum(FILL) < 1.2


def test_gray_hair_stays_bright() -> None:
    gray = (0.55, 0.52, 0.5)
    np.testing.assert_allclose(of(gray, 1), gray, rtol=1e-5)


def test_orange_between_hairs_has_the_hue_of_the_skin_and_its_own_brightness() -> None:
    orange = (0.55, 0.2, 0.05)
    found = of(orange, 1)
    np.testing.assert_allclose(found / found.sum(), np.array(FILL) / sum(FILL), rtol=1e-5)
    assert found.sum() == pytest.approx(sum(orange), rel=1e-5)
    np.testing.assert_allclose(of(orange, 0), orange, rtol=1e-5)  # freckles are skin


def test_a_slightly_redder_pixel_in_hair_keeps_a_part_of_its_hue() -> None:
    red = np.array([0.5 / (1 - GLOW / 2), 0, 0])
    red[1:] = (sum(FILL) - red[0]) * np.array([0.6, 0.4])
    np.testing.assert_allclose(of(tuple(red), 1), (red + FILL) / 2, rtol=1e-4)


def test_black_hair_stays_black() -> None:
    black = (0.02, 0.02, 0.02)
    np.testing.assert_allclose(of(black, 1), black, rtol=1e-5)


@pytest.mark.parametrize("fine", [-0.05, 0.03, 0.06])
def test_pores_of_a_fold_are_kept(fine: float) -> None:
    assert albedo(0.5 * (1 + fine)) == pytest.approx(0.3 * (1 + float(PORES_KEPT) * fine), rel=1e-4)


@pytest.mark.parametrize("fine", [-0.5, -0.13, 0.13, 0.9])
def test_nothing_is_left_of_a_crease(fine: float) -> None:
    assert abs(fine) > 2 * PORE
    assert albedo(0.5 * (1 + fine)) == pytest.approx(0.3)


def test_between_pore_and_crease_detail_fades() -> None:
    depths = [0.3 - albedo(0.5 * (1 - fine)) for fine in np.linspace(float(PORE), 2 * float(PORE), 9)]
    assert depths == sorted(depths, reverse=True)
    assert depths[-1] == pytest.approx(0, abs=1e-6)


def test_without_a_fold_the_pixel_is_albedo() -> None:
    assert albedo(0.2, folds=0) == pytest.approx(0.1)
    assert albedo(0.2, folds=0.5) == pytest.approx(0.2)
