"""The CPU kernel of FLAME heads: against the reference in double precision at every odd size, and what it promises."""

import copy
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad

from headform.heads.flame import _compiled as flame_compiled
from headform.heads.flame import _panel_kernel as flame_panel_kernel
from headform.heads.flame import _plan as flame_plan
from headform.heads.flame._joints_kernel import rodrigues_factors
from headform.heads.flame._plan import plan_of
from headform.heads.flame.code import Part, joined
from headform.heads.flame.head import FlameHead
from tests.heads.flame.flame_heads import Inputs, random_inputs, tiny_flame

Results = dict[str, Tensor]


def results(head: FlameHead, inputs: Inputs, wanted: tuple[str, ...] | None = None, *, of: str = "both") -> Results:
    """Vertices, joints, and the gradients of `wanted` (of all, if None) of a random sum of them."""
    given = {n: v.detach().clone() for n, v in inputs.given().items()}
    for name in given if wanted is None else wanted:
        given[name].requires_grad_()
    pose = head.pose(**given)
    draw = torch.Generator().manual_seed(3)
    passed = [torch.randn(t.shape, generator=draw).to(t) for t in (pose.vertices, pose.joints)]
    pairs = list(zip((pose.vertices, pose.joints), passed, strict=True))
    pairs = {"both": pairs, "vertices": pairs[:1], "joints": pairs[1:]}[of]
    if any(v.requires_grad for v in given.values()):
        torch.autograd.backward([t for t, _ in pairs], [g for _, g in pairs])
    grads = {f"d {n}": v.grad for n, v in given.items() if v.grad is not None}
    return {"vertices": pose.vertices.detach(), "joints": pose.joints.detach(), **grads}


def exact(head: FlameHead, inputs: Inputs, *rest: tuple[str, ...] | None, of: str = "both") -> Results:
    """The same by the reference in double precision."""
    double = Inputs(**{n: v.double() for n, v in inputs.given().items()})
    return results(replace(head).to(dtype=torch.float64), double, *rest, of=of)


def assert_near(got: Results, want: Results) -> None:
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert got[name].shape == value.shape, name
        if value.numel() == 0:
            continue
        scale = max(1e-3, float(value.abs().max()))
        error = float((got[name].double() - value).abs().max()) / scale
        assert error < 3e-6, f"{name}: {error}"


