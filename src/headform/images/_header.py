"""Sniffing of a file's declared format and size from its first bytes, before any decoder sees it.

Layouts: ISO/IEC 10918-1 B.2 (JPEG), W3C PNG 11.2.1, RFC 9649 (WebP).
"""

from dataclasses import dataclass

from headform.errors import InputError
from headform.images.kind import READ, Format, describe, format_of

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # start of frame, less DHT, JPG, DAC
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length


@dataclass(frozen=True)
class Header:
    """Format and size that a file declares; the decoder has not confirmed them.

    Attributes:
        format: Format by the first bytes.
        size: Width and height in pixels; None where only the decoder of the format tells, before it allocates anything.
        progressive: The JPEG is progressive.
    """

    format: Format
    size: tuple[int, int] | None = None
    progressive: bool = False


def read_header(data: bytes, where: str) -> Header:
    """Sniff format and size from a file's bytes; its name is ignored.

    Raises:
        InputError: `image_format` for everything that is not read, `image_truncated` when the bytes end
            before the size is known, `image_corrupt` when they contradict themselves.
    """
    kind = format_of(data)
    if kind is None:
        what = f"the file is {describe(data)}, not a photo: {READ} are read"
        raise InputError("image_format", what, where, "save it as JPEG, PNG or WebP")
    if kind == "JPEG":
        return _jpeg(data, where)
    if kind == "PNG":
        if len(data) < 33:
            raise _cut(where)
        if data[12:16] != b"IHDR":
            raise InputError("image_corrupt", "the PNG has no header chunk", where)
        return Header("PNG", (_big(data[16:20]), _big(data[20:24])))
    return _webp(data, where) if kind == "WEBP" else Header(kind)


def is_cut_short(header: Header, data: bytes) -> bool:
    """Return whether the file ends before its format's end mark; called only after decoding failed."""
    if header.format == "JPEG":
        return b"\xff\xd9" not in data[-64:]
    if header.format == "PNG":
        return b"IEND" not in data[-64:]
    if header.format == "WEBP":
        return _little(data[4:8]) + 8 > len(data)
    if header.format == "BMP":
        return _little(data[2:6]) > len(data)
    if header.format == "GIF":
        return b";" not in data[-64:]
    if header.format in ("AVIF", "HEIC"):
        return _boxes_end(data) > len(data)
    return header.format == "JPEG2000" and b"\xff\xd9" not in data[-64:]


def _boxes_end(data: bytes) -> int:
    """End of the last top-level box of an ISO media file, as its boxes declare (ISO/IEC 14496-12 4.2)."""
    at = 0
    while at + 8 <= len(data):
        size = _big(data[at : at + 4])
        if size == 1:
            size = _big(data[at + 8 : at + 16])
        if size < 8:  # 0: up to the end of the file
            return len(data)
        at += size
    return at


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
            return Header("JPEG", (width, height), progressive=marker in (0xC2, 0xC6, 0xCA, 0xCE))
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
    return Header("WEBP", (width, height))


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _cut(where: str) -> InputError:
    return InputError("image_truncated", "the file ends within its header", where, "copy it again")
