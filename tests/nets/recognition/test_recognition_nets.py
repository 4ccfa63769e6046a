"""The recognition networks: published numbers of weights, published names, and layers against plain arithmetic."""

import pytest
import torch
from torch import nn

from headform.nets.recognition.evolve_ir_net import BLOCKS, Bottleneck, EvolveIR, Squeeze
from headform.nets.recognition.inception_resnet_v1_net import InceptionResnetV1, Unit
from headform.nets.recognition.iresnet_net import LAYERS, Block, IResNet
from headform.nets.recognition.light_cnn_net import LightCNN9, LightCNN29, LightCNN29v2, MaxFeature, light_cnn_of


def meta(build: type[nn.Module], *arguments: object) -> nn.Module:
    with torch.device("meta"):
        return build(*arguments).eval()


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("blocks", "count"),
    [(18, 24_025_600), (34, 34_139_328), (50, 43_590_848), (100, 65_156_160)],
)
def test_iresnets_have_the_published_number_of_parameters(blocks: int, count: int) -> None:
    net = meta(IResNet, LAYERS[blocks])
    assert parameters(net) == count
    assert net(torch.zeros(2, 3, 112, 112, device="meta")).shape == (2, 512)


def test_facenet_has_the_published_number_of_parameters_and_layers() -> None:
    net = meta(InceptionResnetV1)
    classifier = 512 * 8631 + 8631  # logits of VGGFace2, which are left out here
    assert parameters(net) + classifier == 27_910_327
    kinds = [type(module) for module in net.modules()]
    assert kinds.count(nn.Conv2d) == 132
    assert kinds.count(nn.BatchNorm2d) == 111
    assert net(torch.zeros(2, 3, 160, 160, device="meta")).shape == (2, 512)
    assert net.features(torch.zeros(2, 3, 160, 160, device="meta")).shape == (2, 1792)


@pytest.mark.parametrize(
    ("build", "count", "tensors"),
    # 29 version 2 as its authors count; the others by the layer tables of the paper, of the same groups and residuals
    [(LightCNN29v2, 10_475_872, 60), (LightCNN29, 12_573_280, 60), (LightCNN9, 5_480_864, 20)],
)
def test_light_cnns_have_the_published_number_of_parameters(build: type[nn.Module], count: int, tensors: int) -> None:
    net = meta(build)
    assert (parameters(net), len(list(net.parameters()))) == (count, tensors)
    assert net(torch.zeros(2, 1, 128, 128, device="meta")).shape == (2, 256)


