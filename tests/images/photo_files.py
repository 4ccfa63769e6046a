"""Photo files made by the tests: one gradient in every format, depth and state of damage."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def gradient(width: int = 48, height: int = 32) -> np.ndarray:
    """A picture without symmetry: red grows to the right, green downwards, blue is a blob."""
    x = np.linspace(0, 255, width)[None, :]
    y = np.linspace(0, 255, height)[:, None]
    blob = 255.0 * ((x > 180) & (y < 80))
    planes = [np.broadcast_to(p, (height, width)) for p in (x, y, blob)]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(pixels: np.ndarray | None = None, **options: object) -> bytes:
    array = gradient() if pixels is None else pixels
    return encoded(Image.fromarray(array), "JPEG", quality=95, subsampling=0, **options)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *, depth: int, color: int, rows: bytes) -> bytes:
    """A PNG written by hand (W3C PNG 11.2), for depths that Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def sixteen_bit_png(values: np.ndarray) -> bytes:
    """(H, W) or (H, W, 3) uint16 as a 16-bit PNG."""
    height, width = values.shape[:2]
    big = values.astype(">u2").reshape(height, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    return png(width, height, depth=16, color=0 if values.ndim == 2 else 2, rows=rows)


def bomb_png(side: int = 20_000) -> bytes:
    """A file of a few hundred kB that declares, and holds, side x side pixels."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
