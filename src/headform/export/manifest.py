"""`manifest.jsonl` of a result folder: one JSON object a line for each photo.

| field | content |
|---|---|
| `input` | path as it was named |
| `status` | "ok" when a head was written, "failed", or "not_reached" before the photo's turn and when it never came |
| `faces` | one object a face, from the largest: `folder`, `status`, `confidence`, `reasons` |
| `notes` | changes on the way in (turned upright, scaled, ...) and another name of the folder than the photo's |
| `error` | null, or `code`, `message` and `exit_code` |
| `seconds` | time from reading to the last file written |
| `path` | absolute path of the photo, which tells photos apart |
| `name` | name of the photo's folder, or what stands before `_0`, `_1` where it has several faces |
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from headform.errors import INTERRUPTED, HeadformError, InputError
from headform.export.folder_names import name_of_faces
from headform.io.file_bytes import read_regular, reason_of
from headform.io.json_file import is_file_name, parse_json
from headform.io.printable import from_utf8, to_utf8

MANIFEST = "manifest.jsonl"
MAX_BYTES = 256 << 20
"""Largest manifest that is read, bytes; it has a line of about 400 for each photo."""

Status = Literal["ok", "failed", "not_reached"]


@dataclass(frozen=True)
class FaceEntry:
    """One face in the manifest.

    Attributes:
        folder: Name of the folder with its files, beside the manifest.
        status: "ok" or "low_confidence".
        confidence: 0 to 1.
        reasons: Reasons for a low confidence.
    """

    folder: str
    status: str
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ErrorEntry:
    """Reason why an input failed; `exit_code` as if it had been the only input."""

    code: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: HeadformError) -> "ErrorEntry":
        """Make an entry of the error that ended this input."""
        return cls(error.code, str(error), error.exit_code)


NOT_REACHED = ErrorEntry("not_reached", "the run ended before this photo's turn", INTERRUPTED)


@dataclass(frozen=True)
class Entry:
    """One line of the manifest: an input and its faces or its error.

    Attributes:
        input: Path as it was named.
        status: "ok" when a head was written for it; "failed"; "not_reached".
        faces: Faces from the largest to the smallest.
        notes: Changes on the way in (turned upright, scaled, ...).
        error: None when `status` is "ok".
        seconds: Time from reading to the last file written.
        path: Absolute path of the input, without links among its folders.
        name: Name of its folder; empty where it has none.
    """

    input: str
    status: Status
    faces: tuple[FaceEntry, ...] = ()
    notes: tuple[str, ...] = ()
    error: ErrorEntry | None = None
    seconds: float = 0.0
    path: str = ""
    name: str = ""

    def line(self) -> str:
        """Format as one line of JSON, in ASCII, without its line break."""
        return json.dumps(_named(asdict(self), to_utf8), allow_nan=False)


def absolute(path: Path | str) -> str:
    """Resolve the folder of a photo, but not a link that is the photo: it is known by its own name."""
    folder, name = os.path.split(path)
    return os.path.realpath(path) if name in ("", ".", "..") else os.path.join(os.path.realpath(folder), name)


def read_manifest(folder: Path) -> list[Entry]:
    """Read the manifest of a result folder.

    Entries name folders beside the manifest only: of a path, the last part is taken.

    Raises:
        InputError: `results_missing` when it cannot be read; `results_invalid` when it cannot be parsed.
    """
    path = folder / MANIFEST
    try:
        lines = read_regular(path, MAX_BYTES).decode().split("\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the manifest of the results: {reason_of(error)}"
        raise InputError("results_missing", message, str(path), "name the folder given to its -o") from error
    return [parse(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def parse(line: str, where: str) -> Entry:
    """Parse one line of a manifest; without `path` and `name`, as older ones are, they follow from the other fields.

    Args:
        line: The line.
        where: Its place, for errors.

    Raises:
        InputError: `results_invalid`.
    """
    try:
        return _entry(_named(parse_json(line), from_utf8))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        message = f"not a manifest of headform reconstruct: {error!s:.200}"
        hint = "name a folder that headform reconstruct wrote, or move this file away"
        raise InputError("results_invalid", message, where, hint) from error


def _named(value: Any, convert: Callable[[str], str]) -> Any:
    """Convert the names of files in a line: in the manifest they are in UTF-8, in any locale."""
    faces = [{**face, "folder": convert(face["folder"])} for face in value["faces"]]
    names = {key: convert(value[key]) for key in ("input", "path", "name") if value.get(key)}
    return {**value, **names, "faces": faces}


def _entry(value: Any) -> Entry:
    faces = tuple(
        FaceEntry(
            folder=_folder(face["folder"]),
            status=str(face.get("status", "ok")),
            confidence=float(face.get("confidence", 1.0)),
            reasons=tuple(str(reason) for reason in face.get("reasons", ())),
        )
        for face in value["faces"]
    )
    found, error = value.get("error"), None
    if found is not None:
        error = ErrorEntry(str(found["code"]), str(found["message"]), int(found["exit_code"]))
    named = str(value["input"])
    name = value.get("name") or name_of_faces(face.folder for face in faces)
    reached: Status = "ok" if error is None else "failed"
    return Entry(
        input=named,
        status="not_reached" if error is not None and error.code == NOT_REACHED.code else reached,
        faces=faces,
        notes=tuple(str(note) for note in value.get("notes", ())),
        error=error,
        seconds=float(value.get("seconds", 0.0)),
        path=str(value.get("path") or absolute(named)),
        name=_folder(name) if name else "",
    )


def _folder(named: Any) -> str:
    if not is_file_name(named):
        raise ValueError(f"`folder` is no name of a folder: {named!a:.60}")
    return Path(named).name
