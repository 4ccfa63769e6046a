"""Files of a sample in a tar shard: picture, mask, labels and mesh, as bytes.

NAME.jpg or NAME.png   picture, sRGB
NAME.skin.png          mask, 8-bit gray; absent where unknown
NAME.json              subject, source, side, points68 (null where unknown), coefficients, head
NAME.vertices.npy      mesh, float32; absent for subjects without one
NAME.albedo.npy        true albedo at the vertices, 8-bit sRGB; absent where unknown
"""

import io
import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from headform.data.sample import Sample
from headform.io import image_bytes
from headform.io.json_file import parse_json
from headform.io.npz_file import ArrayFileError, read_entry

QUALITY = 95
"""JPEG quality of pictures."""
PICTURES = {"jpg": "JPEG", "png": "PNG"}
"""Endings of pictures, with the name of the format."""
MAX_SIDE = 4096
"""Largest side of a picture, pixels."""
_MAX_ARRAY = 1 << 28
"""Largest array of a sample, bytes."""
_MOST_VALUES = 1 << 20
"""Largest number of values of one coefficient array."""


def encode_sample(sample: Sample, *, lossless: bool = False) -> dict[str, bytes]:
    """Return the files of a sample by their endings, in the order in which they are written.

    Args:
        sample: Sample.
        lossless: True for PNG instead of JPEG.
    """
    picture = image_bytes.png(sample.image) if lossless else image_bytes.jpeg(sample.image, quality=QUALITY)
    labels = {
        "subject": sample.subject,
        "source": sample.source,
        "side": sample.side,
        "points68": [None if np.isnan(point).any() else _shortest(point) for point in sample.points68],
        "coefficients": {
            name: {"shape": values.shape, "values": _shortest(values.ravel())}
            for name, values in sample.coefficients.items()
        },
        "head": sample.head,
    }
    files = {"png" if lossless else "jpg": picture}
    if sample.skin is not None:
        files["skin.png"] = image_bytes.png(sample.skin)
    files["json"] = json.dumps(labels).encode()
    for name, array in (("vertices", sample.vertices), ("albedo", sample.albedo)):
        if array is not None:
            store = io.BytesIO()
            np.save(store, np.ascontiguousarray(array), allow_pickle=False)
            files[f"{name}.npy"] = store.getvalue()
    return files


def decode_sample(name: str, files: Mapping[str, bytes]) -> Sample:
    """Decode the files of a sample, the inverse of `encode_sample`; files with other endings are left out.

    Raises:
        ValueError: a file is missing, damaged, or does not fit the others (also as `InputError`).
    """
    found = [ending for ending in PICTURES if ending in files]
    if len(found) != 1:
        raise ValueError("there is no picture, or more than one")
    labels = read_labels(files)
    side = labels["side"]
    return Sample(
        name=name,
        subject=labels["subject"],
        image=_pixels(files[found[0]], PICTURES[found[0]], "RGB", side),
        points68=_points(labels.get("points68")),
        skin=_pixels(files["skin.png"], "PNG", "L", side) if "skin.png" in files else None,
        coefficients=_coefficients(labels.get("coefficients")),
        head=labels.get("head"),
        vertices=_array(files["vertices.npy"], "mesh") if "vertices.npy" in files else None,
        source=labels["source"],
        albedo=_array(files["albedo.npy"], "albedo") if "albedo.npy" in files else None,
    )


def read_labels(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the labels of a sample, with subject, source and side of the right kind.

    Raises:
        ValueError: they are missing or damaged.
    """
    if "json" not in files:
        raise ValueError("there are no labels (.json)")
    labels = parse_json(files["json"])
    if not isinstance(labels, dict):
        raise ValueError("the labels are no object")
    if not isinstance(labels.get("subject"), str) or not isinstance(labels.get("source"), str):
        raise ValueError("the labels lack subject or source")
    if type(labels.get("side")) is not int or not 1 <= labels["side"] <= MAX_SIDE:
        raise ValueError("the labels lack the side of the picture")
    return labels


def _shortest(values: npt.NDArray[np.float32]) -> list[float]:
    """Return numbers of which the shortest decimal form gives the float32 again."""
    return [float(np.format_float_positional(v)) if abs(v) < 1e16 else float(v) for v in values]


def _pixels(data: bytes, kind: str, mode: str, side: int) -> npt.NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow about odd metadata
        try:
            with Image.open(io.BytesIO(data), formats=(kind,)) as picture:
                if picture.size != (side, side) or picture.mode != mode:
                    raise ValueError(f"a picture is {picture.mode} {picture.size}, not {mode} {(side, side)}")
                return np.array(picture)
        except MemoryError:
            raise
        except Exception as error:  # plugins raise errors of any kind for broken files
            raise ValueError(f"a picture cannot be decoded: {error}"[:200]) from error


def _points(rows: Any) -> npt.NDArray[np.float32]:
    if not isinstance(rows, list) or len(rows) != 68:
        raise ValueError("points68 are no 68 points")
    try:
        return np.array([(np.nan, np.nan) if row is None else row for row in rows], np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("points68 are no pairs of numbers") from error


def _coefficients(parts: Any) -> dict[str, npt.NDArray[np.float32]]:
    if not isinstance(parts, dict):
        raise ValueError("coefficients are no object")
    found = {}
    for name, part in parts.items():
        try:
            values = np.array(part["values"], np.float64)
            shape = tuple(part["shape"])
            if values.ndim != 1 or values.size > _MOST_VALUES or any(type(n) is not int or n < 0 for n in shape):
                raise ValueError("another shape")
            found[name] = values.astype(np.float32).reshape(shape)
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise ValueError(f"coefficients {name[:40]!r} are damaged: {error}"[:200]) from error
    return found


def _array(data: bytes, what: str) -> npt.NDArray[Any]:
    try:
        return read_entry(io.BytesIO(data), len(data), what, _MAX_ARRAY)
    except (ArrayFileError, ValueError, EOFError, SyntaxError, TypeError, LookupError, OverflowError) as error:
        raise ValueError(f"the {what} cannot be read: {error}"[:200]) from error
