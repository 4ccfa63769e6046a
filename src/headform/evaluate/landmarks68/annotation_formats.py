"""Third-party annotation files: iBUG's `.pts` and dlib's XML. XML entities are not expanded.

All points returned are pixels with the origin at the top-left CORNER of the photo, so the center of the first pixel is
(0.5, 0.5). Origins of the files:

| file | center of the first pixel | added |
|---|---|---|
| `.pts` of iBUG 300-W (made with MATLAB) | (1, 1) | -0.5 |
| dlib's XML | (0, 0) | +0.5 |
| `pt3d_68` of 300W-LP and AFLW2000-3D `.mat` (MATLAB) | (1, 1) | -0.5 |
"""

import errno
import re
import xml.parsers.expat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.io.file_bytes import read_regular, reason_of
from headform.io.json_file import is_file_name

MATLAB_SHIFT = -0.5
"""Added to pixels that count the center of the first one as 1."""
CENTER_SHIFT = 0.5
"""Added to pixels that count the center of the first one as 0."""
MAX_BYTES = 64 << 20
"""Largest file of many annotated faces that is read."""
MAX_PTS_BYTES = 1 << 20
"""Largest `.pts` that is read; 68 points take 2 kB."""
_COUNT = re.compile(r"^\s*n_points\b\s*:?\s*(.*?)\s*$", re.MULTILINE)
_DEEPEST = 64
"""Most elements of an XML that enclose each other; dlib's are five deep."""
_LONGEST_TAG = 1 << 20
"""Longest tag of an XML, bytes: the parser holds a tag whole."""
_PIECE = 1 << 16


@dataclass(frozen=True)
class MarkedBox:
    """One `<box>` of a dlib XML that carries 68 points.

    Attributes:
        photo: Name of the photo in the file.
        points: (68, 2) pixels, iBUG order, origin at the corner.
    """

    photo: str
    points: Float64[np.ndarray, "68 2"]


def read_pts(path: Path) -> Float64[np.ndarray, "68 2"]:
    """Read the 68 points of a `.pts` file; pixels with the origin at the corner.

    Layout: `version: 1`, `n_points: 68`, `{`, a pair of numbers a line, `}`.

    Raises:
        InputError: `annotations_unreadable`; `annotations_invalid`: not 68 pairs of finite numbers.
    """
    text = read_text(path, max_bytes=MAX_PTS_BYTES)
    head, brace, rest = text.partition("{")
    body, end, _ = rest.partition("}")
    if not brace or not end:
        raise _invalid("no points between braces", path)
    try:
        rows = [[float(word) for word in line.split()] for line in body.splitlines() if line.strip()]
    except ValueError as error:
        raise _invalid(f"not a number: {error!s:.120}", path) from error
    if len(rows) != 68 or any(len(row) != 2 for row in rows):
        raise _invalid(f"expected 68 pairs of numbers, found {len(rows)} lines", path)
    declared = _COUNT.search(head)
    if declared and declared[1] != "68":
        raise _invalid(f"the header declares {declared[1][:40] or 'no number of'} points", path)
    points = np.array(rows, np.float64)
    if not (np.abs(points) < 1e9).all():
        raise _invalid("a point is not finite", path)
    return points + MATLAB_SHIFT


def read_dlib_xml(path: Path) -> list[MarkedBox]:
    """Read the boxes with points of a file for dlib's `train_shape_predictor`, in the file's order.

    Boxes without any `<part>`, and those marked `ignore`, are left out.

    Raises:
        InputError: `annotations_unreadable`; `annotations_invalid`: not XML of this kind, a document type declaration
            (which could define entities), parts other than 00 to 67, an invalid number.
    """
    reader = _DlibXml(path)
    data = _read(path, MAX_BYTES)
    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        for start in range(0, len(data), _PIECE):
            parser.Parse(data[start : start + _PIECE], False)
            if start - parser.CurrentByteIndex > _LONGEST_TAG:
                raise _invalid(f"a tag is longer than {_LONGEST_TAG} bytes", path)
        parser.Parse(b"", True)
    except InputError:
        raise
    except xml.parsers.expat.ExpatError as error:
        raise _invalid(f"not XML: {error}", path) from error
    except (LookupError, ValueError) as error:  # an encoding that Python does not know, or that is none of text
        raise _invalid(f"its encoding is not known: {error!s:.120}", path, "save it as UTF-8") from error
    if not reader.found:
        raise _invalid("no box carries 68 points", path)
    return reader.found


@dataclass
class _DlibXml:
    path: Path
    photo: str = ""
    in_box: bool = False
    ignored: bool = False
    depth: int = 0
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    found: list[MarkedBox] = field(default_factory=list)

    def refuse_doctype(self, *_: object) -> None:
        raise _invalid("it declares a document type, as no file of dlib does", self.path)

    def start(self, name: str, given: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _invalid(f"its elements are nested deeper than {_DEEPEST}", self.path)
        try:
            if name == "image":
                self.photo = given["file"]
                if not is_file_name(self.photo):
                    raise _invalid(f"an <image> names no file: {self.photo[:60]!a}", self.path)
            elif name == "box":
                self.in_box, self.ignored, self.parts = True, given.get("ignore") == "1", {}
            elif name == "part" and self.in_box:
                self.parts[given["name"]] = float(given["x"]), float(given["y"])
                if len(self.parts) > 68:
                    raise _invalid(f"a box of {self.photo!a} has more than 68 parts", self.path)
        except InputError:
            raise
        except (KeyError, ValueError) as error:
            what = f"a <{name:.60}> of {self.photo!a:.200} lacks or misstates {error!s:.120}"
            raise _invalid(what, self.path) from error

    def end(self, name: str) -> None:
        self.depth -= 1
        if name != "box":
            return
        self.in_box = False
        if self.ignored or not self.parts:
            return
        try:
            numbered = {int(key): value for key, value in self.parts.items()}
        except ValueError:
            numbered = {}
        if sorted(numbered) != list(range(68)):
            what = f"a box of {self.photo!r} has {len(self.parts)} parts that are not 00 to 67"
            raise _invalid(what, self.path)
        points = np.array([numbered[k] for k in range(68)], np.float64)
        if not (np.abs(points) < 1e9).all():
            raise _invalid(f"a point of {self.photo!r} is not finite", self.path)
        self.found.append(MarkedBox(self.photo, points + CENTER_SHIFT))


def read_text(path: Path, *, max_bytes: int = MAX_BYTES) -> str:
    """Read a text file in UTF-8.

    Raises:
        InputError: `annotations_unreadable`, or `annotations_invalid` when it is too large or not text.
    """
    try:
        return _read(path, max_bytes).decode()
    except UnicodeDecodeError as error:
        raise _invalid("this is not a text file", path) from error


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        return read_regular(path, max_bytes)
    except FileNotFoundError as error:
        raise InputError("annotations_unreadable", "the file does not exist", str(path)) from error
    except OSError as error:
        reason = reason_of(error)
        if error.errno == errno.EFBIG:
            raise _invalid(reason, path) from error
        raise InputError("annotations_unreadable", f"cannot read the file: {reason}", str(path)) from error


def _invalid(what: str, path: Path, hint: str = "") -> InputError:
    return InputError("annotations_invalid", what, str(path), hint)
