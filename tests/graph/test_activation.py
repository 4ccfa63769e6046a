"""Activations with a bias, against their formulas."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from headform.graph.activation import BiasedELU, BiasedReLU


def relu(x: float) -> float:
    return max(x, 0.0)


def elu(x: float) -> float:
    return x if x > 0 else math.exp(x) - 1


@pytest.mark.parametrize(("layer", "formula"), [(BiasedReLU, relu), (BiasedELU, elu)])
def test_shifts_every_channel_by_its_own_bias(layer, formula):
    activation = layer(3, init=0.1).double()
    assert activation.bias.tolist() == pytest.approx([0.1] * 3)
    with torch.no_grad():
        activation.bias.copy_(torch.tensor([0.5, -1.0, 0.0]))
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    y = activation(x)
    for item in range(2):
        for vertex in range(4):
            for channel, bias in enumerate((0.5, -1.0, 0.0)):
                want = formula(x[item, vertex, channel].item() + bias)
                assert y[item, vertex, channel].item() == pytest.approx(want, abs=1e-15)


@pytest.mark.parametrize("layer", [BiasedReLU, BiasedELU])
def test_starts_at_nought_and_learns_its_bias(layer):
    activation = layer(2).double()
    assert not activation.bias.any()
    assert [name for name, _ in activation.named_parameters()] == ["bias"]
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)
    call = torch.func.functional_call
    assert gradcheck(lambda x, b: call(activation, {"bias": b}, (x,)), (x, bias))


def test_the_compiled_elu_keeps_out_of_transforms() -> None:
    layer = BiasedELU(16)
    x = torch.randn(3, 4, 16)
    with torch.no_grad():
        mapped = torch.func.vmap(layer)(x)
    torch.testing.assert_close(mapped, torch.nn.functional.elu(x))


@pytest.mark.parametrize(
    ("vertices", "channels"), [(0, 3), (1, 1), (5, 3), (7, 5), (5001, 3), (5000, 16), (3, 24), (1, 40_000)]
)
def test_the_compiled_elu_is_torchs(vertices: int, channels: int) -> None:
    torch.manual_seed(0)
    layer = BiasedELU(channels)
    torch.nn.init.normal_(layer.bias)
    x, past = 3 * torch.randn(2, 2, vertices, channels)
    wanted = layer(x, past).detach(), layer(x).detach()
    before = x.clone(), past.clone()
    with torch.inference_mode():
        found = layer(x, past), layer(x)
        across = layer(x.transpose(0, 1).contiguous().transpose(0, 1), past)  # not contiguous
        double = layer.double()(x.double())
    assert torch.equal(x, before[0])
    assert torch.equal(past, before[1])
    assert double.dtype == torch.float64
    for own, other in ((found[0], wanted[0]), (found[1], wanted[1]), (across, wanted[0])):
        torch.testing.assert_close(own, other, rtol=3e-7, atol=1e-7)
