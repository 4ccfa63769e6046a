"""Trust that pixels show the head's own surface, on a made map of classes."""

import numpy as np

from headform.geometry.face_classes import FACE_CLASSES, GLASSES, HAIR, NECK, SKIN
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.head_surface import surface_in_photo


def made(size: int = 48) -> ParsedFace:
    """Hair above, glasses in the middle, skin between and below, neck at the bottom; sixteenths of the map in rows."""
    rows = [HAIR, HAIR, SKIN, GLASSES, SKIN, SKIN, SKIN, NECK]
    probability = np.zeros((len(FACE_CLASSES), size, size), np.float32)
    for k, label in enumerate(rows):
        probability[label, k * size // 8 : (k + 1) * size // 8] = 1
    return ParsedFace(probability, np.array([[0.5, 0.0, -10.0], [0.0, 0.5, -10.0]]))


def test_hair_and_glasses_are_not_the_heads_surface() -> None:
    trust = surface_in_photo(made(), (200, 160), 60.0)
    assert trust.shape == (160, 200)
    column = trust[:, 70]  # the map covers the pixels from 20 to 116
    assert column[30] == 0  # hair
    assert column[50] == 1  # skin
    assert column[62] == 0  # glasses
    assert column[80] == 1
    assert column[110] == 1  # neck
    assert (trust[:, 120:] == 0).all()
    assert (trust[:19] == 0).all()


def test_trust_fades_at_the_edge_of_the_photo() -> None:
    trust = surface_in_photo(made(), (200, 112), 100.0)
    column = trust[:, 70]
    assert column[111] < column[109] < column[104]
    assert column[104] == 1
    assert column[111] > 0


def test_half_certain_pixels_are_half_trusted() -> None:
    face = made()
    face.probability[SKIN, 30] = 0.6
    face.probability[HAIR, 30] = 0.4
    trust = surface_in_photo(face, (200, 160), 60.0)
    # three quarters of row 30 and a quarter of row 31: 0.7, three quarters of the way from 0.4 to 0.8
    assert abs(float(trust[81, 70]) - 0.75**2 * (3 - 2 * 0.75)) < 1e-5