def assert_same_bits(got: Results, want: Results) -> None:
    assert got.keys() == want.keys()
    for name, value in want.items():
        assert torch.equal(got[name], value), name


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with every call of the kernel, so that no test takes the reference for it."""
    calls: list[int] = []
    kernel = flame_compiled.skinning_forward

    def count(*args: object) -> None:
        calls.append(1)
        kernel(*args)

    monkeypatch.setattr(flame_compiled, "skinning_forward", count)
    return calls


@pytest.mark.parametrize("count", [1, 15, 16, 17, 48, 330])
def test_any_number_of_vertices(count, counted) -> None:
    head = tiny_flame(count)
    inputs = random_inputs(head, 5)
    assert_near(results(head, inputs), exact(head, inputs))
    assert counted


@pytest.mark.parametrize("items", [1, 2, 4, 5, 6, 8, 16, 17, 48, 49, 64, 65, 68, 69, 130])
def test_any_number_of_heads(items, counted) -> None:
    head = tiny_flame(37, identities=11, expressions=7)
    inputs = random_inputs(head, items)
    assert_near(results(head, inputs), exact(head, inputs))
    assert counted


@pytest.mark.parametrize("items", [1, 3, 20, 64])
@pytest.mark.parametrize(
    "without",
    [
        ("identity",),
        ("expression",),
        ("identity", "expression"),
        ("global_rotation", "neck", "jaw", "eyes"),
        ("global_rotation", "neck", "eyes"),
        ("neck", "jaw"),
        ("translation", "jaw"),
        ("identity", "expression", "neck", "jaw", "eyes"),
    ],
    ids=" ".join,
)
def test_what_is_not_given_is_nought(items, without) -> None:
    head = tiny_flame(33)
    inputs = random_inputs(head, items, without=without)
    assert_near(results(head, inputs), exact(head, inputs))


@pytest.mark.parametrize("items", [2, 20])
@pytest.mark.parametrize("of", ["both", "vertices", "joints"])
@pytest.mark.parametrize("wanted", list(random_inputs(tiny_flame()).given()))
def test_gradients_one_at_a_time(items, of, wanted) -> None:
    head = tiny_flame(33)
    inputs = random_inputs(head, items)
    got, want = (f(head, inputs, (wanted,), of=of) for f in (results, exact))
    assert f"d {wanted}" in got
    assert_near(got, want)


def test_fewer_modes_are_the_first_rows() -> None:
    head = tiny_flame(20, identities=9, expressions=8)
    whole = random_inputs(head, 3)
    for shape, mimic in ((9, 2), (4, 8), (4, 3), (0, 3)):
        few = replace(whole, identity=whole.identity[:, :shape], expression=whole.expression[:, :mimic])
        assert_near(results(head, few), exact(head, few))


@pytest.mark.parametrize("items", [1, 4, 9, 64, 130])
def test_the_number_of_threads_changes_no_bit(items) -> None:
    head = tiny_flame(700)
    inputs = random_inputs(head, items)
    found = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)  # the suite's fixture puts it back to 1
        found.append(results(head, inputs))
    for other in found[1:]:
        assert_same_bits(other, found[0])


def test_a_gradient_wanted_or_not_changes_no_bit() -> None:
    head = tiny_flame(100)
    inputs = random_inputs(head, 7)
    wanted = results(head, inputs)
    with torch.inference_mode():
        pose = head.pose(**inputs.given())
        assert torch.equal(pose.vertices, wanted["vertices"])
        assert torch.equal(pose.joints, wanted["joints"])


def test_callers_at_once_do_not_meet() -> None:
    torch.set_num_threads(3)
    heads = [tiny_flame(300), tiny_flame(77, seed=1)]
    tasks = [(heads[k % 2], random_inputs(heads[k % 2], 1 + 9 * (k % 3), seed=k)) for k in range(9)]
    alone = [results(*task) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda task: results(*task), tasks))
    for one, other in zip(alone, together, strict=True):
        assert_same_bits(other, one)


@pytest.mark.parametrize("which", ["turned", "strided", "expanded", "offset"])
def test_any_layout_in_memory_gives_the_same_bits(which) -> None:
    head = tiny_flame(50)
    change = {
        "turned": lambda t: t.mT.contiguous().mT,
        "strided": lambda t: torch.stack([t, t], dim=-1)[..., 0],
        "expanded": lambda t: t[:1].expand(5, -1),
        "offset": lambda t: torch.cat([t.new_zeros(1), t.flatten()])[1:].view(t.shape),
    }[which]
    odd = {n: change(v) for n, v in random_inputs(head, 5).given().items()}
    plain = {n: v.contiguous() for n, v in odd.items()}
    assert torch.equal(head.pose(**odd).vertices, head.pose(**plain).vertices)
    code = plain["identity"].clone().requires_grad_()
    gradient = torch.randn(5, 50, 3)
    if which == "expanded":
        odd_gradient = gradient[:1].expand(5, -1, -1)
    else:
        odd_gradient = change(gradient.flatten(1)).view(5, 50, 3)
    found = [
        torch.autograd.grad(head.pose(**plain | {"identity": code}).vertices, code, passed)[0]
        for passed in (odd_gradient, odd_gradient.contiguous())
    ]
    assert torch.equal(*found)


def test_second_derivatives_are_the_reference_s() -> None:
    head = tiny_flame(9)
    inputs = random_inputs(head, 2)

    def second(head: FlameHead, dtype: torch.dtype) -> list[Tensor]:
        given = {n: v.to(dtype).requires_grad_() for n, v in inputs.given().items()}
        pose = head.pose(**given)
        value = (pose.vertices**2).sum() + (pose.joints**3).sum()
        names = ("identity", "jaw", "global_rotation")
        first = torch.autograd.grad(value, [given[n] for n in names], create_graph=True)
        return list(torch.autograd.grad(sum((g**2).sum() for g in first), list(given.values())))

    got = second(head, torch.float32)
    want = second(replace(head).to(dtype=torch.float64), torch.float64)
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5)


def test_a_head_changed_in_place_is_noticed() -> None:
    head = tiny_flame()
    inputs = random_inputs(head)
    before = plan_of(head)
    assert plan_of(head) is before
    head.pose(**inputs.given())
    head.identity.mul_(2)
    assert plan_of(head) is not before
    assert_near(results(head, inputs), exact(head, inputs))


def test_copies_work_and_the_plan_goes_with_the_head() -> None:
    head = tiny_flame()
    inputs = random_inputs(head)
    twin = copy.deepcopy(head)
    assert_same_bits(results(twin, inputs), results(head, inputs))
    known = len(flame_plan._plans)
    del twin
    assert len(flame_plan._plans) == known - 1


def test_rotations_of_any_size_keep_their_digits() -> None:
    from mpmath import mp, mpf

    mp.dps = 150
    for s in (0.0, 1e-20, 1e-8, 0.00999, 0.01001, 1.0, 9.8, 40.0):
        theta = mp.sqrt(mpf(s)) if s else mpf(10) ** -25
        square = theta**2
        sine, cosine = mp.sin(theta) / theta, (1 - mp.cos(theta)) / square
        want = (
            sine,
            cosine,
            (mp.cos(theta) - sine) / (2 * square),
            (sine / 2 - cosine) / square,
        )
        for got, value in zip(rodrigues_factors(s), want, strict=True):
            assert abs(got - float(value)) < 1e-13


def test_neighbors_in_code_and_basis_become_one() -> None:
    parts = [Part(0, 0, 0, 4), Part(1, 4, 4, 3), Part(5, 7, 16, 9), Part(6, 16, 25, 9)]
    spans = [(p.column, p.row, p.length) for p in joined(parts, range(9))]
    assert spans == [(0, 0, 7), (7, 16, 18)]
    assert [(p.column, p.length) for p in joined(parts, {0, 6})] == [(0, 4), (16, 9)]
    assert joined(parts, set()) == []


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The kernel as it is on a processor whose registers hold less than sixteen floats."""
    source = Path(flame_panel_kernel.__file__)
    copied = tmp_path / source.name  # compiled code is remembered by file
    copied.write_bytes(source.read_bytes())
    spec = importlib.util.spec_from_file_location("narrow_kernel", copied)
    kernel = importlib.util.module_from_spec(spec)
    with monkeypatch.context() as patch:
        patch.setattr("llvmlite.binding.get_host_cpu_features", dict)
        spec.loader.exec_module(kernel)
    assert (kernel.WIDE, kernel.ROWS, kernel.MANY) == (False, 6, 1)
    for name in ("ROWS", "MANY", "skinning_forward", "skinning_backward"):
        monkeypatch.setattr(flame_compiled, name, getattr(kernel, name))
    monkeypatch.setattr(flame_compiled, "_PADDED", 66)


