"""TIFF, BMP, GIF, AVIF, HEIC, JPEG 2000 and PPM come in like JPEG, PNG and WebP: bounded, upright, in sRGB."""

import io
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from headform import images
from headform.errors import InputError
from tests.images.photo_files import encoded, gradient, write


def read(picture: Image.Image, kind: str, **options: object) -> images.Photo:
    return images.from_bytes(encoded(picture, kind, **options))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"])
def test_tiff_comes_back_exactly(compression):
    photo = read(Image.fromarray(gradient()), "TIFF", compression=compression)
    np.testing.assert_array_equal(photo.rgb, gradient())
    assert photo.notes == ()


@pytest.mark.parametrize("kind", ["BMP", "PPM", "JPEG2000"])
def test_lossless_formats_come_back_exactly(kind):
    np.testing.assert_array_equal(read(Image.fromarray(gradient()), kind).rgb, gradient())


@pytest.mark.parametrize(("kind", "options"), [("AVIF", {"quality": 100}), ("TIFF", {"compression": "jpeg"})])
def test_lossy_formats_come_back_nearly(kind, options):
    photo = read(Image.fromarray(gradient()), kind, **options)
    assert np.abs(photo.rgb.astype(int) - gradient()).mean() < 6


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "RGBA", "YCbCr"])
def test_modes_of_tiff(mode):
    picture = Image.fromarray(gradient()).convert(mode)
    photo = read(picture, "TIFF")
    assert np.abs(photo.rgb.astype(int) - np.asarray(picture.convert("RGB"))).max() <= 2


def test_lab_tiff_is_converted():
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.profileToProfile(Image.new("RGB", (32, 32), (200, 120, 90)), srgb, lab, outputMode="LAB")
    assert picture is not None
    picture.info.pop("icc_profile", None)
    assert np.abs(read(picture, "TIFF").rgb.astype(int) - (200, 120, 90)).max() <= 3


