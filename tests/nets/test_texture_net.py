"""The texture networks: the papers' parameter counts, the layer table, start from the coarse texture, file; the critic."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import InputError, UsageError, WeightsError
from headform.images.transfer import srgb_from_linear
from headform.losses import gradient_penalty
from headform.mesh.hierarchy import build_hierarchy
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import FACENET, IMAGENET_112
from headform.nets.recognition.inception_resnet_v1_net import InceptionResnetV1
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet, MobileFaceNetConfig
from headform.nets.shipped import load_texture
from headform.nets.texture_critic_net import TextureCritic, TextureCriticConfig
from headform.nets.texture_net import (
    EMBEDDING_SIZES,
    TextureNet,
    TextureNetConfig,
    linear_from_signal,
    parameter_counts,
    refiner_signal,
    signal_from_linear,
)
from headform.train.export_weights import export_weights

from .blobs import ball

VERTICES, FACES = ball(400)
HIERARCHY = build_hierarchy(VERTICES, FACES, factors=(2, 2, 2, 2))
BASEL = (35_709, 8_928, 2_232, 558, 140)


def _counts(**sizes: object) -> dict[str, int]:
    return parameter_counts(TextureNetConfig(**sizes), BASEL[-1])  # type: ignore[arg-type]


def test_parameters_are_those_of_the_paper() -> None:
    counts = _counts(channels=7)
    assert counts == {"spread": 1792 * 4480 + 4480, "decoder": 11_756, "refiner": 30_044, "combiner": 108}
    assert _counts()["refiner"] == 30_044 - 6 * 4 * 16 - 4 * 16, "of the coarse texture alone"
    assert _counts(embedding="pool5+facenet", embedding_size=3840)["spread"] == 3840 * 4480 + 4480
    assert _counts(embedding="recognizer", embedding_size=128)["spread"] == 128 * 4480 + 4480


def test_parameters_are_those_of_the_published_code() -> None:
    counts = _counts(form="normal", channels=7, embedding="pool5+facenet", embedding_size=3840)
    assert counts["spread"] + counts["decoder"] == 17_207_680 + 8_035
    # Cheb6 without bias; a bias for each ELU; features of the two coarsest levels on the way up beside 128 and 128 channels
    down = 6 * (7 * 16 + 16 * 16 + 16 * 32 + 32 * 64 + 64 * 128) + 240
    middle = 17_920 * 512 + 512 + 512 * 17_920 + 17_920
    up = 6 * ((128 + 64) * 128 + (128 + 32) * 64 + 64 * 32 + 32 * 16 + 16 * 3) + 240 + 3
    assert counts["refiner"] == down + middle + up == 18_660_259
    assert counts["combiner"] == 108


def test_wide_networks_have_the_published_channels() -> None:
    def block(a: int, b: int) -> int:
        return 6 * a * b + 6 * b * b + 2 * b + (0 if a == b else a * b)

    counts = _counts(wide=True, channels=7)
    assert counts["decoder"] == block(32, 64) + block(64, 128) + block(128, 256) + block(256, 3)
    assert counts["refiner"] == block(7, 16) + block(16, 32) + block(32, 64) + block(64, 128) + block(128, 3)
    assert (
        _counts(form="normal", wide=True)["decoder"] == 6 * (32 * 32 + 32 * 64 + 64 * 128 + 128 * 256 + 256 * 3) + 483
    )


@pytest.mark.parametrize("form", ["residual", "normal"])
def test_any_leading_axes_and_gradients_to_every_parameter(form: str) -> None:
    torch.manual_seed(0)
    net = TextureNet(TextureNetConfig(form=form, channels=7, embedding_size=12), HIERARCHY)  # type: ignore[arg-type]
    embedding, signal = torch.randn(2, 2, 12), torch.rand(2, 2, len(VERTICES), 7)
    out = net(embedding, signal)
    assert out.shape == (2, 2, len(VERTICES), 3)
    assert out.abs().max() <= 1
    torch.testing.assert_close(net(embedding[1, 0], signal[1, 0]), out[1, 0])
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    counts = parameter_counts(net.config, HIERARCHY.counts[-1])
    assert sum(counts.values()) == sum(p.numel() for p in net.parameters())


def test_the_refiner_sees_far_by_its_pooled_level_alone() -> None:
    """Two fine blocks of 2 x 5 rings at either end, two on the pooled level: all vertices of a small mesh are reached."""
    torch.manual_seed(0)
    net = TextureNet(TextureNetConfig(embedding_size=4), HIERARCHY)
    signal = torch.zeros(1, len(VERTICES), 3)
    moved = signal.clone()
    moved[0, 7] = 1.0
    with torch.no_grad():
        change = (net.refiner(moved, net.levels) - net.refiner(signal, net.levels)).abs().amax(-1)[0]
        embedded = (net.decoder(torch.ones(1, 4), net.levels) - net.decoder(torch.zeros(1, 4), net.levels)).abs()
    assert change[7] > 0.1
    assert (embedded.amax(-1) > 0).all()


def test_a_base_is_where_training_begins() -> None:
    coarse, photo = 2 * torch.rand(2, 3, len(VERTICES), 3) - 1
    seen = (torch.rand(3, len(VERTICES), 1) - 0.3).clamp(min=0)
    signal = torch.cat([coarse, seen * photo, seen], dim=-1)
    for base, wanted in (("coarse", coarse), ("photo", coarse + seen * (photo - coarse))):
        config = TextureNetConfig(channels=7, embedding_size=4, base=base)  # type: ignore[arg-type]
        net = TextureNet(config, HIERARCHY)
        with torch.no_grad():
            found = net(torch.randn(3, 4), signal)
        torch.testing.assert_close(found, 0.996 * wanted)
    with pytest.raises(ValueError, match="base"):
        TextureNetConfig(base="photo")


def test_colors_and_the_refiners_input() -> None:
    linear = torch.rand(2, 5, 3)
    torch.testing.assert_close(signal_from_linear(linear), 2 * srgb_from_linear(linear) - 1)
    torch.testing.assert_close(linear_from_signal(signal_from_linear(linear)), linear)
    projected, seen, shading = (
        torch.rand(2, 5, 3) / 2,
        torch.tensor([[1.0, 0.5, 0, 0, 1]] * 2),
        torch.full((2, 5, 3), 2.0),
    )
    plain = refiner_signal(TextureNetConfig(channels=7), linear, projected, seen)
    torch.testing.assert_close(plain[..., :3], signal_from_linear(linear))
    torch.testing.assert_close(plain[..., 3:6], seen[..., None] * signal_from_linear(projected))
    torch.testing.assert_close(plain[..., 6], seen)
    unlit = refiner_signal(TextureNetConfig(channels=7, unlit=True), linear, projected, seen, shading)
    torch.testing.assert_close(unlit[:, 0, 3:6], signal_from_linear(projected[:, 0] / 2))
    assert refiner_signal(TextureNetConfig(), linear, projected, seen).shape == (2, 5, 3)
    with pytest.raises(ValueError, match="shading"):
        refiner_signal(TextureNetConfig(channels=7, unlit=True), linear, projected, seen)


def test_another_mesh_is_refused() -> None:
    net = TextureNet(TextureNetConfig(embedding_size=4), HIERARCHY)
    with pytest.raises(InputError) as caught:
        net(torch.zeros(1, 4), torch.zeros(1, 5, 3))
    assert caught.value.code == "mesh_topology"
    with pytest.raises(ValueError, match="steps"):
        TextureNet(TextureNetConfig(), build_hierarchy(VERTICES, FACES, factors=(2, 2)))
    with pytest.raises(ValueError, match="channels"):
        TextureNetConfig(channels=6)


def test_written_networks_are_read_back_with_their_hierarchy(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = TextureNet(TextureNetConfig(channels=7, embedding="recognizer", embedding_size=4), HIERARCHY)
    facts = {"config": {"seed": 0}, "minutes": 1.0, "stage": "texture", "steps": 1}
    export_weights(net, facts, tmp_path / "t.safetensors", command="")
    again, card = load_texture(tmp_path / "t.safetensors")
    assert card["kind"] == "texture"
    assert again.config == net.config
    embedding, signal = torch.randn(1, 4), torch.rand(1, len(VERTICES), 7)
    with torch.no_grad():
        assert torch.equal(again(embedding, signal), net(embedding, signal))
    with pytest.raises(WeightsError):
        load_texture(tmp_path / "none.safetensors")


def test_critic_parameters() -> None:
    def count(**sizes: object) -> int:
        return sum(p.numel() for p in TextureCritic(TextureCriticConfig(**sizes)).parameters())  # type: ignore[arg-type]

    # 1x1 to 16, 3x3 to 32, 64, 128, 256, 512, 7x7 to the score
    plain = 3 * 16 + 16 + 9 * (16 * 32 + 32 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 992 + 49 * 512 + 1
    assert count() == plain == 1_597_473
    assert count(norm="batch") == plain + 2 * (16 + 992) == 1_599_489
    with pytest.raises(ValueError, match="multiple of 32"):
        TextureCriticConfig(side=100)


def test_a_critic_scores_each_picture_alone_unless_it_has_batch_norm() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 64, 64)
    for norm, alone in (("none", True), ("batch", False)):
        critic = TextureCritic(TextureCriticConfig(64, norm, (4, 4, 4, 4, 4, 4)))  # type: ignore[arg-type]
        found = critic(pictures)
        assert found.shape == (3,)
        assert torch.allclose(critic(pictures[:1]), found[:1], atol=1e-6) == alone
        gradient_penalty(critic, pictures, pictures.flip(0)).backward()
        assert critic.score.weight.grad is not None


class Stub(InceptionResnetV1):
    """FaceNet without its layers."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x.mean((1, 2, 3))[:, None].expand(-1, 1792)


def test_embeddings_by_kind() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    five = np.array([[[20, 25], [44, 25], [32, 38], [23, 48], [41, 48]]] * 2, np.float64)
    open_ = FaceEmbedder("recognizer", MobileFaceNet(MobileFaceNetConfig(embedding=16)), IMAGENET_112)
    found = open_(images, five)
    assert open_.size == 16
    torch.testing.assert_close(found.norm(dim=1), torch.full((2,), 4.0))
    facenet = Stub()
    paper = FaceEmbedder("facenet", facenet, IMAGENET_112)
    assert paper.crop is FACENET
    features = paper(images, five)
    assert features.shape == (2, paper.size) == (2, EMBEDDING_SIZES["facenet"])
    both = FaceEmbedder("pool5+facenet", facenet, FACENET, lambda pictures, points: torch.ones(len(pictures), 2048))
    joined = both(images, five)
    assert joined.shape == (2, both.size) == (2, 3840)
    torch.testing.assert_close(joined[:, 2048:], features)
    with pytest.raises(UsageError, match="FaceNet"):
        FaceEmbedder("facenet", MobileFaceNet(), IMAGENET_112)
    with pytest.raises(UsageError, match="regressor"):
        FaceEmbedder("pool5+facenet", facenet, FACENET)
