"""What may be painted on a head: skin, without strands, teeth, eyes and frames."""

import numpy as np

from headform.geometry.face_classes import BROWS, EYES, FACE_CLASSES, GLASSES, HAIR, LIPS, SKIN
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.bare_skin import bare_skin_in_photo, strands

SIDE = 64
SKIN_RGB, BLOND, GRAY = (200, 150, 130), (190, 170, 90), (150, 150, 150)


def parsed(labels: np.ndarray) -> ParsedFace:
    probability = np.eye(len(FACE_CLASSES), dtype=np.float32)[labels].transpose(2, 0, 1)
    return ParsedFace(np.ascontiguousarray(probability), np.array([[1.0, 0, 0], [0, 1, 0]]))


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A face beside blond hair, of which a strand that was parsed as skin hangs over the cheek."""
    labels = np.full((SIDE, SIDE), SKIN)
    labels[:, :14] = HAIR
    rgb = np.full((SIDE, SIDE, 3), SKIN_RGB, np.uint8)
    rgb[:, :14] = BLOND
    rgb[:, 18:20] = BLOND
    return labels, rgb


def test_a_strand_with_the_hue_of_the_hair_is_no_skin() -> None:
    labels, rgb = scene()
    found = strands(parsed(labels), rgb)
    assert found[:, 18:20].min() > 0.9
    assert found[:, 24:].max() == 0
    skin = bare_skin_in_photo(parsed(labels), rgb)
    assert skin[:, 16:21].max() < 0.5
    assert skin[:, 26:].min() > 0.99


def test_skin_in_the_shadow_of_the_hair_and_brows_near_it_stay() -> None:
    labels, rgb = scene()
    rgb[:, 18:20] = np.array(SKIN_RGB) // 3
    assert strands(parsed(labels), rgb)[:, 18:].max() < 0.3
    labels, rgb = scene()
    labels[:, 18:20] = BROWS
    assert strands(parsed(labels), rgb)[:, 18:20].max() == 0


def test_a_beard_stays_on_the_chin() -> None:
    labels, rgb = scene()
    labels[34:37, 32:48] = LIPS
    face = parsed(labels)
    face.probability[HAIR, 40:50, 30:50] = 0.7
    face.probability[SKIN, 40:50, 30:50] = 0.3
    assert bare_skin_in_photo(face, rgb)[42:48, 34:46].min() > 0.9
    face.probability[LIPS] = 0
    assert bare_skin_in_photo(face, rgb)[42:48, 34:46].max() < 0.1


def test_hair_of_the_hue_of_the_skin_hides_nothing() -> None:
    labels, rgb = scene()
    rgb[:, :14] = np.array(SKIN_RGB) // 2
    assert not strands(parsed(labels), rgb).any()


def test_frames_are_widened_and_eyes_left_out() -> None:
    labels = np.full((SIDE, SIDE), SKIN)
    labels[30:33, 20:50] = GLASSES
    labels[50:54, 20:40] = EYES
    skin = bare_skin_in_photo(parsed(labels), np.full((SIDE, SIDE, 3), GRAY, np.uint8))
    assert skin[28:35, 25:45].max() < 0.5
    assert skin[51:53, 25:35].max() < 0.1
    assert skin[10:20].min() > 0.99


def test_a_strand_is_followed_across_the_cheek() -> None:
    labels, rgb = scene()
    labels[56:59, 34:46] = LIPS
    rgb[20:24, 14:50] = BLOND  # begins at the hair
    rgb[40:44, 40:50] = BLOND  # does not
    found = strands(parsed(labels), rgb)
    assert found[21:23, 16:48].min() > 0.9
    assert found[38:46, 38:].max() == 0


def test_a_beard_that_joins_the_hair_is_no_strand() -> None:
    labels, rgb = scene()
    labels[30:33, 34:46] = LIPS
    rgb[36:50, 14:56] = BLOND
    assert strands(parsed(labels), rgb)[38:48, 34:].max() == 0


def test_brows_above_frames_are_painted() -> None:
    labels = np.full((SIDE, SIDE), SKIN)
    labels[30:33, 20:50] = GLASSES
    labels[26:30, 20:50] = BROWS
    skin = bare_skin_in_photo(parsed(labels), np.full((SIDE, SIDE, 3), GRAY, np.uint8))
    assert skin[26:28, 25:45].min() > 0.7
    assert skin[33:35, 25:45].max() < 0.5
