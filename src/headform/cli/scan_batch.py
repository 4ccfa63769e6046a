"""Scans named on the command line, registered one after another or in several processes."""

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from headform.cli.scan_job import ScanJob, ScanOptions, ScanOutcome, register_one
from headform.errors import InputError, ResourceError, UsageError

MANIFEST = "registrations.json"
_SCANS = (".obj", ".ply")
LANDMARKS = (".pp", ".lnd", ".npy", ".txt", ".csv", ".json")
"""Endings of the files of landmarks that belong to a scan of the same stem, in the order in which they are looked for."""


def list_jobs(
    named: Sequence[Path],
    out: Path,
    options: ScanOptions,
    *,
    landmarks: Path | None = None,
    texture: Path | None = None,
) -> list[ScanJob]:
    """List the scans: files as named, and all OBJ and PLY files below folders, each under its path without the ending.

    Args:
        named: Files and folders.
        out: Output folder; meshes within it are results, not scans.
        options: Options of the run.
        landmarks: File of the only scan, or a folder with a file for each scan, named like its results; files beside the
            scans if None.
        texture: Picture of the only scan.

    Raises:
        InputError: ``scan_missing``; ``scan_twice``: two scans of one name.
        UsageError: ``several_scans``: one landmark file or texture for several scans.
    """
    found: dict[str, Path] = {}
    for path in named:
        scans = _below(path, out) if path.is_dir() else [(path.stem, path)]
        for name, file in scans:
            if found.setdefault(name, file) != file:
                fix = "rename one, or register them into different folders"
                raise InputError("scan_twice", f"two scans have the name {name}", f"{found[name]}, {file}", fix)
    one_file = (landmarks is not None and not landmarks.is_dir()) or texture is not None
    if len(found) > 1 and one_file:
        what = f"--texture and a file of landmarks belong to one scan, these are {len(found)}"
        raise UsageError("several_scans", what, "", "name one scan, or a folder of landmarks")
    jobs = []
    for name, file in found.items():
        if landmarks is None:
            points = _of_stem(file.with_suffix(""))
        else:
            points = _of_stem(landmarks / name) if landmarks.is_dir() else landmarks
        jobs.append(ScanJob(file, name, out / name, points, texture, options))
    return jobs


def _below(folder: Path, out: Path) -> list[tuple[str, Path]]:
    inside = out.resolve()
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SCANS and path.is_file() and not path.resolve().is_relative_to(inside)
    ]
    if not files:
        raise InputError("scan_missing", "the folder holds no OBJ or PLY file", str(folder))
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in files]


def _of_stem(stem: Path) -> Path | None:
    beside = (stem.with_name(stem.name + ending) for ending in LANDMARKS)
    return next((file for file in beside if file.is_file()), None)


def run_jobs(jobs: Sequence[ScanJob], workers: int, done: Callable[[ScanOutcome], None]) -> list[ScanOutcome]:
    """Register all scans; the results do not depend on the number of processes.

    Args:
        jobs: Scans.
        workers: Processes; 1 works in this one.
        done: Called with each outcome, in any order.

    Returns:
        Outcomes in the order of `jobs`.

    Raises:
        WeightsError, ResourceError: as `register_one`; ``worker_died``.
    """
    outcomes = {}
    for outcome in _outcomes(jobs, workers):
        outcomes[outcome.name] = outcome
        done(outcome)
    return [outcomes[job.name] for job in jobs]


def _outcomes(jobs: Sequence[ScanJob], workers: int) -> Iterator[ScanOutcome]:
    if workers == 1 or len(jobs) == 1:
        yield from map(register_one, jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=spawn, initializer=_one_thread) as pool:
        futures = [pool.submit(register_one, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            what, fix = "a worker process ended", "use fewer --workers, or more memory; a second run continues"
            raise ResourceError("worker_died", what, "", fix) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> None:
    """Let each process work on one core."""
    import torch

    torch.set_num_threads(1)


def manifest(outcomes: Sequence[ScanOutcome]) -> bytes:
    """Return the content of `registrations.json`: for each scan its folder and distances, or the reason why it failed."""
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        row: dict[str, Any] = {"name": outcome.name, "scan": outcome.scan, "status": "ok"}
        if outcome.error is not None:
            row["status"] = "failed"
            row["error"] = {"code": outcome.error.code, "message": str(outcome.error)}
        elif outcome.report is not None:
            keys = ("scan_to_mesh_mm", "mesh_to_scan_mm", "landmarks_mm", "cover", "fold_overs", "converged")
            row |= {key: outcome.report.get(key) for key in keys}
        rows.append(row)
    return (json.dumps(rows, indent=2) + "\n").encode()
