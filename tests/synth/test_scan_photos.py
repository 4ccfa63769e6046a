"""Photographed scans: geometry, light and exposure by closed forms, on shapes that a test can draw."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from headform import heads
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.synth.light import Lighting
from headform.synth.scan_photos import (
    PlacedScan,
    View,
    lights,
    photograph,
    place,
    seen_from_front,
    views,
)

FRONT = View(0.0, 0.0, 0.0, 1.0, 0.5)


@pytest.fixture(scope="module")
def head():
    return heads.load_open()


def ball(radius: float, center: np.ndarray, rings: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a ball; the two poles lie on its y axis."""
    t, p = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False))
    points = np.stack([np.sin(t) * np.sin(p), np.cos(t), np.sin(t) * np.cos(p)], -1).reshape(-1, 3)
    k = np.arange(2 * rings * rings).reshape(2 * rings, rings)
    a, b = k[:, :-1].ravel(), k[:, 1:].ravel()
    c, d = np.roll(k, -1, 0)[:, :-1].ravel(), np.roll(k, -1, 0)[:, 1:].ravel()
    faces = np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])
    return center + radius * points, faces


def placed(head, vertices, faces, color=(0.7, 0.5, 0.4)) -> PlacedScan:
    """A shape in the head frame, laid onto itself."""
    mean = head.mean.double().numpy()[head.now7.numpy()]
    return place(TriangleMesh(vertices, faces, colors=np.tile(color, (len(vertices), 1))), mean, head)


def test_a_scan_in_any_unit_and_place_comes_into_the_head_frame(head):
    mean = head.mean.double().numpy()
    turn = Rotation.from_rotvec([0.4, -1.1, 0.3]).as_matrix()
    moved = 1000 * mean @ turn.T + [30, -500, 7]
    found = place(TriangleMesh(moved, head.faces.numpy()), moved[head.now7.numpy()], head)
    np.testing.assert_allclose(found.mesh.vertices, mean, atol=1e-9)
    assert found.placed.scale == pytest.approx(1000)
    with pytest.raises(ValueError, match="finite"):
        place(TriangleMesh(moved, head.faces.numpy()), np.full((7, 3), np.nan), head)


def test_the_middle_of_the_face_is_the_middle_of_the_picture(head):
    vertices, faces = ball(0.02, np.zeros(3))
    scan = placed(head, vertices, faces)
    at_center = PlacedScan(
        TriangleMesh(vertices + scan.center, faces, colors=scan.mesh.colors), scan.placed, scan.center
    )
    for view in (FRONT, View(35.0, -12.0, 9.0, 0.6, 0.4)):
        _, camera = photograph(at_center, view, lights(1, 0)[0], side=96, seed=0)
        x, y, z = camera.project(scan.center[None])[0]
        assert (x, y, z) == pytest.approx((48, 48, view.distance))
        # 0.21 m across, that far away, take the share asked for
        across = camera.R.T @ np.array([0.105, 0, 0])
        ends = camera.project(np.stack([scan.center - across, scan.center + across]))
        assert ends[1, 0] - ends[0, 0] == pytest.approx(view.fill * 96)


def test_convention_of_a_view(head):
    """Yaw turns the face to the right of the picture, pitch down."""
    vertices, faces = ball(0.02, np.zeros(3))
    scan = placed(head, vertices, faces)
    nose = (scan.center + [0, 0, 0.1])[None]
    for view, axis in ((View(20.0, 0.0, 0.0, 1.0, 0.5), 0), (View(0.0, 20.0, 0.0, 1.0, 0.5), 1)):
        _, camera = photograph(scan, view, lights(1, 0)[0], side=64, seed=0)
        assert camera.project(nose)[0, axis] > 36


def plate(head, size: float = 0.4) -> PlacedScan:
    """A square that faces the camera, about the middle of the face."""
    center = head.mean.double().numpy()[head.now7.numpy()].mean(0)
    corners = size * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0.0]])
    return placed(head, center + corners, np.array([[0, 1, 2], [0, 2, 3]]), (0.6, 0.58, 0.56))


