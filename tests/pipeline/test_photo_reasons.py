"""Dark faces and turned heads are named."""

import numpy as np
import pytest

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler
from headform.pipeline.photo_reasons import photo_reasons, turned_by


def camera(yaw: float, pitch: float = 0.0) -> PerspectiveCamera:
    frontal = PerspectiveCamera.frontal(300.0, (100, 100), 0.6)
    return frontal.turned(rotation_from_euler(np.radians(yaw), np.radians(pitch), 0.0), np.zeros(3))


@pytest.mark.parametrize("yaw", [-80.0, -30.0, 0.0, 61.0, 120.0])
@pytest.mark.parametrize("pitch", [0.0, 25.0])
def test_the_yaw_is_that_of_the_head_to_either_side(yaw: float, pitch: float) -> None:
    assert turned_by(camera(yaw, pitch)) == pytest.approx(abs(yaw))


def test_a_turned_head_is_named() -> None:
    rgb, skin = np.full((100, 100, 3), 150, np.uint8), np.ones((100, 100))
    assert photo_reasons(rgb, skin, camera(45)) == ()
    assert photo_reasons(rgb, skin, camera(-70)) == ("the head is turned by 70°: half of the face is not seen",)


def test_a_dark_face_is_named_and_a_dark_room_is_not() -> None:
    rgb, skin = np.full((100, 100, 3), 12, np.uint8), np.zeros((100, 100))
    skin[30:70, 30:70] = 1
    (reason,) = photo_reasons(rgb, skin, camera(0))
    assert reason == "the face is very dark: 90 % of it are below 5 % of white, and so is the texture"
    rgb[30:70, 30:70] = 60  # dark skin in ordinary light
    assert photo_reasons(rgb, skin, camera(0)) == ()


def test_without_skin_nothing_is_said() -> None:
    assert photo_reasons(np.zeros((100, 100, 3), np.uint8), np.zeros((100, 100)), camera(0)) == ()
