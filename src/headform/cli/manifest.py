"""`manifest.jsonl`: one line per input, failures included, written as soon as the input is processed."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal

from headform.errors import HeadformError, ResourceError
from headform.io.atomic import write_bytes


@dataclass(frozen=True)
class FaceEntry:
    """Folder, status and confidence of one face of a photo."""

    folder: str
    status: str
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ErrorEntry:
    """Error of a failed input; `exit_code` as if it had been the only input."""

    code: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: HeadformError) -> "ErrorEntry":
        """Create from the error that ended this input."""
        return cls(error.code, str(error), error.exit_code)


@dataclass(frozen=True)
class Entry:
    """Line of the manifest: an input and its faces or its error.

    Attributes:
        input: path as named.
        status: "ok" when a head was written for it, else "failed".
        faces: entries from the largest to the smallest face.
        notes: changes made on reading (turned upright, scaled, ...).
        error: None when `status` is "ok".
        seconds: time from reading to the last file written.
    """

    input: str
    status: Literal["ok", "failed"]
    faces: tuple[FaceEntry, ...] = ()
    notes: tuple[str, ...] = ()
    error: ErrorEntry | None = None
    seconds: float = 0.0

    def line(self) -> str:
        """Return one line of ASCII JSON without a line break."""
        return json.dumps(asdict(self), allow_nan=False)


class Manifest:
    """Writer of the entries, used as a context.

    The file of an earlier run is replaced by an empty one at once. Each line is handed to the
    system whole as it comes, so that a run that is killed leaves the lines of what was done; the
    file is forced to the disk at the end.

    Raises:
        ResourceError: `write_failed`.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "manifest.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise _failed(cause, folder) from cause
        write_bytes(self._path, b"")
        try:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as cause:
            raise _failed(cause, self._path) from cause

    def __enter__(self) -> "Manifest":
        return self

    def add(self, entry: Entry) -> None:
        """Append one line."""
        line = entry.line().encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._handle, line) :]
        except OSError as cause:
            raise _failed(cause, self._path) from cause

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.fsync(self._handle)
        except OSError as cause:
            if error is None:
                raise _failed(cause, self._path) from cause
        finally:
            os.close(self._handle)


def _failed(cause: OSError, path: Path) -> ResourceError:
    reason = (cause.strerror or str(cause)).lower()
    advice = "choose a writable folder with free space"
    return ResourceError("write_failed", f"cannot write here: {reason}", str(path), advice)
