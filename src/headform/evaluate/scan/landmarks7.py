"""Plausibility of seven landmarks: do they lie on a face as their names say?

Points are (7, 3), rows in the order of `geometry.seven_landmarks.NAMES`; left and right are the subject's.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.errors import InputError
from headform.geometry.seven_landmarks import NAMES

TYPICAL = np.array(
    [
        [-44.6, 46.4, -29.6],
        [-18.4, 44.6, -23.7],
        [18.4, 44.6, -23.7],
        [44.6, 46.4, -29.6],
        [0.0, 0.0, 0.0],
        [-25.3, -23.2, -13.8],
        [25.3, -23.2, -13.8],
    ]
)
"""(7, 3) mm: the landmarks of the open head's mean, about the nose bottom; x to its left, y up, z forwards."""


def face_frame(points: Float[np.ndarray, "7 3"]) -> Float64[np.ndarray, "3 3"]:
    """Axes of a face as columns: toward its left, upwards, and forwards if the landmarks are in order.

    Left is from the right corners to the left ones, up from the mouth to the eyes, made square to left.

    Raises:
        ValueError: The landmarks lie on a line.
    """
    p = np.asarray(points, np.float64)
    left = p[3] - p[0] + p[6] - p[5]
    up = p[:4].mean(axis=0) - p[5:].mean(axis=0)
    length = float(np.linalg.norm(left))
    if length > 0:
        left = left / length
        up = up - left * (up @ left)
    height = float(np.linalg.norm(up))
    if not (length > 0 and height > 1e-6 * length):
        raise ValueError("the landmarks lie on a line")
    up = up / height
    return np.stack([left, up, np.cross(left, up)], axis=1)


def check_order(points: Float[np.ndarray, "7 3"], where: str) -> None:
    """Refuse landmarks whose places do not go with their names.

    In the face's own axes the four eye corners must follow each other from right to left, then the mouth's two, and the
    nose bottom must lie between eyes and mouth in height. All left and right exchanged cannot be told from a mirrored
    face, so that is not checked here (see `Similarity.mirrors`).

    Args:
        points: (7, 3), any unit and frame.
        where: The file, for the message.

    Raises:
        InputError: `landmarks_not_finite`, `landmarks_degenerate` (all on a line), `landmarks_order`.
    """
    p = np.asarray(points, np.float64)
    if not np.isfinite(p).all():
        raise InputError("landmarks_not_finite", "a landmark is NaN or infinite", where)
    try:
        axes = face_frame(p)
    except ValueError as error:
        raise InputError("landmarks_degenerate", str(error), where) from error
    x, y, _ = (p @ axes).T
    wrong = ""
    for first, second in ((0, 1), (1, 2), (2, 3), (5, 6)):
        if not x[first] < x[second]:
            wrong = f"row {first} is not to the right of row {second}"
    if not max(y[5:]) < y[4] < min(y[:4]):
        wrong = "row 4 is not between eyes and mouth"
    if wrong:
        raise InputError(
            "landmarks_order",
            f"the landmarks are not in the order of the protocol: {wrong}",
            where,
            f"write them as {'; '.join(NAMES)}",
        )
