"""`landmarks.json`: position of the face in the photo, for people and scripts.

L landmarks, N dense points.

All positions are pixels of the original, upright photo with the origin at the top-left CORNER: the
center of the first pixel is (0.5, 0.5).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Landmarks:
    """Contents of the file.

    Attributes:
        points68: (68, 2) pixels, iBUG's order.
        state68: State of each: "seen", "outside" the picture, or "covered" by something in front of the face. Positions
            of the last two are estimates from the rest of the face. Empty if unknown.
        box: (4,) pixels, x0 y0 x1 y1 of the detected face.
        confidence: 0 to 1.
        status: "ok", or "low_confidence" when the result should be checked.
        reasons: Reasons for doubt, one clause each; a face that is hidden a little is "ok" with a reason.
        image_size: Width and height of the photo.
        dense: (N, 2) pixels, the network's dense points.
        dense_sigma: (N,) pixels, standard deviation per axis of each.
        head_name: Name of the head model.
        head_sha256: SHA-256 of its file.
        notes: Remarks on what the head model lacks, one clause each; not written where there is nothing to say.
    """

    points68: Float[np.ndarray, "68 2"]
    box: Float[np.ndarray, "4"]
    confidence: float
    status: Literal["ok", "low_confidence"]
    reasons: Sequence[str]
    image_size: tuple[int, int]
    dense: Float[np.ndarray, "N 2"]
    dense_sigma: Float[np.ndarray, " N"]
    head_name: str = ""
    head_sha256: str = ""
    state68: Sequence[str] = ()
    notes: Sequence[str] = ()


def encode(landmarks: Landmarks) -> bytes:
    """Encode the JSON file; pixels are rounded to 1/1000.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot represent.
    """
    entries: dict[str, Any] = {
        "points68": _listed(landmarks.points68, 3),
        "state68": list(landmarks.state68),
        "box": _listed(landmarks.box, 3),
        "confidence": round(float(landmarks.confidence), 4),
        "status": landmarks.status,
        "reasons": list(landmarks.reasons),
        "image_size": list(landmarks.image_size),
        "pixel_origin": "top-left corner; the center of the first pixel is 0.5, 0.5",
        "dense": _listed(landmarks.dense, 3),
        "dense_sigma": _listed(landmarks.dense_sigma, 4),
        "head": {"name": landmarks.head_name, "sha256": landmarks.head_sha256},
    }
    if landmarks.notes:
        entries["notes"] = list(landmarks.notes)
    # One entry per line: short files, and a difference shows what changed.
    lines = [f'"{name}": {json.dumps(value, allow_nan=False, ensure_ascii=False)}' for name, value in entries.items()]
    return ("{" + ",\n".join(lines) + "}\n").encode(errors="backslashreplace")  # as JSON escapes them


def _listed(values: Float[np.ndarray, "..."], digits: int) -> list[Any]:
    rounded: list[Any] = np.round(np.asarray(values, np.float64), digits).tolist()
    return rounded