@pytest.mark.usefixtures("narrow")
def test_a_processor_with_narrow_registers() -> None:
    head = tiny_flame(37)
    for items in (1, 4, 5, 7, 17, 64, 65, 130):
        inputs = random_inputs(head, items)
        assert_near(results(head, inputs), exact(head, inputs))


def test_nothing_but_the_vertices_before_skinning_is_kept() -> None:
    head = tiny_flame(1000)
    inputs = random_inputs(head, 24)  # a multiple of what the lanes of AVX2 and of AVX-512 hold
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    leaf = inputs.identity.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        head.pose(**inputs.given() | {"identity": leaf})
    large = [t for t in kept if t.numel() >= 24 * 1000]
    assert [t.numel() for t in large] == [24 * 3 * 16 * -(-1000 // 16)]
    assert np.prod(large[0].shape) < 1.02 * 24 * 1000 * 3


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_transforms_of_torch_lose_no_derivative() -> None:
    head = tiny_flame()
    inputs = random_inputs(head, 3)

    def decode(turn):
        return head.pose(inputs.identity[0], jaw=turn).vertices

    turn = inputs.jaw[0].clone().requires_grad_()
    expected = torch.autograd.functional.jacobian(decode, turn)
    for transform in (torch.func.jacrev, torch.func.jacfwd):
        torch.testing.assert_close(transform(decode)(turn.detach()), expected, atol=1e-6, rtol=0)
    together = torch.func.vmap(decode)(inputs.jaw)
    each = torch.stack([decode(turn) for turn in inputs.jaw])
    torch.testing.assert_close(together, each, atol=1e-6, rtol=0)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(inputs.jaw[0], inputs.jaw[1])
        tangent = forward_ad.unpack_dual(decode(dual)).tangent
    torch.testing.assert_close(tangent, expected @ inputs.jaw[1], atol=1e-6, rtol=0)
    result = decode(turn)
    rows = torch.eye(result.numel())[:4].view(-1, *result.shape)
    (pulled,) = torch.func.vmap(lambda row: torch.autograd.grad(result, turn, row, retain_graph=True))(rows)
    torch.testing.assert_close(pulled, expected.flatten(0, 1)[:4], atol=1e-6, rtol=0)