def test_gif_shows_its_first_frame():
    frames = [Image.new("P", (32, 32), 0) for _ in range(2)]
    for frame, color in zip(frames, ((250, 10, 10), (10, 10, 250)), strict=True):
        frame.putpalette(color)
    photo = read(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (photo.rgb == (250, 10, 10)).all()
    assert "animated: only the first frame is used" in photo.notes


def test_tiff_shows_its_first_page():
    pages = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    photo = read(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert (photo.rgb == (255, 0, 0)).all()
    assert "several pages: only the first is used" in photo.notes


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    tags = exif.tobytes()  # Pillow's AVIF writer takes the orientation out
    photo = read(Image.fromarray(gradient()), kind, exif=exif)
    plain = read(Image.fromarray(gradient()), kind)
    turned = Image.fromarray(plain.rgb)
    turned.info["exif"] = tags
    np.testing.assert_array_equal(photo.rgb, images.from_pillow(turned).rgb)
    assert photo.size == ((48, 32) if orientation < 5 else (32, 48))
    assert any("turned upright" in note for note in photo.notes) == (orientation > 1)


@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_profiles_are_converted(kind):
    """A profile that swaps nothing but its curves: gamma 1 makes a gray of 55 brighter."""
    from tests.images.test_read import linear_rgb_profile

    photo = read(Image.new("RGB", (32, 32), (55, 55, 55)), kind, icc_profile=linear_rgb_profile())
    expected = 255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055)
    assert np.abs(photo.rgb.astype(float) - expected).max() < 3


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000"])
def test_files_that_declare_a_giant_picture_are_refused_before_decoding(kind, tmp_path):
    """Width and height in the header are overwritten by 20,000."""
    picture = Image.fromarray(gradient(48, 33)).convert("L" if kind == "GIF" else "RGB")
    data = bytearray(encoded(picture, kind))
    if kind == "PPM":
        data = bytearray(data.replace(b"48 33", b"20000 20000"))
    order = {"TIFF": "<I", "BMP": "<I", "GIF": "<H"}.get(kind, ">I")
    for side in (48, 33):
        raw, giant = struct.pack(order, side), struct.pack(order, 20_000)
        data = data.replace(raw, giant)
    with pytest.raises(InputError) as caught:
        images.read(write(tmp_path, "a", bytes(data)))
    assert caught.value.code in ("image_too_large", "image_corrupt")


@pytest.mark.parametrize(
    ("values", "shown", "note"),
    [
        (np.arange(1024, dtype=np.uint16), 1023, "10 bits in 16: scaled to 8"),
        (np.arange(4096, dtype=np.uint16), 4095, "12 bits in 16: scaled to 8"),
        (np.arange(0, 65536, 64, dtype=np.uint16), 65535, "16 bits scaled to 8"),
        (np.arange(1024, dtype=np.float32) / 1023, 1, "floating-point pixels scaled from 0..1"),
        (np.arange(1024, dtype=np.int32) * 1000, 1_023_000, "32 bits scaled to 8 by the greatest value"),
    ],
)
def test_deep_gray_is_scaled_by_its_depth(values, shown, note):
    square = values.reshape(32, -1)
    photo = read(Image.fromarray(square), "TIFF")
    expected = np.rint(square.astype(float) / shown * 255)
    assert np.abs(photo.rgb[..., 0] - expected).max() <= 1
    assert note in photo.notes


def deep_png(values: np.ndarray) -> bytes:
    """Return a PNG of 16 bits a channel, as cameras of 10 and 12 bits are saved; Pillow writes none."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_tiff(values: np.ndarray, order: str, packed: bool) -> bytes:
    """Return a TIFF of 16 bits a channel in one strip, its bytes in the order "<" or ">"."""
    height, width, channels = values.shape
    pixels = values.astype(order + "u2").tobytes()
    pixels = zlib.compress(pixels) if packed else pixels
    fields = {256: width, 257: height, 259: 8 if packed else 1, 262: 2, 277: channels, 278: height}
    bits = 8 + 2 + 12 * (len(fields) + 3) + 4
    pointers = {258: (3, channels, bits), 273: (4, 1, bits + 2 * channels), 279: (4, 1, len(pixels))}
    entries = {tag: struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in fields.items()}
    entries |= {tag: struct.pack(order + "HHII", tag, *rest) for tag, rest in pointers.items()}
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return start + directory + struct.pack(f"{order}{channels}H", *[16] * channels) + pixels


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_color_is_scaled_by_its_depth(depth):
    values = np.random.default_rng(0).integers(0, 1 << depth, (32, 40, 3))
    values[0, 0] = (1 << depth) - 1
    files = [deep_png(values), *(deep_tiff(values, order, packed) for order in "<>" for packed in (False, True))]
    for file in files:
        photo = images.from_bytes(file)
        np.testing.assert_allclose(photo.rgb, values * (255 / ((1 << depth) - 1)), atol=0.51)
        assert f"{depth} bits in 16: scaled to 8" in photo.notes


def test_deep_color_keeps_its_opacity():
    values = np.full((32, 32, 4), 2048)
    values[:, 16:, 3] = 4095
    for full in (4095, 65535):  # opacity in the depth of the colors, or in all 16 bits
        opaque = values.copy()
        opaque[..., 3] = values[..., 3] * (full / 4095)
        shown = images.from_bytes(deep_png(opaque)).rgb[0, [0, -1], 0]
        np.testing.assert_allclose(
            shown, [191, 128], atol=1
        )  # half of the greatest value, half and fully opaque on white


def test_deep_color_of_all_bits_keeps_the_upper_byte():
    values = np.random.default_rng(0).integers(0, 65536, (32, 40, 3))
    np.testing.assert_array_equal(images.from_bytes(deep_png(values)).rgb, values >> 8)


def test_deep_gray_whose_zero_is_white():
    values = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    data = bytearray(encoded(Image.fromarray(values), "TIFF"))
    entry = struct.pack("<HHIHH", 262, 3, 1, 1, 0)  # PhotometricInterpretation: BlackIsZero
    assert data.count(entry) == 1
    photo = images.from_bytes(bytes(data.replace(entry, struct.pack("<HHIHH", 262, 3, 1, 0, 0))))
    np.testing.assert_allclose(photo.rgb[..., 0], 255 - values / 257, atol=0.51)


def test_raw_files_are_not_read_by_their_preview():
    picture = Image.fromarray(gradient())
    for tags in ({50706: b"\1\4\0\0"}, {254: 1, 330: 8}):
        with pytest.raises(InputError, match="raw file") as caught:
            read(picture, "TIFF", tiffinfo=tags)
        assert caught.value.code == "image_format"


def test_variants_that_pillow_does_not_read_are_named():
    data = encoded(Image.fromarray(gradient()), "TIFF")
    entry = struct.pack("<HHIHH", 262, 3, 1, 2, 0)
    with pytest.raises(InputError, match="this variant of TIFF is not read") as caught:
        images.from_bytes(data.replace(entry, struct.pack("<HHIHH", 262, 3, 1, 4, 0)))
    assert caught.value.code == "image_format"


def test_ppm_written_as_text():
    rows = " ".join(str(v) for v in gradient().reshape(-1))
    photo = images.from_bytes(f"P3\n# made by hand\n48 32 255\n{rows}\n".encode())
    np.testing.assert_array_equal(photo.rgb, gradient())
    with pytest.raises(InputError, match="written as text") as caught:
        images.from_bytes(b"P2\n4000 4000 255\n" + b"0 " * (9 * 2**20))
    assert caught.value.code == "image_too_large"


def test_heic_without_the_extra_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # import fails, as where it is not installed
    with pytest.raises(InputError) as caught:
        images.from_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert caught.value.code == "image_format"
    assert "pip install 'headform[heif]'" in str(caught.value)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic(orientation):
    plugin = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    exif = Image.Exif()
    exif[0x0112] = orientation
    store = io.BytesIO()
    plugin.from_pillow(Image.fromarray(gradient(64, 48))).save(store, quality=100, exif=exif.tobytes())
    photo = images.from_bytes(store.getvalue())
    upright = Image.fromarray(gradient(64, 48))
    upright.info["exif"] = exif.tobytes()
    expected = images.from_pillow(upright).rgb
    assert np.abs(photo.rgb.astype(int) - expected).mean() < 6


def test_heic_cut_short():
    plugin = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    store = io.BytesIO()
    plugin.from_pillow(Image.fromarray(gradient(64, 48))).save(store)
    for share in (0.3, 0.9):
        with pytest.raises(InputError) as caught:
            images.from_bytes(store.getvalue()[: int(len(store.getvalue()) * share)])
        assert caught.value.code in ("image_truncated", "image_corrupt")
