"""The mesh autoencoder: sizes, the layer table, relabeling, learning."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from headform.errors import InputError
from headform.mesh.hierarchy import MeshHierarchy, build_hierarchy
from headform.nets.mesh_autoencoder_net import (
    MeshAutoencoder,
    MeshAutoencoderConfig,
    check_vertices,
)

from .blobs import ball, blobs

SMALL = MeshAutoencoderConfig(latent=5, encoder_channels=(4, 6), decoder_channels=(6, 4), num_terms=3)
VERTICES, FACES = ball(90)
HIERARCHY = build_hierarchy(VERTICES, FACES, factors=(3, 3))


def _net(config: MeshAutoencoderConfig = SMALL) -> MeshAutoencoder:
    torch.manual_seed(0)
    net = MeshAutoencoder(config, HIERARCHY)
    shapes = torch.from_numpy(blobs(50, VERTICES))
    net.normalization.set_statistics(shapes.mean(0), shapes.std(0).clamp(min=1e-3))
    return net


def _sizes_only(counts: tuple[int, ...]) -> MeshHierarchy:
    """Levels without triangles: enough to count parameters."""
    steps = list(pairwise(counts))
    return MeshHierarchy(
        faces=tuple(np.zeros((0, 3), np.int64) for _ in counts),
        kept=tuple(np.arange(b) for _, b in steps),
        up_vertices=tuple(np.zeros((a, 3), np.int64) for a, _ in steps),
        up_weights=tuple(np.full((a, 3), 1 / 3) for a, _ in steps),
        laplacians=tuple(csr_matrix((n, n)) for n in counts),
        counts=counts,
        edge_weight="once",
        topology="0" * 64,
    )


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_of_the_paper_on_flame() -> None:
    net = MeshAutoencoder(MeshAutoencoderConfig(), _sizes_only((5023, 1256, 314, 79, 20)))
    assert _count(net.encoder) == 11_640
    assert _count(net.decoder) == 18_416
    assert _count(net) == 30_056
    assert net.decoder.last.bias is None


@pytest.mark.parametrize("batch", [(), (3,), (2, 1, 3), (0,)])
def test_any_leading_axes(batch: tuple[int, ...]) -> None:
    net = _net()
    vertices = torch.from_numpy(VERTICES).float() + 0.01 * torch.randn(*batch, 90, 3)
    code = net.encode(vertices)
    assert code.shape == (*batch, 5)
    assert net.decode(code).shape == net(vertices).shape == (*batch, 90, 3)
    flat = vertices.reshape(-1, 90, 3)
    for one, back in zip(flat, net(vertices).reshape(-1, 90, 3), strict=True):
        torch.testing.assert_close(net(one), back)


def test_the_layer_table_with_dense_matrices() -> None:
    """Every layer once more, written out with dense matrices and explicit Chebyshev sums."""
    net = _net().double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn_like(parameter))
    # the operators were rounded to single precision when the network was built
    laps = [torch.from_numpy(lap.toarray()).float().double() for lap in HIERARCHY.laplacians]

    def filtered(x: torch.Tensor, layer: torch.nn.Module, level: int) -> torch.Tensor:
        one, lap = torch.eye(len(laps[level])).double(), laps[level]
        terms = [one, lap, 2 * lap @ lap - one]
        return sum(t @ x @ w for t, w in zip(terms, layer.weight, strict=True))

    vertices = torch.from_numpy(blobs(1, VERTICES, seed=5)[0]).double()
    norm = net.normalization
    x = (vertices - norm.mean) / norm.std
    for level in (0, 1):
        bias = net.encoder.convolutions[level].bias
        x = (filtered(x, net.encoder.convolutions[level], level) + bias).clamp(min=0)
        x = x[torch.from_numpy(HIERARCHY.kept[level])]
    code = net.encoder.code.weight @ x.flatten() + net.encoder.code.bias
    torch.testing.assert_close(net.encode_linear(vertices), code)
    y = (net.decoder.spread.weight @ code.clamp(min=0) + net.decoder.spread.bias).clamp(min=0)
    y = y.reshape(-1, 6)
    for step, level in enumerate((1, 0)):
        corners = torch.from_numpy(HIERARCHY.up_vertices[level])
        weights = torch.from_numpy(HIERARCHY.up_weights[level]).float().double()
        y = (y[corners] * weights[..., None]).sum(1)
        bias = net.decoder.convolutions[step].bias
        y = (filtered(y, net.decoder.convolutions[step], level) + bias).clamp(min=0)
    expected = filtered(y, net.decoder.last, 0) * norm.std + norm.mean
    torch.testing.assert_close(net(vertices), expected)


def _relabeled(hierarchy: MeshHierarchy, name_of: np.ndarray) -> MeshHierarchy:
    """The same meshes with vertex v of level 0 called name_of[v]; the kept ones keep their order."""
    old = np.argsort(name_of)
    matrix = hierarchy.laplacians[0][old][:, old]
    return dataclasses.replace(
        hierarchy,
        faces=(name_of[hierarchy.faces[0]], *hierarchy.faces[1:]),
        kept=(name_of[hierarchy.kept[0]], *hierarchy.kept[1:]),
        up_vertices=(hierarchy.up_vertices[0][old], *hierarchy.up_vertices[1:]),
        up_weights=(hierarchy.up_weights[0][old], *hierarchy.up_weights[1:]),
        laplacians=(matrix, *hierarchy.laplacians[1:]),
    )


def test_relabeled_vertices_give_the_same_code_and_relabeled_vertices() -> None:
    name_of = np.random.default_rng(1).permutation(90)
    kept = HIERARCHY.kept[0]
    name_of[kept] = np.sort(name_of[kept])
    old = torch.from_numpy(np.argsort(name_of))
    net = _net()
    twin = MeshAutoencoder(SMALL, _relabeled(HIERARCHY, name_of))
    state = dict(net.state_dict())
    for part in ("mean", "std"):
        state[f"normalization.{part}"] = state[f"normalization.{part}"][old]
    twin.load_state_dict(state)
    vertices = torch.from_numpy(blobs(2, VERTICES, seed=3))
    code = net.encode(vertices)
    assert float(code.detach().std()) > 0.01
    torch.testing.assert_close(twin.encode(vertices[:, old]), code)
    torch.testing.assert_close(twin(vertices[:, old]), net(vertices)[:, old])


@pytest.mark.parametrize("init", ["coma", "balanced"])
def test_gradients_reach_every_parameter(init: str) -> None:
    net = _net(dataclasses.replace(SMALL, latent_activation="linear", init=init))
    vertices = torch.from_numpy(blobs(8, VERTICES))
    (net(vertices) - vertices).abs().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0).any()), name


def test_initial_weights() -> None:
    net = MeshAutoencoder(MeshAutoencoderConfig(init="coma"), _sizes_only((900, 300, 100, 30, 10)))
    for name, parameter in net.named_parameters():
        if parameter.ndim == 1:
            assert bool((parameter == 0.1).all()), name
        else:
            assert float(parameter.detach().abs().max()) <= 0.2
    weights = net.encoder.code.weight.detach()
    assert float(weights.std()) == pytest.approx(0.088, rel=0.1)  # 0.1, cut at two deviations
    big = MeshAutoencoderConfig(encoder_channels=(64, 64), decoder_channels=(64, 64), init="balanced")
    net = MeshAutoencoder(big, HIERARCHY)
    code = net.encoder.code.weight.detach()
    assert float(code.std()) == pytest.approx(code.shape[1] ** -0.5, rel=0.15)
    second = net.encoder.convolutions[1].weight.detach()
    assert float(second.std()) == pytest.approx((2 / (6 * 64)) ** 0.5, rel=0.05)


def test_relu_or_linear_code() -> None:
    vertices = torch.from_numpy(blobs(40, VERTICES))
    balanced = dataclasses.replace(SMALL, init="balanced")
    relu, linear = _net(balanced), _net(dataclasses.replace(balanced, latent_activation="linear"))
    raw = relu.encode_linear(vertices)
    assert bool((raw < 0).any())
    assert bool((raw > 0).any())
    torch.testing.assert_close(relu.encode(vertices), raw.clamp(min=0))
    torch.testing.assert_close(linear.encode(vertices), raw)


def test_learns_four_meshes_by_heart() -> None:
    config = MeshAutoencoderConfig(
        latent=8,
        encoder_channels=(8, 8),
        decoder_channels=(16, 16),
        num_terms=3,
        latent_activation="linear",
        init="balanced",
    )
    net = _net(config)
    vertices = torch.from_numpy(blobs(4, VERTICES, seed=9))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)

    def error() -> torch.Tensor:
        return (net(vertices) - vertices).norm(dim=-1).mean() * 1000

    before = float(error().detach())
    for _ in range(60):
        optimizer.zero_grad()
        loss = error()
        loss.backward()
        optimizer.step()
    assert before > 4.0
    assert float(error().detach()) < 1.5


def test_another_topology_is_refused() -> None:
    with pytest.raises(InputError, match="91 vertices, expected 90") as caught:
        _net().encode(torch.zeros(2, 91, 3))
    assert caught.value.code == "mesh_topology"


def test_coordinates_that_are_no_numbers_are_refused() -> None:
    vertices = torch.zeros(3, 90, 3)
    check_vertices(vertices)
    vertices[1, 7, 2] = float("nan")
    with pytest.raises(InputError, match=r"vertex 7 .* mesh 1 of the batch") as caught:
        check_vertices(vertices, "heads.npz")
    assert caught.value.code == "mesh_not_finite"
    with pytest.raises(InputError, match="vertex 7 has"):
        check_vertices(vertices[1])


@pytest.mark.parametrize(
    "change",
    [
        {"latent": 0},
        {"decoder_channels": (4,)},
        {"encoder_channels": (), "decoder_channels": ()},
        {"num_terms": 0},
        {"latent_activation": "tanh"},
        {"init": "zero"},
    ],
)
def test_impossible_sizes(change: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r"positive|per step|none of|type"):
        dataclasses.replace(SMALL, **change)


def test_widths_must_fit_the_hierarchy() -> None:
    with pytest.raises(ValueError, match="2 steps, the configuration 4 widths"):
        MeshAutoencoder(MeshAutoencoderConfig(), HIERARCHY)


def test_statistics_must_make_sense() -> None:
    norm = _net().normalization
    with pytest.raises(ValueError, match=r"expected \(90, 3\)"):
        norm.set_statistics(torch.zeros(91, 3), torch.ones(91, 3))
    with pytest.raises(ValueError, match="positive"):
        norm.set_statistics(torch.zeros(90, 3), torch.zeros(90, 3))
    vertices = torch.from_numpy(blobs(3, VERTICES))
    torch.testing.assert_close(norm.restore(norm(vertices)), vertices)
