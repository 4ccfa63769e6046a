"""Proposals, refinement, output: the three stages on one upright picture.

N candidates. Boxes and points in pixels of the picture, origin at its top-left corner.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from headform.nets.mtcnn import weights
from headform.nets.mtcnn.boxes import shift, sound, squares, suppress
from headform.nets.mtcnn.networks import (
    CELL,
    OUTPUT_SIDE,
    REFINE_SIDE,
    STRIDE,
    OutputNet,
    ProposalNet,
    RefineNet,
    fill,
)
from headform.nets.mtcnn.pyramid import Pyramid

_STEP = 0.709  # from one size to the next: half the area, as published
_BLACK = -127.5 / 128
_MOST_REFINED = 400
_MOST_OUTPUT = 120


@dataclass(frozen=True)
class Candidates:
    """What a stage leaves over."""

    boxes: Float64[np.ndarray, "N 4"]
    scores: Float64[np.ndarray, " N"]
    points: Float64[np.ndarray, "N 5 2"]


EMPTY = Candidates(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))


@dataclass(frozen=True)
class Thresholds:
    """Least face probability after each stage."""

    proposal: float = 0.6
    refine: float = 0.4
    output: float = 0.6


class Cascade:
    """The three networks with the published weights."""

    def __init__(self, arrays: dict[str, weights.Arrays] | None = None) -> None:
        arrays = weights.load() if arrays is None else arrays
        self.proposal, self.refine, self.output = ProposalNet(), RefineNet(), OutputNet()
        for name, net in zip(weights.NAMES, (self.proposal, self.refine, self.output), strict=True):
            fill(net, arrays[name], f"{weights.DISTRIBUTION}: {name}")

    @torch.inference_mode()
    def detect(self, pyramid: Pyramid, min_face: float, least: Thresholds) -> Candidates:
        """Faces of `min_face` pixels and more in an upright picture, best first."""
        boxes, scores = self._propose(pyramid, min_face, least.proposal)
        keep = suppress(boxes, scores, 0.7)[:_MOST_REFINED]
        boxes = squares(boxes[keep])
        if not len(boxes):
            return EMPTY

        chances, offsets = self.refine(pyramid.patches(boxes, REFINE_SIDE))
        scores, boxes = _double(chances), shift(boxes, _double(offsets))
        good = (scores > least.refine) & sound(boxes, _largest(pyramid))
        boxes, scores = boxes[good], scores[good]
        boxes = squares(boxes[suppress(boxes, scores, 0.8)[:_MOST_OUTPUT]])
        if not len(boxes):
            return EMPTY

        found = best_of(self._look(pyramid, boxes, least.output))
        # A second look through a patch that is centred on the face places box and points better.
        again = self._look(pyramid, squares(found.boxes), -1.0)
        if len(again.scores) != len(found.scores):  # a box has left all bounds
            return found
        return Candidates(again.boxes, np.maximum(again.scores, found.scores), again.points)

    def _look(
        self, pyramid: Pyramid, boxes: Float64[np.ndarray, "N 4"], least: float
    ) -> Candidates:
        """What O-Net says of square patches, where it is surer than `least`."""
        if not len(boxes):
            return EMPTY
        chances, offsets, places = self.output(pyramid.patches(boxes, OUTPUT_SIDE))
        sides = boxes[:, 2:] - boxes[:, :2]
        points = boxes[:, None, :2] + _double(places) * sides[:, None]
        scores, boxes = _double(chances), shift(boxes, _double(offsets))
        good = (scores > least) & sound(boxes, _largest(pyramid))
        good &= np.isfinite(points).all((1, 2))
        return Candidates(boxes[good], scores[good], points[good])

    def _propose(
        self, pyramid: Pyramid, min_face: float, least: float
    ) -> tuple[Float64[np.ndarray, "N 4"], Float64[np.ndarray, " N"]]:
        """Cells of P-Net above `least` at every size, doubles within a size suppressed."""
        boxes, scores = [np.zeros((0, 4))], [np.zeros(0)]
        scale = CELL / min_face
        while min(pyramid.size) * scale >= CELL * _STEP:
            picture = pyramid.resized(scale)
            # A face as large as the picture sticks out: let small sizes have a margin.
            margin = CELL // 2 if min(picture.shape[2:]) < 4 * CELL else 0
            chances, offsets = self.proposal(functional.pad(picture, (margin,) * 4, value=_BLACK))
            rows, columns = np.nonzero(chances[0].numpy() > least)
            corner = STRIDE * np.stack([columns, rows], 1).astype(float) - margin
            found = np.concatenate([corner, corner + CELL], 1) / scale
            found = shift(found, _double(offsets[0])[:, rows, columns].T)
            chance = _double(chances[0])[rows, columns]
            good = sound(found, _largest(pyramid))
            found, chance = found[good], chance[good]
            keep = suppress(found, chance, 0.5)
            boxes.append(found[keep])
            scores.append(chance[keep])
            scale *= _STEP
        return np.concatenate(boxes), np.concatenate(scores)


def best_of(candidates: Candidates) -> Candidates:
    """One candidate per face, best first: doubles and boxes inside better ones are dropped."""
    keep = suppress(candidates.boxes, candidates.scores, 0.7, relative_to="smaller")
    return Candidates(candidates.boxes[keep], candidates.scores[keep], candidates.points[keep])


def _largest(pyramid: Pyramid) -> float:
    """No face is larger than three times the picture."""
    return 3.0 * max(pyramid.size)


def _double(values: Float[Tensor, "..."]) -> Float64[np.ndarray, "..."]:
    return values.numpy().astype(np.float64)
