"""One image of the benchmark: its files read, its error measured."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import get_args

from headform.errors import InputError, check_choice
from headform.evaluate.now import _store as store
from headform.evaluate.now._subject import shorten
from headform.evaluate.now.layout import Image, Pair, find_prediction
from headform.evaluate.now.record import Numbers, Record, failed
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import read_surface
from headform.evaluate.scan.protocol import PROTOCOLS, ProtocolName
from headform.evaluate.scan.scan_error import CroppedScan, crop_scan, scan_error
from headform.geometry.units import MeshUnit


@dataclass(frozen=True)
class Options:
    """Options that decide the numbers of an image.

    Attributes:
        protocol: Name of the protocol.
        unit: Unit of the predictions; needed when metrical.
        metrical: Keep the predictions' size.
    """

    protocol: ProtocolName = "official"
    unit: MeshUnit | None = None
    metrical: bool = False

    def __post_init__(self) -> None:
        check_choice(self.protocol, get_args(ProtocolName), "protocol")
        if self.unit is not None:
            check_choice(self.unit, get_args(MeshUnit), "unit")


@dataclass(frozen=True)
class Job:
    """An image to evaluate.

    Attributes:
        image: Image to evaluate.
        scan: Its subject's scan.
        scan_sha256: Digests of the scan's two files.
        predictions: The folder.
        options: See `Options`.
        out: Folder of kept results, or None.
    """

    image: Image
    scan: Pair
    scan_sha256: str
    predictions: Path
    options: Options
    out: Path | None


def evaluate_image(job: Job) -> Record:
    """Measure, or take the result of an earlier run; a prediction that cannot be used ends in its record.

    Raises:
        InputError: The scan is at fault.
        ResourceError: `write_failed`.
    """
    try:
        pair = find_prediction(job.predictions, job.image)
        if pair is None:
            return Record(job.image, "missing")
        mark = _fingerprint(job, pair)
        if job.out is not None:
            kept = store.load(job.out, job.image, mark)
            if kept is not None:
                return kept
        prediction, landmarks = read_surface(pair.mesh), read_landmarks7(pair.landmarks)
    except InputError as error:
        return failed(job.image, error)
    scan = _scan(job.scan, job.scan_sha256, job.options.protocol)
    try:
        found = scan_error(
            scan,
            prediction,
            landmarks,
            protocol=PROTOCOLS[job.options.protocol],
            unit=job.options.unit,
            metrical=job.options.metrical,
        )
    except InputError as error:
        return failed(job.image, error)
    numbers = Numbers(
        found.median,
        found.mean,
        found.std,
        len(found.distances),
        found.scale,
        found.iterations,
        found.stop,
        found.border,
    )
    shape = shorten(prediction.vertices, prediction.faces, landmarks, found.scale)
    record = Record(job.image, "ok", numbers, found.distances, shape, found.findings)
    if job.out is not None:
        store.save(job.out, record, mark)
    return record


def _fingerprint(job: Job, pair: Pair) -> str:
    options = (job.options.protocol, str(job.options.unit), str(job.options.metrical))
    files = store.file_sha256(pair.mesh), store.file_sha256(pair.landmarks)
    return store.fingerprint((*options, job.scan_sha256, *files))


@lru_cache(maxsize=2)
def _scan(pair: Pair, sha256: str, protocol: ProtocolName) -> CroppedScan:
    """A subject's scan, read once for its images."""
    scan, landmarks = read_surface(pair.mesh, require_faces=False), read_landmarks7(pair.landmarks)
    return crop_scan(scan, landmarks, PROTOCOLS[protocol])
