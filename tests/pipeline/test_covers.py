"""Maps of covers: read at landmarks and spread over a photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from headform.geometry.face_classes import FACE_CLASSES, HAIR, OCCLUDER, SKIN
from headform.images.warp import apply
from headform.nets.cover_net import INPUT_SIDE, MAP_SIDE, MARGIN, CoverNet, CoverNetConfig
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.covers import CoverFinder, CoverMap

SIZE = (300, 260)


def face() -> np.ndarray:
    """68 points in a box of 100 pixels around (150, 130)."""
    points = np.random.default_rng(0).uniform(-50, 50, (68, 2)) + [150, 130]
    points[36:42], points[42:48] = (125, 110), (175, 110)
    points[48:68] = (150, 160)
    points[0], points[16] = (100, 80), (200, 180)
    return points


def lower_half() -> CoverMap:
    frame = EyeFrame.of(face())
    probability = np.zeros((MAP_SIDE, MAP_SIDE), np.float32)
    probability[MAP_SIDE // 2 :] = 1
    return CoverMap(probability, frame.crop(MAP_SIDE, MARGIN), frame)


def test_landmarks_below_the_edge_are_covered() -> None:
    points = face()
    found = lower_half().covers(points)
    sure = np.abs(points[:, 1] - 130) > 12
    np.testing.assert_array_equal(found[sure], points[sure, 1] > 130)


def test_landmarks_at_the_border_of_the_face_are_read_inside_it() -> None:
    frame = EyeFrame.of(face())
    probability = np.zeros((MAP_SIDE, MAP_SIDE), np.float32)
    cell = apply(frame.crop(MAP_SIDE, MARGIN), np.array([[200.0, 130.0]]))[0].astype(int)
    probability[:, cell[0] + 1 :] = 1  # beyond the face
    assert not CoverMap(probability, frame.crop(MAP_SIDE, MARGIN), frame).covers(np.array([[200.0, 130.0]])).any()


def test_the_trust_falls_where_a_cover_lies_and_continues_beyond_the_crop() -> None:
    clear = lower_half().clear(SIZE)
    assert clear.shape == SIZE[::-1]
    assert (clear[:120, 60:240] == 1).all()
    assert (clear[142:200, 60:240] == 0).all()
    side = 100 * MARGIN
    assert (clear[145:180, int(150 - side / 2) - 20] == 0).all(), "beside the crop"


def test_no_cover_leaves_every_pixel() -> None:
    nothing = CoverMap(np.full((MAP_SIDE, MAP_SIDE), 0.1, np.float32), lower_half().crop, lower_half().frame)
    assert (nothing.clear(SIZE) == 1).all()
    assert not nothing.covers(face()).any()


class _Reds(CoverNet):
    """Stand-in: red pixels inside the photo are covers."""

    def forward(self, images: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
        red = (images[:, :1] > 128).float() * inside
        return (nn.functional.avg_pool2d(red, INPUT_SIDE // MAP_SIDE)[:, 0] * 2 - 1) * 30


def test_the_map_lies_where_the_photo_shows_it() -> None:
    """Many photos at once, each of its own size; beyond a photo there is no cover."""
    points = face()
    whole = np.zeros((260, 300, 3), np.uint8)
    whole[:, 160:] = [200, 0, 0]
    cut = np.ascontiguousarray(whole[:, :180])
    first, second = CoverFinder(_Reds(CoverNetConfig())).find([whole, cut], [points, points])
    for found in (first, second):
        sure = np.abs(points[:, 0] - 160) > 12
        within = sure & (points[:, 0] < 165)
        np.testing.assert_array_equal(found.covers(points)[within], points[within, 0] > 160)
    assert first.covers(np.array([[195.0, 130.0]])).all()
    assert second.probability[:, -6:].max() < 0.5
    assert first.share > 0.3 > second.share > 0.0
    assert lower_half().share == pytest.approx(0.5, abs=0.05)


def parsed_as(kind: int, *, lower: int | None = None) -> ParsedFace:
    """Parse the face of `face()` as one class, its lower half as another."""
    side = 40
    probability = np.zeros((len(FACE_CLASSES), side, side), np.float32)
    probability[kind] = 1
    if lower is not None:
        probability[:, side // 2 :] = 0
        probability[lower, side // 2 :] = 1
    # 400 pixels around (150, 130)
    return ParsedFace(probability, np.array([[0.1, 0, 20 - 15.0], [0, 0.1, 20 - 13.0]]))


def test_a_doubtful_cover_is_believed_only_where_the_parsed_face_is_no_surface() -> None:
    half = lower_half()
    below = np.s_[MAP_SIDE // 2 + 2 :]
    for probability, kind, believed in (
        (0.6, OCCLUDER, True),
        (0.6, HAIR, True),
        (0.6, SKIN, False),
        (0.95, SKIN, True),
    ):
        doubtful = replace(half, probability=half.probability * np.float32(probability))
        confirmed = doubtful.confirmed(parsed_as(SKIN, lower=kind))
        expected = probability if believed else 0
        np.testing.assert_allclose(confirmed.probability[below], expected, atol=1e-6)
        assert (confirmed.probability[: MAP_SIDE // 2 - 2] == 0).all()
        assert confirmed.covers(face())[8:9].all() == (believed and face()[8, 1] > 130)
    wholly = replace(half, probability=half.probability * np.float32(0.7)).confirmed(parsed_as(OCCLUDER))
    assert wholly.share == pytest.approx(half.share)
    elsewhere = replace(parsed_as(SKIN), crop=np.array([[0.1, 0, 500.0], [0, 0.1, 500.0]]))
    beyond = replace(half, probability=half.probability * np.float32(0.6)).confirmed(elsewhere)
    assert beyond.share == pytest.approx(half.share), "nothing is known beyond the parsed crop"
