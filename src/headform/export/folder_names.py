"""Names of result folders, which no two photos share."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

_FACE = re.compile(r"_\d+$")
_MOST_CHARACTERS = 100
_MOST_BYTES = 200
"""File systems take 255 bytes; a number for a photo of the same name, one for a face and a temporary name are added."""


def stem_of(path: Path) -> str:
    """Return the name that a photo's folder has where it is free; never a hidden one or one of the parent."""
    stem = path.stem.strip(". ")[:_MOST_CHARACTERS]
    while len(os.fsencode(stem)) > _MOST_BYTES:
        stem = stem[:-1]
    return stem.rstrip(". ") or "photo"


class TakenNames:
    """Names that are taken; letter case does not tell two apart, nor does the `_0` that a further face adds.

    Args:
        names: Names to begin with.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._keys: set[str] = set()
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        """Take a name; with `me_0` also the further faces of `me`, so that no `me` with two faces makes it."""
        key = name.casefold()
        self._keys.add(key)
        if _FACE.search(key):
            self._keys.add(_FACE.sub("_", key) + "\0")

    def take(self, stem: str) -> str:
        """Return and take the stem, or the stem with `-2`, `-3` and so on behind it: the first that is free."""
        name, number = stem, 1
        while not self._is_free(name.casefold()):
            number += 1
            name = f"{stem}-{number}"
        self.add(name)
        return name

    def _is_free(self, name: str) -> bool:
        """Return True if neither the name nor the names of its further faces are taken."""
        return not {name, _FACE.sub("", name), f"{name}_\0"} & self._keys


def face_names(name: str, count: int) -> list[str]:
    """Return the names of the folders of a photo's faces: its own name, or numbered ones where there are several."""
    return [name] if count == 1 else [f"{name}_{k}" for k in range(count)]


def name_of_faces(folders: Iterable[str]) -> str:
    """Return the name that gave `folders` by `face_names`; empty without any."""
    listed = list(folders)
    return "" if not listed else listed[0] if len(listed) == 1 else _FACE.sub("", listed[0])


def is_of(folder: str, name: str) -> bool:
    """Return True if a folder is one that `face_names` gives for a name and any number of faces."""
    return folder == name or (folder.startswith(f"{name}_") and folder[len(name) + 1 :].isdecimal())
