"""The 68 iBUG landmarks of a result, following the conventions of annotators.

V vertices, N dense points. Pixels have their origin at the top-left corner.

The network predicts surface points; three corrections lead to the annotators' points. The head has an offset for each point
(`headform.heads.landmark_offset`). Up to about half profile, annotators mark the jaw of the averted side on the
visible outline of the cheek (the convention of 300-W); beyond that, data sets mark the hidden jaw itself (AFLW2000-3D),
which is also done here. Where network and fitted head disagree, their mean is used.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import JAW
from headform.heads.jaw_outline import outline_shift
from headform.heads.linear import LinearHead
from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.nets.landmarks.student_predictor import StudentPrediction


def points68(
    head: LinearHead,
    prediction: DensePrediction,
    vertices: Float32[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
) -> Float[np.ndarray, "68 2"]:
    """Return the 68 points as annotators would mark them, pixels.

    Args:
        head: head model with landmark offset and contour candidates.
        prediction: prediction of the dense network; a student's has the annotators' points already.
        vertices: fitted head, meters, head frame.
        camera: camera of the fit.
    """
    if isinstance(prediction, StudentPrediction):
        return prediction.points68
    posed = torch.from_numpy(vertices)
    marked = _project(camera, head.landmarks(posed).numpy())
    fitted = _project(camera, vertices[head.dense[:68].numpy()])
    marked[JAW] += to_outline(head, vertices, camera, marked[JAW])
    return (prediction.points[:68] + fitted) / 2 + marked - fitted


def to_outline(
    head: LinearHead,
    vertices: Float32[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    jaw: Float[np.ndarray, "17 2"],
) -> Float[np.ndarray, "17 2"]:
    """Return the shift of each jaw point toward the outermost of its contour candidates, pixels."""
    yaw = math.atan2(camera.R[0, 2], -camera.R[2, 2])
    candidates = _project(camera, vertices[head.contour.numpy().ravel()]).reshape(17, -1, 2)
    left, angle = torch.from_numpy(camera.R[:2, 0].copy()), torch.tensor(yaw, dtype=torch.float64)
    return outline_shift(torch.from_numpy(jaw.copy()), torch.from_numpy(candidates), left, angle).numpy()


def _project(camera: PerspectiveCamera, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 2"]:
    return np.array(camera.project(points.astype(np.float64))[:, :2])
