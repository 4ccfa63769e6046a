"""Files that stand beside a model file or are given with it."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from headform.errors import WeightsError
from headform.importers._sniff import size_of

Read = TypeVar("Read")


class Companions:
    """What can be read beside a model.

    A file that was given must fit; one that merely stands beside the model is left out, with a note, when it does not.

    Attributes:
        sources: The model and the companions that were used.
        notes: What was not found or left out, a sentence each.
    """

    def __init__(self, path: Path, given: Iterable[Path] = ()) -> None:
        self._path, self._given = path, [Path(g) for g in given]
        self.sources, self.notes = [path], list[str]()

    def fetch(self, names: Sequence[str], read: Callable[[Path], Read], absent: str = "") -> Read | None:
        """Read the first file that is there.

        Args:
            names: Patterns such as ``ibug_to_*.txt``; case matters beside the model alone. Those without a wildcard are
                looked for there.
            read: Reader of the file.
            absent: Note for the case that there is none.

        Raises:
            WeightsError: What `read` raises for a file that was given.
        """
        for number, path in enumerate(self._given):
            if any(fnmatch(path.name.lower(), name.lower()) for name in names):
                del self._given[number]
                value = read(path)
                self.sources.append(path)
                return value
        for name in names:
            path = self._path.parent / name
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

    def close(self) -> None:
        """Make sure that every file that was given has been used.

        Raises:
            WeightsError: ``model_kind``.
        """
        if self._given:
            names = ", ".join(repr(str(path)) for path in self._given)
            raise WeightsError(
                "model_kind",
                f"nothing in this model is read from {names}",
                repr(str(self._path)),
                "leave the file out, or give it the name its publisher gave it",
            )
