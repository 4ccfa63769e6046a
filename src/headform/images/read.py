"""Reading of photo files: sniffed, bounded, upright, sRGB, without metadata.

H rows, W columns.
"""

import io
import os
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from headform.errors import HeadformError, InputError, ResourceError
from headform.images._color import to_srgb
from headform.images._header import Header, is_cut_short, read_header
from headform.images.photo import MAX_PIXELS, Photo, check_size

MAX_FILE_BYTES = 256 * 2**20
MAX_JPEG_PIXELS = 256_000_000
"""Larger than any phone's sensor; decoded at a fraction, so memory stays bounded."""
MAX_PROGRESSIVE_PIXELS = 120_000_000
"""A progressive JPEG keeps all its coefficients in memory whatever the fraction."""
MAX_JPEG_SCANS = 200
"""A small file can request thousands of passes over a large picture."""

# The plugins are called by name: `Image.open` would try others and owns a global size limit.
_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
_ORIENTATION = 0x0112
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read(path: str | os.PathLike[str]) -> Photo:
    """Read a JPEG, PNG or WebP file, regardless of its extension.

    The EXIF orientation is applied and all metadata dropped; embedded color profiles are converted
    to sRGB; 16 bits are scaled to 8; transparent pixels are shown on white; of an animation the
    first frame is used. JPEGs above 50 megapixels are decoded at 1/2, 1/4 or 1/8
    (`Photo.reduction`). Sizes are checked before a decoder allocates anything.

    Raises:
        InputError: `image_missing`, `image_unreadable` (folder, pipe, device, permissions, ...),
            `image_empty`, `image_format`, `image_truncated`, `image_corrupt`, `image_too_large`,
            `image_aspect`.
        FaceError: `face_too_small` for pictures that cannot hold a face.
        ResourceError: `out_of_memory`.
    """
    where = shown(path)
    data = read_bytes(path)
    header = read_header(data, where)
    jpeg = header.format == "JPEG"
    largest = MAX_PIXELS
    if jpeg:
        largest = MAX_PROGRESSIVE_PIXELS if header.progressive else MAX_JPEG_PIXELS
        scans = data.count(b"\xff\xda")
        if scans > MAX_JPEG_SCANS:
            raise InputError(
                "image_too_large", f"the JPEG has {scans} passes, the limit is {MAX_JPEG_SCANS}", where, "save it again"
            )
    check_size(header.width, header.height, where, max_pixels=largest)

    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture, reduction = _decode(header, data, where, notes)
        picture = _upright(picture, notes)
        rgb = np.ascontiguousarray(np.asarray(to_srgb(picture, notes.append)))
    notes += [f"decoder: {str(warning.message).strip()[:120]}" for warning in caught]
    if jpeg and _has_flat_tail(rgb):
        notes.append("the lower part is one flat color: the file may be damaged")
    return Photo(rgb, tuple(dict.fromkeys(notes)), Path(os.fspath(path)).stem, reduction)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a regular file of at most `MAX_FILE_BYTES`, never waiting on pipes or devices.

    Raises:
        InputError: `image_missing`, `image_unreadable`, `image_empty` or `image_too_large`.
    """
    where = shown(path)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = "a folder" if os.path.isdir(path) else "a pipe, device or socket"
            raise InputError("image_unreadable", f"the path is {kind}, not a file", where)
        # Non-blocking, and checked again: the path may refer to another file by now.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError("image_unreadable", "the path is not a regular file", where)
            data = b"" if status.st_size > MAX_FILE_BYTES else file.read(MAX_FILE_BYTES + 1)
    except HeadformError:
        raise
    except FileNotFoundError as cause:
        raise InputError("image_missing", "there is no such file", where) from cause
    except (OSError, ValueError) as cause:  # ValueError: a zero byte in the name
        reason = (getattr(cause, "strerror", None) or str(cause)).lower()
        raise InputError("image_unreadable", f"cannot be opened: {reason}", where) from cause
    if max(status.st_size, len(data)) > MAX_FILE_BYTES:
        limit = f"{status.st_size / 2**20:.0f} MiB, the limit is {MAX_FILE_BYTES / 2**20:.0f}"
        raise InputError("image_too_large", f"the file has {limit}", where, "scale it down")
    if not data:
        raise InputError("image_empty", "the file is empty", where, "copy it again")
    return data


def shown(path: str | os.PathLike[str]) -> str:
    """Return the path in printable form: control characters and broken encodings escaped."""
    text = os.fsdecode(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _decode(header: Header, data: bytes, where: str, notes: list[str]) -> tuple[Image.Image, int]:
    reduction = 1
    try:
        picture = _DECODERS[header.format](io.BytesIO(data))
        check_size(*picture.size, where, max_pixels=MAX_JPEG_PIXELS)
        if picture.size != (header.width, header.height):
            raise InputError("image_corrupt", "the file states two different sizes", where)
        while header.width * header.height > MAX_PIXELS * reduction**2:
            reduction *= 2
        if reduction > 1:
            picture.draft(picture.mode, (header.width // reduction, header.height // reduction))
            if picture.size[0] * picture.size[1] > MAX_PIXELS:
                check_size(*picture.size, where)
            notes.append(f"decoded at 1/{reduction} of {header.width}x{header.height} pixels")
        if getattr(picture, "is_animated", False):
            notes.append("animated: only the first frame is used")
        picture.load()
    except HeadformError:
        raise
    except MemoryError as cause:
        raise ResourceError("out_of_memory", "not enough memory to decode", where) from cause
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError) as cause:
        reason = f"cannot be decoded: {cause}".strip().rstrip(".")
        if "truncated" in reason or is_cut_short(header, data):
            raise InputError("image_truncated", reason, where, "copy it again") from cause
        raise InputError("image_corrupt", reason, where, "save it again") from cause
    return picture, reduction


def _upright(picture: Image.Image, notes: list[str]) -> Image.Image:
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception as damage:  # a broken tag block may raise anything; the pixels are fine
        notes.append(f"damaged EXIF ignored: {type(damage).__name__}")
        return picture
    turn = _TURN.get(value) if isinstance(value, int) else None
    if turn is None:
        return picture
    profile = picture.info.get("icc_profile")
    turned = picture.transpose(turn)
    turned.info = {**picture.info, "icc_profile": profile}
    notes.append(f"turned upright (EXIF orientation {value})")
    return turned


def _has_flat_tail(rgb: np.ndarray) -> bool:
    """Return whether the last sixteenth is one color, neither black nor white.

    libjpeg fills what it cannot decode with the last known color, and Pillow does not notice.
    """
    tail = rgb[-max(rgb.shape[0] // 16, 1) :]
    color = tail[-1, -1]
    return bool((tail == color).all() and 4 < color.mean() < 251)
