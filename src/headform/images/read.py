"""Reading of photo files: sniffed, bounded, upright, sRGB, without metadata.

H rows, W columns.
"""

import os
import stat
import warnings
from pathlib import Path

from headform.errors import HeadformError, InputError
from headform.images._decode import decode
from headform.images._jpeg_tail import is_filled_below
from headform.images._upright import upright_srgb
from headform.images.photo import Photo

MAX_FILE_BYTES = 256 * 2**20


def read(path: str | os.PathLike[str]) -> Photo:
    """Read a photo file, regardless of its extension: JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000 or PPM.

    HEIC is read where the extra ``heif`` is installed. The EXIF orientation is applied and all metadata dropped; embedded
    color profiles are converted to sRGB; more than 8 bits are scaled to 8; transparent pixels are shown on white; of
    several frames or pages the first is used. JPEGs above 50 megapixels are decoded at 1/2, 1/4 or 1/8
    (`Photo.reduction`). Sizes are checked before a decoder allocates anything.

    Raises:
        InputError: `image_missing`, `image_unreadable` (folder, pipe, device, permissions, ...),
            `image_empty`, `image_format`, `image_truncated`, `image_corrupt`, `image_too_large`,
            `image_aspect`.
        FaceError: `face_too_small` for pictures that cannot hold a face.
        ResourceError: `out_of_memory`.
    """
    return from_bytes(read_bytes(path), name=Path(os.fspath(path)).stem, where=shown(path))


def from_bytes(data: bytes, *, name: str = "photo", where: str = "") -> Photo:
    """Read a photo from the bytes of a file, as `read` does.

    Args:
        data: Content of the file.
        name: Stem of the names of outputs.
        where: Place named by errors; by default the name.

    Raises:
        InputError: as `read`, from `image_empty` on.
        FaceError: `face_too_small`.
        ResourceError: `out_of_memory`.
    """
    where = where or name
    if not data:
        raise InputError("image_empty", "the file is empty", where, "copy it again")
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decoded = decode(data, where)
        notes += decoded.notes
        rgb = upright_srgb(decoded.picture, notes, where)
    notes += [f"decoder: {str(warning.message).strip()[:120]}" for warning in caught]
    if decoded.format == "JPEG" and decoded.reduction == 1 and is_filled_below(decoded.picture, data):
        notes.append("the file's data end before the picture does: the lower part is one flat color")
    return Photo(rgb, tuple(dict.fromkeys(notes)), name, decoded.reduction)


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
            data = b"" if status.st_size > MAX_FILE_BYTES else file.read(status.st_size + 1)  # one more: it may grow
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
