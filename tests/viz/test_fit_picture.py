"""The picture of a fit: its tiles, its grays, its scale."""

from dataclasses import replace

import numpy as np

from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.viz.fit_picture import FitPicture, draw_fit
from headform.viz.mesh_error_picture import STOPS
from tests.mesh.surfaces import face_sheet


def made(colors: bool = False) -> FitPicture:
    vertices, faces = face_sheet(15, 12)
    mesh = TriangleMesh(vertices, faces, colors=np.full(vertices.shape, 0.5) if colors else None)
    return FitPicture(
        source=mesh,
        fitted=vertices + [0.0, 0, 0.001],
        faces=faces,
        face=vertices,
        distance_mm=np.full(len(vertices), 3.0),
        measured=vertices[:, 1] > 0,
        title="a fit",
    )


def test_three_columns_or_four_with_colors():
    side = 80
    assert draw_fit(made(), side=side).shape[1] == 3 * side
    sheet = draw_fit(made(colors=True), side=side)
    assert sheet.shape[1] == 4 * side
    assert sheet.dtype == np.uint8


def test_measured_points_are_colored_and_the_others_gray():
    side = 160
    sheet = draw_fit(made(), top_mm=3.0, side=side).astype(int)
    tile = sheet[56 : 56 + side, 2 * side :]
    above, below = tile[side // 2 - 25, side // 2], tile[side // 2 + 35, side // 2]
    assert np.ptp(below) <= 1, "gray"
    assert below[0] < 210
    dark = STOPS[-1]
    assert (above <= dark + 2).all()
    assert (above >= 0.6 * dark - 2).all()
    assert above[2] > above[1]


def test_unknown_distances_of_what_is_not_measured_do_not_show():
    partly = np.where(made().measured, 3.0, np.nan)
    np.testing.assert_array_equal(draw_fit(replace(made(), distance_mm=partly), side=80), draw_fit(made(), side=80))