@pytest.mark.parametrize("squeeze", [False, True], ids=["ir", "ir-se"])
@pytest.mark.parametrize("depth", [50, 101, 152])
def test_ir_networks_have_as_many_parameters_as_their_layer_tables_say(depth: int, squeeze: bool) -> None:
    counts = {50: (3, 4, 14, 3), 101: (3, 13, 30, 3), 152: (3, 8, 36, 3)}[depth]
    count = 3 * 64 * 9 + 2 * 64 + 64
    inputs = 64
    for outputs, units in zip((64, 128, 256, 512), counts, strict=True):
        for _ in range(units):
            count += 2 * inputs + 9 * inputs * outputs + outputs + 9 * outputs**2 + 2 * outputs
            count += (inputs * outputs + 2 * outputs) if inputs != outputs else 0
            count += 2 * outputs * (outputs // 16) if squeeze else 0
            inputs = outputs
    count += 2 * 512 + (512 * 49 * 512 + 512) + 2 * 512
    net = meta(EvolveIR, depth, squeeze)
    assert parameters(net) == count
    assert net(torch.zeros(2, 3, 112, 112, device="meta")).shape == (2, 512)


NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def iresnet_names(layers: tuple[int, ...]) -> set[str]:
    """As insightface's arcface_torch writes them."""
    names = {"conv1.weight", "prelu.weight", "fc.weight", "fc.bias"}
    names |= {f"{norm}.{part}" for norm in ("bn1", "bn2", "features") for part in NORM}
    for stage, count in enumerate(layers, 1):
        for number in range(count):
            block = f"layer{stage}.{number}"
            names |= {f"{block}.{norm}.{part}" for norm in ("bn1", "bn2", "bn3") for part in NORM}
            names |= {f"{block}.{name}.weight" for name in ("conv1", "conv2", "prelu")}
        names |= {f"layer{stage}.0.downsample.0.weight"}
        names |= {f"layer{stage}.0.downsample.1.{part}" for part in NORM}
    return names


def ir_names(blocks: tuple[int, ...] = (3, 4, 14, 3), squeeze: bool = False) -> set[str]:
    """As face.evoLVe writes them."""
    names = {"input_layer.0.weight", "input_layer.2.weight"}
    names |= {f"output_layer.3.{part}" for part in ("weight", "bias")}
    norms = ["input_layer.1", "output_layer.0", "output_layer.4"]
    wider = {sum(blocks[:stage]) for stage in (1, 2, 3)}
    for number in range(sum(blocks)):
        block = f"body.{number}"
        names |= {f"{block}.res_layer.5.{layer}.weight" for layer in ("fc1", "fc2") if squeeze}
        names |= {f"{block}.res_layer.{place}.weight" for place in (1, 2, 3)}
        norms += [f"{block}.res_layer.0", f"{block}.res_layer.4"]
        if number in wider:
            names.add(f"{block}.shortcut_layer.0.weight")
            norms.append(f"{block}.shortcut_layer.1")
    return names | {f"{norm}.{part}" for norm in norms for part in NORM}


def light_cnn_names() -> set[str]:
    """As LightCNN writes version 2 of the 29 layers, without the classifier."""
    layers = ["conv1"]
    for stage, count in enumerate((1, 2, 3, 4), 1):
        layers += [f"block{stage}.{i}.{conv}" for i in range(count) for conv in ("conv1", "conv2")]
        layers += [f"group{stage}.{conv}" for conv in ("conv_a", "conv")]
    names = {f"{layer}.filter.{part}" for layer in layers for part in ("weight", "bias")}
    return names | {"fc.weight", "fc.bias"}


def light_cnn_1_names() -> set[str]:
    """As LightCNN writes the 29 layers."""
    return light_cnn_names() - {"fc.weight", "fc.bias"} | {"fc.filter.weight", "fc.filter.bias"}


def light_cnn_9_names() -> set[str]:
    """As LightCNN writes the 9 layers: numbers count the pools, too."""
    layers = ["features.0", "fc1"]
    layers += [f"features.{place}.{conv}" for place in (2, 4, 6, 7) for conv in ("conv_a", "conv")]
    return {f"{layer}.filter.{part}" for layer in layers for part in ("weight", "bias")}


def facenet_names() -> set[str]:
    """As facenet-pytorch writes them, without its classifier."""
    units = [f"conv2d_{place}" for place in ("1a", "2a", "2b", "3b", "4a", "4b")]
    closing = []
    shapes = {"repeat_1": (5, (2, 3)), "repeat_2": (10, (3,)), "repeat_3": (5, (3,))}
    blocks = [(f"{name}.{number}", branches) for name, (count, branches) in shapes.items() for number in range(count)]
    for block, branches in [*blocks, ("block8", (3,))]:
        units.append(f"{block}.branch0")
        for branch, length in enumerate(branches, 1):
            units += [f"{block}.branch{branch}.{place}" for place in range(length)]
        closing += [f"{block}.conv2d.{part}" for part in ("weight", "bias")]
    units += ["mixed_6a.branch0", *(f"mixed_6a.branch1.{i}" for i in range(3))]
    for branch, length in enumerate((2, 2, 3)):
        units += [f"mixed_7a.branch{branch}.{i}" for i in range(length)]
    names = {f"{unit}.conv.weight" for unit in units}
    names |= {f"{unit}.bn.{part}" for unit in units for part in NORM}
    names |= {f"last_bn.{part}" for part in NORM} | {"last_linear.weight"}
    return names | set(closing)


@pytest.mark.parametrize(
    ("net", "names"),
    [
        (meta(IResNet, LAYERS[18]), iresnet_names(LAYERS[18])),
        (meta(IResNet, LAYERS[100]), iresnet_names(LAYERS[100])),
        (meta(EvolveIR), ir_names()),
        (meta(EvolveIR, 101), ir_names((3, 13, 30, 3))),
        (meta(EvolveIR, 152, True), ir_names((3, 8, 36, 3), squeeze=True)),
        (meta(LightCNN29v2), light_cnn_names()),
        (meta(LightCNN29), light_cnn_1_names()),
        (meta(LightCNN9), light_cnn_9_names()),
        (meta(InceptionResnetV1), facenet_names()),
    ],
    ids=["iresnet18", "iresnet100", "ir50", "ir101", "ir-se152", "lightcnn29v2", "lightcnn29", "lightcnn9", "facenet"],
)
def test_names_are_those_of_the_published_checkpoints(net: nn.Module, names: set[str]) -> None:
    assert set(net.state_dict()) == names


def test_a_block_of_iresnet_by_hand() -> None:
    block = Block(4, 6, 2).eval()
    for tensor in block.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1.0)
    x = torch.randn(2, 4, 6, 6)

    def norm(y: torch.Tensor, module: nn.BatchNorm2d) -> torch.Tensor:
        shift, scale = module.running_mean, (module.running_var + 1e-5).rsqrt()
        y = (y - shift[:, None, None]) * scale[:, None, None]
        return y * module.weight[:, None, None] + module.bias[:, None, None]

    def conv(y: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
        side = weight.shape[-1]
        y = nn.functional.pad(y, (side // 2,) * 4)
        patches = y.unfold(2, side, stride).unfold(3, side, stride)
        return torch.einsum("bihwuv,oiuv->bohw", patches, weight)

    y = norm(conv(norm(x, block.bn1), block.conv1.weight, 1), block.bn2)
    y = torch.where(y > 0, y, y * block.prelu.weight[:, None, None])
    y = norm(conv(y, block.conv2.weight, 2), block.bn3)
    narrow, shortcut_norm = block.downsample
    expected = y + norm(conv(x, narrow.weight, 2), shortcut_norm)
    torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


def test_the_larger_of_each_pair_of_channels() -> None:
    layer = MaxFeature(1, 2, 1)
    with torch.no_grad():
        layer.filter.weight.copy_(torch.tensor([1.0, 2.0, -1.0, 3.0]).reshape(4, 1, 1, 1))
        layer.filter.bias.zero_()
        found = layer(torch.tensor([[[[2.0, -2.0]]]]))
    assert found.tolist() == [[[[2.0, 2.0]], [[6.0, -4.0]]]]


def test_a_unit_of_facenet_normalizes_with_its_own_epsilon() -> None:
    unit = Unit(1, 1, 1).eval()
    with torch.no_grad():
        unit.conv.weight.fill_(1.0)
        unit.bn.running_var.fill_(0.003)
        found = unit(torch.full((1, 1, 1, 1), 2.0))
    assert float(found) == pytest.approx(2 / 0.004**0.5, rel=1e-5)


@pytest.fixture(scope="module")
def small_iresnet() -> IResNet:
    torch.manual_seed(0)
    return IResNet((1, 1, 1, 1))


def test_what_is_frozen_does_not_change(small_iresnet: IResNet) -> None:
    net = small_iresnet.set_trainable("last_stage").train()
    learning = {name for name, p in net.named_parameters() if p.requires_grad}
    assert all(name.startswith(("layer4.", "bn2.", "fc.", "features.bias")) for name in learning)
    assert {"layer4.0.conv1.weight", "bn2.weight", "fc.bias", "features.bias"} <= learning
    assert "features.weight" not in learning
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        net.train()
        net(torch.randn(2, 3, 112, 112)).square().mean().backward()
        optimizer.step()
    after = net.state_dict()
    frozen = ("conv1.", "bn1.", "prelu.", "layer1.", "layer2.", "layer3.", "features.weight")
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == name.startswith(frozen), name
    assert net.layer4.training
    assert not net.layer1.training
    assert not net.bn1.training
    net.set_trainable("all")
    assert net.layer1.training
    assert all(p.requires_grad for n, p in net.named_parameters() if n != "features.weight")
    net.set_trainable("none")
    assert not net.layer4.training
    assert not any(p.requires_grad for p in net.parameters())


def drawn(net: nn.Module) -> dict[str, torch.Tensor]:
    """Fill a network with numbers that keep signals alive; its state."""
    for name, tensor in net.eval().state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point():
            fan = tensor[0].numel() if tensor.ndim > 1 else 4
            tensor.normal_(0, fan**-0.5)
    return net.state_dict()


def test_light_cnn_layer_by_layer() -> None:
    net = LightCNN29v2()
    state = drawn(net)

    def feature(x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = state[f"{name}.filter.weight"], state[f"{name}.filter.bias"]
        y = nn.functional.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        half = y.shape[1] // 2
        return torch.where(y[:, :half] > y[:, half:], y[:, :half], y[:, half:])

    def pool(x: torch.Tensor) -> torch.Tensor:
        corners = torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)])
        return corners.amax(0) + corners.mean(0)

    x = torch.rand(1, 1, 128, 128)
    y = pool(feature(x, "conv1"))
    for stage in (1, 2, 3, 4):
        for number in range(stage):
            first = feature(y, f"block{stage}.{number}.conv1")
            y = feature(first, f"block{stage}.{number}.conv2") + y
        y = feature(feature(y, f"group{stage}.conv_a"), f"group{stage}.conv")
        y = y if stage == 3 else pool(y)
    expected = y.flatten(1) @ state["fc.weight"].T + state["fc.bias"]
    with torch.no_grad():
        torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-4)


