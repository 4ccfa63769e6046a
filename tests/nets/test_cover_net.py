"""The network of covers: shapes, and what it does not depend on."""

import torch

from headform.nets.cover_net import INPUT_SIDE, MAP_SIDE, CoverNet, CoverNetConfig
from headform.nets.shipped import load_cover


def crops(count: int) -> torch.Tensor:
    return torch.rand(count, 3, INPUT_SIDE, INPUT_SIDE, generator=torch.Generator().manual_seed(2)) * 255


def test_the_map_has_half_the_side() -> None:
    net = CoverNet(CoverNetConfig()).eval()
    inside = torch.ones(3, 1, INPUT_SIDE, INPUT_SIDE)
    assert net(crops(3), inside).shape == (3, MAP_SIDE, MAP_SIDE)


def test_brightness_and_what_lies_beyond_the_photo_do_not_matter() -> None:
    net, _ = load_cover()
    inside = torch.ones(2, 1, INPUT_SIDE, INPUT_SIDE)
    inside[..., :20] = 0
    pictures = crops(2)
    with torch.no_grad():
        found = net(pictures, inside)
        torch.testing.assert_close(net(pictures + 7, inside), found, atol=2e-3, rtol=1e-3)
        changed = pictures.clone()
        changed[..., :20] = 255
        torch.testing.assert_close(net(changed, inside), found, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(net(changed, torch.ones_like(inside)), found, atol=1e-2)


def test_the_shipped_weights_are_small_and_say_what_they_were_taught_with() -> None:
    _, card = load_cover()
    assert card["bytes"] < 300_000
    for source in ("London", "Canadian", "Congress", "synthetic"):
        assert source in card["data"]
