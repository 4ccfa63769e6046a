"""Tone-mapped copies show what a dark, flat or backlit photo hides, and leave nothing to see in a blank one."""

import numpy as np
import pytest

from headform.images import tone
from headform.images.tone import exposure_fault, tone_mapped
from tests.images.photo_files import gradient


def copies(rgb: np.ndarray) -> dict[str, np.ndarray]:
    return dict(tone_mapped(rgb))


@pytest.mark.parametrize(
    "narrowed", [lambda v: v * 0.05, lambda v: 128 + (v - 128) * 0.1, lambda v: 255 - (255 - v) * 0.1]
)
def test_a_narrow_range_is_stretched_to_the_whole(narrowed):
    photo = gradient(96, 64).astype(float)
    found = copies(np.rint(narrowed(photo)).astype(np.uint8))
    assert list(found) == ["stretched", "locally equalized"]
    luma = found["stretched"] @ np.array(tone_weights())
    assert np.percentile(luma, 1) < 30
    assert np.percentile(luma, 99) > 225
    assert 0.3 < np.median(luma) / 255 < 0.55
    correlation = np.corrcoef(luma.ravel(), (photo @ np.array(tone_weights())).ravel())[0, 1]
    assert correlation > 0.95


def tone_weights() -> tuple[float, float, float]:
    return 0.299, 0.587, 0.114


def test_a_shadow_beside_a_bright_window_is_lifted():
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 16, (128, 128, 1))
    photo = np.repeat(np.where(np.arange(128)[None, :, None] < 64, texture, 250), 3, axis=2).astype(np.uint8)
    lifted = copies(photo)["locally equalized"][:, :32].astype(float)
    assert lifted.std() > 4 * photo[:, :32].std()


def test_the_copy_does_not_depend_on_the_strips(monkeypatch):
    photo = (gradient(90, 70) // 9).astype(np.uint8)
    whole = copies(photo)["locally equalized"]
    monkeypatch.setattr(tone, "_STRIP", 13)
    np.testing.assert_array_equal(copies(photo)["locally equalized"], whole)


def test_nothing_is_made_of_one_gray():
    assert not copies(np.full((40, 40, 3), 9, np.uint8))


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (gradient(96, 64) // 16, "the photo is very dark"),
        (np.zeros((40, 40, 3), np.uint8), "the photo is very dark"),
        (128 + gradient(96, 64) // 16, "the photo has hardly any contrast"),
        (np.full((40, 40, 3), 255, np.uint8), "the photo is over-exposed"),
        (np.minimum(gradient(96, 64).astype(int) * 3 + 200, 255).astype(np.uint8), "the photo is over-exposed"),
        (np.concatenate([gradient(96, 64) // 16] * 6 + [gradient(96, 64)]), "most of the photo is very dark"),
        (gradient(96, 64), None),
    ],
)
def test_what_is_wrong_with_the_exposure_is_named(photo, said):
    assert exposure_fault(photo) == said
