"""Muon: its iteration against a singular value decomposition, its vectors against torch's Adam, its use by the trainer."""

import pytest
import torch
from torch import nn

from headform.train.muon import Muon, orthogonalized


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (7, 7), (1, 4)])
def test_singular_values_become_about_one_and_directions_stay(shape: tuple[int, int]) -> None:
    small = min(shape)
    left, _ = torch.linalg.qr(torch.randn(shape[0], small))
    right, _ = torch.linalg.qr(torch.randn(shape[1], small))
    values = torch.linspace(1.0, 0.05, small)
    found = left.T @ orthogonalized(left @ values.diag() @ right.T) @ right
    assert float((found - found.diagonal().diag()).abs().max()) < 1e-4
    assert 0.65 < float(found.diagonal().min()) <= float(found.diagonal().max()) < 1.25


def test_zero_gradient_moves_nothing() -> None:
    weight = nn.Parameter(torch.randn(2, 3, 4))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight.detach(), before)


def test_vectors_follow_adamw() -> None:
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 6)) for _ in range(2))
    muon = Muon([ours], lr=0.1, weight_decay=0.2, vector_rate=0.3)
    adam = torch.optim.AdamW([theirs], lr=0.03, weight_decay=0.2)
    for step in range(20):
        gradient = torch.sin(torch.arange(6.0) * step)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        muon.step()
        adam.step()
    torch.testing.assert_close(ours, theirs)


def test_a_filter_moves_as_one_matrix_by_a_fifth_of_the_rate() -> None:
    weight = nn.Parameter(torch.zeros(6, 16, 16))
    weight.grad = torch.randn_like(weight)
    Muon([weight], lr=0.1, momentum=0.9).step()
    moved = weight.detach().reshape(96, 16)
    assert float(moved.square().mean().sqrt()) == pytest.approx(0.1 * 0.2, rel=0.25)
    sizes = torch.linalg.svdvals(moved)
    assert float(sizes.max() / sizes.min()) < 2
    assert float((moved * weight.grad.reshape(96, 16)).sum()) < 0, "downhill"


def test_momentum_looks_ahead() -> None:
    """Two steps by hand: u = g + mu m with m = mu m + g."""
    first, second = torch.randn(3, 4), torch.randn(3, 4)
    weight = nn.Parameter(torch.zeros(3, 4))
    muon = Muon([weight], lr=0.5, momentum=0.8)
    expected = torch.zeros(3, 4)
    mean = torch.zeros(3, 4)
    for gradient in (first, second):
        weight.grad = gradient.clone()
        muon.step()
        mean = 0.8 * mean + gradient
        expected = expected - 0.5 * 0.2 * 2.0 * orthogonalized(gradient + 0.8 * mean)
    torch.testing.assert_close(weight.detach(), expected)


def test_solves_what_is_badly_scaled_sooner_than_adam() -> None:
    """Inputs that are nearly alike, as the terms of a Chebyshev filter of a smooth signal are."""
    torch.manual_seed(0)
    common, own = torch.randn(256, 1), torch.randn(256, 8)
    inputs = common + 0.03 * own
    targets = inputs @ torch.randn(8, 4)

    def loss_after(make: object) -> float:
        weight = nn.Parameter(torch.zeros(8, 4))
        optimizer = make([weight])
        for step in range(300):
            for group in optimizer.param_groups:
                group["lr"] = 0.05 * (1 - step / 300)
            loss = (inputs @ weight - targets).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    muon = loss_after(lambda p: Muon(p, lr=0.05))
    adam = loss_after(lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.0))
    assert muon < 0.5 * adam


def test_no_closure() -> None:
    with pytest.raises(ValueError, match="closure"):
        Muon([nn.Parameter(torch.zeros(2))], lr=0.1).step(lambda: 0.0)
