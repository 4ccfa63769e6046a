"""The small files beside a Surrey Face Model in eos: expression shapes, landmarks, jaw contour, symmetry of the reference.

V vertices, E expressions. Layouts: share/readme.txt and the files of eos (https://github.com/patrikhuber/eos).
"""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.importers._cereal import Archive
from headform.importers._companions import read_numbers
from headform.io.file_bytes import read_bytes

REFERENCE_VERTICES = 845
"""Vertices of the lowest resolution; the higher ones begin with them."""
_TEXT_BYTES = 1 << 24
Blendshapes = tuple[tuple[str, ...], Float[np.ndarray, "E V 3"]]


def read_blendshapes(path: Path, vertices: int) -> Blendshapes:
    """Read ``expression_blendshapes_3448.bin``: names and displacements, mm at weight 1.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when they are for other vertices.
    """
    archive = Archive(read_bytes(path), repr(str(path)))
    found = blendshapes(archive, vertices)
    archive.end()
    return found


def blendshapes(archive: Archive, vertices: int) -> Blendshapes:
    """Read a vector of named displacements from an archive; see `read_blendshapes`."""
    names, shapes = list[str](), list[np.ndarray]()
    for _ in range(archive.count("blendshapes", 16)):
        names.append(archive.text("blendshape name"))
        shape = archive.matrix("blendshape")
        if shape.shape != (3 * vertices, 1):
            raise _mismatch(f"the expression {names[-1]!r} has {shape.size // 3} vertices, the model {vertices}")
        shapes.append(shape.reshape(vertices, 3))
    return tuple(names), np.array(shapes, np.float32).reshape(len(shapes), vertices, 3)


def read_landmarks(path: Path, vertices: int) -> Int[np.ndarray, "68"]:
    """Read ``ibug_to_sfm.txt``: the vertex of each iBUG point, -1 where the file names none.

    TOML; the points are numbered from 1, the vertices from 0. Vertices beyond 845 are not in every resolution.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when a vertex is not in the model.
    """
    table = _parsed(path, lambda data: tomllib.loads(data.decode())["landmark_mappings"], "landmark mapping")
    landmarks = np.full(68, -1)
    for name, vertex in table.items():
        point = int(name) if name.isascii() and name.isdigit() else 0
        if not 1 <= point <= 68 or not _are_vertices([vertex]):
            what = f"landmark {name} = {vertex} is not an iBUG point and a vertex"
            raise WeightsError("weights_damaged", what, repr(str(path)))
        if vertex < vertices:
            landmarks[point - 1] = vertex
        elif vertices != REFERENCE_VERTICES:
            raise _mismatch(f"landmark {point} is vertex {vertex}, the model has {vertices}")
    return landmarks


def read_contour(path: Path, vertices: int, chin: int) -> Int[np.ndarray, "17 C"]:
    """Read ``sfm_model_contours.json``: candidates of each jaw point, all of its side; the chin is `chin` alone.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when a vertex is not in the model.
    """
    contours = _parsed(path, lambda data: json.loads(data)["model_contour"], "model contour")
    sides: list[Any] = [contours.get(f"{side}_contour") for side in ("right", "left")]
    if not all(isinstance(side, list) and side and _are_vertices(side) for side in sides):
        raise WeightsError("weights_damaged", "a contour that is not a list of vertices", repr(str(path)))
    largest = max(*sides[0], *sides[1])
    if largest >= vertices:
        raise _mismatch(f"a contour vertex is {largest}, the model has {vertices}")
    width = max(len(side) for side in sides)
    right, left = (side + [side[-1]] * (width - len(side)) for side in sides)
    return np.array([right] * 8 + [[chin] * width] + [left] * 8)


def read_symmetry(path: Path, vertices: int) -> Int[np.ndarray, " V"]:
    """Read ``sfm_reference_symmetry.txt``: the mirror image of each vertex, one a line, from 1; # starts a comment.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when it is not for these vertices.
    """
    mirror = read_numbers(path, whole=True) - 1
    if len(mirror) != vertices:
        raise _mismatch(f"the symmetry has {len(mirror)} vertices, the model {vertices}")
    if not np.array_equal(np.sort(mirror), np.arange(vertices)):
        raise WeightsError("weights_damaged", "the symmetry is not a permutation", repr(str(path)))
    return mirror.astype(np.int64)


def _parsed(path: Path, parse: Callable[[bytes], Any], what: str) -> dict[str, Any]:
    where = repr(str(path))
    try:
        table = parse(read_bytes(path, max_bytes=_TEXT_BYTES))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError("weights_damaged", f"not a {what} of eos", where) from error
    if not isinstance(table, dict):
        raise WeightsError("weights_damaged", f"not a {what} of eos", where)
    return table


def _are_vertices(values: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 31 for value in values)


def _mismatch(what: str) -> WeightsError:
    return WeightsError("model_mismatch", what, "", "use the files of one model and resolution")
