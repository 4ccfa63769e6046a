"""Each bad input ends in its own code, exit code and a message that names what, where and how."""

import os
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from headform import images
from headform.errors import FaceError, HeadformError, InputError
from headform.images.photo import MAX_ASPECT
from tests.images.photo_files import bomb_png, encoded, gradient, jpeg, write


def refusal(path) -> HeadformError:
    with pytest.raises(HeadformError) as caught:
        images.read(path)
    return caught.value


def test_missing(tmp_path):
    error = refusal(tmp_path / "nobody.jpg")
    assert (error.code, error.exit_code) == ("image_missing", 3)
    assert str(error) == f"there is no such file ({tmp_path / 'nobody.jpg'})"


def test_folder(tmp_path):
    error = refusal(tmp_path)
    assert (error.code, error.exit_code) == ("image_unreadable", 3)
    assert "the path is a folder, not a file" in str(error)


def test_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    error = refusal(tmp_path / "pipe.jpg")
    assert (error.code, error.exit_code) == ("image_unreadable", 3)
    assert "a pipe" in str(error)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs Linux's /proc")
def test_file_whose_bytes_cannot_be_read():
    error = refusal("/proc/self/mem")  # a regular file; reading its first byte is an I/O error
    assert (error.code, error.exit_code) == ("image_unreadable", 3)
    assert "input/output error" in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission(tmp_path):
    path = write(tmp_path, "secret.jpg", jpeg())
    path.chmod(0)
    error = refusal(path)
    assert (error.code, error.exit_code) == ("image_unreadable", 3)
    assert "permission denied" in str(error)


def test_zero_byte_in_the_name():
    assert refusal("a\0b.jpg").code == "image_unreadable"


def test_control_characters_of_a_name_are_not_printed(tmp_path):
    error = refusal(tmp_path / "bell\x07\x1b[31m.jpg")
    assert "\x1b" not in str(error)
    assert "\\x1b[31m.jpg" in str(error)


def test_empty(tmp_path):
    error = refusal(write(tmp_path, "a.jpg", b""))
    assert (error.code, error.exit_code) == ("image_empty", 3)
    assert str(error).endswith("; copy it again")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"this is just a letter\n", "text"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (b"<?xml version='1.0'?><svg/>", "an SVG"),
        (b"<?xml version='1.0'?><dataset/>", "XML text"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "PostScript"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "a Windows metafile"),
        (b"8BPS\0\1" + bytes(40), "a Photoshop file"),
        (b"\0\0\1\0" + bytes(40), "an icon"),
        (b"\xff\x0a" + bytes(40), "a JPEG XL"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "a camera's raw file"),
        (b"FUJIFILMCCD-RAW " + bytes(40), "a camera's raw file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isommp42", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (bytes(64), "unknown data"),
    ],
)
def test_other_kinds_of_file_are_named(tmp_path, data, kind):
    error = refusal(write(tmp_path, "a.jpg", data))
    assert (error.code, error.exit_code) == ("image_format", 3)
    assert f"the file is {kind}, not a photo: JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF" in str(error)
    assert "save it as JPEG, PNG or WebP" in str(error)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated(tmp_path, kind, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    error = refusal(write(tmp_path, "a.jpg", data[: int(len(data) * share)]))
    assert (error.code, error.exit_code) == ("image_truncated", 3)
    assert str(error).endswith("; copy it again")


def test_truncated_within_the_header(tmp_path):
    assert refusal(write(tmp_path, "a.jpg", jpeg()[:12])).code == "image_truncated"
    assert refusal(write(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n\0\0")).code == "image_truncated"


def test_corrupt_png(tmp_path):
    data = bytearray(encoded(Image.fromarray(gradient())))
    data[data.index(b"IDAT") + 20] ^= 0xFF
    error = refusal(write(tmp_path, "a.png", bytes(data)))
    assert (error.code, error.exit_code) == ("image_corrupt", 3)


def test_jpeg_that_states_no_size(tmp_path):
    assert refusal(write(tmp_path, "a.jpg", b"\xff\xd8\xff\xda" + bytes(40))).code == ("image_corrupt")


def test_png_of_no_width(tmp_path):
    data = bytearray(encoded(Image.fromarray(gradient())))
    data[16:20] = struct.pack(">I", 0)
    assert refusal(write(tmp_path, "a.png", bytes(data))).code == "image_corrupt"


def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    error = refusal(write(tmp_path, "a.png", bomb_png()))
    assert (error.code, error.exit_code) == ("image_too_large", 3)
    assert "20000x20000 is 400 megapixels, the limit is 50" in str(error)
    assert str(error).endswith("; scale it down")


def test_file_of_too_many_bytes_is_not_read(tmp_path):
    path = write(tmp_path, "a.jpg", jpeg())
    os.truncate(path, 300 * 2**20)  # sparse: takes no room
    error = refusal(path)
    assert (error.code, error.exit_code) == ("image_too_large", 3)
    assert "300 MiB, the limit is 256" in str(error)


def test_jpeg_of_thousands_of_passes(tmp_path):
    data = jpeg(progressive=True)
    error = refusal(write(tmp_path, "a.jpg", data[:-2] + b"\xff\xda" * 300 + data[-2:]))
    assert (error.code, error.exit_code) == ("image_too_large", 3)
    assert "passes" in str(error)


def test_strip(tmp_path):
    strip = Image.new("RGB", (int(MAX_ASPECT * 20) + 1, 20))
    error = refusal(write(tmp_path, "a.png", encoded(strip)))
    assert (error.code, error.exit_code) == ("image_aspect", 3)
    assert "crop it around the face" in str(error)


@pytest.mark.parametrize("side", [1, 8, 11])
def test_too_small_for_a_face(tmp_path, side):
    error = refusal(write(tmp_path, "a.png", encoded(Image.new("RGB", (side, side)))))
    assert isinstance(error, FaceError)
    assert (error.code, error.exit_code) == ("face_too_small", 4)
    assert f"{side}x{side} pixels" in str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 7)), min_size=1, max_size=12),
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000"]),
)
def test_flipped_bits_give_a_photo_or_a_typed_refusal(tmp_path, flips, kind):
    data = bytearray(encoded(Image.fromarray(gradient()), kind))
    for at, bit in flips:
        data[at % len(data)] ^= 1 << bit
    try:
        photo = images.read(write(tmp_path, "a", bytes(data)))
    except (InputError, FaceError):
        return  # anything else is an escape, and fails
    assert photo.rgb.shape[2] == 3
