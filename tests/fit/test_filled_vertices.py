"""Colors of what a photo does not show, at the vertices."""

import numpy as np
import pytest

from headform.fit.filled_vertices import MOST_BROWS, fill_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.texture import surface_of
from headform.heads.linear import LinearHead

from .scenes import AMBIENT_LIGHT, camera_at, mean_vertices, photograph

SIDE, GRAY = 400, 0.2


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_brows_are_no_brighter_than_the_skin(head: LinearHead, factor: float) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0, SIDE)
    rgb = photograph(head, vertices, camera, np.full(vertices.shape, GRAY), SIDE, supersample=1)
    surface = surface_of(FittedPhoto(head, vertices, camera, rgb, np.zeros((SIDE, SIDE), np.float32)), 256)
    brows = head.regions["brows"].numpy()
    albedo = np.where(brows[:, None], factor * GRAY, np.full(vertices.shape, GRAY))
    fill = fill_vertices(head, surface, AMBIENT_LIGHT, albedo, refined=True).fill[brows]  # nothing is seen
    np.testing.assert_allclose(fill, min(factor, MOST_BROWS) * GRAY, rtol=0.01)
