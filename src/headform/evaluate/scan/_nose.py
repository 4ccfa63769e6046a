"""Nose tip of a scan, for the protocol whose region is a ball around it. V vertices of the scan. Millimeters."""

import numpy as np
from jaxtyping import Float, Float64

from headform.evaluate.scan.landmarks7 import face_frame

_NEAR_NOSE_BOTTOM = 30.0


def nose_tip(vertices: Float[np.ndarray, "V 3"], landmarks: Float[np.ndarray, "7 3"]) -> Float64[np.ndarray, "3"]:
    """The foremost vertex of a scan within 30 mm of the nose bottom, forward being `face_frame`'s third axis.

    Raises:
        ValueError: There is none.
    """
    near = vertices[np.linalg.norm(vertices - landmarks[4], axis=1) < _NEAR_NOSE_BOTTOM]
    if not len(near):
        raise ValueError(f"no vertex of the scan within {_NEAR_NOSE_BOTTOM:g} mm of the nose bottom")
    return np.asarray(near[np.argmax(near @ face_frame(landmarks)[:, 2])], np.float64)
