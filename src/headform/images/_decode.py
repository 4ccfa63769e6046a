"""Decoding of a file's bytes by the decoder of its own format, within the limits of `photo.check_size`.

The plugins are called by name: `Image.open` would try others, PostScript among them, and owns a global size limit.
"""

import importlib
import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from headform.errors import HeadformError, InputError, ResourceError
from headform.images._deep_color import is_deep_color, scaled_color
from headform.images._header import Header, is_cut_short, read_header
from headform.images._tiff import check_tiff, mended_gray
from headform.images.kind import NAMES, Format
from headform.images.photo import MAX_PIXELS, check_size

MAX_JPEG_PIXELS = 256_000_000
"""Larger than any phone's sensor; decoded at a fraction, so memory stays bounded."""
MAX_PROGRESSIVE_PIXELS = 120_000_000
"""A progressive JPEG keeps all its coefficients in memory whatever the fraction."""
MAX_JPEG_SCANS = 200
"""A small file can request thousands of passes over a large picture."""
MAX_PLAIN_BYTES = 16 * 2**20
"""Limit of a PPM written as text, whose decoder is slow."""

_Decoder = Callable[[io.BytesIO], ImageFile.ImageFile]
_DECODERS: dict[Format, _Decoder] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}
_HEIF_EXTRA = "pip install 'headform[heif]', or save it as JPEG"
_NOT_READ = ("unknown", "unsupported", "not supported", "unrecognized", "unhandled", "not implemented")
"""Words of Pillow's errors for sound files of a variant that it does not read."""


@dataclass(frozen=True)
class Decoded:
    """A decoded picture, not yet upright or converted.

    Attributes:
        picture: Loaded picture in the file's own mode.
        format: Format of the file.
        reduction: Pixels of the file per pixel of the picture, along each axis.
        notes: Clauses about what was left out.
    """

    picture: Image.Image
    format: Format
    reduction: int
    notes: tuple[str, ...]


def decode(data: bytes, where: str) -> Decoded:
    """Decode a picture from the bytes of its file.

    Raises:
        InputError: `image_format`, `image_truncated`, `image_corrupt`, `image_too_large`, `image_aspect`.
        FaceError: `face_too_small` for pictures that cannot hold a face.
        ResourceError: `out_of_memory`.
    """
    header = read_header(data, where)
    jpeg = header.format == "JPEG"
    if jpeg:
        scans = data.count(b"\xff\xda")
        if scans > MAX_JPEG_SCANS:
            raise InputError(
                "image_too_large", f"the JPEG has {scans} passes, the limit is {MAX_JPEG_SCANS}", where, "save it again"
            )
    if header.format == "PPM" and data[1:2] in b"123" and len(data) > MAX_PLAIN_BYTES:
        what = f"the file is a PPM written as text, of more than {MAX_PLAIN_BYTES >> 20} MiB"
        raise InputError("image_too_large", what, where, "save it as PNG")
    if header.size is not None:
        largest = MAX_PIXELS
        if jpeg:
            largest = MAX_PROGRESSIVE_PIXELS if header.progressive else MAX_JPEG_PIXELS
        check_size(*header.size, where, max_pixels=largest)
    opener = _opener(header.format, where)
    try:
        picture = opener(io.BytesIO(data))
        reduction, notes = _prepare(picture, header, where)
        deep = is_deep_color(picture)
        picture.load()
        check_size(*picture.size, where)  # some decoders learn the size as they decode
        loaded: Image.Image = picture
        if deep:
            loaded = scaled_color(picture, lambda: opener(io.BytesIO(data)), notes)
        elif isinstance(picture, TiffImagePlugin.TiffImageFile):
            loaded = mended_gray(picture, notes)
    except HeadformError:
        raise
    except MemoryError as cause:
        raise ResourceError("out_of_memory", "not enough memory to decode", where) from cause
    except Exception as cause:  # plugins raise errors of any kind for broken files
        raise _refusal(cause, header, data, where) from cause
    return Decoded(loaded, header.format, reduction, tuple(notes))


def _opener(kind: Format, where: str) -> _Decoder:
    if kind == "HEIC":
        try:
            plugin = importlib.import_module("pillow_heif")
        except ImportError as cause:
            raise InputError("image_format", "reading HEIC needs the extra heif", where, _HEIF_EXTRA) from cause
        opener: _Decoder = plugin.HeifImageFile
        return opener
    if kind == "AVIF" and not AvifImagePlugin.SUPPORTED:
        what = "this build of Pillow cannot read AVIF"
        raise InputError("image_format", what, where, "install Pillow from its wheels, or save the photo as JPEG")
    return _DECODERS[kind]


def _prepare(picture: ImageFile.ImageFile, header: Header, where: str) -> tuple[int, list[str]]:
    """Check an opened picture before its pixels are decoded; return the reduction and notes."""
    notes: list[str] = []
    reduction = 1
    jpeg = header.format == "JPEG"
    check_size(*picture.size, where, max_pixels=MAX_JPEG_PIXELS if jpeg else MAX_PIXELS)
    if header.size is not None and picture.size != header.size:
        raise InputError("image_corrupt", "the file states two different sizes", where)
    if jpeg:
        width, height = picture.size
        while width * height > MAX_PIXELS * reduction**2:
            reduction *= 2
        if reduction > 1:
            picture.draft(picture.mode, (width // reduction, height // reduction))
            check_size(*picture.size, where)
            notes.append(f"decoded at 1/{reduction} of {width}x{height} pixels")
    elif isinstance(picture, TiffImagePlugin.TiffImageFile):
        notes += check_tiff(picture, where)
    elif getattr(picture, "is_animated", False):
        several = header.format == "HEIC"
        notes.append(
            "several pictures: only the main one is used" if several else "animated: only the first frame is used"
        )
    return reduction, notes


def _refusal(cause: Exception, header: Header, data: bytes, where: str) -> InputError:
    reason = " ".join(f"cannot be decoded: {cause or type(cause).__name__}".split()).rstrip(".")[:200]
    if any(word in reason.lower() for word in _NOT_READ):
        what = f"this variant of {NAMES[header.format]} is not read: {reason.removeprefix('cannot be decoded: ')}"
        return InputError("image_format", what, where, "save it as JPEG, PNG or WebP")
    if "truncated" in reason.lower() or is_cut_short(header, data):
        return InputError("image_truncated", reason, where, "copy it again")
    return InputError("image_corrupt", reason, where, "save it again")
