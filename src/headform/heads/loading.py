"""Load head models: the open head that ships inside, and converted files."""

from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path

from headform.errors import WeightsError
from headform.heads import asset
from headform.heads.linear import LinearHead
from headform.io.file_content import TEXT, content_of

OPEN = "open"
"""Name of the open head wherever a head file is given."""
OPEN_HEAD = "open_head.safetensors"
_GIVE = f"give the name {OPEN}, or a head file that `headform heads convert` wrote"


def load(path: Path | str) -> LinearHead:
    """Load a head file, or the open head by its name.

    Args:
        path: A file that `headform heads convert` or `headform heads build-open` wrote; or ``open``.

    Raises:
        WeightsError: ``head_missing``, ``head_unreadable`` (a directory, no permission), ``head_damaged`` (truncated or
            inconsistent), ``head_foreign`` (a file of something else; the message says of what, and for a publisher's model
            that it must be converted).
    """
    if path == OPEN or (str(path) == OPEN and not Path(path).exists()):
        return load_open()
    try:
        return asset.read(path)
    except WeightsError as error:
        raise _explained(error, Path(path)) from error


def _explained(error: WeightsError, path: Path) -> WeightsError:
    """Return an error in the words of what the file is."""
    where = str(path)
    if error.code == "head_missing":
        return WeightsError(error.code, f"there is no head file {path.name!a:.80}", where, _GIVE)
    content = content_of(path)
    convert = f"`headform heads convert {path} -o head.safetensors`"
    if content is None and error.code == "head_damaged" and path.suffix != ".safetensors":
        hint = f"if it is a publisher's head model, convert it first: {convert}"
        return WeightsError(error.code, error.message, where, hint)
    if content is None or (error.code == "head_damaged" and content.sort == "own"):
        return error
    if error.code == "head_unreadable" and content.sort != "folder":
        return error
    if content.sort == "folder":
        hint = f"a publisher's model, also one in a folder, must be converted first: {convert}"
        return WeightsError("head_unreadable", f"the head file cannot be read: it is {content.what}", where, hint)
    if content.sort == "broken" or content.what == TEXT:
        return WeightsError("head_damaged", f"it is {content.what}", where, content.hint)
    if content.sort in ("container", "compressed"):
        hint = f"if it is a publisher's head model, convert it first: {convert}"
        return WeightsError("head_foreign", f"not a head file of headform, but {content.what}", where, hint)
    return WeightsError("head_foreign", f"not a head file of headform, but {content.what}", where, content.hint)


def load_open() -> LinearHead:
    """Load the open head: a module of its own over tensors that are read once per process.

    Raises:
        WeightsError: the file is missing from the installation or damaged; see `load`.
    """
    return replace(_open_head())


@cache
def _open_head() -> LinearHead:
    with resources.as_file(resources.files("headform.heads") / "assets" / OPEN_HEAD) as path:
        return asset.read(path)
