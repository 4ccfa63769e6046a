"""Good photos come in upright, in sRGB, in 8 bits, without their metadata."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from headform import images
from tests.images.photo_files import encoded, gradient, jpeg, sixteen_bit_png, write


def test_png_comes_back_exactly(tmp_path):
    photo = images.read(write(tmp_path, "some face.png", encoded(Image.fromarray(gradient()))))
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert (photo.size, photo.name, photo.notes, photo.reduction) == ((48, 32), "some face", (), 1)
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.flags.c_contiguous


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(tmp_path, kind):
    data = encoded(Image.fromarray(gradient()), kind, quality=100)
    photo = images.read(write(tmp_path, "a", data))
    assert np.abs(photo.rgb.astype(int) - gradient()).mean() < 6


def test_content_counts_not_the_name(tmp_path):
    photo = images.read(write(tmp_path, "really_a_png.jpg", encoded(Image.fromarray(gradient()))))
    np.testing.assert_array_equal(photo.rgb, gradient())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_does(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(exif=exif.tobytes())
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    photo = images.read(write(tmp_path, "turned.jpg", data))
    np.testing.assert_array_equal(photo.rgb, expected)
    assert photo.size == ((48, 32) if orientation < 5 else (32, 48))
    assert any("turned upright" in note for note in photo.notes) == (orientation > 1)


@pytest.mark.parametrize("damage", [b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\xff"])
def test_damaged_exif_does_not_cost_the_photo(tmp_path, damage):
    photo = images.read(write(tmp_path, "a.jpg", jpeg(exif=damage)))
    assert photo.size == (48, 32)


def test_sixteen_bit_gray_is_scaled_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 40 * 40).round().astype(np.uint16).reshape(40, 40)
    photo = images.read(write(tmp_path, "deep.png", sixteen_bit_png(values)))
    expected = np.rint(values / 257.0).astype(np.uint8)
    np.testing.assert_array_equal(photo.rgb, np.repeat(expected[..., None], 3, axis=2))
    assert "16 bits scaled to 8" in photo.notes


def test_sixteen_bit_color_is_scaled(tmp_path):
    values = gradient().astype(np.uint16) * 257
    photo = images.read(write(tmp_path, "deep.png", sixteen_bit_png(values)))
    np.testing.assert_array_equal(photo.rgb, gradient())


def test_cmyk_without_profile_is_plain_arithmetic(tmp_path):
    inks = np.zeros((32, 32, 4), np.uint8)
    inks[:16, :, 0] = 255  # cyan above, black below
    inks[16:, :, 3] = 255
    data = encoded(Image.fromarray(inks, "CMYK"), "JPEG", quality=100)
    photo = images.read(write(tmp_path, "print.jpg", data))
    assert np.abs(photo.rgb[:14].astype(int) - (0, 255, 255)).max() <= 3
    assert photo.rgb[18:].max() <= 3
    assert any("CMYK" in note for note in photo.notes)


def test_embedded_profile_is_converted_to_srgb(tmp_path):
    """A gray of linear light (gamma 1) must come out brighter, by the sRGB curve."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(linear_rgb_profile()))
    data = encoded(Image.new("RGB", (32, 32), (55, 55, 55)), icc_profile=profile.tobytes())
    photo = images.read(write(tmp_path, "linear.png", data))
    expected = 255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055)
    assert np.abs(photo.rgb.astype(float) - expected).max() < 2
    assert any("to sRGB" in note for note in photo.notes)


def test_a_profile_is_judged_by_what_it_does_not_by_its_name(tmp_path):
    """Gamma 1 that calls itself sRGB is converted; sRGB by any other name leaves the pixels as they are."""
    picture = Image.new("RGB", (32, 32), (55, 55, 55))
    lying = linear_rgb_profile(b"sRGB IEC61966-2.1\0")
    photo = images.read(write(tmp_path, "a.png", encoded(picture, icc_profile=lying)))
    assert np.abs(photo.rgb.astype(float) - 255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055)).max() < 2
    assert any("to sRGB" in note for note in photo.notes)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other = srgb.replace("sRGB built-in".encode("utf-16-be"), "Some display!".encode("utf-16-be"))
    for profile in (srgb, other):
        photo = images.read(write(tmp_path, "b.png", encoded(Image.fromarray(gradient()), icc_profile=profile)))
        np.testing.assert_array_equal(photo.rgb, gradient())
        assert photo.notes == ()


def test_damaged_profile_is_ignored_with_a_note(tmp_path):
    data = encoded(Image.fromarray(gradient()), icc_profile=b"not a profile" * 20)
    photo = images.read(write(tmp_path, "a.png", data))
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert any("profile ignored" in note for note in photo.notes)


def test_transparent_pixels_show_white(tmp_path):
    rgba = np.dstack([gradient(), np.full((32, 48), 255, np.uint8)])
    rgba[:, :24, 3] = 0
    photo = images.read(write(tmp_path, "cut_out.png", encoded(Image.fromarray(rgba))))
    assert (photo.rgb[:, :24] == 255).all()
    np.testing.assert_array_equal(photo.rgb[:, 24:], gradient()[:, 24:])
    assert "transparent pixels shown on white" in photo.notes


