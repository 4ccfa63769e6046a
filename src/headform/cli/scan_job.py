"""Registration of one scan: from its files to a folder of results, once for each set of inputs."""

import functools
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headform import errors
from headform.geometry.units import InputUnit

if TYPE_CHECKING:
    from headform.heads import LinearHead
    from headform.io.mesh.triangle_mesh import TriangleMesh
    from headform.registration.fit_source import FitSource
    from headform.registration.scan_landmarks import ScanLandmarker

COEFFICIENTS, REPORT = "coefficients.safetensors", "register.json"
PICTURE, ERRORS = "register.png", "errors.png"
REGISTERED, REGISTERED_HEAD = "registered", "registered_head"
_MESHES = ("obj", "ply")
_REPORT_BYTES = 1 << 22
FOUND_TRUST = 0.0
"""Weight of landmarks that were found on pictures of the scan; of given ones it is 1. See `RegistrationOptions`."""


@dataclass(frozen=True)
class ScanOptions:
    """Options that all scans of a run share.

    Attributes:
        head: Head file, or the name of a head.
        head_landmarks: Landmarks of a head that has none.
        region: ``head`` or ``face``; see `RegistrationOptions`.
        unit: Unit of the scans.
        scale: ``auto``, ``fixed`` or ``free``; see `HeadFitOptions`.
        neutral: Fit identity only.
        format: ``obj`` or ``ply``.
    """

    head: str = "open"
    head_landmarks: Path | None = None
    region: Literal["head", "face"] = "head"
    unit: InputUnit = "auto"
    scale: Literal["auto", "fixed", "free"] = "auto"
    neutral: bool = False
    format: Literal["obj", "ply"] = "obj"


@dataclass(frozen=True)
class ScanJob:
    """One scan.

    Attributes:
        scan: Mesh file.
        name: Folder of its results below the output folder.
        folder: That folder.
        landmarks: File of its landmarks; found if None.
        texture: Picture for its texture coordinates; found if None.
        options: Options of the run.
    """

    scan: Path
    name: str
    folder: Path
    landmarks: Path | None
    texture: Path | None
    options: ScanOptions


@dataclass(frozen=True)
class ScanOutcome:
    """Result or failure of a scan.

    Attributes:
        name: Name of the job.
        scan: Mesh file.
        line: One line for people.
        report: Content of `register.json`; None where it failed.
        error: Reason of the failure.
        resumed: True if the results of an earlier run still hold.
        seconds: Duration, with landmarks, pictures and files.
    """

    name: str
    scan: str
    line: str
    report: dict[str, Any] | None
    error: errors.HeadformError | None
    resumed: bool
    seconds: float


def register_one(job: ScanJob) -> ScanOutcome:
    """Register a scan and write its folder; errors that belong to the scan become its outcome.

    Raises:
        WeightsError: the head is at fault, for which no scan can be registered.
        ResourceError: ``write_failed``, ``folder_in_use``.
    """
    from headform.io.atomic import remove_old

    started = time.perf_counter()
    head = _head(job.options.head, job.options.head_landmarks)
    try:
        inputs = _inputs(job, head)
        old = finished(job, inputs)
        if old is not None:
            return ScanOutcome(job.name, str(job.scan), "as before", old, None, True, time.perf_counter() - started)
        report, line = _registered(job, head, inputs)
    except (errors.InputError, errors.FaceError) as error:
        remove_old(*(job.folder / name for name in _names()))
        return ScanOutcome(job.name, str(job.scan), str(error), None, error, False, time.perf_counter() - started)
    return ScanOutcome(job.name, str(job.scan), line, report, None, False, time.perf_counter() - started)


def finished(job: ScanJob, inputs: dict[str, Any]) -> dict[str, Any] | None:
    """Return the report of an earlier run with the same inputs whose files are all there; None if there is none."""
    from headform.io.json_file import read_json

    try:
        report = read_json(job.folder / REPORT, _REPORT_BYTES)
    except (OSError, ValueError, errors.HeadformError):
        return None
    if not isinstance(report, dict) or report.get("inputs") != inputs:
        return None
    ending = job.options.format
    files = [COEFFICIENTS, PICTURE, ERRORS, f"{REGISTERED}.{ending}", f"{REGISTERED_HEAD}.{ending}"]
    return report if all((job.folder / name).is_file() for name in files) else None


