"""Results of single images on disk, so that a second run computes only what is missing.

P measured scan vertices.

    OUT/images/SUBJECT/CHALLENGE/IMAGE.npz    distances, shape and, as JSON text, the record with its fingerprint

A result counts only while its fingerprint, the SHA-256 of all inputs and options, stays what it was, and it is whole; else
it is computed again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from headform.errors import InputError
from headform.evaluate.now.layout import Image
from headform.evaluate.now.record import Numbers, Record, Shape
from headform.evaluate.scan.sanity_checks import Finding
from headform.export import parameters
from headform.io.atomic import make_folder, write_bytes
from headform.io.file_bytes import reason_of, sha256_of
from headform.io.json_file import parse_json
from headform.io.npz_file import ArrayFileError, load_npz

VERSION = 2
"""Version of the computation: raised when results change for the same inputs."""

_MAX_BYTES = 1 << 30


def file_sha256(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        InputError: `mesh_unreadable`.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        what = f"cannot read the file: {reason_of(error)}"
        raise InputError("mesh_unreadable", what, str(path)) from error


def fingerprint(parts: Sequence[str]) -> str:
    """One digest of options and files' digests."""
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()


def result_path(out: Path, image: Image) -> Path:
    """Path of the result of an image."""
    return out / "images" / image.subject / image.challenge / f"{image.stem}.npz"


def save(out: Path, record: Record, mark: str) -> None:
    """Write the result of an image that went well.

    Raises:
        ResourceError: `write_failed`.
    """
    if record.numbers is None or record.distances is None or record.shape is None:
        raise ValueError("only whole results are kept")
    path = result_path(out, record.image)
    make_folder(path.parent)
    text = json.dumps({"fingerprint": mark, "facts": record.facts(), "topology": record.shape.topology})
    arrays = {
        "record": np.array(text),
        "distances": record.distances,
        "shape": record.shape.points,
        "landmarks": record.shape.landmarks,
    }
    write_bytes(path, parameters.encode(arrays))


def load(out: Path, image: Image, mark: str) -> Record | None:
    """The result of an earlier run; None where there is none, it is damaged, or inputs or options have changed."""
    path = result_path(out, image)
    if not path.is_file():
        return None
    try:
        arrays = load_npz(path, ("record", "distances", "shape", "landmarks"), max_bytes=_MAX_BYTES)
        content = parse_json(str(arrays["record"]))
        if content["fingerprint"] != mark:
            return None
        facts = content["facts"]
        numbers = Numbers(**{name: facts[name] for name in Numbers.__dataclass_fields__})
        if not _is_whole(arrays, numbers):
            return None
        return Record(
            image,
            "ok",
            numbers,
            arrays["distances"],
            Shape(str(content["topology"]), arrays["shape"], arrays["landmarks"]),
            tuple(Finding(f["code"], str(f["message"])) for f in facts["warnings"]),
        )
    except (ArrayFileError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _is_whole(arrays: Mapping[str, np.ndarray], numbers: Numbers) -> bool:
    """True if the arrays have the shapes that `save` gives them, and the numbers are those of the distances."""
    distances, points, landmarks = arrays["distances"], arrays["shape"], arrays["landmarks"]
    kinds = distances.dtype == np.float64 and points.dtype == landmarks.dtype == np.float32
    shapes = distances.ndim == 1 and points.ndim == 2 and points.shape[1:] == (3,) and landmarks.shape == (7, 3)
    if not kinds or not shapes or not len(distances) or not len(points):
        return False
    if not all(np.isfinite(array).all() for array in (distances, points, landmarks)):
        return False
    if not isinstance(numbers.stop, str) or len(distances) != numbers.vertices:
        return False
    scalars = (numbers.median, numbers.mean, numbers.std, numbers.scale, numbers.border, numbers.iterations)
    if not all(isinstance(value, int | float) and np.isfinite(value) for value in scalars):
        return False
    found = float(np.median(distances)), float(distances.mean()), float(distances.std())
    return bool(np.allclose(found, scalars[:3], rtol=1e-9, atol=1e-12) and distances.min() >= 0 and numbers.scale > 0)
