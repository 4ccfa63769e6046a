"""Undo a copy in text mode, which puts CR LF in place of every LF; Windows' Python 2 wrote pickles so, too.

Runs in the child process.
"""

import io
import re
from typing import BinaryIO

_CHUNK = 1 << 20
_NAMED = re.compile(rb"c[A-Za-z_][\w.]*\r\n\w+\r\n")
"""A global of a pickle whose two names end in CR: no module has such a name."""


def without_carriage_returns(file: BinaryIO) -> BinaryIO:
    """Return a pickle as it was before every LF of it became CR LF; any other pickle as it is.

    In text (protocols 0 and 1) it is enough that no LF stands alone: text inside of those pickles has no CR before LF. A
    binary pickle must name a global whose names end in CR, too.
    """
    start = file.read(2)
    if start[:1] not in b"\x80(}])c" or not start:
        file.seek(0)
        return file
    file.seek(0)
    lines = changed = 0
    tail, named = b"", start[:1] != b"\x80"
    while chunk := file.read(_CHUNK):
        lines += chunk.count(b"\n")
        changed += chunk.count(b"\r\n") + (tail[-1:] == b"\r" and chunk[:1] == b"\n")
        named = named or _NAMED.search(tail + chunk) is not None
        if changed < lines:
            break
        tail = chunk[-256:]
    file.seek(0)
    if not lines or changed < lines or not named:
        return file
    return io.BytesIO(file.read().replace(b"\r\n", b"\n"))
