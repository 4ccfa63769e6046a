"""A model file with the files that stand beside it or are given with it."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import GET_AGAIN, check_finite
from headform.heads.provenance import Provenance, provenance_of
from headform.importers._sniff import size_of
from headform.io.file_bytes import read_bytes

Read = TypeVar("Read")
_TEXT_BYTES = 1 << 26
"""Largest text file that is read."""


class Companions:
    """A model file and what can be read beside it.

    A file that was given must fit; one that is merely found beside the model is left out, with a note, when it does not.

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
            if any(fnmatch(path.name.lower(), name.lower()) for name in names):
                del self._given[number]
                value = read(path)
                self.sources.append(path)
                return value
        for name in names:
            path = self.path.parent / name
            if "*" in name or size_of(path) < 0:
                continue
            try:
                value = read(path)
            except WeightsError as error:
                self.notes.append(f"{name} beside the model was left out: {error.message}")
                return None
            self.sources.append(path)
            return value
        if absent:
            self.notes.append(absent)
        return None

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
