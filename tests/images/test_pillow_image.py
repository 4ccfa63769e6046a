"""Pillow images mean what a file with the same pixels means."""

import io

import numpy as np
import pytest
from PIL import Image

from headform import images
from headform.errors import FaceError, InputError
from tests.images.photo_files import encoded, gradient, jpeg
from tests.images.test_read import linear_rgb_profile

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "La", "CMYK", "YCbCr", "HSV", "I", "I;16", "F")


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode):
    source = Image.fromarray(gradient())
    if mode in ("I", "I;16"):
        gray = np.asarray(source.convert("L")).astype(np.int32) * 257
        picture = Image.fromarray(gray if mode == "I" else gray.astype(np.uint16))
        expected = source.convert("L").convert("RGB")
    elif mode == "F":
        picture, expected = source.convert("F"), source.convert("L").convert("RGB")
    elif mode == "La":
        picture, expected = source.convert("LA").convert("La"), source.convert("L").convert("RGB")
    elif mode == "PA":
        picture, expected = source.convert("P").convert("PA"), source.convert("P").convert("RGB")
    elif mode == "RGBa":
        picture, expected = source.convert("RGBA").convert("RGBa"), source
    else:
        picture = source.convert(mode)
        expected = picture.convert("RGB")
    before = picture.tobytes()
    for photo in (images.from_pillow(picture), images.from_array(picture)):
        assert np.abs(photo.rgb.astype(int) - np.asarray(expected)).max() <= 1
    assert (photo.name, picture.mode, picture.tobytes()) == ("image", mode, before)


def test_palette_is_not_taken_for_gray():
    picture = Image.new("P", (32, 32), 1)
    picture.putpalette([0, 0, 0, 200, 50, 20])
    assert (images.from_array(picture).rgb == (200, 50, 20)).all()


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_orientation_profile_and_name_are_those_of_the_file(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "me.jpg"
    path.write_bytes(jpeg(exif=exif.tobytes(), icc_profile=linear_rgb_profile()))
    with Image.open(path) as picture:
        photo = images.from_pillow(picture)
    expected = images.read(path)
    np.testing.assert_array_equal(photo.rgb, expected.rgb)
    assert (photo.notes, photo.name) == (expected.notes, "me")


def test_alpha_is_that_of_files():
    rgba = np.dstack([gradient(), np.full((32, 48), 255, np.uint8)])
    rgba[:, :24, 3] = 0
    photo = images.from_pillow(Image.fromarray(rgba))
    assert (photo.rgb[:, :24] == 255).all()
    assert "transparent pixels shown on white" in photo.notes


def test_images_that_cannot_be_decoded_are_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise))
    with pytest.raises(InputError) as caught:
        images.from_pillow(Image.open(io.BytesIO(data[: len(data) // 2])))
    assert caught.value.code == "image_truncated"
    (tmp_path / "a.png").write_bytes(data)
    with Image.open(tmp_path / "a.png") as closed:
        pass
    with pytest.raises(InputError, match=r"call picture.load\(\)") as caught:
        images.from_pillow(closed)
    assert caught.value.code == "image_array"


def test_sizes_are_those_of_files():
    with pytest.raises(FaceError):
        images.from_pillow(Image.new("RGB", (8, 8)))
    with pytest.raises(InputError, match="longest over shortest"):
        images.from_pillow(Image.new("L", (20, 400)))
    with pytest.raises(InputError, match="megapixels"):
        images.from_pillow(Image.new("1", (8000, 8000)))
