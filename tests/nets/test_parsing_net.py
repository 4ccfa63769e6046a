"""The network that parses faces: shapes, and what it does not depend on."""

import torch

from headform.geometry.face_classes import FACE_CLASSES
from headform.nets.parsing_net import INPUT_SIDE, MAP_SIDE, ParsingNet, ParsingNetConfig


def crops(count: int) -> torch.Tensor:
    return torch.rand(count, 3, INPUT_SIDE, INPUT_SIDE, generator=torch.Generator().manual_seed(2)) * 255


def test_logits_of_every_class_at_half_the_side() -> None:
    net = ParsingNet(ParsingNetConfig()).eval()
    assert net(crops(2), torch.ones(2, 1, INPUT_SIDE, INPUT_SIDE)).shape == (2, len(FACE_CLASSES), MAP_SIDE, MAP_SIDE)
    assert sum(p.numel() for p in net.parameters()) < 1_000_000  # two megabytes in half precision


def test_brightness_contrast_and_what_lies_beyond_the_photo_do_not_matter() -> None:
    torch.manual_seed(0)
    net = ParsingNet(ParsingNetConfig(widths=(16, 16, 16, 16), depths=(1, 1, 1))).eval()
    inside = torch.ones(2, 1, INPUT_SIDE, INPUT_SIDE)
    inside[..., :20] = 0
    pictures = crops(2)
    with torch.no_grad():
        found = net(pictures, inside)
        torch.testing.assert_close(net(pictures + 7, inside), found, atol=1e-3, rtol=1e-3)
        changed = pictures.clone()
        changed[..., :20] = 255
        torch.testing.assert_close(net(changed, inside), found, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(net(changed, torch.ones_like(inside)), found, atol=1e-3)
