"""sRGB and linear light."""

import numpy as np
import torch

from headform.images.transfer import linear_from_srgb, srgb_from_linear


def test_known_values() -> None:
    # IEC 61966-2-1: 8-bit 188 is about half the light, 128 about a fifth
    got = linear_from_srgb(torch.tensor([0.0, 10 / 255, 128 / 255, 188 / 255, 1.0, 2.0, -1.0]))
    expected = [0.0, 10 / 255 / 12.92, 0.2158605, 0.5028865, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-6)


def test_they_undo_each_other_and_have_gradients_everywhere() -> None:
    values = torch.linspace(0, 1, 257, dtype=torch.float64)
    torch.testing.assert_close(srgb_from_linear(linear_from_srgb(values)), values)
    for function in (linear_from_srgb, srgb_from_linear):
        x = values[1:-1].clone().requires_grad_()
        torch.autograd.gradcheck(function, x)
        edge = torch.zeros(3, requires_grad=True)
        function(edge).sum().backward()
        assert torch.isfinite(edge.grad).all()
        assert (edge.grad > 0).all()
