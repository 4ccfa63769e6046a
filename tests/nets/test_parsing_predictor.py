"""Crops of the parsing network, and the map that two of them make, against plain geometry."""

import numpy as np
import torch
from torch import nn

from headform.geometry.face_classes import BACKGROUND, FACE_CLASSES, HAIR, OUTSIDE, SKIN, UNKNOWN
from headform.heads import load_open
from headform.images.warp import apply, inverse
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_crop import inside_photo, labels_of_cells
from headform.nets.parsing_net import INPUT_SIDE, MAP_SIDE, WIDE_MARGIN, ParsingNet, ParsingNetConfig
from headform.nets.parsing_predictor import ParsedFace, ParsingPredictor


def face_points() -> np.ndarray:
    """The 68 points of the mean head from the front, in a box of height 1 about the origin."""
    head = load_open()
    points = head.mean[head.dense[:68]].numpy()[:, :2].astype(np.float64) * [1, -1]
    low, high = points.min(0), points.max(0)
    return np.asarray((points - (low + high) / 2) / (high - low)[1])


class ByColor(ParsingNet):
    """Red is skin, green hair, all else background: exact at every cell."""

    def __init__(self) -> None:
        super().__init__(ParsingNetConfig(widths=(16, 16, 16, 16), depths=(1, 1, 1)))

    def forward(self, images: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        cells = nn.functional.avg_pool2d(images * inside, 2)
        logits = torch.full((len(images), len(FACE_CLASSES), MAP_SIDE, MAP_SIDE), -20.0)
        logits[:, BACKGROUND] = 0
        logits[:, SKIN] = (cells[:, 0] - 128) / 4
        logits[:, HAIR] = (cells[:, 1] - 128) / 4
        return logits


def test_labels_of_cells_are_those_at_their_centers() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 12, (90, 70), dtype=np.uint8)
    crop = np.array([[2.137, 0.311, -5.0], [-0.311, 2.137, 11.0]])
    labels = labels_of_cells(classes, crop)
    inside = inside_photo(crop, (70, 90))
    for x, y in rng.integers(0, MAP_SIDE, (200, 2)):
        place = apply(inverse(crop), np.array([[2 * x + 1.0, 2 * y + 1.0]]))[0]
        column, row = np.floor(place).astype(int)
        there = 0 <= column < 70 and 0 <= row < 90
        assert labels[y, x] == (classes[row, column] if there else OUTSIDE)
    x, y = 100, 37
    place = apply(inverse(crop), np.array([[x + 0.5, y + 0.5]]))[0]
    assert inside[y, x] == bool((place >= 0).all() and place[0] < 70 and place[1] < 90)


def test_classes_come_back_where_they_are_in_the_photo() -> None:
    photo = np.zeros((600, 500, 3), np.uint8)
    points = face_points() * 200 + [250, 300]
    x, y = points.mean(0).astype(int)
    photo[y - 120 : y + 130, x - 90 : x + 90, 0] = 255
    photo[y - 200 : y - 120, x - 90 : x + 90, 1] = 255
    (parsed,) = ParsingPredictor(ByColor()).parse([photo], [points])
    labels = parsed.labels((500, 600))
    truth = np.full((600, 500), BACKGROUND, np.uint8)
    truth[photo[..., 0] > 0] = SKIN
    truth[photo[..., 1] > 0] = HAIR
    reached = labels != UNKNOWN
    frame = EyeFrame.of(points)
    side = float(frame.extent.max()) * WIDE_MARGIN
    assert abs(int(reached.sum()) - min(side, 500.0) * min(side, 600.0)) < 0.15 * 500 * 600
    wrong = (labels != truth) & reached
    rows, columns = np.nonzero(wrong)
    lines = [*(abs(columns - x - k) for k in (-90, 90)), *(abs(rows - y - k) for k in (-200, -120, 130))]
    edges = np.minimum.reduce(lines)
    assert edges.max(initial=0) <= 4
    share = parsed.share((SKIN, HAIR), (500, 600))
    assert share[y, x] > 0.99
    assert share[y - 160, x] > 0.99
    assert share[y, x + 130] < 0.01


def test_a_part_of_a_photo_has_its_part_of_the_shares() -> None:
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.ones(4), (24, 24)).astype(np.float32).transpose(2, 0, 1)
    turned = np.array([[0.31, 0.07, -4.0], [-0.07, 0.31, 2.0]])
    parsed = ParsedFace(np.ascontiguousarray(probability), turned)
    whole = parsed.share([1, 3], (90, 80))
    part = parsed.within(np.array([20, 30])).share([1, 3], (25, 15))
    assert whole[30:45, 20:45].std() > 0.01
    np.testing.assert_allclose(part, whole[30:45, 20:45], atol=1e-6)


def test_a_turned_photo_is_read_alike() -> None:
    photo = np.zeros((400, 400, 3), np.uint8)
    points = face_points() * 120 + [200, 200]
    photo[100:200, :, 0] = 255
    upright = ParsingPredictor(ByColor(), mirror=False).parse([photo], [points])[0]
    turned = np.ascontiguousarray(np.rot90(photo))
    moved = np.column_stack([points[:, 1], 400 - points[:, 0]])
    again = ParsingPredictor(ByColor(), mirror=False).parse([turned], [moved])[0]
    same = np.rot90(upright.labels((400, 400))) == again.labels((400, 400))
    assert same.mean() > 0.99


def test_nothing_to_parse() -> None:
    assert ParsingPredictor(ByColor()).parse([], []) == []
    assert ParsingPredictor(ByColor()).maps([], []).shape == (0, 12, MAP_SIDE, MAP_SIDE)
    assert INPUT_SIDE == 2 * MAP_SIDE
