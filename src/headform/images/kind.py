"""Kinds of files by their first bytes: the pictures that are read, and names for all others.

Magic numbers: each format's specification; ISO/IEC 14496-12 4.3 for the brands of AVIF and HEIC.
"""

import re
from typing import Literal, get_args

Format = Literal["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIC", "PPM", "JPEG2000"]
"""Formats that are read; HEIC needs the extra ``heif``."""

READ = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG 2000 or PPM"
"""The formats as sentences list them."""

NAMES: dict[Format, str] = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "GIF": "GIF",
    "AVIF": "AVIF",
    "HEIC": "HEIC",
    "PPM": "PPM",
    "JPEG2000": "JPEG 2000",
}
"""Each format's usual name."""

ENDINGS: dict[Format, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "AVIF": (".avif", ".avifs"),
    "HEIC": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".j2c", ".jpf", ".jpc"),
}
"""Endings of file names of each format, in lower case."""

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
)
_PPM = re.compile(rb"P[1-6][\s#]")
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"})

_RAW = re.compile(rb"FUJIFILMCCD-RAW|IIRO|IIRS|IIU\x00|MMOR|\x00MRM")
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS", "a Photoshop file"),
    (b"gimp xcf", "a GIMP file"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"v/1\x01", "an OpenEXR"),
    (b"#?RADIANCE", "a Radiance HDR"),
    (b"#?RGBE", "a Radiance HDR"),
    (b"DDS ", "a DDS texture"),
    (b"P7\n", "a PAM"),
    (b"PF\n", "a PFM"),
    (b"Pf\n", "a PFM"),
    (b"SIMPLE", "a FITS file"),
    (b"\xd0\xcf\x11\xe0", "an OLE container"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"PK\x03\x04", "a zip archive"),
)
_PICTURES = frozenset(
    "a PDF,PostScript,a Photoshop file,a GIMP file,an icon,a Windows metafile,an OpenEXR,a Radiance HDR,a DDS texture,"
    "a PAM,a PFM,a FITS file,a JPEG XL,a video,a camera's raw file,an SVG".split(",")
)


def format_of(data: bytes) -> Format | None:
    """Return the format of the picture that begins with these bytes; None for everything that is not read."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return None if kind == "TIFF" and _is_raw_tiff(data) else kind
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and len(data) >= 18 and int.from_bytes(data[14:18], "little") in range(12, 257):
        return "BMP"
    if _PPM.match(data):
        return "PPM"
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None


def describe(data: bytes) -> str:
    """Describe the kind of file that begins with these bytes, for the error message."""
    kind = format_of(data)
    if kind is not None:
        return f"{'an' if kind == 'AVIF' else 'a'} {NAMES[kind]}"
    if _RAW.match(data) or _is_raw_tiff(data) or b"crx " in _brands(data):
        return "a camera's raw file"
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return "a video"
    if data.startswith(b"RIFF") and data[8:12] == b"AVI ":
        return "a video"
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head):
        return "an SVG"
    if head.startswith(b"<?xml"):
        return "XML text"
    if head.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if head and all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "text"
    return "unknown data"


def is_unread_picture(data: bytes) -> bool:
    """Return whether the file is a picture or video of a kind that is not read."""
    return describe(data) in _PICTURES


def _brands(data: bytes) -> frozenset[bytes]:
    """Brands of an ISO media file; empty for other files."""
    if data[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return frozenset({data[8:12], *(data[k : k + 4] for k in range(16, end - 3, 4))})


def _is_raw_tiff(data: bytes) -> bool:
    """Return whether a TIFF is a Canon raw file; makers whose files look like any TIFF are known by their endings."""
    return data[8:10] == b"CR" and data[:4] in (b"II*\x00", b"MM\x00*")


assert set(ENDINGS) == set(NAMES) == set(get_args(Format))  # noqa: S101 (a table that lacks a format)
