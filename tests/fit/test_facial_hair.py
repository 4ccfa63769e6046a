"""Beards told from skin and creases by the contrast of their finest detail."""

import numpy as np

from headform.fit.facial_hair import facial_hair
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photo_detail import broad_photo
from headform.fit.plain_skin import face_skin
from headform.fit.texture import surface_of
from headform.heads.linear import LinearHead

from .scenes import camera_at, encode, mean_vertices, photograph

SIDE, GRAY = 800, 0.3


def share(head: LinearHead, marked: np.ndarray) -> np.ndarray:
    """Share of hair in a photo of a gray head whose pixels are darker where `marked` (SIDE, SIDE)."""
    vertices, camera = mean_vertices(head), camera_at(head, 0, SIDE)
    rgb = photograph(head, vertices, camera, np.full(vertices.shape, GRAY), SIDE, supersample=1)
    skin = (rgb != encode(np.array([1.0, 0.0, 1.0]))).any(axis=-1)
    rgb[marked & skin] = encode(np.array(GRAY * 0.4))
    surface = surface_of(FittedPhoto(head, vertices, camera, rgb), 1024)
    return facial_hair(head, surface, *broad_photo(surface.patch.linear, surface.patch.px_per_meter))


def test_hair_is_strong_detail_below_the_nose(head: LinearHead) -> None:
    dots = (np.random.default_rng(0).random((SIDE // 4, SIDE // 4)) < 0.3).repeat(4, 0).repeat(4, 1)
    found = share(head, dots)
    facing = head.mean[:, 2].numpy() > np.quantile(head.mean[face_skin(head), 2].numpy(), 0.5)
    chin = head.regions["chin"].numpy() & face_skin(head) & facing
    assert np.median(found[chin]) > 0.95
    assert not found[head.regions["forehead"].numpy()].any()
    assert not found[head.regions["lips"].numpy()].any()


def test_bare_skin_and_a_crease_are_no_hair(head: LinearHead) -> None:
    assert share(head, np.zeros((SIDE, SIDE), bool)).max() < 0.05
    line = np.zeros((SIDE, SIDE), bool)
    corner = camera_at(head, 0, SIDE).project(mean_vertices(head))[int(head.now7[5]), :2].astype(int)
    line[corner[1] - 40 : corner[1] + 40, corner[0] - 15 : corner[0] - 11] = True  # beside the mouth
    assert np.quantile(share(head, line)[face_skin(head)], 0.99) < 0.5


def test_hair_seen_on_one_side_is_on_both(head: LinearHead) -> None:
    dots = (np.random.default_rng(0).random((SIDE // 4, SIDE // 4)) < 0.3).repeat(4, 0).repeat(4, 1)
    dots[:, : SIDE // 2] = False
    found = share(head, dots)
    assert found.max() > 0.9
    np.testing.assert_array_equal(found, found[head.mirror.numpy()])


def test_spots_of_strong_detail_are_no_beard_and_a_mustache_is_one(head: LinearHead) -> None:
    dots = (np.random.default_rng(0).random((SIDE // 4, SIDE // 4)) < 0.3).repeat(4, 0).repeat(4, 1)
    points = camera_at(head, 0, SIDE).project(mean_vertices(head))[head.now7.numpy(), :2]
    nose, corners = points[4], points[5:]
    y, x = np.mgrid[:SIDE, :SIDE]
    width = np.linalg.norm(corners[0] - corners[1])
    beside = np.min([np.hypot(x - c[0], y - c[1]) for c in corners], axis=0) < 0.2 * width
    above = (np.abs(x - nose[0]) < 0.7 * width) & (y > nose[1]) & (y < corners[:, 1].mean())
    assert not share(head, dots & beside).any()
    assert share(head, dots & above).max() > 0.9