@pytest.mark.parametrize("alpha", [0, 1])
def test_a_picture_without_any_visible_pixel_shows_its_colors(tmp_path, alpha):
    rgba = np.dstack([gradient(), np.full((32, 48), alpha, np.uint8)])
    for photo in (
        images.read(write(tmp_path, "a.png", encoded(Image.fromarray(rgba)))),
        images.read(write(tmp_path, "a.tif", encoded(Image.fromarray(rgba), "TIFF"))),
        images.from_array(rgba),
        images.from_array(rgba / np.float32(255)),
        images.from_pillow(Image.fromarray(rgba)),
    ):
        np.testing.assert_array_equal(photo.rgb, gradient())
        assert "transparent everywhere: the colors are used as if opaque" in photo.notes


def test_gray_and_palette_without_any_visible_pixel(tmp_path):
    gray = np.dstack([gradient()[..., 0], np.zeros((32, 48), np.uint8)])
    photo = images.read(write(tmp_path, "a.png", encoded(Image.fromarray(gray, "LA"))))
    np.testing.assert_array_equal(photo.rgb[..., 0], gradient()[..., 0])
    colors = Image.fromarray(gradient()).quantize(16)
    photo = images.read(write(tmp_path, "b.png", encoded(colors, transparency=bytes(16))))
    np.testing.assert_array_equal(photo.rgb, np.asarray(colors.convert("RGB")))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_every_mode_becomes_color(tmp_path, mode):
    picture = Image.fromarray(gradient()).convert(mode)
    photo = images.read(write(tmp_path, "a.png", encoded(picture)))
    np.testing.assert_array_equal(photo.rgb, np.asarray(picture.convert("RGB")))


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    photo = images.read(write(tmp_path, "a.webp", data))
    assert np.abs(photo.rgb.astype(int) - (255, 0, 0)).max() <= 2
    assert "animated: only the first frame is used" in photo.notes


def test_giant_jpeg_is_decoded_at_a_fraction(tmp_path):
    data = encoded(Image.new("L", (8_000, 7_000), 90), "JPEG")
    photo = images.read(write(tmp_path, "phone.jpg", data))
    assert (photo.size, photo.reduction) == ((4_000, 3_500), 2)
    assert np.abs(photo.rgb[::500, ::500].astype(int) - 90).max() <= 1
    assert any(note.startswith("decoded at 1/2") for note in photo.notes)


def on_canvas(color: int, mode: str = "RGB", **options: object) -> bytes:
    """Noise above, a flat canvas below."""
    pixels = np.random.default_rng(0).integers(0, 256, (160, 96, 3), np.uint8)
    pixels[80:] = color
    return encoded(Image.fromarray(pixels).convert(mode), "JPEG", quality=80, **options)


def is_noted(data: bytes) -> bool:
    return any("data end before the picture does" in note for note in images.from_bytes(data).notes)


@pytest.mark.parametrize("color", [0, 60, 128, 255])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"subsampling": 0}),
        ("L", {}),
        ("CMYK", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"restart_marker_rows": 1}),
    ],
)
def test_a_flat_canvas_is_no_damage(color, mode, options):
    assert not is_noted(on_canvas(color, mode, **options))


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_jpeg_whose_data_end_early_is_noted(share):
    """Cut off and closed by an end mark, as tools for recovery do; or with a stray end mark in the middle."""
    data = jpeg(np.random.default_rng(0).integers(0, 256, (160, 96, 3), np.uint8))
    cut = int(len(data) * share)
    cut -= data[cut - 1] == 0xFF
    assert is_noted(data[:cut] + b"\xff\xd9")
    assert is_noted(data[:cut] + b"\xff\xd9" + data[cut + 2 :])
    assert not is_noted(data)


def linear_rgb_profile(text: bytes = b"linear\0") -> bytes:
    """An ICC v2 matrix profile with sRGB primaries (D50) and gamma 1; ICC.1:2001-04, 6.3 and 9."""

    def s15(*values: float) -> bytes:
        return b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)

    columns = {
        b"rXYZ": (0.4360, 0.2225, 0.0139),
        b"gXYZ": (0.3851, 0.7169, 0.0971),
        b"bXYZ": (0.1431, 0.0606, 0.7141),
        b"wtpt": (0.9642, 1.0, 0.8249),
    }
    tags = {name: b"XYZ \0\0\0\0" + s15(*xyz) for name, xyz in columns.items()}
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv\0\0\0\0" + (0).to_bytes(4, "big")  # no entries: identity
    tags[b"desc"] = b"desc\0\0\0\0" + len(text).to_bytes(4, "big") + text + bytes(12 + 67)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    at = 128 + 4 + 12 * len(tags)
    table, body = len(tags).to_bytes(4, "big"), b""
    for name, raw in tags.items():
        table += name + (at + len(body)).to_bytes(4, "big") + len(raw).to_bytes(4, "big")
        body += raw + bytes(-len(raw) % 4)
    head = bytearray(128)
    head[0:4] = (128 + len(table) + len(body)).to_bytes(4, "big")
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = b"mntrRGB XYZ "
    head[24:36] = b"\x07\xd0\0\x01\0\x01\0\0\0\0\0\0"
    head[36:40] = b"acsp"
    head[68:80] = s15(0.9642, 1.0, 0.8249)
    return bytes(head) + table + body
