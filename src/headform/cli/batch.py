"""Reconstruct photos one after another: each ends in result folders or in an error with a code."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from headform import errors, images
from headform.cli.inputs import Input
from headform.cli.interrupt import is_interrupt
from headform.cli.message import error_line
from headform.export.result_folder import Entry, ErrorEntry, FaceEntry, Manifest
from headform.io.atomic import make_folder
from headform.io.progress import BatchProgress


class Found(Protocol):
    """Interface of a reconstruction as the batch reports it."""

    @property
    def status(self) -> str:
        """Verdict: ``ok`` or a doubt."""

    @property
    def confidence(self) -> float:
        """Confidence from 0 to 1."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons for the doubt."""


Head = TypeVar("Head", bound=Found)


@dataclass(frozen=True)
class Work(Generic[Head]):
    """Steps of each photo.

    Attributes:
        reconstruct: maps a photo to its heads, largest face first; raises `FaceError` when there is none.
        write: writes one head to an existing folder.
    """

    reconstruct: Callable[[images.Photo], Sequence[Head]]
    write: Callable[[Head, Path], object]


def run_batch(inputs: Sequence[Input], out: Path, load: Callable[[], Work[Head]], *, json: bool = False) -> int:
    """Reconstruct all inputs into `out`, with `out/manifest.jsonl`.

    Args:
        inputs: photos; results keep their order.
        out: output folder, created if needed.
        load: called once, before the first readable photo is processed.
        json: print the lines of the manifest to stdout instead of sentences.

    Returns:
        0 when all succeeded; the error's own exit code when the only input failed; 7 when one of
        several failed; 1 when the program itself was at fault, after printing the traceback; 6 as
        soon as a result cannot be written.

    Raises:
        WeightsError: From `load`.
        ResourceError: `write_failed` when the manifest itself cannot be written.
    """
    work: Work[Head] | None = None
    failures: list[int] = []
    with Manifest(out) as manifest, BatchProgress(len(inputs)) as progress:
        for item in inputs:
            progress.begin(item.path.name)
            started = time.perf_counter()
            notes: tuple[str, ...] = ()
            faces: tuple[FaceEntry, ...] = ()
            fault: BaseException | None = None
            try:
                if item.error is not None:
                    raise item.error
                photo = images.read(item.path)
                notes = photo.notes
                work = work or load()
                faces = _one(work, photo, out, item.name)
            except errors.WeightsError:
                raise
            except Exception as caught:
                if is_interrupt(caught):
                    raise
                fault = caught
            known = _explained(fault)
            entry = Entry(
                input=str(item.path),
                status="ok" if known is None else "failed",
                faces=faces,
                notes=notes,
                error=None if known is None else ErrorEntry.of(known),
                seconds=round(time.perf_counter() - started, 3),
            )
            manifest.add(entry)
            text = _sentence(entry, out) if known is None else error_line(known)
            progress.end(text, failed=known is not None, json=entry.line() if json else None)
            if known is not None:
                failures.append(known.exit_code)
                if known.code == "internal":
                    traceback.print_exception(fault)
                if known.code == "write_failed":
                    return known.exit_code
    return _exit_code(failures, len(inputs))


def _one(work: Work[Head], photo: images.Photo, out: Path, name: str) -> tuple[FaceEntry, ...]:
    heads = work.reconstruct(photo)
    entries = []
    for number, head in enumerate(heads):
        folder = out / (f"{name}_{number}" if len(heads) > 1 else name)
        make_folder(folder)
        work.write(head, folder)
        entries.append(FaceEntry(folder.name, head.status, round(head.confidence, 4), head.reasons))
    return tuple(entries)


def _explained(fault: BaseException | None) -> errors.HeadformError | None:
    """Translate an exception to a `HeadformError`; code `internal` for unforeseen ones."""
    if fault is None or isinstance(fault, errors.HeadformError):
        return fault
    if isinstance(fault, MemoryError):
        return errors.ResourceError("out_of_memory", "not enough memory", "", "use a smaller photo")
    what = f"the program failed: {type(fault).__name__}: {fault}"
    return errors.HeadformError("internal", what, "", "please report it with this traceback")


def _sentence(entry: Entry, out: Path) -> str:
    parts = []
    for face in entry.faces:
        doubt = f" ({'; '.join(face.reasons)})" if face.status != "ok" else ""
        parts.append(f"{out / face.folder}: {face.status}, confidence {face.confidence:.2f}{doubt}")
    return f"{'; '.join(parts)} [{entry.seconds:.2f} s]"


def _exit_code(failures: Sequence[int], total: int) -> int:
    if not failures:
        return errors.SUCCESS
    if 1 in failures:
        return 1
    return failures[0] if total == 1 else errors.PARTIAL
