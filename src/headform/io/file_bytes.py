"""A weights file's bytes, or a typed refusal before anything large is allocated."""

import stat
from pathlib import Path

from headform.errors import WeightsError

MAX_BYTES = 1 << 30
"""Largest file that is read."""


def read_bytes(path: Path | str, *, max_bytes: int = MAX_BYTES, fix: str = "") -> bytes:
    """Everything in a regular file.

    Args:
        path: The file.
        max_bytes: Refuse a larger one.
        fix: Advice for the message when it cannot be read.

    Raises:
        WeightsError: `weights_missing` when it is absent, may not be read or is no regular file
            (so that a FIFO or a device never blocks); `weights_damaged` when it is too large.
    """
    path = Path(path)
    size = check_regular(path, fix=fix)
    where = repr(str(path))
    if size > max_bytes:
        what = f"{size} bytes are more than the limit of {max_bytes}"
        raise WeightsError("weights_damaged", what, where)
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"cannot read the weights: {error.strerror or error}"
        raise WeightsError("weights_missing", what, where, fix) from error


def check_regular(path: Path, *, fix: str = "") -> int:
    """The size of a file, once it is sure that it is one.

    Raises:
        WeightsError: `weights_missing` when it is absent or no regular file.
    """
    where = repr(str(path))
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise WeightsError("weights_missing", "not a regular file", where, fix)
        return info.st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot read the weights: {reason}"
        raise WeightsError("weights_missing", what, where, fix) from error
