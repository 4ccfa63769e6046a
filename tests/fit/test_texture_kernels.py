"""Encoding of linear light as bytes, beside the formula."""

import numpy as np
import torch

from headform.fit._texture_kernels import _encoded
from headform.images.transfer import srgb_from_linear


def test_bytes_are_those_of_the_formula() -> None:
    levels = (np.arange(2001) / 2000) ** 2.2
    linear = np.concatenate([[-1.0, 0.0, 1e-9, 2.0**-13, 1.0, 1.5, np.inf], levels]).astype(np.float32)
    exact = 255 * srgb_from_linear(torch.from_numpy(np.clip(linear, 0, 1).astype(np.float64))).numpy()
    found = np.array([_encoded(value) for value in linear], int)
    assert np.abs(found - exact).max() < 0.57  # half a level, and what ten bits of the fraction leave open
    assert (found[:3] == 0).all()
    assert (found[4:7] == 255).all()
    assert (np.diff(found[7:]) >= 0).all()


def test_what_is_no_number_is_black() -> None:
    assert _encoded(np.float32(np.nan)) == 0
