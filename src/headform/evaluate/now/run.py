"""Evaluation of all images of the benchmark, in parallel, each only once.

Workers are processes: reading meshes is Python's work, which threads could not share. Each gets a few images of one
subject at a time and measures them one by one on one core, so numbers do not depend on how many workers there are.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from headform.errors import InputError, ResourceError, UsageError
from headform.evaluate.now._store import file_sha256, fingerprint
from headform.evaluate.now._subject import assess_subjects
from headform.evaluate.now._table import NowTable
from headform.evaluate.now._units import assess_units, units_by_size
from headform.evaluate.now.image import Job, Options, evaluate_image
from headform.evaluate.now.layout import (
    Image,
    Pair,
    find_prediction,
    find_scan,
    has_scans,
    read_images,
)
from headform.evaluate.now.record import Record
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.procrustes import procrustes
from headform.evaluate.scan.sanity_checks import likely_unit
from headform.geometry.units import MeshUnit

_TOGETHER = 8  # images of one subject that a worker takes at once


def evaluate_dataset(
    dataset: Path,
    predictions: Path,
    options: Options,
    *,
    workers: int = 1,
    out: Path | None = None,
    done: Callable[[Record], None] = lambda record: None,
) -> NowTable:
    """Measure every prediction of a folder.

    Args:
        dataset: Data set as distributed, see `layout`.
        predictions: The submission's folder.
        options: Protocol, unit (inferred from the landmarks where it is needed and None), metrical or not.
        workers: Processes; 1 works in this one.
        out: Keep results here and take over those of earlier runs that still hold.
        done: Called with each record as it is ready, in any order.

    Raises:
        InputError: `dataset_missing`, `dataset_invalid`, `scan_missing`, `scan_unit`, `crop_empty`,
            `predictions_missing`, or a scan that cannot be read. What is wrong with predictions goes into the table.
        ResourceError: `write_failed`, `worker_died`.
        UsageError: `unit_needed`: the unit cannot be inferred from any prediction.
    """
    images = read_images(dataset)
    if not has_scans(dataset):
        what, fix = "the data set holds no scans", "the test set's are secret; now-check needs none"
        raise InputError("dataset_missing", what, str(dataset / "scans"), fix)
    if not predictions.is_dir():
        raise InputError("predictions_missing", "there is no such folder", str(predictions))
    scans = {subject: find_scan(dataset, subject) for subject in {i.subject for i in images}}
    if options.metrical and options.unit is None:
        options = replace(options, unit=submission_unit(images, scans, predictions))
    digests = {
        subject: fingerprint((file_sha256(pair.mesh), file_sha256(pair.landmarks))) for subject, pair in scans.items()
    }
    jobs = [Job(image, scans[image.subject], digests[image.subject], predictions, options, out) for image in images]
    records = {}
    for record in _records(jobs, workers):
        records[record.image] = record
        done(record)
    assessed = assess_subjects([records[image] for image in images])
    scales = {record.image: record.numbers.scale for record in assessed if record.numbers is not None}
    return NowTable(tuple(assess_units(assessed, units_by_size(scales))), options)


def submission_unit(images: list[Image], scans: Mapping[str, Pair], predictions: Path) -> MeshUnit:
    """Infer the unit in which the first usable prediction's seven landmarks are as large as its scan's.

    The others are compared with it one by one (`sanity_checks.assess_unit`).

    Raises:
        UsageError: `unit_needed`.
        InputError: a scan's landmarks cannot be read.
    """
    for image in images:
        target = read_landmarks7(scans[image.subject].landmarks)
        try:
            pair = find_prediction(predictions, image)
            if pair is None:
                continue
            unit = likely_unit(procrustes(target, read_landmarks7(pair.landmarks)).scale)
        except (InputError, ValueError):  # the image's own record will say what is wrong
            continue
        if unit is not None:
            return unit
    what = "the unit cannot be inferred: no prediction's landmarks have the size of a head in m, cm or mm"
    raise UsageError("unit_needed", what, "", "add --unit m, cm or mm")


def _records(jobs: list[Job], workers: int) -> Iterator[Record]:
    if workers == 1:
        yield from map(evaluate_image, jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        futures = [pool.submit(_several, group) for group in _groups(jobs)]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BrokenProcessPool as error:
            what, fix = "a worker process ended", "use fewer --workers, or more memory"
            raise ResourceError("worker_died", what, "", fix) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _several(jobs: list[Job]) -> list[Record]:
    return [evaluate_image(job) for job in jobs]


def _groups(jobs: list[Job]) -> list[list[Job]]:
    by_subject: dict[str, list[Job]] = {}
    for job in jobs:
        by_subject.setdefault(job.image.subject, []).append(job)
    return [group[i : i + _TOGETHER] for group in by_subject.values() for i in range(0, len(group), _TOGETHER)]
