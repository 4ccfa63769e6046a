"""JSON of others, parsed within bounds: memory, depth, and the names of files in it.

Python's parser takes up to thirty times the size of a text, and its stack limits the depth.
"""

import json
import os
from pathlib import Path
from typing import Any

from headform.io.file_bytes import read_regular

MAX_MEMORY = 1 << 30
"""Largest memory for the values of one text, bytes; landmarks of 30,000 faces stay below it."""
_LONGEST_NAME = 4096
"""Longest file name with its folders, characters; systems allow no more."""
_LONGEST_PART = 255
# Bytes of memory for each of these characters, an upper bound of what CPython takes for the value that it begins or ends.
_COST = {b"{": 200, b"[": 80, b",": 40, b'"': 24, b":": 10}


def read_json(path: Path | str, max_bytes: int) -> Any:
    """Read a JSON file in UTF-8.

    Args:
        path: Path of a regular file.
        max_bytes: Largest accepted file, bytes.

    Raises:
        OSError: The file cannot be read, is no regular file, or is too large.
        ValueError: It is not JSON, nested too deep, or takes more than `MAX_MEMORY`.
    """
    return parse_json(read_regular(path, max_bytes))


def parse_json(text: bytes | str) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: It is not JSON, nested too deep, or its values take more than `MAX_MEMORY`.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    need = 2 * len(data) + sum(cost * data.count(sign) for sign, cost in _COST.items())
    if need > MAX_MEMORY:
        what = f"its values take up to {need >> 20} MiB of memory, the limit is {MAX_MEMORY >> 20}"
        raise ValueError(what)
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def is_file_name(value: Any) -> bool:
    """Return whether a JSON value can be the path of a file: text with a last part, of possible length and characters."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME or "\0" in value:
        return False
    try:
        parts = os.fsencode(value).split(b"/")
    except UnicodeEncodeError:  # half of a surrogate pair, which no file name has
        return False
    return Path(value).name not in ("", ".", "..") and all(len(part) <= _LONGEST_PART for part in parts)
