"""Sub-center ArcFace against the formula by angles, in numpy."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from headform.losses.arcface import SubCenterArcFace


def module(sub_centers: int, *, margin: float = 0.5, scale: float = 64.0) -> SubCenterArcFace:
    torch.manual_seed(3)
    return SubCenterArcFace(6, 5, sub_centers=sub_centers, margin=margin, scale=scale).double()


def faces(count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(count, 6))), torch.from_numpy(rng.integers(0, 5, count))


def number(value: torch.Tensor) -> float:
    return float(value.detach())


def by_angles(x: np.ndarray, w: np.ndarray, labels: np.ndarray, k: int, m: float, s: float) -> float:
    """Mean cross entropy, one face and one center at a time."""
    total = 0.0
    for row, label in zip(x, labels, strict=True):
        logits = []
        for c in range(len(w) // k):
            cosines = [row @ v / np.linalg.norm(row) / np.linalg.norm(v) for v in w[c * k : (c + 1) * k]]
            angle = np.arccos(max(cosines))
            if c == label:
                logits.append(s * (np.cos(angle + m) if angle + m < np.pi else np.cos(angle) - m * np.sin(m)))
            else:
                logits.append(s * np.cos(angle))
        total += np.log(np.sum(np.exp(np.array(logits) - logits[label])))
    return total / len(x)


@pytest.mark.parametrize("sub_centers", [1, 3])
@pytest.mark.parametrize("margin", [0.0, 0.5, 1.2])
def test_the_loss_is_the_formula_by_angles(sub_centers: int, margin: float) -> None:
    net = module(sub_centers)
    x, labels = faces()
    x[0] = -3 * net.weight.detach()[sub_centers * labels[0]]  # angles near pi, beyond pi - m
    want = by_angles(x.numpy(), net.weight.detach().numpy(), labels.numpy(), sub_centers, margin, 64.0)
    assert number(net(x, labels, margin)) == pytest.approx(want, rel=1e-9)


def test_without_a_margin_it_is_the_scaled_softmax_of_cosines() -> None:
    net = module(1, margin=0.0, scale=10.0)
    x, labels = faces()
    cosines = torch.nn.functional.cosine_similarity(x[:, None], net.weight.detach()[None], dim=2)
    want = torch.nn.functional.cross_entropy(10 * cosines, labels)
    assert number(net(x, labels)) == pytest.approx(number(want), rel=1e-12)
    assert number(net(x, labels, 0.3)) > number(want)


def test_gradients_of_embeddings_and_centers() -> None:
    net = module(2, scale=4.0)
    x, labels = faces(7)

    def loss(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(net, {"weight": weight}, (x, labels))

    assert gradcheck(loss, (x.requires_grad_(), net.weight.detach().clone().requires_grad_()))


def test_a_face_on_its_center_has_finite_gradients() -> None:
    net = module(1)
    x = net.weight.detach()[:2].clone().requires_grad_()
    net(x, torch.tensor([0, 1])).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_the_loss_is_single_precision_under_autocast() -> None:
    net = module(3).float()
    x, labels = faces()
    with torch.autocast("cpu", torch.bfloat16):
        found = net(x.float(), labels)
    assert number(found) == pytest.approx(number(net(x.float(), labels)), rel=1e-6)


def test_impossible_sizes_are_refused() -> None:
    for sizes in ({"sub_centers": 0}, {"margin": -0.1}, {"margin": 2.0}, {"scale": 0.0}):
        with pytest.raises(ValueError, match="centers"):
            SubCenterArcFace(4, 3, **sizes)