def _registered(job: ScanJob, head: "LinearHead", inputs: dict[str, Any]) -> tuple[dict[str, Any], str]:
    from headform.cli.heads_fit import head_mesh
    from headform.evaluate.registration_picture import registration_pictures
    from headform.heads.coefficients_file import save_coefficients
    from headform.io.atomic import make_folder, write_bytes
    from headform.io.folder_swap import publish, stage
    from headform.registration.head_fit import HeadFitOptions
    from headform.registration.registration_report import registration_report, registration_summary
    from headform.registration.scan_registration import RegistrationOptions, register_scan

    options = job.options
    source, notes = _source(job)
    result = register_scan(
        head,
        source,
        RegistrationOptions(
            region=options.region,
            fit=HeadFitOptions(scale=options.scale, expression=not options.neutral),
            landmark_trust=FOUND_TRUST if job.landmarks is None else 1.0,
        ),
    )
    report = {"inputs": inputs, "notes": notes, **registration_report(result)}
    beside, distances = registration_pictures(result)
    placed = result.fit.to_source.apply(result.vertices)
    make_folder(job.folder)
    with stage(job.folder) as staged:
        save_coefficients(staged / COEFFICIENTS, result.fit.coefficients, head, known=result.fit.known)
        for stem, vertices in ((REGISTERED, placed), (REGISTERED_HEAD, result.vertices)):
            write_bytes(staged / f"{stem}.{options.format}", head_mesh(head, vertices, options.format))
        write_bytes(staged / PICTURE, beside)
        write_bytes(staged / ERRORS, distances)
        write_bytes(staged / REPORT, (json.dumps(report, indent=2) + "\n").encode())
        publish(staged, job.folder, stale=_names(), last=REPORT)
    return report, registration_summary(result)


def _source(job: ScanJob) -> "tuple[FitSource, list[str]]":
    """Read a scan with its landmarks; also the notes about its mesh."""
    from headform.registration.fit_source import color_picture, read_landmarks, read_mesh, scan_source

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", errors.MeshWarning)
        mesh, _ = read_mesh(job.scan, job.texture or color_picture(job.scan))
    origin: dict[str, Any] = {"mesh": job.scan.name}
    if job.landmarks is not None:
        points = read_landmarks(job.landmarks)
        origin["landmarks"] = job.landmarks.name
    else:
        points, origin["landmarks"] = _found(mesh, job.scan.name)
    source = scan_source(job.scan.name, mesh, points, unit=job.options.unit, origin=origin)
    return source, [str(note.message) for note in caught]


def _found(mesh: "TriangleMesh", name: str) -> tuple[Any, dict[str, Any]]:
    found = _landmarker().find(mesh, name=name)
    facts = {"found": int(found.sure.sum()), "relative_sigma": round(found.relative_sigma, 4), "views": found.views}
    return found.usable, facts


def _inputs(job: ScanJob, head: "LinearHead") -> dict[str, Any]:
    """Whatever the results depend on, as plain JSON values."""
    import headform
    from headform.registration.fit_source import color_picture

    # its folder must exist before a picture is looked for in it
    digests = {"scan": _digest(job.scan, "scan_missing"), "landmarks": _digest(job.landmarks, "landmarks_unreadable")}
    digests["texture"] = _digest(job.texture or color_picture(job.scan), "image_unreadable")
    options = job.options
    return {
        **digests,
        "head": head.sha256,
        "region": options.region,
        "unit": options.unit,
        "scale": options.scale,
        "neutral": options.neutral,
        "format": options.format,
        "version": headform.__version__,
    }


def _digest(path: Path | None, code: str) -> str | None:
    from headform.io.file_bytes import sha256_of

    try:
        return None if path is None else sha256_of(path)
    except OSError as error:
        what = f"the file cannot be read: {(error.strerror or str(error)).lower()}"
        raise errors.InputError(code, what, str(path)) from error


def _names() -> list[str]:
    meshes = [f"{stem}.{ending}" for stem in (REGISTERED, REGISTERED_HEAD) for ending in _MESHES]
    return [COEFFICIENTS, REPORT, PICTURE, ERRORS, *meshes]


@functools.cache
def _head(name: str, landmarks: Path | None) -> "LinearHead":
    from headform.cli.heads_fit import load_marked_head

    return load_marked_head(name, landmarks, "--head-landmarks")


@functools.cache
def _landmarker() -> "ScanLandmarker":
    from headform.registration.scan_landmarks import ScanLandmarker

    return ScanLandmarker.load()
