r"""Text of others made safe to show: names of files and strings of foreign JSON cannot move a terminal's cursor.

Control characters (escape codes and line breaks among them), characters that turn the direction of writing or are
invisible, and bytes of names that are not text become escapes as JSON has them: `\u001b`, `\n`, `\u202e`, `\udce9`. What is
JSON stays JSON by that.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

# C0, C1; soft hyphen; Arabic letter mark; zero-width space; marks of direction; line and paragraph separators;
# embeddings and overrides; invisible operators and isolates; surrogates; byte order mark; annotations; tags. Joiners
# (200c, 200d) are part of words and of emoji.
_UNSAFE = (
    "\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_IN_A_LINE = re.compile(f"[{_UNSAFE}]")
_IN_A_TEXT = re.compile(f"(?![\n\t])[{_UNSAFE}]")


def printable(text: str) -> str:
    """Escape what is no visible character, line breaks too; the result is one line of valid Unicode."""
    return _IN_A_LINE.sub(_escape, text)


def printable_text(text: str) -> str:
    """Escape as `printable` does, but keep line breaks and tabs."""
    return _IN_A_TEXT.sub(_escape, text)


def to_utf8(name: str) -> str:
    """Return a name of a file as it is in UTF-8, in any locale of this process; other text unchanged."""
    try:
        return os.fsencode(name).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name


def from_utf8(name: str) -> str:
    """Return the name by which this process opens a file whose name is given as in UTF-8; the inverse of `to_utf8`."""
    try:
        return os.fsdecode(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return name


@contextlib.contextmanager
def printable_streams() -> Iterator[None]:
    """Escape what is printed to standard output and standard error in the context, except line breaks and tabs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Printable(before[0]), _Printable(before[1])  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def bare(stream: Any) -> Any:
    """Return the stream behind one that escapes, for a progress bar, whose codes are our own."""
    return stream.stream if isinstance(stream, _Printable) else stream


class _Printable:
    """Text stream that escapes; all else is the stream's own."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the escaped text; return the number of characters that were given."""
        self.stream.write(printable_text(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each escaped."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def _escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
