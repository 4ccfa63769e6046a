"""Heads as modules: they move, are saved, belong to a parent, and say what they are in one line."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from headform.errors import InputError
from headform.heads import LinearHead, load_open
from tests.heads.flame.flame_heads import tiny_flame


class Parent(nn.Module):
    def __init__(self, head) -> None:
        super().__init__()
        self.head = head


@pytest.fixture(params=["open", "flame"])
def own(request):
    """A head that a test may change."""
    return load_open() if request.param == "open" else tiny_flame()


def test_one_line_says_what_it_is() -> None:
    assert repr(load_open()) == (
        "LinearHead(open: 10639 vertices, 21024 faces, 100 identity, 51 expression, 50 albedo, cpu, float32)"
    )
    assert len(repr(tiny_flame()).splitlines()) == 1


def test_every_tensor_is_a_buffer_of_the_parent(own) -> None:
    parent = Parent(own)
    state = parent.state_dict()
    for name in ("mean", "identity", "expression", "faces", "landmark_weights", "sigma"):
        assert f"head.{name}" in state
    for name in own.regions:
        assert torch.equal(state[f"head.regions.{name.replace('.', '_')}"], own.regions[name])
    assert not list(parent.parameters())
    parent.to(torch.float64)
    assert own.mean.dtype == own.identity.dtype == torch.float64
    assert own.faces.dtype == torch.int64
    assert own.vertices(torch.zeros(2, 3, dtype=torch.float64)).dtype == torch.float64


def test_state_round_trip(own) -> None:
    other = replace(own, mean=torch.zeros_like(own.mean), identity=torch.zeros_like(own.identity))
    other.load_state_dict(own.state_dict())
    code = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(other.vertices(code), own.vertices(code))


def test_copies_and_pickles(own) -> None:
    code = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    want = own.vertices(code)
    for again in (copy.deepcopy(own), pickle.loads(pickle.dumps(own)), replace(own)):  # noqa: S301 - our own bytes
        assert torch.equal(again.vertices(code), want)
        assert list(again.regions) == list(own.regions)
    copy.deepcopy(own).to(torch.float64)
    assert own.mean.dtype == torch.float32


def test_a_parameter_stays_one() -> None:
    learned = replace(tiny_flame(), mean=nn.Parameter(tiny_flame().mean.clone()))
    assert [name for name, _ in learned.named_parameters()] == ["mean"]
    learned.vertices().sum().backward()
    assert learned.mean.grad is not None


def test_a_flame_head_poses_what_it_holds_now() -> None:
    """The kernel's plan is made anew when the head was moved there and back, or loaded."""
    head = tiny_flame()
    code = torch.randn(2, 3)
    first = head(code).vertices
    head.half().float()
    torch.testing.assert_close(head(code).vertices, head._decode(code, None, None, [None] * 5)[0])
    head.load_state_dict({n: 2 * t if n == "mean" else t for n, t in head.state_dict().items()})
    second = head(code).vertices
    torch.testing.assert_close(second, head._decode(code, None, None, [None] * 5)[0])
    assert (second - first).abs().max() > 0.01


def test_too_many_coefficients_are_named() -> None:
    head = load_open()
    for call in (
        lambda: head.vertices(torch.zeros(3, 200)),
        lambda: head.vertices(expression=torch.zeros(52)),
        lambda: head.albedo_of(torch.zeros(51)),
    ):
        with pytest.raises(InputError, match=r"\d+ numbers of \w+ for \d+ modes") as caught:
            call()
        assert caught.value.code == "code_length"


@pytest.mark.parametrize("code", [np.zeros(3), torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.int64)])
def test_codes_of_another_type_are_named(code) -> None:
    unchecked = LinearHead.vertices.__wrapped__  # as where no annotations are checked
    with pytest.raises(
        InputError,
        match=r"identity is (a numpy array, expected a torch tensor|\S+ for a head in float32) \(head open\); give a tensor",
    ) as caught:
        unchecked(load_open(), code)
    assert caught.value.code == "code_type"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_moves_to_the_device() -> None:
    head = load_open().cuda()
    assert all(t.is_cuda for t in head.state_dict().values())
    torch.testing.assert_close(head.vertices().cpu(), load_open().mean)
