"""The student network: shapes, windows, and what both choices of its configuration share."""

from dataclasses import replace

import pytest
import torch

from headform.errors import UsageError
from headform.geometry.landmarks68 import MIRROR68
from headform.nets._blocks import standardize
from headform.nets.landmarks.student_net import (
    OPENING_MIRROR,
    OPENING_PAIRS,
    StudentNet,
    StudentNetConfig,
    face_size,
    reduced,
)
from headform.nets.landmarks.student_windows import (
    EYE_POINTS,
    LEFT_EYE_POINTS,
    MOUTH_POINTS,
    cut_windows,
    into_crop,
    window_centers,
)

SMALL = StudentNetConfig(
    side=64, first_side=32, channels=(8, 8, 8, 8), depths=(1, 1, 1, 1), pyramid=8, squeeze=4, hidden=16,
    window_side=32, window_hidden=8,
)  # fmt: skip


@pytest.mark.parametrize("landmarks68", ["heatmap", "regression"])
@pytest.mark.parametrize("zoom", [True, False])
@pytest.mark.parametrize("block", ["plain", "inverted", "separable"])
def test_every_choice_has_all_outputs(landmarks68: str, zoom: bool, block: str) -> None:
    config = replace(SMALL, landmarks68=landmarks68, zoom=zoom, block=block)
    net = StudentNet(config).eval()
    images = torch.rand(2, 3, 64, 64) * 255
    out = net(images)
    assert out.points.shape == (2, 336, 2)
    assert out.log_variance.shape == out.visible_logits.shape == (2, 336)
    assert out.points68.shape == out.first68.shape == (2, 68, 2)
    assert out.log_variance68.shape == (2, 68)
    assert out.openings.shape == out.log_variance_openings.shape == (2, 7)
    assert out.mask_logits.shape == (2, 16, 16)
    total = sum(value.sum() for value in vars(out).values())
    total.backward()
    unused = [name for name, p in net.named_parameters() if p.grad is None]
    assert not unused
    # what the windows do not see stays
    outside = [k for k in range(68) if k not in (*EYE_POINTS, *LEFT_EYE_POINTS, *MOUTH_POINTS)]
    torch.testing.assert_close(out.points68[:, outside], out.first68[:, outside])
    assert torch.equal(out.points68, out.first68) != zoom


@pytest.mark.parametrize("landmarks68", ["heatmap", "regression"])
def test_folding_changes_nothing(landmarks68: str) -> None:
    net = StudentNet(replace(SMALL, landmarks68=landmarks68))
    images = torch.rand(6, 3, 64, 64) * 255
    net(images), net(images)  # running statistics that are not the initial ones
    net.eval()
    before, after = net(images), net.folded()(images)
    for name, value in vars(before).items():
        torch.testing.assert_close(getattr(after, name), value, atol=2e-4, rtol=2e-4)
    assert torch.equal(net(images).points68, before.points68)


def test_a_window_as_large_as_the_crop_reads_what_the_first_pass_reads() -> None:
    net = StudentNet(replace(SMALL, first_side=64)).eval()
    pictures = standardize(torch.rand(2, 3, 64, 64) * 255)
    whole = cut_windows(pictures, torch.zeros(2, 2), 1.0, 64)
    torch.testing.assert_close(whole, pictures, atol=1e-4, rtol=0)
    # the same weights in both views; in an untrained network the normalizations agree, too
    first = net.read68(net.pyramid(*net.levels(pictures, 0), 0))
    second = net.read68(net.pyramid(*net.levels(whole, 1), 1))
    torch.testing.assert_close(second, first, atol=1e-5, rtol=0)
    mirrored = cut_windows(pictures, torch.zeros(2, 2), 1.0, 64, mirrored=True)
    torch.testing.assert_close(mirrored, pictures.flip(-1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("mirrored", [False, True])
def test_points_of_a_window_lie_where_it_was_cut(mirrored: bool) -> None:
    # a picture whose red and green are the crop coordinates themselves
    at = (torch.arange(64) * 2 + 1) / 64 - 1
    picture = torch.stack([at.expand(64, 64), at[:, None].expand(64, 64), torch.zeros(64, 64)])[None]
    centers = torch.tensor([[0.2, -0.3]])
    window = cut_windows(picture, centers, 0.25, 16, mirrored=mirrored)
    row, column = 5, 11
    local = torch.tensor([[[(column * 2 + 1) / 16 - 1, (row * 2 + 1) / 16 - 1]]])
    torch.testing.assert_close(into_crop(local, centers, 0.25, mirrored=mirrored)[0, 0], window[0, :2, row, column])


def test_windows_are_centered_on_what_they_read() -> None:
    points = torch.rand(3, 68, 2) - 0.5
    right, left, mouth = window_centers(points)
    flipped = points[:, list(MIRROR68)] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(window_centers(flipped)[0], left * torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(mouth, points[:, 48:68].mean(1))
    assert (right[:, 1] > points[:, list(EYE_POINTS), 1].amin(1)).all()
    assert window_centers(points * 9).abs().max() <= 0.8


def test_heat_maps_give_the_place_of_a_peak() -> None:
    net = StudentNet(SMALL)
    assert net.heat_head is not None
    torch.nn.init.zeros_(net.heat_head.weight)
    net.heat_head.weight.data[7, 2] = 50.0
    features = torch.zeros(1, SMALL.pyramid, 16, 16)
    features[0, 2, 3, 12] = features[0, 2, 3, 13] = 1.0
    found = net.read68(features)
    torch.testing.assert_close(found[0, 7], torch.tensor([13 / 8 - 1, 3.5 / 8 - 1]), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[0, 6], torch.zeros(2), atol=1e-5, rtol=0)


def test_smaller_copies_are_means() -> None:
    pictures = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(reduced(pictures, 4)[0, 0, 1, 2], pictures[0, 0, 2:4, 4:6].mean())
    assert reduced(pictures, 6).shape == (1, 3, 6, 6)


def test_openings_are_mirrored_as_their_points() -> None:
    for (upper, lower), other in zip(OPENING_PAIRS, OPENING_MIRROR, strict=True):
        assert (int(MIRROR68[upper]), int(MIRROR68[lower])) == OPENING_PAIRS[other]


def test_face_size() -> None:
    points = torch.zeros(2, 68, 2)
    points[0, 0], points[1, 3] = torch.tensor([1.2, 0.9]), torch.tensor([0.1, 0.1])
    torch.testing.assert_close(face_size(points), torch.tensor([(1.2 * 0.9) ** 0.5, 0.5]))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("first_side", 40, "config_invalid"),
        ("first_side", 96, "config_invalid"),
        ("window_side", 20, "config_invalid"),
        ("window_share", 0.0, "config_invalid"),
        ("channels", (4, 6, 8, 8), "config_invalid"),
        ("pyramid", 6, "config_invalid"),
    ],
)
def test_impossible_sizes_are_refused(field: str, value: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace(SMALL, **{field: value})
    assert caught.value.code == code
    with pytest.raises(UsageError):
        StudentNet(replace(SMALL, landmarks68="regression")).read68(torch.zeros(1, 6, 4, 4))
