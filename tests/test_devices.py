"""Every module that computes with tensors, on every device of the machine, against double precision on the CPU."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headform.graph import BiasedELU, ChebConv, ChebResidual, GraphLevels, ScaledLaplacian
from headform.heads import load_open
from headform.mesh import build_hierarchy
from headform.mesh.scaled_laplacian import scaled_laplacian
from headform.nets import (
    load_cover,
    load_dense,
    load_face_encoder,
    load_face_mesh,
    load_landmarks68,
    load_parsing,
    load_pfld,
    load_yunet,
)
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.nets.recognition import EvolveIR, IResNet, LightCNN29v2
from headform.train.muon import Muon
from tests.heads.flame.flame_heads import tiny_flame
from tests.nets.blobs import ball


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def picture(channels: int, side: int) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: (255 * torch.rand(2, channels, side, side, generator=torch.Generator().manual_seed(1)),)


class Heads(nn.Module):
    """Everything a linear head computes."""

    def __init__(self) -> None:
        super().__init__()
        self.head = load_open()

    def forward(self, identity: Tensor, expression: Tensor) -> tuple[Tensor, ...]:
        vertices = self.head(identity, expression)
        return (
            vertices,
            self.head.landmarks(vertices),
            self.head.albedo_of(identity),
            self.head.eye_center(vertices, "eye_left"),
        )


class Flame(nn.Module):
    """A posed FLAME head and its landmarks."""

    def __init__(self) -> None:
        super().__init__()
        self.head = tiny_flame()

    def forward(self, identity: Tensor, rotation: Tensor) -> tuple[Tensor, ...]:
        pose = self.head(identity, global_rotation=rotation, jaw=rotation)
        return pose.vertices, pose.joints, self.head.landmarks2d(pose)


class Graph(nn.Module):
    """Convolution, residual block, activation and resampling on a small mesh."""

    def __init__(self) -> None:
        super().__init__()
        vertices, faces = ball(2000)
        hierarchy = build_hierarchy(vertices, faces, (4,))
        self.levels = GraphLevels.from_hierarchy(hierarchy)
        self.laplacian = ScaledLaplacian.from_csr(scaled_laplacian(faces, len(vertices)))
        self.convolution, self.block, self.activation = ChebConv(3, 5, 4), ChebResidual(5, 4, 3), BiasedELU(4)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = self.activation(self.block(self.convolution(x, self.laplacian), self.laplacian))
        return y, self.levels.up[0](self.levels.down[0](y))


def autoencoder() -> nn.Module:
    vertices, faces = ball(2000)
    torch.manual_seed(0)
    return MeshAutoencoder(MeshAutoencoderConfig(latent=4), build_hierarchy(vertices, faces, (4, 4, 4, 4)))


def seeded(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    def made() -> nn.Module:
        torch.manual_seed(0)
        return build().eval()

    return made


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, ...]]]] = {
    "linear head": (Heads, lambda: (draw(2, 20), draw(2, 20))),
    "FLAME": (Flame, lambda: (draw(3, 4), 0.2 * draw(3, 3))),
    "graph": (seeded(Graph), lambda: (draw(2, len(ball(2000)[0]), 3),)),
    "mesh autoencoder": (autoencoder, lambda: (torch.from_numpy(np.asarray(ball(2000)[0])).float().expand(2, -1, -1),)),
    "dense landmarks": (lambda: load_dense()[0], picture(3, 128)),
    "face encoder": (lambda: load_face_encoder()[0], picture(3, 112)),
    "YuNet": (lambda: load_yunet()[0], picture(3, 96)),
    "face mesh": (lambda: load_face_mesh()[0], lambda: (picture(3, 256)()[0] / 255,)),
    "68 landmarks": (lambda: load_landmarks68()[0], picture(3, 112)),
    "PFLD": (lambda: load_pfld()[0], lambda: (picture(3, 112)()[0] / 255,)),
    "covers": (lambda: load_cover()[0], lambda: (picture(3, 64)()[0], torch.ones(len(picture(3, 64)()[0]), 1, 64, 64))),
    "parsing": (
        lambda: load_parsing()[0],
        lambda: (picture(3, 64)()[0], torch.ones(len(picture(3, 64)()[0]), 1, 64, 64)),
    ),
    "IResNet": (seeded(lambda: IResNet((1, 1, 1, 1))), lambda: (draw(2, 3, 112, 112),)),
    "IR-50": (seeded(EvolveIR), lambda: (draw(1, 3, 112, 112),)),
    "LightCNN": (seeded(LightCNN29v2), lambda: (draw(1, 1, 128, 128),)),
}


def flat(value: object) -> list[Tensor]:
    """Tensors of a result, whatever holds them."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        return [t for inner in value.values() for t in flat(inner)]
    if isinstance(value, (tuple, list)):
        return [t for inner in value for t in flat(inner)]
    return [t for inner in vars(value).values() for t in flat(inner)] if hasattr(value, "__dict__") else []


@pytest.mark.parametrize("name", list(CASES))
@torch.no_grad()
def test_single_precision_on_the_device_follows_double_on_the_cpu(name: str, device: torch.device) -> None:
    build, inputs = CASES[name]
    module = build()
    want = flat(copy.deepcopy(module).double()(*(x.double() for x in inputs())))
    found = flat(module.to(device)(*(x.to(device) for x in inputs())))
    assert len(found) == len(want) > 0
    for a, b in zip(found, want, strict=True):
        assert a.device.type == device.type
        scale = float(b.abs().max()) + 1e-6
        torch.testing.assert_close(a.double().cpu() / scale, b.double() / scale, atol=2e-3, rtol=0)


def test_a_step_of_muon_follows_the_cpu(device: torch.device) -> None:
    def trained(device: torch.device) -> Tensor:
        torch.manual_seed(0)
        layer = nn.Linear(6, 4).to(device)
        optimizer = Muon([{"params": [layer.weight]}], lr=0.1)
        layer(draw(5, 6).to(device)).square().sum().backward()
        optimizer.step()
        return layer.weight.detach().cpu()

    torch.testing.assert_close(trained(device), trained(torch.device("cpu")), atol=2e-2, rtol=0)
