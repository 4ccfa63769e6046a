"""A training sample: a crop of a face with what is known about it.

S side of the crop in pixels, V vertices. Pixel coordinates have their origin at the top-left corner; meshes are in the head
frame (x to the subject's left, y up, z toward the camera), meters.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, UInt8

from headform.errors import InputError

LONGEST_NAME = 80
"""Longest name of a sample, characters: with its endings it fits into the 100 of a tar header."""
LONGEST_LABEL = 200
"""Longest label of a subject or a source, characters."""
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MEND = "mend what makes the samples"


@dataclass(frozen=True, eq=False)
class Sample:
    """A crop of a face with its labels.

    Attributes:
        name: Unique name: letters, digits, `_` and `-`.
        subject: Label of the person, unique within the source.
        image: sRGB.
        points68: The 68 points, pixels of `image`; NaN where unknown.
        skin: 255 where the picture shows the bare surface of the head, else 0; None where unknown.
        coefficients: Known parts of the head's coefficients by name, such as identity, expression, rotation.
        head: SHA-256 of the head to which they belong; None without any.
        vertices: The subject's neutral mesh (identity alone) in the head's topology and frame, meters, for registered
            subjects.
        source: Name of the data set.
        albedo: True color of the subject's surface at each vertex of the head, without light, sRGB; of synthetic people.

    Raises:
        InputError: `sample_invalid`: a field does not fit, naming sample and field.
    """

    name: str
    subject: str
    image: UInt8[np.ndarray, "S S 3"]
    points68: Float32[np.ndarray, "68 2"]
    skin: UInt8[np.ndarray, "S S"] | None = None
    coefficients: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    head: str | None = None
    vertices: Float32[np.ndarray, "V 3"] | None = None
    source: str = "unnamed"
    albedo: UInt8[np.ndarray, "V 3"] | None = None

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise InputError("sample_invalid", problem, f"sample {str(self.name)[:LONGEST_NAME]!r}", _MEND)

    @property
    def side(self) -> int:
        """Side of the picture, pixels."""
        return len(self.image)


def sample_name(text: str) -> str:
    """Return a valid name made of any text, such as the path of a photo; different texts give different names."""
    plain = _OTHER.sub("-", text).strip("-")
    if plain == text and len(text) <= LONGEST_NAME:
        return text
    tail = f"{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}"
    return f"{plain[-(LONGEST_NAME - 9) :]}-{tail}".lstrip("-")


def is_sample_name(name: Any) -> bool:
    """Return True for a name that a sample may have."""
    return isinstance(name, str) and len(name) <= LONGEST_NAME and bool(_NAME.fullmatch(name))


def is_label(label: Any) -> bool:
    """Return True for a label that a subject or a source may have."""
    return isinstance(label, str) and 0 < len(label) <= LONGEST_LABEL and label.isprintable()


def _problem(sample: Sample) -> str:
    """Describe the first field that does not fit; empty where all do."""
    if not is_sample_name(sample.name):
        return f"a name has 1 to {LONGEST_NAME} letters, digits, _ and -"
    if not is_label(sample.subject) or not is_label(sample.source):
        return f"subject and source are printable texts of 1 to {LONGEST_LABEL} characters"
    side = len(sample.image)
    wanted: list[tuple[str, Any, tuple[int, ...], Any]] = [
        ("image", sample.image, (side, side, 3), np.uint8),
        ("points68", sample.points68, (68, 2), np.float32),
    ]
    if sample.skin is not None:
        wanted.append(("skin", sample.skin, (side, side), np.uint8))
    if sample.vertices is not None:
        wanted.append(("vertices", sample.vertices, (len(sample.vertices), 3), np.float32))
    if sample.albedo is not None:
        wanted.append(("albedo", sample.albedo, (len(sample.albedo), 3), np.uint8))
    for name, array, shape, kind in wanted:
        if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != kind or not array.size:
            return f"{name} is {getattr(array, 'dtype', type(array))} {getattr(array, 'shape', '')}, not {shape}"
    if np.isinf(sample.points68).any() or (np.isnan(sample.points68).sum(1) == 1).any():
        return "points68 are infinite, or unknown in one coordinate alone"
    if sample.vertices is not None and not np.isfinite(sample.vertices).all():
        return "vertices are not finite"
    for name, values in sample.coefficients.items():
        if not is_label(name) or not isinstance(values, np.ndarray) or values.dtype != np.float32:
            return f"coefficients {str(name)[:40]!r} are no float32 array"
        if not np.isfinite(values).all():
            return f"coefficients {name!r} are not finite"
    if sample.head is not None and not (isinstance(sample.head, str) and _DIGEST.fullmatch(sample.head)):
        return "head is no SHA-256 in hexadecimal digits"
    return ""
