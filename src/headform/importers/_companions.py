"""A model file with the files that stand beside it or are given with it."""

import os
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import GET_AGAIN, check_finite
from headform.heads.provenance import Provenance, provenance_of
from headform.io.file_bytes import read_bytes
from headform.io.file_content import explained_companion

Read = TypeVar("Read")
_TEXT_BYTES = 1 << 26
"""Largest text file that is read."""
_MOST_FILES, _MOST_NAMED = 2000, 5
"""Files beside a model that are looked at, and that one note names."""


class Companions:
    """A model file and what can be read beside it.

    A file that was given must fit; one that is merely found beside the model is left out, with a note, when it does not. A
    file whose name only resembles the publisher's is named in a note and not read.

    Attributes:
        path: The model's own file or folder.
        where: The same, for error messages.
        sources: The model and the companions that were used.
        notes: Sentences for the provenance: what was missing, left out or unusual.
    """

    def __init__(self, path: Path, given: Iterable[Path] = ()) -> None:
        self.path, self.where = Path(path), repr(str(path))
        self._given = [Path(g) for g in given]
        self.sources, self.notes = [self.path], list[str]()

    def fetch(self, names: Sequence[str], read: Callable[[Path], Read], absent: str = "") -> Read | None:
        """Read the first file that is there.

        Args:
            names: Patterns such as ``ibug_to_*.txt``. Only those without a wildcard are looked for beside the model, where
                case matters.
            read: Reader of the file.
            absent: Note for the case that there is none.

        Raises:
            WeightsError: what `read` raises for a file that was given.
        """
        for number, path in enumerate(self._given):
            if _matches(path.name, names):
                del self._given[number]
                try:
                    value = read(path)
                except WeightsError as error:
                    raise explained_companion(error, path) from error
                self.sources.append(path)
                return value
        left_out = False
        for name in names:
            path = self.path.parent / name
            if "*" in name or not _is_there(path):
                continue
            try:
                value = read(path)
            except WeightsError as error:
                self.notes.append(f"{name} beside the model was left out: {explained_companion(error, path).message}")
                left_out = True
                continue
            self.sources.append(path)
            return value
        telling = [name for name in names if "*" in name and not name.startswith("*.")]
        if unread := [name for name in self._beside() if name not in names and _matches(name, telling)]:
            listed = ", ".join(unread[:_MOST_NAMED])
            self.notes.append(f"not read, since its name is not the publisher's: {listed}; give it with --with")
        if absent and not left_out:
            self.notes.append(absent)
        return None

    def _beside(self) -> list[str]:
        """Return the names of the files in the folder of the model, but for those that are used."""
        if not self.path.is_file():
            return []
        used = {path.name for path in self.sources}
        try:
            found = [path.name for path in islice(self.path.parent.iterdir(), _MOST_FILES) if path.name not in used]
        except OSError:
            return []
        return sorted(name for name in found if not name.startswith("."))

    def close(self) -> "Companions":
        """Make sure that every file that was given has been used.

        Raises:
            WeightsError: ``model_kind``.
        """
        if self._given:
            names = ", ".join(repr(str(path)) for path in self._given)
            hint = "leave the file out, or give it the name its publisher gave it"
            raise WeightsError("model_kind", f"this model does not use {names}", self.where, hint)
        return self

    def provenance(self, kind: str, license: str, version: str = "") -> Provenance:
        """Return the provenance of a head made of `sources`.

        Raises:
            WeightsError: ``weights_missing``.
        """
        return provenance_of(kind, self.sources, version=version, license=license, notes=self.notes)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name.lower(), pattern.lower()) for pattern in patterns)


def _is_there(path: Path) -> bool:
    """Return whether there is anything of this name, be it a folder or a link that leads nowhere."""
    return os.path.lexists(path)


def read_numbers(path: Path, *, whole: bool = False) -> Float[np.ndarray, " N"]:
    """Read the numbers of a text file, float64; commas separate like blanks, and # starts a comment.

    Args:
        path: Path of the file.
        whole: Accept only whole numbers.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_not_finite``.
    """
    try:
        lines = read_bytes(path, max_bytes=_TEXT_BYTES).decode().replace(",", " ").splitlines()
        words = [word for line in lines for word in line.partition("#")[0].split()]
        numbers = np.array([int(word) if whole else float(word) for word in words], np.float64)
    except (ValueError, OverflowError) as error:
        what = f"not a list of {'whole numbers' if whole else 'numbers'}"
        raise WeightsError("weights_damaged", what, repr(str(path)), GET_AGAIN) from error
    check_finite(repr(str(path)), numbers=numbers)
    return numbers
