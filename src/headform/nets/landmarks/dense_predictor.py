"""Predictor of dense landmarks, in pixels of the photo.

N dense points, E expressions, M side of the mask. Pixel coordinates have their origin at the top-left corner; the camera
frame is x right, y down, z forward.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.geometry.rotation import rotation_from_6d
from headform.heads.linear import LinearHead
from headform.heads.mirror import ROTATION_SIGNS, mirrored_expressions
from headform.images.warp import apply, inverse, warp
from headform.nets.landmarks.dense_net import INPUT_SIDE, DenseNet

BATCH = 64
"""Crops that go through the network at once."""


@dataclass(frozen=True)
class DensePrediction:
    """Prediction for one crop, in the frame of the photo."""

    points: Float[np.ndarray, "N 2"]  # px
    sigma: Float[np.ndarray, " N"]  # px, standard deviation of either coordinate
    expression: Float[np.ndarray, " E"]  # 0..1
    rotation: Float[np.ndarray, "3 3"]  # camera from head
    gaze: Float[np.ndarray, "2"]  # yaw to the subject's left, pitch up, radians
    mask: Float[np.ndarray, "M M"]  # probability of the head's own surface, over the crop
    crop: Float[np.ndarray, "2 3"]  # photo pixels to pixels of the 128-pixel crop

    @property
    def relative_sigma(self) -> float:
        """Mean sigma of the 68 points over the square root of their box's area; small means certain."""
        extent = np.ptp(self.points[:68], axis=0)
        return float(self.sigma[:68].mean() / max(1e-6, math.sqrt(float(extent[0] * extent[1]))))


class DensePredictor:
    """Run a `DenseNet` on crops; with `mirror` its outputs for a crop and its mirror image are averaged."""

    def __init__(self, net: DenseNet, head: LinearHead, *, mirror: bool = True) -> None:
        self._net, self._mirror = net, mirror
        self._points = head.dense_mirror.numpy()
        self._expressions = mirrored_expressions(head.expression_names)

    def predict(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        crops: Sequence[Float[np.ndarray, "2 3"]],
    ) -> list[DensePrediction]:
        """Predict one crop of each photo, on the device of the network.

        Args:
            photos: sRGB, of any sizes; the same photo may stand there several times.
            crops: similarity from photo pixels to the 128-pixel crop, for each photo.
        """
        parts = range(0, len(crops), BATCH)
        return [p for k in parts for p in self._batch(photos[k : k + BATCH], crops[k : k + BATCH])]

    def average(self, predictions: Sequence[DensePrediction]) -> DensePrediction:
        """Average several predictions of one face, as `average` does."""
        return average(predictions)

    @torch.inference_mode()
    def _batch(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], crops: Sequence[Float[np.ndarray, "2 3"]]
    ) -> list[DensePrediction]:
        pairs = zip(photos, crops, strict=True)
        images = np.stack([warp(rgb, crop, INPUT_SIDE) for rgb, crop in pairs]).astype(np.float32)
        if self._mirror:
            images = np.concatenate([images, images[:, :, ::-1]])
        device = next(self._net.parameters()).device
        out = self._net(torch.from_numpy(images).permute(0, 3, 1, 2).to(device))
        count = len(crops)
        points = out.points.cpu().numpy().copy()
        variance = out.log_variance.exp().cpu().numpy()
        rotation = rotation_from_6d(out.rotation6).cpu().numpy().copy()
        expression, gaze = out.expression.cpu().numpy(), out.gaze.cpu().numpy().copy()
        mask = torch.sigmoid(out.mask_logits).cpu().numpy()
        if self._mirror:
            other = points[count:, self._points] * np.array([-1, 1], np.float32)
            points = (points[:count] + other) / 2
            variance = (variance[:count] + variance[count:, self._points]) / 2
            expression = (expression[:count] + expression[count:, self._expressions]) / 2
            gaze = (gaze[:count] + gaze[count:] * np.array([-1, 1], np.float32)) / 2
            mask = (mask[:count] + mask[count:, :, ::-1]) / 2
            u, _, vt = np.linalg.svd(rotation[:count] + rotation[count:] * ROTATION_SIGNS)
            rotation = u @ vt
        return [
            self._in_photo(crop, points[k], variance[k], expression[k], rotation[k], gaze[k], mask[k])
            for k, crop in enumerate(crops)
        ]

    def _in_photo(
        self,
        crop: Float[np.ndarray, "2 3"],
        points: Float[np.ndarray, "N 2"],
        variance: Float[np.ndarray, " N"],
        expression: Float[np.ndarray, " E"],
        rotation: Float[np.ndarray, "3 3"],
        gaze: Float[np.ndarray, "2"],
        mask: Float[np.ndarray, "M M"],
    ) -> DensePrediction:
        back = inverse(crop)
        scale = math.sqrt(abs(float(np.linalg.det(back[:, :2]))))
        upright = np.eye(3)
        upright[:2, :2] = back[:, :2] / scale
        return DensePrediction(
            points=apply(back, (points.astype(np.float64) + 1) * (INPUT_SIDE / 2)),
            sigma=np.sqrt(variance.astype(np.float64)) * (INPUT_SIDE / 2) * scale,
            expression=np.clip(expression, 0, 1).astype(np.float64),
            rotation=upright @ rotation.astype(np.float64),
            gaze=gaze.astype(np.float64),
            mask=mask,
            crop=np.asarray(crop, np.float64),
        )


def average(predictions: Sequence[DensePrediction]) -> DensePrediction:
    """Average several predictions of one face; each point is weighted by its inverse variance.

    Their errors are strongly correlated, so sigma is the mean and does not shrink with their number. The mask and its crop
    are those of the first.
    """
    weight = np.stack([1 / np.square(p.sigma) for p in predictions])  # (R, N)
    points = np.einsum("rn,rnc->nc", weight, np.stack([p.points for p in predictions]))
    u, _, vt = np.linalg.svd(sum(p.rotation for p in predictions))
    return DensePrediction(
        points=points / weight.sum(0)[:, None],
        sigma=np.mean([p.sigma for p in predictions], axis=0),
        expression=np.mean([p.expression for p in predictions], axis=0),
        rotation=u @ vt,
        gaze=np.mean([p.gaze for p in predictions], axis=0),
        mask=predictions[0].mask,
        crop=predictions[0].crop,
    )
