"""Overlay and turned views: the right thing in the right place, by color and silhouette."""

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.errors import InputError, UsageError
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.pipeline.reconstruction import Reconstruction
from headform.render.drawing import Look, draw
from headform.viz import contact_sheets
from headform.viz.contact_sheets import contact_sheet
from headform.viz.overlays import PANEL, crop_square, cropped, overlay
from headform.viz.portrait import portrait_camera

BALL_FACES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
BALL = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]) * 0.1


def test_the_front_face_is_seen_in_the_right_colors() -> None:
    """An octahedron with one color on each side: at yaw 0 the subject's left is on the right."""
    texture = np.zeros((4, 4, 3), np.uint8)
    texture[:, :2], texture[:, 2:] = (200, 0, 0), (0, 0, 200)
    uv = np.array([[0.1, 0.5], [0.9, 0.5]])
    left = (BALL[BALL_FACES].mean(1)[:, 0] > 0).astype(np.int64)
    mesh = TriangleMesh(BALL, BALL_FACES, uv=uv, uv_faces=np.repeat(left[:, None], 3, 1), texture=texture)
    picture = draw(mesh, portrait_camera(BALL, 0.0, 64), (64, 64)).over(0.0)
    assert picture[36, 24].tolist() == [200, 0, 0]
    assert picture[36, 40].tolist() == [0, 0, 200]
    turned = draw(mesh, portrait_camera(BALL, 1.2, 64), (64, 64)).over(0.0)
    assert (turned[..., 0] > 100).sum() > 2 * (turned[..., 2] > 100).sum()  # the right cheek


def test_clay_is_brightest_above_left_and_edges_are_smooth() -> None:
    picture = draw(TriangleMesh(BALL, BALL_FACES), portrait_camera(BALL, 0.0, 64), (64, 64), Look(clay=True))
    shade = picture.over(0.0)[..., 0].astype(int)
    assert shade[26, 26] > shade[38, 38] > 20
    assert ((picture.cover > 0.1) & (picture.cover < 0.9)).any()
    assert picture.over(255.0)[0, 0].tolist() == [255, 255, 255]
    half = picture.over(np.full((64, 64, 3), 100, np.uint8), 0.5)
    assert half[30, 30, 0] == pytest.approx((shade[30, 30] + 100) / 2, abs=1)


def test_crop_keeps_pixels_where_they_are_and_grays_the_outside() -> None:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[10:12, 20:22] = 255
    crop = cropped(rgb, -10, 0, 80, 80)
    assert crop[10:12, 30:32].min() == 255
    assert crop[5, 2].tolist() == [128, 128, 128]
    assert crop[60, 40].tolist() == [128, 128, 128]
    assert cropped(rgb, 500, 500, 20, 10).tolist() == np.full((10, 10, 3), 128).tolist()


def test_crop_square_holds_points_and_box() -> None:
    points = np.array([[50.0, 60], [150, 160]])
    left, top, side = crop_square(points, np.array([40.0, 40, 160, 170]))
    assert left < 40
    assert top < 40
    assert left + side > 160
    assert top + side > 170