def test_a_shortcut_of_ir50_takes_every_second_pixel() -> None:
    block = Bottleneck(4, 4, 2)
    drawn(block)
    x = torch.randn(1, 4, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(block(x) - block.res_layer(x), x[..., ::2, ::2])
    wide = Bottleneck(4, 6, 2)
    state = drawn(wide)
    weight = state["shortcut_layer.0.weight"][..., 0, 0]
    mean, variance = state["shortcut_layer.1.running_mean"], state["shortcut_layer.1.running_var"]
    scale = state["shortcut_layer.1.weight"] / (variance + 1e-5).sqrt()
    y = torch.einsum("oi,bihw->bohw", weight, x[..., ::2, ::2]) - mean[:, None, None]
    expected = y * scale[:, None, None] + state["shortcut_layer.1.bias"][:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(wide(x) - wide.res_layer(x), expected, rtol=1e-4, atol=1e-4)


def test_blocks_of_facenet_have_their_scales_and_the_last_no_relu() -> None:
    net = InceptionResnetV1()
    drawn(net)
    cases = [
        (net.repeat_1, 0.17, True),
        (net.repeat_2, 0.1, True),
        (net.repeat_3, 0.2, True),
        ([net.block8], 1.0, False),
    ]
    for blocks, scale, rectified in cases:
        for block in blocks:
            x = torch.randn(1, block.conv2d.out_channels, 4, 4)
            with torch.no_grad():
                branches = [block.branch0(x), block.branch1(x)]
                branches += [block.branch2(x)] if hasattr(block, "branch2") else []
                expected = x + scale * block.conv2d(torch.cat(branches, 1))
                expected = expected.clamp(min=0) if rectified else expected
                torch.testing.assert_close(block(x), expected)
    x = torch.randn(1, 256, 9, 9)
    with torch.no_grad():
        found = net.mixed_6a(x)
        pooled = nn.functional.max_pool2d(x, 3, 2)
        torch.testing.assert_close(found[:, :384], net.mixed_6a.branch0(x))
        torch.testing.assert_close(found[:, 384:640], net.mixed_6a.branch1(x))
        torch.testing.assert_close(found[:, 640:], pooled)


def test_a_squeeze_by_hand() -> None:
    squeeze = Squeeze(32)
    state = drawn(squeeze)
    x = torch.randn(2, 32, 3, 5)
    mean = x.mean((2, 3))
    hidden = (mean @ state["fc1.weight"][..., 0, 0].T).clamp(min=0)
    factor = 1 / (1 + torch.exp(-hidden @ state["fc2.weight"][..., 0, 0].T))
    with torch.no_grad():
        torch.testing.assert_close(squeeze(x), x * factor[..., None, None])
        block = Bottleneck(32, 32, 1, squeeze=True).eval()
        torch.testing.assert_close(block.res_layer(x), block.res_layer[5](block.res_layer[:5](x)))


def test_the_first_light_cnns_take_maxima_of_numbers_and_of_pixels() -> None:
    net = LightCNN29()
    x = torch.rand(1, 2, 4, 4)
    torch.testing.assert_close(net.pool(x), torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0))
    state = drawn(net.fc)
    numbers = torch.rand(3, 8192)
    both = numbers @ state["filter.weight"].T + state["filter.bias"]
    with torch.no_grad():
        torch.testing.assert_close(net.fc(numbers), torch.maximum(both[:, :256], both[:, 256:]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", list(BLOCKS))
@pytest.mark.parametrize("squeeze", [False, True])
def test_depth_and_squeeze_are_told_by_the_names(depth: int, squeeze: bool) -> None:
    found = meta(EvolveIR.of, ir_names(BLOCKS[depth], squeeze))
    assert set(found.state_dict()) == ir_names(BLOCKS[depth], squeeze)


def test_versions_of_light_cnn_are_told_by_the_names() -> None:
    for names, kind in (
        (light_cnn_names(), LightCNN29v2),
        (light_cnn_1_names(), LightCNN29),
        (light_cnn_9_names(), LightCNN9),
    ):
        assert type(meta(light_cnn_of, names)) is kind
