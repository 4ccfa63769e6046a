"""Sniffing of a file's declared format and size from its first bytes, before any decoder sees it.

Layouts: ISO/IEC 10918-1 B.2 (JPEG), W3C PNG 11.2.1, RFC 9649 (WebP).
"""

from dataclasses import dataclass
from typing import Literal

from headform.errors import InputError

Format = Literal["JPEG", "PNG", "WEBP"]

_PNG = b"\x89PNG\r\n\x1a\n"
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, less DHT, JPG, DAC
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"II+\x00", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"SIMPLE", "a FITS file"),
    (b"\xd0\xcf\x11\xe0", "an OLE container"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000"),
    (b"PK\x03\x04", "a zip archive"),
)


@dataclass(frozen=True)
class Header:
    """Format and size that a file declares; the decoder has not confirmed them."""

    format: Format
    width: int
    height: int
    progressive: bool = False


def read_header(data: bytes, where: str) -> Header:
    """Sniff format and size from a file's bytes; its name is ignored.

    Raises:
        InputError: `image_format` for everything that is not JPEG, PNG or WebP, `image_truncated`
            when the bytes end before the size is known, `image_corrupt` when they contradict
            themselves.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data, where)
    if data.startswith(_PNG):
        if len(data) < 33:
            raise _cut(where)
        if data[12:16] != b"IHDR":
            raise InputError("image_corrupt", "the PNG has no header chunk", where)
        return Header("PNG", _big(data[16:20]), _big(data[20:24]))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data, where)
    kind = describe(data)
    advice = "save it as JPEG, PNG or WebP"
    raise InputError("image_format", f"the file is {kind}, not a JPEG, PNG or WebP photo", where, advice)


def describe(data: bytes) -> str:
    """Describe the kind of file that begins with these bytes, for the error message."""
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        if brand in (b"avif", b"avis"):
            return "an AVIF"
        if brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"):
            return "a HEIC"
        return "a video"
    for magic, kind in _OTHERS:
        if data.startswith(magic):
            return kind
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<svg", b"<?xml")):
        return "an SVG or XML text"
    if head.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if head and all(byte >= 32 or byte in b"\t\r\n\f" for byte in head):
        return "text"
    return "unknown data"


def is_cut_short(header: Header, data: bytes) -> bool:
    """Return whether the file ends before its format's end mark; called only after decoding failed."""
    if header.format == "JPEG":
        return b"\xff\xd9" not in data[-64:]
    if header.format == "PNG":
        return b"IEND" not in data[-64:]
    return int.from_bytes(data[4:8], "little") + 8 > len(data)


def _jpeg(data: bytes, where: str) -> Header:
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            raise InputError("image_corrupt", f"byte {at} of the JPEG is not a marker", where)
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _SOF:
            height, width = _big(data[at + 5 : at + 7]), _big(data[at + 7 : at + 9])
            return Header("JPEG", width, height, progressive=marker in (0xC2, 0xC6, 0xCA, 0xCE))
        elif marker in (0xD9, 0xDA):  # end, or pixels, before any size
            raise InputError("image_corrupt", "the JPEG does not declare its size", where)
        else:
            at += 2 + max(_big(data[at + 2 : at + 4]), 2)
    raise _cut(where)


def _webp(data: bytes, where: str) -> Header:
    if len(data) < 30:
        raise _cut(where)
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF
    elif kind == b"VP8L":
        bits = _little(data[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        width, height = _little(data[24:27]) + 1, _little(data[27:30]) + 1
    else:
        raise InputError("image_corrupt", "the WebP has no picture", where)
    return Header("WEBP", width, height)


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _cut(where: str) -> InputError:
    return InputError("image_truncated", "the file ends within its header", where, "copy it again")