def test_sheet_shows_landmarks_mesh_and_three_views(result: Reconstruction, photo: np.ndarray) -> None:
    sheet = overlay(result, photo)
    assert sheet.shape[1] == 5 * PANEL
    panels = [sheet[:PANEL, k * PANEL : (k + 1) * PANEL].astype(int) for k in range(5)]
    left, top, side = crop_square(result.points68, result.face.box)
    x, y = ((result.points68[30] - [left, top]) * PANEL / side).astype(int)
    assert panels[0][y - 2 : y + 3, x - 2 : x + 3].min(-1).max() > 220  # a white dot
    green = (panels[0][..., 1] - panels[0][..., 0]) > 60
    assert 100 < green.sum() < 20000
    assert np.abs(panels[1] - panels[0]).max(-1)[PANEL // 2, PANEL // 2] > 3
    for panel in panels[2:]:
        assert panel[2, 2].tolist() == [236, 236, 236]
        assert 0.1 < (panel != 236).any(-1).mean() < 0.9
    assert np.abs(panels[2] - panels[4]).mean() > 1


def test_mesh_lies_on_the_photo_where_the_camera_says(result: Reconstruction, photo: np.ndarray) -> None:
    """The middle of the silhouette on the sheet is the projected middle of the head."""
    sheet = overlay(result, photo)[:PANEL]
    left, top, side = crop_square(result.points68, result.face.box)
    fine = cropped(photo, left, top, side, 2 * PANEL)
    ground = np.asarray(Image.fromarray(fine).reduce(2)).astype(int)
    changed = np.abs(sheet[:, PANEL : 2 * PANEL].astype(int) - ground).max(-1) > 2
    rows, columns = np.nonzero(changed)
    pixels = (result.camera.project(result.vertices)[:, :2] - [left, top]) * PANEL / side
    bounds = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    expected = [*np.clip(pixels.min(0), 0, PANEL), *np.clip(pixels.max(0), 0, PANEL)]
    np.testing.assert_allclose(bounds, expected, atol=3)


@pytest.mark.parametrize("gone", [("texture",), ("texture", "albedo_texture")])
def test_sheet_without_textures(result: Reconstruction, photo: np.ndarray, gone: tuple[str, ...]) -> None:
    bare = dataclasses.replace(result, **dict.fromkeys(gone), status="low_confidence", reasons=("dark",) * 30)
    assert np.abs(overlay(bare, photo).astype(int) - overlay(result, photo)).max() > 20


def test_another_photo_is_refused(result: Reconstruction, photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the photo is"):
        overlay(result, photo[:-1])


def test_contact_sheet(tmp_path: Path, result: Reconstruction, photo: np.ndarray) -> None:
    sheet = overlay(result, photo)
    for k in range(3):
        folder = tmp_path / "results" / f"face_{k}"
        folder.mkdir(parents=True)
        Image.fromarray(np.full_like(sheet, 60 * k)).save(folder / "overlay.png")
    assert contact_sheet(tmp_path / "results", tmp_path / "all.png", columns=2) == 3
    with Image.open(tmp_path / "all.png") as picture:
        made = np.asarray(picture)
    height, width = made.shape[:2]
    assert made[height // 4, width // 4].tolist() == [0, 0, 0]
    assert made[height // 4, 3 * width // 4].tolist() == [60, 60, 60]
    assert made[3 * height // 4, width // 4].tolist() == [120, 120, 120]
    assert made[3 * height // 4, 3 * width // 4].tolist() == [255, 255, 255]
    assert contact_sheet(tmp_path / "results", tmp_path / "all.jpg") == 3
    assert (tmp_path / "all.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_contact_sheet_refuses_nothing_and_damage(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        contact_sheet(tmp_path, tmp_path / "all.png")
    assert caught.value.code == "no_overlays"
    (tmp_path / "overlay.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError) as caught:
        contact_sheet(tmp_path, tmp_path / "all.png")
    assert caught.value.code == "overlay_unreadable"
    with pytest.raises(ValueError, match="columns"):
        contact_sheet(tmp_path, tmp_path / "all.png", columns=0)


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (300, 20)])
def test_contact_sheet_takes_no_more_memory_than_it_shows(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (90, 120, 200)).save(tmp_path / "overlay.png")
    tracemalloc.start()
    try:
        if min(size) < 12:
            with pytest.raises(InputError, match="longest over shortest side") as caught:
                contact_sheet(tmp_path, tmp_path / "all.png")
            assert caught.value.code == "overlay_unreadable"
        else:
            assert contact_sheet(tmp_path, tmp_path / "all.png") == 1
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["TIFF", "EPS", "JPEG", "GIF"])
def test_contact_sheet_opens_nothing_but_png(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (64, 48), (90, 120, 200)).save(tmp_path / "overlay.png", kind)
    with pytest.raises(InputError, match="not a PNG") as caught:
        contact_sheet(tmp_path, tmp_path / "all.png")
    assert caught.value.code == "overlay_unreadable"


def test_contact_sheet_that_no_file_can_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        Image.new("RGB", (64, 64)).save(tmp_path / str(number) / "overlay.png")
    monkeypatch.setattr(contact_sheets, "_MAX_JPEG_SIDE", 2000)
    assert contact_sheet(tmp_path, tmp_path / "all.png", 1) == 3
    with pytest.raises(InputError) as caught:
        contact_sheet(tmp_path, tmp_path / "all.jpg", 1)
    assert caught.value.code == "sheet_too_large"
    with pytest.raises(UsageError) as unknown:
        contact_sheet(tmp_path, tmp_path / "all.tif")
    assert unknown.value.code == "format_unknown"
