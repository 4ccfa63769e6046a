"""PSNR and SSIM against closed forms, a loop over windows, and scikit-image."""

import math

import numpy as np
import pytest

from headform.evaluate.images.image_quality import psnr, ssim, ssim_map


def pictures(height: int = 40, width: int = 53) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(rng.normal(0, 1, (height, width, 3)), 0), 1)
    smooth = 255 * (smooth - smooth.min()) / np.ptp(smooth)
    first = smooth.astype(np.uint8)
    second = np.clip(first + rng.normal(0, 12, first.shape), 0, 255).astype(np.uint8)
    return first, second


def test_one_gray_against_another() -> None:
    first = np.full((20, 30, 3), 100, np.uint8)
    second = np.full((20, 30, 3), 110, np.uint8)
    assert psnr(first, second) == pytest.approx(20 * math.log10(255 / 10), rel=1e-12)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 110 + c1) / (100**2 + 110**2 + c1)  # no variance: the second factor is 1
    assert ssim(first, second) == pytest.approx(expected, rel=1e-12)
    tenth = first / 255, second / 255
    assert psnr(*tenth, value_range=1.0) == pytest.approx(psnr(first, second), rel=1e-12)
    assert ssim(*tenth, value_range=1.0) == pytest.approx(expected, rel=1e-12)


def test_equal_pictures() -> None:
    first, _ = pictures()
    assert psnr(first, first) == math.inf
    assert ssim(first, first) == 1.0


def test_a_loop_over_windows() -> None:
    first, second = pictures(18, 16)
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    padded = [np.pad(p.astype(float), ((5, 5), (5, 5), (0, 0)), "symmetric") for p in (first, second)]
    c1, c2 = 6.5025, 58.5225
    expected = np.empty(first.shape)
    for r, c, k in np.ndindex(first.shape):
        x, y = (p[r : r + 11, c : c + 11, k] for p in padded)
        mx, my = (window * x).sum(), (window * y).sum()
        vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
        vxy = (window * (x - mx) * (y - my)).sum()
        expected[r, c, k] = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    found = ssim_map(first, second)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    mask = np.zeros(first.shape[:2], bool)
    mask[0, :4] = mask[9, 3:8] = True
    assert ssim(first, second, mask) == pytest.approx(expected[mask].mean(), rel=1e-9)
    assert ssim(first, second) == pytest.approx(expected[5:-5, 5:-5].mean(), rel=1e-9)


@pytest.mark.parametrize("place", [(0, 0), (17, 20), (39, 52), (0, 30), (33, 1)])
def test_a_difference_in_one_place(place: tuple[int, int]) -> None:
    first, _ = pictures()
    second = first.copy()
    second[place] = 255 - second[place]
    metrics = pytest.importorskip("skimage.metrics")
    _, expected = metrics.structural_similarity(
        first, second, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    np.testing.assert_allclose(ssim_map(first, second), expected, atol=1e-9)


@pytest.mark.parametrize("value_range", [255.0, 1.0])
def test_scikit_image(value_range: float) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    first, second = pictures(71, 64)
    if value_range == 1:
        first, second = first / 255, second / 255
    expected = metrics.structural_similarity(
        first, second, data_range=value_range, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(first, second, value_range=value_range) == pytest.approx(expected, abs=1e-9)
    expected = metrics.peak_signal_noise_ratio(first, second, data_range=value_range)
    assert psnr(first, second, value_range=value_range) == pytest.approx(expected, abs=1e-9)


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = pictures()
    expected = ssim_map(first, second)
    for rows in (1, 7, 39):
        monkeypatch.setattr("headform.evaluate.images.image_quality._STRIP", rows)
        np.testing.assert_allclose(ssim_map(first, second), expected, rtol=1e-12, atol=1e-14)


def test_a_mask_chooses_pixels() -> None:
    first, second = pictures()
    mask = np.zeros(first.shape[:2], bool)
    mask[3:20, 7:31] = True
    squared = [
        (float(first[r, c, k]) - float(second[r, c, k])) ** 2
        for r in range(3, 20)
        for c in range(7, 31)
        for k in range(3)
    ]
    expected = 10 * math.log10(255**2 / (sum(squared) / len(squared)))
    assert psnr(first, second, mask) == pytest.approx(expected, rel=1e-12)
    second[~mask] = 0
    assert psnr(first, second, mask) == pytest.approx(expected, rel=1e-12)


def test_what_cannot_be_compared() -> None:
    first, second = pictures()
    for measure in (psnr, ssim):
        with pytest.raises(ValueError, match="mask is empty"):
            measure(first, second, np.zeros(first.shape[:2], bool))
        with pytest.raises(ValueError, match="NaN"):
            measure(first / 1.0, np.full(first.shape, np.nan))
    with pytest.raises(ValueError, match="window"):
        ssim(first[:10], second[:10])
