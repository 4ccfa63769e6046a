"""The regressor of Deng et al.: published names and sizes, a bottleneck by hand, its alignment, and other files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headform.errors import FaceError, WeightsError
from headform.heads.coefficients import BASEL_FRONT
from headform.nets import basel_regressor_net as network
from headform.nets.basel_alignment import FACE5_DM, PooledFeatures, alignment, alignment_points
from headform.nets.basel_regressor_net import BaselRegressor, Bottleneck, load_basel_regressor

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _names(stages: tuple[int, ...]) -> set[str]:
    """As the public checkpoint has them."""
    names = {"backbone.conv1.weight"} | {f"backbone.bn1.{part}" for part in NORM}
    for stage, count in enumerate(stages, 1):
        for number in range(count):
            block = f"backbone.layer{stage}.{number}"
            names |= {f"{block}.conv{k}.weight" for k in (1, 2, 3)}
            names |= {f"{block}.bn{k}.{part}" for k in (1, 2, 3) for part in NORM}
        names |= {f"backbone.layer{stage}.0.downsample.0.weight"}
        names |= {f"backbone.layer{stage}.0.downsample.1.{part}" for part in NORM}
    return names | {f"final_layers.{k}.{part}" for k in range(7) for part in ("weight", "bias")}


def test_names_and_sizes_are_those_of_the_public_checkpoint() -> None:
    with torch.device("meta"):
        net = BaselRegressor()
        assert net(torch.zeros(2, 3, 224, 224)).shape == (2, 257)
        assert net.features(torch.zeros(2, 3, 224, 224)).shape == (2, 2048)
    state = net.state_dict()
    assert set(state) == _names((3, 4, 6, 3))
    classifier = 1000 * 2048 + 1000
    assert sum(p.numel() for p in net.backbone.parameters()) + classifier == 25_557_032  # ResNet-50's published count
    assert [tuple(state[f"final_layers.{k}.weight"].shape) for k in range(7)] == [
        (count, 2048, 1, 1) for count in (80, 64, 80, 3, 27, 2, 1)
    ]
    assert BASEL_FRONT.size == sum(network.HEADS)


def test_a_bottleneck_by_hand() -> None:
    torch.manual_seed(0)
    block = Bottleneck(6, 2, 2).eval()
    for tensor in block.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1.0)
    x = torch.randn(2, 6, 5, 5)
    state = block.state_dict()

    def norm(y: Tensor, name: str) -> Tensor:
        mean, var, scale, shift = (
            state[f"{name}.{p}"][:, None, None] for p in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / (var + 1e-5).sqrt() * scale + shift

    y = norm(torch.einsum("oi,bihw->bohw", state["conv1.weight"][..., 0, 0], x), "bn1").clamp(min=0)
    patches = nn.functional.pad(y, (1, 1, 1, 1)).unfold(2, 3, 2).unfold(3, 3, 2)
    y = norm(torch.einsum("bihwuv,oiuv->bohw", patches, state["conv2.weight"]), "bn2").clamp(min=0)
    y = norm(torch.einsum("oi,bihw->bohw", state["conv3.weight"][..., 0, 0], y), "bn3")
    shortcut = torch.einsum("oi,bihw->bohw", state["downsample.0.weight"][..., 0, 0], x[..., ::2, ::2])
    with torch.no_grad():
        torch.testing.assert_close(block(x), (y + norm(shortcut, "downsample.1")).clamp(min=0), rtol=1e-4, atol=1e-4)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same names with few channels: a hundred megabytes take seconds to write."""
    monkeypatch.setattr(network, "BLOCKS", ((4, 1), (4, 1), (4, 2), (4, 1)))
    monkeypatch.setattr(network, "FEATURES", 16)


@pytest.mark.usefixtures("small")
def test_the_public_file_is_read_with_all_that_stands_beside_the_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = BaselRegressor().eval()
    for layer in net.final_layers:
        nn.init.normal_(layer.weight)
    extra = {"backbone.fc.weight": torch.zeros(10, 16), "backbone.fc.bias": torch.zeros(10)}
    optimizer = {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"net_recon": net.state_dict() | extra, "opt_00": optimizer}, tmp_path / "epoch_20.pth")
    crops = torch.rand(2, 3, 224, 224)
    found = load_basel_regressor(tmp_path / "epoch_20.pth")
    with torch.no_grad():
        code = found(crops)
        torch.testing.assert_close(code, net(crops))
        pooled = net.features(crops)
        wanted = torch.cat([pooled @ w.weight[..., 0, 0].T + w.bias for w in net.final_layers], 1)
    torch.testing.assert_close(code, wanted, rtol=1e-4, atol=1e-5)
    assert not found.training


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("fault", "code"), [("other", "weights_kind"), ("shape", "weights_shape"), ("nan", "weights_nan")]
)
def test_other_files_are_refused(tmp_path: Path, fault: str, code: str) -> None:
    state = BaselRegressor().state_dict()
    if fault == "other":
        state = {name: t for name, t in state.items() if not name.startswith("final_layers")}
    if fault == "shape":
        state["final_layers.4.weight"] = torch.zeros(9, 16, 1, 1)
    if fault == "nan":
        state["backbone.conv1.weight"][0, 0, 0, 0] = torch.nan
    torch.save({"net_recon": state}, tmp_path / "epoch_20.pth")
    with pytest.raises(WeightsError) as caught:
        load_basel_regressor(tmp_path / "epoch_20.pth")
    assert caught.value.code == code


def test_alignment_brings_the_mean_face_to_its_place() -> None:
    photo = FACE5_DM[:, :2] * [1.0, -1.0] * 37.0 + [300.5, 210.25]
    matrix = alignment(photo)
    np.testing.assert_allclose(matrix[:, :2], np.eye(2) * 102 / 37, atol=1e-9)
    crop = photo @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(crop, FACE5_DM[:, :2] * [102.0, -102.0] + 112.0, atol=1e-9)


def test_a_turned_face_stays_turned_and_keeps_its_scale() -> None:
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    matrix = alignment(FACE5_DM[:, :2] @ turn.T * [50.0, -50.0])
    np.testing.assert_allclose(matrix, [[2.04, 0.0, 112.0], [0.0, 2.04, 112.0]], atol=1e-6)


def test_five_points_of_68() -> None:
    points = np.arange(136.0).reshape(68, 2)
    np.testing.assert_array_equal(
        alignment_points(points), points[[36, 42, 30, 48, 54]] + [[3.0], [3.0], [0], [0], [0]]
    )


@pytest.mark.parametrize("points", [np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_points_without_extent_are_refused(points: np.ndarray) -> None:
    with pytest.raises(FaceError) as caught:
        alignment(points)
    assert caught.value.code == "points_invalid"


@pytest.mark.usefixtures("small")
def test_pooled_features_are_those_of_the_aligned_crop() -> None:
    torch.manual_seed(0)
    net = BaselRegressor()
    photo = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    five = FACE5_DM[:, :2] * [102.0, -102.0] + 112.0  # aligned already
    found = PooledFeatures(net)(photo, np.stack([five, five]))
    with torch.no_grad():
        wanted = net.features(torch.from_numpy(photo).permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
