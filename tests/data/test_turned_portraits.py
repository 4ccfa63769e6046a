"""A head turned in a picture: marks painted on it arrive where the turned camera projects them."""

import numpy as np
import pytest

from headform.data.turned_portraits import turn_picture
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.face_classes import UNKNOWN
from headform.heads.linear import LinearHead

WINDOW, SIDE = 384, 192
CAMERA = PerspectiveCamera.frontal(750.0, (WINDOW, WINDOW), 1.5)


def turned(head: LinearHead, rgb: np.ndarray, classes: np.ndarray, yaw: float, pitch: float = 0.0):
    vertices = head.mean.numpy()
    return turn_picture(
        rgb, classes, vertices, head.faces.numpy(), head.mirror.numpy(), CAMERA, SIDE, yaw=yaw, pitch=pitch
    )


def test_head_that_is_not_turned_keeps_its_picture(head: LinearHead) -> None:
    rows, columns = np.mgrid[:WINDOW, :WINDOW]
    rgb = np.stack([columns // 2, rows // 2, (columns + rows) // 4], axis=-1).astype(np.uint8)
    classes = np.full((WINDOW, WINDOW), 1, np.uint8)
    found = turned(head, rgb, classes, 0.0)
    inner = slice((WINDOW - SIDE) // 2, (WINDOW + SIDE) // 2)
    off = np.abs(found.rgb.astype(int) - rgb[inner, inner])
    # grazing places take the mirror's or their neighbors' color
    assert np.median(off) <= 1
    assert np.percentile(off, 90) <= 2
    assert (found.classes == 1).mean() > 0.85


@pytest.mark.parametrize(("yaw", "pitch"), [(0.5, 0.0), (-0.5, 0.2), (0.0, -0.3)])
def test_painted_marks_move_with_the_head(head: LinearHead, yaw: float, pitch: float) -> None:
    rgb = np.full((WINDOW, WINDOW, 3), 128, np.uint8)
    classes = np.full((WINDOW, WINDOW), UNKNOWN, np.uint8)
    vertices = head.mean.numpy()
    marks = vertices[head.dense.numpy()[[30, 48, 54, 27]]]  # nose, corners of the mouth, root of the nose
    for x, y, _ in CAMERA.project(marks):
        rgb[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = (255, 0, 0)
        classes[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 4
    found = turned(head, rgb, classes, yaw, pitch)
    for x, y, _ in found.camera.project(marks):
        assert found.rgb[int(y), int(x), 0] > 200
        assert found.rgb[int(y), int(x), 1] < 60
        assert found.classes[int(y), int(x)] == 4
    moved = found.camera.project(marks)[0, :2] - (CAMERA.project(marks)[0, :2] - (WINDOW - SIDE) / 2)
    assert moved[0] * yaw > 0 or yaw == 0  # to the subject's left is to the picture's right
    assert moved[1] * pitch < 0 or pitch == 0  # up


def test_far_surroundings_stand_still(head: LinearHead) -> None:
    rgb = np.full((WINDOW, WINDOW, 3), 90, np.uint8)
    inner = (WINDOW - SIDE) // 2
    rgb[inner + 4 : inner + 12, inner + 4 : inner + 12] = (0, 255, 0)
    classes = np.full((WINDOW, WINDOW), 0, np.uint8)
    small = PerspectiveCamera.frontal(220.0, (WINDOW, WINDOW), 1.5)
    found = turn_picture(
        rgb, classes, head.mean.numpy(), head.faces.numpy(), head.mirror.numpy(), small, SIDE, yaw=0.6, pitch=0.0
    )
    assert (found.rgb[5:11, 5:11] == (0, 255, 0)).all()
