"""`--method NAME=DIR`: folders of several methods."""

from collections.abc import Sequence
from pathlib import Path

from headform.errors import UsageError
from headform.io.json_file import is_file_name


def parse_methods(words: Sequence[str]) -> dict[str, Path]:
    """Split NAME=DIR words; the names become names of folders.

    Raises:
        UsageError: `method_invalid`: no NAME=DIR, a name that no folder can have, or a name that comes twice.
    """
    methods: dict[str, Path] = {}
    for word in words:
        name, sign, folder = word.partition("=")
        what = ""
        if not (sign and name and folder):
            what = f"{word!a:.100} is not NAME=DIR"
        elif not is_file_name(name) or set(name) & set("/\\") or name in (".", ".."):
            what = f"{name!a:.100} can be no folder's name"
        elif name in methods:
            what = f"the method {name!a:.100} is given twice"
        if what:
            raise UsageError("method_invalid", what, "", "give each method as --method NAME=DIR")
        methods[name] = Path(folder)
    return methods
