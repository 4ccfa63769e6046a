"""Trust that pixels show the head's own surface, on a made map of classes; what reaches the texture of a real photo."""

import numpy as np

from headform.geometry.face_classes import FACE_CLASSES, GLASSES, HAIR, NECK, SKIN
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.head_surface import surface_in_photo


def made(size: int = 96) -> ParsedFace:
    """Hair above, glasses in the middle, skin between and below, neck at the bottom; eighths of the map in rows."""
    rows = [HAIR, HAIR, SKIN, GLASSES, SKIN, SKIN, SKIN, NECK]
    probability = np.zeros((len(FACE_CLASSES), size, size), np.float32)
    for k, label in enumerate(rows):
        probability[label, k * size // 8 : (k + 1) * size // 8] = 1
    return ParsedFace(probability, np.array([[0.5, 0.0, -10.0], [0.0, 0.5, -10.0]]))


def test_hair_and_glasses_are_not_the_heads_surface() -> None:
    trust = surface_in_photo(made(), (300, 260))
    assert trust.shape == (260, 300)
    column = trust[:, 120]  # the map covers the pixels from 20 to 212, in rows of 24
    assert column[40] < 1e-3  # hair
    assert column[80] > 0.99  # skin
    assert column[104] < 1e-3  # glasses
    assert column[140] > 0.99
    assert column[205] > 0.99  # neck
    assert (trust[:, 230:] == 1).all()  # nothing is known there
    assert (np.diff(column[80:104]) <= 1e-6).all()  # it falls smoothly toward the frame
    assert np.abs(np.diff(column[60:120])).max() < 0.3


def test_what_is_beside_hair_is_not_trusted_either() -> None:
    column = surface_in_photo(made(), (300, 260))[:, 120]
    assert column[69] < 0.5  # hair ends at 68


def test_a_few_unsure_cells_do_no_harm() -> None:
    face = made()
    face.probability[SKIN, 60] = 0.8
    face.probability[HAIR, 60] = 0.2
    assert surface_in_photo(face, (300, 260))[141, 120] > 0.99
