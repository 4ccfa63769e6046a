"""MICA's published layout of a checkpoint, with random weights, is read as a face encoder."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from headform.errors import WeightsError
from headform.nets.face_encoder import MappingNetwork
from headform.nets.mica_file import load_mica
from headform.nets.recognition.iresnet_net import LAYERS, IResNet


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred layers take seconds to write; the smallest network has the same names."""
    monkeypatch.setitem(LAYERS, 100, LAYERS[18])


def _published(mapping: nn.Module, **more: Tensor) -> dict[str, dict[str, Tensor]]:
    torch.manual_seed(0)
    arcface = IResNet(LAYERS[18]).state_dict()
    names = {f"regressor.{n.replace('hidden', 'network')}": t for n, t in mapping.state_dict().items()}
    flame = {"generator.shapedirs": torch.zeros(7, 3, 400), "generator.lbs_weights": torch.zeros(7, 5)}
    return {"arcface": dict(arcface), "flameModel": names | flame | more}


def test_encoder_equals_the_published_parts(tmp_path: Path) -> None:
    torch.manual_seed(1)
    mapping = MappingNetwork(512, 300)
    parts = _published(mapping)
    torch.save(parts | {"opt": {"lr": 1e-5}}, tmp_path / "mica.tar")
    net = load_mica(tmp_path / "mica.tar")
    arcface = IResNet(LAYERS[18])
    arcface.load_state_dict(parts["arcface"])
    crops = torch.randn(2, 3, 112, 112)
    with torch.no_grad():
        wanted = mapping(nn.functional.normalize(arcface.eval()(crops)))
        torch.testing.assert_close(net(crops), wanted)
    assert net.layout.parts == (("shape", 300),)


@pytest.mark.parametrize("fault", ["no arcface", "no mapping", "other width", "two mappings"])
def test_other_files_are_refused(tmp_path: Path, fault: str) -> None:
    parts = _published(MappingNetwork(512, 299 if fault == "other width" else 300))
    if fault == "no arcface":
        del parts["arcface"]
    if fault == "no mapping":
        parts["flameModel"] = {"generator.lbs_weights": torch.zeros(7, 5)}
    if fault == "two mappings":
        parts["flameModel"] |= {"other.weight": torch.zeros(300, 512), "other.bias": torch.zeros(300)}
    torch.save(parts, tmp_path / "other.tar")
    with pytest.raises(WeightsError) as caught:
        load_mica(tmp_path / "other.tar")
    assert caught.value.code == "weights_kind"
