"""Predictor of the student's landmarks, in pixels of the photo; takes the place of the dense predictor or of the committee.

N dense points, E expressions, M side of the mask. Pixel coordinates have their origin at the top-left corner.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.nn import functional

from headform import heads
from headform.geometry.landmarks68 import MIRROR68, eyes_and_mouth
from headform.geometry.rotation import rotation_from_6d
from headform.heads.linear import LinearHead
from headform.heads.mirror import ROTATION_SIGNS, mirrored_expressions
from headform.images.warp import inverse, warp
from headform.nets.crop_geometry import turned_loose_square, upright_turn
from headform.nets.landmarks import dense_predictor
from headform.nets.landmarks.dense_net import INPUT_SIDE, MASK_SIDE
from headform.nets.landmarks.dense_predictor import DensePrediction, DensePredictor
from headform.nets.landmarks.student_net import OPENING_MIRROR, StudentNet, StudentOutput
from headform.nets.shipped import load_student


@dataclass(frozen=True)
class StudentPrediction(DensePrediction):
    """Prediction for one crop, in the frame of the photo: that of the dense network, and what follows."""

    points68: Float[np.ndarray, "68 2"]  # annotators' points, px
    sigma68: Float[np.ndarray, " 68"]  # px, standard deviation of either coordinate
    openings: Float[np.ndarray, "7"]  # of `student_net.OPENING_PAIRS` down the face, px
    sigma_openings: Float[np.ndarray, "7"]  # px
    visible: Float[np.ndarray, " N"]  # probability that each dense point is seen


@dataclass(frozen=True)
class _Row:
    """Outputs for one crop in its own coordinates, mirror image averaged."""

    points: np.ndarray
    variance: np.ndarray
    points68: np.ndarray
    variance68: np.ndarray
    openings: np.ndarray
    variance_openings: np.ndarray
    visible: np.ndarray
    expression: np.ndarray
    rotation: np.ndarray
    gaze: np.ndarray
    mask: np.ndarray


class StudentPredictor(DensePredictor):
    """Run a `StudentNet` on crops; with `mirror` its outputs for a crop and its mirror image are averaged.

    Args:
        net: network; a folded copy of it is run (`StudentNet.folded`).
        head: head model of the dense points and expressions.
        mirror: average with the mirror image.
    """

    def __init__(self, net: StudentNet, head: LinearHead, *, mirror: bool = True) -> None:
        self._student, self._mirror = net.folded(), mirror
        self._points = head.dense_mirror.numpy()
        self._expressions = mirrored_expressions(head.expression_names)

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> "StudentPredictor":
        """Load weights of `headform train landmarks --preset open` onto a device, on the open head.

        Raises:
            WeightsError: the weights are missing, damaged or of another kind.
        """
        return cls(load_student(path)[0].to(device), heads.load_open())

    def read(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], guides: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[StudentPrediction]:
        """Read one face of each photo, as `Committee.read` does.

        Args:
            photos: sRGB, of any sizes.
            guides: rough 68 points of each face, pixels.
        """
        found = self.predict(photos, [_crop_of_guide(guide) for guide in guides])
        return [each for each in found if isinstance(each, StudentPrediction)]

    def average(self, predictions: Sequence[DensePrediction]) -> DensePrediction:
        """Average several predictions of one face; each point is weighted by its inverse variance, as in `average`."""
        mean = dense_predictor.average(predictions)
        rows = [each for each in predictions if isinstance(each, StudentPrediction)]
        if len(rows) != len(predictions):
            return mean
        weight = np.stack([1 / np.square(p.sigma68) for p in rows])
        points68 = np.einsum("rn,rnc->nc", weight, np.stack([p.points68 for p in rows])) / weight.sum(0)[:, None]
        return _extended(
            mean,
            points68=points68,
            sigma68=np.mean([p.sigma68 for p in rows], axis=0),
            openings=np.mean([p.openings for p in rows], axis=0),
            sigma_openings=np.mean([p.sigma_openings for p in rows], axis=0),
            visible=np.mean([p.visible for p in rows], axis=0),
        )

    @torch.inference_mode()
    def _batch(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], crops: Sequence[Float[np.ndarray, "2 3"]]
    ) -> list[DensePrediction]:
        side = self._student.config.side
        pairs = zip(photos, crops, strict=True)
        images = np.stack([warp(rgb, crop * (side / INPUT_SIDE), side) for rgb, crop in pairs]).astype(np.float32)
        if self._mirror:
            images = np.concatenate([images, images[:, :, ::-1]])
        device = next(self._student.parameters()).device
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).to(device)
        rows = self._rows(self._student(pictures))
        return [self._prediction(crop, row) for crop, row in zip(crops, rows, strict=True)]

    def _rows(self, out: StudentOutput) -> list[_Row]:
        """Split a batch into its crops, each averaged with its mirror image."""
        mask = functional.adaptive_avg_pool2d(torch.sigmoid(out.mask_logits), MASK_SIDE)
        values = {
            "points": out.points,
            "variance": out.log_variance.exp(),
            "points68": out.points68,
            "variance68": out.log_variance68.exp(),
            "openings": out.openings,
            "variance_openings": out.log_variance_openings.exp(),
            "visible": torch.sigmoid(out.visible_logits),
            "expression": out.expression,
            "rotation": rotation_from_6d(out.rotation6),
            "gaze": out.gaze,
            "mask": mask,
        }
        arrays = {name: value.cpu().numpy().astype(np.float64) for name, value in values.items()}
        if self._mirror:
            own = {name: value[: len(value) // 2] for name, value in arrays.items()}
            other = self._unmirrored({name: value[len(value) // 2 :] for name, value in arrays.items()})
            arrays = {name: (own[name] + other[name]) / 2 for name in own}
            u, _, vt = np.linalg.svd(arrays["rotation"])
            arrays["rotation"] = u @ vt
        return [_Row(**{name: value[k] for name, value in arrays.items()}) for k in range(len(arrays["points"]))]

    def _unmirrored(self, row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the outputs for mirrored crops as those of the crops."""
        order, flip = list(OPENING_MIRROR), np.array([-1.0, 1.0])
        return {
            "points": row["points"][:, self._points] * flip,
            "variance": row["variance"][:, self._points],
            "points68": row["points68"][:, MIRROR68] * flip,
            "variance68": row["variance68"][:, MIRROR68],
            "openings": row["openings"][:, order],
            "variance_openings": row["variance_openings"][:, order],
            "visible": row["visible"][:, self._points],
            "expression": row["expression"][:, self._expressions],
            "rotation": row["rotation"] * ROTATION_SIGNS,
            "gaze": row["gaze"] * flip,
            "mask": row["mask"][:, :, ::-1],
        }

    def _prediction(self, crop: Float[np.ndarray, "2 3"], row: _Row) -> StudentPrediction:
        dense = self._in_photo(crop, row.points, row.variance, row.expression, row.rotation, row.gaze, row.mask)
        back = inverse(np.asarray(crop, np.float64))
        unit = math.sqrt(abs(float(np.linalg.det(back[:, :2])))) * (INPUT_SIDE / 2)  # px per crop coordinate
        points68 = (row.points68 + 1) * (INPUT_SIDE / 2) @ back[:, :2].T + back[:, 2]
        extent = np.ptp(row.points68, axis=0)
        size = unit * math.sqrt(float(extent[0] * extent[1]))
        return _extended(
            dense,
            points68=points68,
            sigma68=np.sqrt(row.variance68) * unit,
            openings=np.maximum(row.openings, 0.0) * size,
            sigma_openings=np.sqrt(row.variance_openings) * size,
            visible=row.visible,
        )


def _extended(
    dense: DensePrediction,
    *,
    points68: np.ndarray,
    sigma68: np.ndarray,
    openings: np.ndarray,
    sigma_openings: np.ndarray,
    visible: np.ndarray,
) -> StudentPrediction:
    return StudentPrediction(
        points=dense.points,
        sigma=dense.sigma,
        expression=dense.expression,
        rotation=dense.rotation,
        gaze=dense.gaze,
        mask=dense.mask.astype(np.float32),
        crop=dense.crop,
        points68=points68,
        sigma68=sigma68,
        openings=openings,
        sigma_openings=sigma_openings,
        visible=visible,
    )


def _crop_of_guide(guide: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "2 3"]:
    right, left, mouth = eyes_and_mouth(guide)
    return turned_loose_square(guide, upright_turn((right + left) / 2 - mouth), INPUT_SIDE)
