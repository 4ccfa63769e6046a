"""The folders of the NoW benchmark, as distributed and as submitted.

DATASET/imagepathsvalidation.txt                    SUBJECT/CHALLENGE/IMAGE.jpg, one a line
DATASET/scans/SUBJECT/*.obj                         one neutral scan, millimeters
DATASET/scans_lmks_onlypp/SUBJECT/*.pp              its seven picked points
PREDICTIONS/SUBJECT/CHALLENGE/IMAGE.obj|.ply        neutral mesh; .obj is taken before .ply
PREDICTIONS/SUBJECT/CHALLENGE/IMAGE.npy|.txt        its seven landmarks; .npy is taken before .txt
"""

import errno
from dataclasses import dataclass
from pathlib import Path

from headform.errors import InputError
from headform.io.file_bytes import read_regular, reason_of
from headform.io.json_file import is_file_name

LISTS = ("imagepathsvalidation.txt", "imagepathstest.txt")
"""Names of the list of images; the first that is there counts. The test set is published without scans."""

MESHES, LANDMARKS = (".obj", ".ply"), (".npy", ".txt")

CHALLENGES = ("multiview_neutral", "multiview_expressions", "multiview_occlusions", "selfie")
"""Challenges of the published data, in the order of tables."""

_MAX_LIST = 10 << 20


@dataclass(frozen=True, order=True)
class Image:
    """One photo of the benchmark.

    Attributes:
        subject: Identifier of the person.
        challenge: Name of the challenge.
        stem: Its file name without suffix.
    """

    subject: str
    challenge: str
    stem: str

    @property
    def name(self) -> str:
        """`SUBJECT/CHALLENGE/STEM`."""
        return f"{self.subject}/{self.challenge}/{self.stem}"


@dataclass(frozen=True)
class Pair:
    """A mesh and its landmarks."""

    mesh: Path
    landmarks: Path


def read_images(dataset: Path) -> list[Image]:
    """The images of a data set in the order of its list.

    Args:
        dataset: Folder with one of `LISTS`, or such a file itself.

    Raises:
        InputError: `dataset_missing`, `dataset_invalid` (a line that is not SUBJECT/CHALLENGE/IMAGE, or comes twice).
    """
    path = dataset
    if dataset.is_dir():
        path = next((dataset / name for name in LISTS if (dataset / name).is_file()), dataset / LISTS[0])
    try:
        lines = read_regular(path, _MAX_LIST).decode().splitlines()
    except OSError as error:
        if error.errno == errno.EFBIG:
            what = f"this is no list of images: {reason_of(error)}"
            raise InputError("dataset_invalid", what, str(path)) from error
        what = f"cannot read the list of images: {reason_of(error)}"
        fix = f"name the folder that holds {LISTS[0]}"
        raise InputError("dataset_missing", what, str(path), fix) from error
    except ValueError as error:
        raise InputError("dataset_invalid", "the list of images is no text", str(path)) from error
    images: dict[Image, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        parts = line.strip().split("/")
        if len(parts) != 3 or not all(is_file_name(part) and "\\" not in part for part in parts):
            what = f"expected SUBJECT/CHALLENGE/IMAGE, found {line.strip()[:80]!a}"
            raise InputError("dataset_invalid", what, where)
        image = Image(parts[0], parts[1], Path(parts[2]).stem)
        if image in images:
            what = f"{image.name} is already on line {images[image]}"
            raise InputError("dataset_invalid", what, where)
        images[image] = number
    if not images:
        raise InputError("dataset_invalid", "the list names no image", str(path))
    return list(images)


def has_scans(dataset: Path) -> bool:
    """Return True if the scans are present; those of the test set are not public."""
    return (dataset / "scans").is_dir()


def find_scan(dataset: Path, subject: str) -> Pair:
    """The scan of a subject and its picks.

    Raises:
        InputError: `scan_missing` where there is none, or more than one.
    """
    return Pair(
        _only(dataset / "scans" / subject, ".obj"),
        _only(dataset / "scans_lmks_onlypp" / subject, ".pp"),
    )


def _only(folder: Path, suffix: str) -> Path:
    found = sorted(p for p in folder.glob("*") if p.suffix.lower() == suffix)
    if len(found) != 1:
        what = f"expected one {suffix} file in this folder, found {len(found)}"
        raise InputError("scan_missing", what, str(folder), "unpack the data set again")
    return found[0]


def find_prediction(predictions: Path, image: Image) -> Pair | None:
    """The files of a prediction; None where there is no mesh.

    Raises:
        InputError: `landmarks_missing`, where there is a mesh without landmarks.
    """
    base = predictions / image.subject / image.challenge
    mesh = _first(base, image.stem, MESHES)
    if mesh is None:
        return None
    landmarks = _first(base, image.stem, LANDMARKS)
    if landmarks is None:
        what = "the mesh has no landmarks beside it"
        fix = f"write {image.stem}.npy or {image.stem}.txt with 7 x 3 numbers"
        raise InputError("landmarks_missing", what, str(mesh), fix)
    return Pair(mesh, landmarks)


def _first(folder: Path, stem: str, suffixes: tuple[str, ...]) -> Path | None:
    return next((folder / f"{stem}{s}" for s in suffixes if (folder / f"{stem}{s}").is_file()), None)