def test_exposure_brings_an_even_surface_to_six_tenths(head):
    rgb, _ = photograph(plate(head), FRONT, lights(1, 0)[0], side=32, seed=0)
    linear = np.where(rgb <= 10, rgb / 255 / 12.92, ((rgb / 255 + 0.055) / 1.055) ** 2.4)
    np.testing.assert_allclose(linear.mean(axis=2), 0.6, atol=0.01)
    assert np.ptp(rgb.astype(int), axis=(0, 1)).max() <= 1
    assert rgb[0, 0, 0] > rgb[0, 0, 1] > rgb[0, 0, 2]  # as its color is


def test_a_lamp_from_the_left_lights_the_left(head):
    center = head.mean.double().numpy()[head.now7.numpy()].mean(0)
    scan = placed(head, *ball(0.08, center))
    lamp = Lighting(
        np.zeros((9, 3), np.float32),
        np.array([[-1.0, 0, 0]], np.float32),
        np.ones((1, 3), np.float32),
        0.0,
        10.0,
    )
    rgb, _ = photograph(scan, FRONT, lamp, side=64, seed=0)
    left, right = rgb[28:36, 18:28].mean(), rgb[28:36, 36:46].mean()
    assert left > 2 * right
    behind = Lighting(lamp.ambient + np.float32(0.3), lamp.directions, lamp.colors * 0, 0.0, 10.0)
    rgb, _ = photograph(scan, FRONT, behind, side=64, seed=0)
    assert abs(rgb[28:36, 18:28].mean() - rgb[28:36, 36:46].mean()) < 40


def test_edges_are_averaged(head):
    """Half covered pixels lie between surface and wall."""
    center = head.mean.double().numpy()[head.now7.numpy()].mean(0)
    scan = placed(head, *ball(0.08, center, 48))
    rgb, _ = photograph(scan, FRONT, lights(1, 0)[0], side=64, seed=1)
    again, _ = photograph(scan, FRONT, lights(1, 0)[0], side=64, seed=1)
    other, _ = photograph(scan, FRONT, lights(1, 0)[0], side=64, seed=2)
    np.testing.assert_array_equal(rgb, again)
    assert (rgb[0] != other[0]).any()
    np.testing.assert_array_equal(rgb[32, 32], other[32, 32])
    assert len(np.unique(rgb[32, :, 0])) > 12


def test_what_lies_inside_or_behind_is_not_seen(head):
    center = head.mean.double().numpy()[head.now7.numpy()].mean(0)
    outer, faces = ball(0.09, center)
    inner, own = ball(0.05, center)
    scan = placed(head, np.concatenate([outer, inner]), np.concatenate([faces, own + len(outer)]))
    seen = seen_from_front(scan)
    assert not seen[len(outer) :].any()
    depth = (outer - center)[:, 2]
    assert seen[: len(outer)][depth > 0].all()
    assert not seen[depth.argmin()]


def test_a_scan_without_colors_makes_no_photo(head):
    vertices, faces = ball(0.05, np.zeros(3))
    mean = head.mean.double().numpy()[head.now7.numpy()]
    with pytest.raises(ValueError, match="without colors"):
        photograph(place(TriangleMesh(vertices, faces), mean, head), FRONT, lights(1, 0)[0], side=32, seed=0)


def test_views_and_lights_follow_the_seed():
    assert [v.yaw for v in views(5, 3)] == [-50, -25, 0, 25, 50]
    assert views(1, 0)[0].yaw == 0
    assert views(4, 3) == views(4, 3)
    assert views(4, 3) != views(4, 4)
    for view in views(40, 0):
        assert abs(view.pitch) <= 20
        assert abs(view.roll) <= 15
        assert 0.4 <= view.distance <= 1.6
    first, second = lights(2, 0)
    assert len(first.directions) == 1
    np.testing.assert_array_equal(second.colors, lights(3, 0)[1].colors)
    assert not np.array_equal(second.colors, lights(2, 1)[1].colors)
