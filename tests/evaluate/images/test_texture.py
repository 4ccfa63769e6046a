"""A board whose picture is known pixel for pixel: drawn again, masked, measured, tabulated, refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.errors import FaceError, InputError
from headform.evaluate.images.image_quality import psnr, ssim
from headform.evaluate.images.rerender import rerender
from headform.evaluate.images.texture import compare, evaluate_folder, hull_mask, list_faces
from headform.export.result_folder import read_head
from headform.export.writers import write_reconstruction
from headform.nets.recognition.crops import CropSpec, arcface_points
from headform.pipeline.reconstruction import Reconstruction
from tests.evaluate.landmarks68.board import SIZE, png, write_board, write_manifest
from tests.export.conftest import egg, photo, result, texture  # noqa: F401

INSIDE = np.s_[10:42, 12:44]
WHITE = np.full((16, 16, 3), 255, np.uint8)


def quarters() -> np.ndarray:
    """A texture of four colors, 32 texels wide."""
    colors = np.array([[[250, 10, 20], [30, 240, 50]], [[60, 70, 230], [200, 190, 40]]], np.uint8)
    return np.repeat(np.repeat(colors, 16, 0), 16, 1)


def gray(value: int = 128) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


def test_the_board_is_drawn_where_it_is(tmp_path: Path) -> None:
    write_board(tmp_path, quarters())
    drawn = rerender(read_head(tmp_path), gray())
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[INSIDE] = True
    np.testing.assert_array_equal(drawn.mask, mask)
    np.testing.assert_array_equal(drawn.rgb[~mask], 128)
    whole = np.ones((32, 32), bool)
    whole[15:17] = whole[:, 15:17] = False  # there bilinear sampling mixes two colors
    np.testing.assert_array_equal(drawn.rgb[INSIDE][whole], quarters()[whole])


def test_an_outline_within_pixels_is_mixed_in_linear_light(tmp_path: Path) -> None:
    write_board(tmp_path, WHITE, box=(12.5, 10.0, 44.0, 42.0))
    drawn = rerender(read_head(tmp_path), gray(0))
    half = 255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055)  # sRGB of half the light
    assert drawn.rgb[20, 12].tolist() == [round(half)] * 3
    assert drawn.rgb[20, 11].tolist() == [0] * 3
    assert not drawn.mask[20, 12]
    assert drawn.mask[20, 13]


def test_albedo_is_shaded_by_the_light_that_was_found(tmp_path: Path) -> None:
    # brightness 1/4 from everywhere, and as much again from the camera: harmonics 0 and z
    light = np.zeros((9, 3))
    light[0] = 0.25 * 2 * math.sqrt(math.pi)
    write_board(tmp_path, WHITE, light=light)
    drawn = rerender(read_head(tmp_path, "albedo"), gray())
    expected = 255 * (1.055 * 0.25 ** (1 / 2.4) - 0.055)
    assert drawn.rgb[20, 20].tolist() == [round(expected)] * 3
    assert rerender(read_head(tmp_path), gray()).rgb[20, 20].tolist() == [255] * 3
    (tmp_path / "albedo.png").write_bytes(png(np.full((16, 16, 3), 0, np.uint8)))
    assert rerender(read_head(tmp_path, "albedo"), gray()).rgb[20, 20].tolist() == [0] * 3


def test_strips_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_board(tmp_path, quarters(), box=(12.3, 9.2, 44.0, 47.9))
    expected = rerender(read_head(tmp_path), gray())
    monkeypatch.setattr("headform.viz.drawn_over._STRIP", 700)
    found = rerender(read_head(tmp_path), gray())
    np.testing.assert_array_equal(found.rgb, expected.rgb)
    np.testing.assert_array_equal(found.mask, expected.mask)


def test_a_photo_that_was_decoded_at_half_size(tmp_path: Path) -> None:
    write_board(tmp_path, quarters(), box=(24.0, 20.0, 88.0, 84.0), size=(128, 96))
    drawn = rerender(read_head(tmp_path), gray(), 2)
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[INSIDE] = True
    np.testing.assert_array_equal(drawn.mask, mask)


def test_photos_and_heads_that_do_not_belong_together(tmp_path: Path) -> None:
    write_board(tmp_path, quarters())
    with pytest.raises(InputError, match=r"60x48.*64x48") as caught:
        rerender(read_head(tmp_path), gray()[:, :60])
    assert caught.value.code == "results_mismatch"
    write_board(tmp_path, quarters(), box=(100.0, 10.0, 130.0, 40.0))
    with pytest.raises(FaceError) as outside:
        rerender(read_head(tmp_path), gray())
    assert outside.value.code == "face_outside"


class Colors:
    """An embedder that knows a face by the mean color of its crop."""

    name = "colors"
    crop = CropSpec(16, arcface_points(16))

    def embed(self, crops: np.ndarray) -> np.ndarray:
        means = crops.reshape(len(crops), -1, 3).mean(1)
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two boards over photos of noise, and a photo without a face."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "out"
    for name in ("a", "b"):
        noise = rng.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        (tmp_path / f"{name}.png").write_bytes(png(noise))
        write_board(folder / name, quarters())
    entries = [("a.png", ["a"]), ("empty.png", []), (str(tmp_path / "b.png"), ["b"])]
    write_manifest(folder, *entries)
    return folder


def test_a_folder_of_results(results: Path, tmp_path: Path) -> None:
    table = evaluate_folder(results, tmp_path, embedders=[Colors()])
    assert [score.name for score in table.scores] == ["a", "b"]
    assert table.failed == (("empty.png", "no face"),)
    for score in table.scores:
        plain = np.asarray(Image.open(tmp_path / f"{score.name}.png"))
        drawn = plain.copy()
        drawn[INSIDE] = rerender(read_head(results / score.name), plain).rgb[INSIDE]
        mask = np.zeros(plain.shape[:2], bool)
        mask[INSIDE] = True
        assert score.pixels["masked"] == 32 * 32
        assert score.pixels["full"] == SIZE[0] * SIZE[1]
        assert 0.5 * 32 * 32 < score.pixels["face"] < 0.8 * 32 * 32
        assert score.psnr["masked"] == pytest.approx(psnr(plain, drawn, mask))
        assert score.ssim["masked"] == pytest.approx(ssim(plain, drawn, mask))
        assert score.psnr["full"] == pytest.approx(psnr(plain, drawn))
        assert score.ssim["full"] == pytest.approx(ssim(plain, drawn))
        assert 0.5 < score.identity["colors"] < 1
    summary = table.summary()
    values = [score.psnr["face"] for score in table.scores]
    assert summary["psnr face"] == pytest.approx({"mean": np.mean(values), "median": np.median(values)})
    text = table.to_markdown()
    assert f"| mean of 2 |  | {np.mean(values):.2f} |" in text
    assert "failed: empty.png: no face" in text
    content = json.loads(table.to_json())
    assert content["faces"][1]["psnr"]["face"] == values[1]
    assert content["failed"] == [{"input": "empty.png", "why": "no face"}]


def test_equal_pictures_are_infinitely_alike() -> None:
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[3, 4] = True
    score = compare(gray(), gray(), {"masked": mask}, name="x")
    assert score.psnr == {"masked": math.inf, "full": math.inf}
    assert score.ssim == {"masked": 1.0, "full": 1.0}
    assert score.identity == {}


def test_pictures_that_cannot_be_compared() -> None:
    mask = np.ones((SIZE[1], SIZE[0]), bool)
    cases = [
        ((gray(), gray()[:40], {}), "pictures_differ"),
        ((gray(), gray(), {"m": mask[:40]}), "pictures_differ"),
        ((gray(), gray(), {"m": ~mask}), "mask_empty"),
        ((gray()[:10], gray()[:10], {}), "picture_small"),
    ]
    for arguments, code in cases:
        with pytest.raises(InputError) as caught:
            compare(*arguments, name="x")
        assert caught.value.code == code


def test_the_hull_of_points() -> None:
    points = np.array([(10.0, 5.0), (30.0, 5.0), (20.0, 25.0), (20.0, 10.0)])
    found = hull_mask(points, (40, 30))
    for row, column in np.ndindex(30, 40):
        x, y = column + 0.5, row + 0.5
        # distances to the three sides, positive inside
        sides = [y - 5, ((x - 10) * 2 - (y - 5)) / 5**0.5, ((30 - x) * 2 - (y - 5)) / 5**0.5]
        if abs(min(sides)) > 1:
            assert found[row, column] == (min(sides) > 0), (row, column)


def test_results_that_are_not_whole(results: Path, tmp_path: Path) -> None:
    def code(change: Path, data: bytes | None) -> str:
        before = change.read_bytes()
        change.unlink()
        if data is not None:
            change.write_bytes(data)
        with pytest.raises(InputError) as caught:
            evaluate_folder(results, tmp_path)
        change.write_bytes(before)
        return caught.value.code

    a = results / "a"
    for name in ("parameters.npz", "head.obj", "texture.png"):
        assert code(a / name, None) == "results_incomplete"
    assert code(a / "parameters.npz", b"PK") == "results_invalid"
    other = (a / "head.obj").read_bytes().replace(b"vt ", b"# ")
    assert code(a / "head.obj", other) in ("results_invalid", "mesh_index")
    assert code(a / "texture.png", png(np.zeros((12, 16, 3), np.uint8))) == "results_invalid"
    assert code(a / "texture.png", png(np.zeros((8, 8, 3), np.uint8))) == "results_incomplete"
    assert code(results / "manifest.jsonl", None) == "results_missing"
    for text in (b"", b"{}\n", b"[1]\n", b"no\n"):
        assert code(results / "manifest.jsonl", text) == "results_invalid"
    assert code(tmp_path / "a.png", None) == "image_missing"
    with np.load(a / "parameters.npz") as archive:
        values = dict(archive)
    np.savez(tmp_path / "p.npz", **(values | {"light": np.zeros((4, 3))}))
    assert code(a / "parameters.npz", (tmp_path / "p.npz").read_bytes()) == "results_invalid"


def test_a_manifest_names_no_folder_outside(results: Path) -> None:
    write_manifest(results, ("a.png", ["../../etc"]))
    faces, _ = list_faces(results)
    assert faces[0].folder == results / "etc"


def test_what_the_writers_write_is_read(
    tmp_path: Path,
    result: Reconstruction,  # noqa: F811
    photo: np.ndarray,  # noqa: F811
) -> None:
    write_reconstruction(result, tmp_path, ("obj",), "both")
    head = read_head(tmp_path)
    np.testing.assert_array_equal(head.mesh.vertices, result.vertices)
    np.testing.assert_array_equal(head.mesh.texture, result.texture)
    np.testing.assert_array_equal(head.mesh.uv_faces, result.head.uv_faces)
    np.testing.assert_allclose(head.mesh.uv, result.head.uv, atol=1e-6)
    albedo = read_head(tmp_path, "albedo")
    np.testing.assert_array_equal(albedo.mesh.texture, result.albedo_texture)
    np.testing.assert_allclose(albedo.light, result.light, rtol=1e-6)
    drawn = rerender(head, photo)
    inside = drawn.rgb[drawn.mask]
    assert (inside[:, 2] == 90).mean() > 0.99  # blue is the same all over the texture
