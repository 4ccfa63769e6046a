"""Reconstruct photos one after another: each ends in result folders or in an error with a code."""

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from headform import errors, images
from headform.cli.inputs import Input
from headform.cli.interrupt import is_interrupt
from headform.cli.message import error_line
from headform.cli.shortage import explain_shortage
from headform.export.manifest import Entry, ErrorEntry
from headform.export.result_writer import ResultFolder, Verdict
from headform.io.printable import printable_text
from headform.io.progress import BatchProgress

Head = TypeVar("Head", bound=Verdict)


@dataclass(frozen=True)
class Work(Generic[Head]):
    """Steps of each photo.

    Attributes:
        reconstruct: maps a photo to its heads, largest face first; raises `FaceError` when there is none.
        write: writes one head to an existing folder.
        notes: notes on all photos, such as what the head model lacks.
    """

    reconstruct: Callable[[images.Photo], Sequence[Head]]
    write: Callable[[Head, Path], object]
    notes: tuple[str, ...] = ()


def run_batch(inputs: Sequence[Input], out: Path, load: Callable[[], Work[Head]], *, json: bool = False) -> int:
    """Reconstruct all inputs into `out`, with `out/manifest.jsonl`; see `headform.export.result_writer`.

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
        ResourceError: `write_failed` when the manifest itself cannot be written; `folder_in_use`.
        InputError: `results_invalid` when the folder holds another kind of manifest.
    """
    work: Work[Head] | None = None
    failures: list[int] = []
    with ResultFolder(out, [item.path for item in inputs]) as results, BatchProgress(len(inputs)) as progress:
        for item in inputs:
            progress.begin(item.path.name)
            started = time.perf_counter()
            notes: tuple[str, ...] = ()
            try:
                if item.error is not None:
                    raise item.error
                photo = images.read(item.path)
                notes = photo.notes
                if work is None:
                    work = load()
                    for note in work.notes:
                        print(f"note: {printable_text(note)}", file=sys.stderr)
                notes += work.notes
                faces = _one(work, photo, results)
                entry = results.put(item.path, faces, notes, time.perf_counter() - started)
            except errors.WeightsError:
                raise
            except Exception as caught:
                if is_interrupt(caught):
                    raise
                known = _explained(caught)
                entry = _failed(results, item, known, notes, time.perf_counter() - started)
                progress.end(error_line(known), failed=True, json=entry.line() if json else None)
                failures.append(known.exit_code)
                if known.code == "internal":
                    print(printable_text("".join(traceback.format_exception(caught))), end="", file=sys.stderr)
                if known.code == "write_failed":
                    return known.exit_code
            else:
                progress.end(_sentence(entry, out), json=entry.line() if json else None)
    return _exit_code(failures, len(inputs))


def _one(work: Work[Head], photo: images.Photo, results: ResultFolder) -> list[tuple[Verdict, Path]]:
    heads = work.reconstruct(photo)
    folders = results.stage(len(heads))
    for head, folder in zip(heads, folders, strict=True):
        work.write(head, folder)
    return list(zip(heads, folders, strict=True))


def _failed(
    results: ResultFolder, item: Input, error: errors.HeadformError, notes: tuple[str, ...], seconds: float
) -> Entry:
    """Write the line of a failure; on a full disk the photo's line stays as it is, which says that it was not reached."""
    try:
        return results.fail(item.path, error, notes, seconds)
    except errors.ResourceError:
        if error.code != "write_failed":
            raise
        return Entry(str(item.path), "failed", (), notes, ErrorEntry.of(error), round(seconds, 3))


def _explained(fault: BaseException) -> errors.HeadformError:
    """Translate an exception to a `HeadformError`; code `internal` for unforeseen ones."""
    if shortage := explain_shortage(fault):
        return shortage
    if isinstance(fault, errors.HeadformError):
        return fault
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
