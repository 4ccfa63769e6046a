"""Openings: the distance to a polygon against a plain loop, and what they do to the trust in pixels."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from headform.fit.openings import (
    EYE_METERS,
    LASHES_METERS,
    LIP_METERS,
    LOWER_LASHES_METERS,
    Openings,
    _distance,
)
from headform.fit.photo_patch import PhotoPatch
from headform.geometry.polyline import distances
from headform.render.rasterize import Fragments

SIDE = 120


def patch(px_per_meter: float = 10_000.0) -> PhotoPatch:
    """Ten pixels a millimeter; the patch begins at (40, 20) of a photo that is twice as fine."""
    empty = np.zeros((SIDE, SIDE), np.float32)
    return PhotoPatch(
        linear=np.zeros((SIDE, SIDE, 3), np.float32),
        mask=np.ones((SIDE, SIDE), np.float32),
        projected=np.zeros((1, 3)),
        fragments=Fragments(empty.astype(np.int32), np.zeros((SIDE, SIDE, 3), np.float32), empty),
        buffer_scale=1,
        px_per_meter=px_per_meter,
        corner=np.array([40.0, 20.0]),
        factor=2,
    )


def almond(middle: float = 60.0, width: float = 60.0, height: float = 24.0) -> np.ndarray:
    x = np.linspace(-1, 1, 9)
    upper = np.column_stack([x * width / 2, -(1 - x**2) * height / 2])
    lower = (upper * [1, -1])[::-1][1:-1]
    return np.concatenate([upper, lower]) + middle


def in_photo(points: np.ndarray) -> np.ndarray:
    return points * 2 + [40, 20]


def test_distances_equal_a_loop() -> None:
    rim = almond()
    window, found = _distance(rim, (SIDE, SIDE), 30.0)
    rows, columns = np.mgrid[window]
    centers = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
    closed = np.concatenate([rim, rim[:1]])
    expected = distances(centers, closed)
    inside = Outline(rim).contains_points(centers)
    expected = np.where(inside, -expected, expected)
    # the polygon is drawn on whole pixels
    assert np.abs(found.ravel() - expected).max() < 1.5


def test_polygons_beyond_the_picture_and_without_area() -> None:
    window, found = _distance(almond(middle=-200.0), (SIDE, SIDE), 5.0)
    assert found.size == 0 or (found > 0).all()
    flat = np.column_stack([np.linspace(30, 90, 7), np.full(7, 60.0)])
    window, found = _distance(flat, (SIDE, SIDE), 20.0)
    row = np.arange(SIDE)[window[0]]
    middle = found[:, found.shape[1] // 2]
    assert abs(int(row[middle.argmin()]) - 60) <= 1
    assert middle[0] == pytest.approx(60 - row[0], abs=1.5)


def test_skin_is_not_trusted_in_an_eye_nor_at_its_lashes() -> None:
    openings = Openings((in_photo(almond()),), in_photo(np.zeros((3, 2)) - 500))
    skin = np.ones((SIDE, SIDE), np.float32)
    openings.limit(skin, np.zeros((SIDE, SIDE), bool), patch())
    column = skin[:, 60]  # the rim's top lies at 48, its bottom at 72; ten pixels are a millimeter
    unit = 10.0 * 1000
    assert (column[46:74] == 0).all()
    first = int(48 - LASHES_METERS[0] * unit)
    assert column[first + 2] < 0.02
    last = int(48 - LASHES_METERS[1] * unit)
    assert (column[: max(last - 2, 0)] == 1).all()
    assert (np.diff(column[:48]) <= 1e-6).all()
    below = int(72 + LOWER_LASHES_METERS[1] * unit)
    assert (column[below + 2 :] == 1).all()  # the lower lashes are shorter
    assert column[48 - (below - 72)] < 0.1
    assert (skin[:, :10] >= skin[:, 10:11] - 1).all()


def test_an_eyeball_is_trusted_well_inside_alone() -> None:
    openings = Openings((in_photo(almond()),), in_photo(np.zeros((3, 2)) - 500))
    eye = np.ones((SIDE, SIDE), np.float32)
    openings.limit(eye, np.ones((SIDE, SIDE), bool), patch())
    assert eye[60, 60] == 1  # 12 pixels from the rim
    assert eye[60 - 12 + int(EYE_METERS[0] * 10_000) // 2, 60] < 0.3
    assert (eye[:46] == 0).all()


def test_the_mouth_hides_skin_but_no_eye() -> None:
    openings = Openings((), in_photo(almond()))
    trust = np.ones((SIDE, SIDE), np.float32)
    on_eye = np.zeros((SIDE, SIDE), bool)
    on_eye[:, :60] = True
    openings.limit(trust, on_eye, patch())
    assert (trust[60, 62:85] == 0).all()
    assert (trust[:, :60] == 1).all()
    beyond = int(72 + LIP_METERS[1] * 10_000) + 2
    assert trust[beyond, 62] == 1
