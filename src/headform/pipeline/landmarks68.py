"""The 68 points of a result, where annotators of the iBUG scheme would put them.

V vertices, N dense points. Pixels have their origin at the top-left corner.

The network reads surface points; three things lead from there to the annotators' points. The head carries an offset for each
point (`headform.heads.landmark_offset`). Up to about half profile, annotators mark the jaw of the averted side on the
visible outline of the cheek (the convention of 300-W); farther turned, data sets mark the hidden jaw itself (AFLW2000-3D),
and so do we. And where network and fitted head disagree, the middle is taken.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import JAW
from headform.heads.linear import LinearHead
from headform.nets.landmarks.dense_predictor import DensePrediction

OUTLINE_YAW = (math.radians(35), math.radians(50))
"""The jaw follows the visible outline fully below, not at all above."""


def points68(
    head: LinearHead,
    prediction: DensePrediction,
    vertices: Float32[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
) -> Float[np.ndarray, "68 2"]:
    """The annotators' points, px.

    Args:
        head: with its offset and contour candidates.
        prediction: of the network.
        vertices: fitted head, meters, head frame.
        camera: of the fit.
    """
    posed = torch.from_numpy(vertices)
    marked = _project(camera, head.landmarks(posed).numpy())
    fitted = _project(camera, vertices[head.dense[:68].numpy()])
    marked[JAW] += _to_outline(head, vertices, camera, marked[JAW])
    return (prediction.points[:68] + fitted) / 2 + marked - fitted


def _to_outline(
    head: LinearHead,
    vertices: Float32[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    jaw: Float[np.ndarray, "17 2"],
) -> Float[np.ndarray, "17 2"]:
    """How far each jaw point is moved to the outermost of its contour candidates."""
    yaw = abs(math.atan2(camera.R[0, 2], -camera.R[2, 2]))
    low, high = OUTLINE_YAW
    share = min(1.0, max(0.0, (high - yaw) / (high - low)))
    side = camera.R[:2, 0] / max(1e-9, float(np.linalg.norm(camera.R[:2, 0])))  # to the subject's left
    shift = np.zeros((17, 2))
    for j, row in enumerate(head.contour.numpy()):
        if j == 8:
            continue
        outward = side if j > 8 else -side
        candidates = _project(camera, vertices[row])
        reach = (candidates - jaw[j]) @ outward
        best = int(np.argmax(reach))
        if reach[best] > 0:
            shift[j] = share * reach[best] * outward
    return shift


def _project(camera: PerspectiveCamera, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 2"]:
    return np.array(camera.project(points.astype(np.float64))[:, :2])
