"""The small files beside a Surrey Face Model in eos: expression shapes, landmarks, jaw contour, symmetry of the reference.

V vertices, E expressions. Layouts: share/readme.txt and the files of eos (https://github.com/patrikhuber/eos).
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.importers._cereal import Archive
from headform.io.file_bytes import read_bytes

REFERENCE_VERTICES = 845
"""Vertices of the lowest resolution; the higher ones begin with them."""
_TEXT_BYTES = 1 << 24


def read_blendshapes(path: Path, vertices: int) -> tuple[tuple[str, ...], Float[np.ndarray, "E V 3"]]:
    """``expression_blendshapes_3448.bin``: names and displacements, mm at weight 1.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when they are for other vertices.
    """
    archive = Archive(read_bytes(path), repr(str(path)))
    names, shapes = blendshapes(archive, vertices)
    archive.end()
    return names, shapes


def blendshapes(archive: Archive, vertices: int) -> tuple[tuple[str, ...], Float[np.ndarray, "E V 3"]]:
    """A vector of named displacements from an archive; see `read_blendshapes`."""
    names, shapes = list[str](), list[np.ndarray]()
    for _ in range(archive.count("blendshapes", 16)):
        names.append(archive.text("blendshape name"))
        shape = archive.matrix("blendshape")
        if shape.shape != (3 * vertices, 1):
            raise _mismatch(f"the expression {names[-1]!r} has {shape.size // 3} vertices, the model {vertices}")
        shapes.append(shape.reshape(vertices, 3))
    return tuple(names), np.array(shapes, np.float32).reshape(len(shapes), vertices, 3)


def read_landmarks(path: Path, vertices: int) -> Int[np.ndarray, "68"]:
    """``ibug_to_sfm.txt``: the vertex of each iBUG point, -1 where the file names none.

    TOML; the points are numbered from 1, the vertices from 0. Vertices beyond 845 are not in every resolution.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when a vertex is not in the model.
    """
    where = repr(str(path))
    try:
        table = tomllib.loads(read_bytes(path, max_bytes=_TEXT_BYTES).decode())
        pairs = {int(k): _whole(v) for k, v in table["landmark_mappings"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("weights_damaged", "no landmark mapping of eos", where) from error
    landmarks = np.full(68, -1)
    for point, vertex in pairs.items():
        if not 1 <= point <= 68 or vertex < 0:
            what = f"landmark {point} = {vertex} is no iBUG point or no vertex"
            raise WeightsError("weights_damaged", what, where)
        if vertex < vertices:
            landmarks[point - 1] = vertex
        elif vertices != REFERENCE_VERTICES:
            raise _mismatch(f"landmark {point} is vertex {vertex}, the model has {vertices}")
    return landmarks


def read_contour(path: Path, vertices: int, chin: int) -> Int[np.ndarray, "17 C"]:
    """``sfm_model_contours.json``: candidates of each jaw point, all of its side; the chin is `chin` alone.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when a vertex is not in the model.
    """
    where = repr(str(path))
    try:
        sides = json.loads(read_bytes(path, max_bytes=_TEXT_BYTES))["model_contour"]
        right, left = ([_whole(v) for v in sides[f"{s}_contour"]] for s in ("right", "left"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError("weights_damaged", "no model contour of eos", where) from error
    if not right or not left or min(*right, *left) < 0:
        raise WeightsError("weights_damaged", "a contour has no vertices", where)
    if max(*right, *left) >= vertices:
        raise _mismatch(f"a contour vertex is {max(*right, *left)}, the model has {vertices}")
    width = max(len(right), len(left))
    rows = [side + [side[-1]] * (width - len(side)) for side in (right, left)]
    return np.array([rows[0]] * 8 + [[chin] * width] + [rows[1]] * 8)


def read_symmetry(path: Path, vertices: int) -> Int[np.ndarray, " V"]:
    """``sfm_reference_symmetry.txt``: the mirror image of each vertex, one a line, from 1; # starts a comment.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_mismatch`` when it is not for these vertices.
    """
    where = repr(str(path))
    try:
        lines = read_bytes(path, max_bytes=_TEXT_BYTES).decode().splitlines()
        words = [line.partition("#")[0].strip() for line in lines]
        mirror = np.array([int(word) - 1 for word in words if word], np.int64)
    except (ValueError, OverflowError) as error:
        raise WeightsError("weights_damaged", "no list of vertex numbers", where) from error
    if len(mirror) != vertices:
        raise _mismatch(f"the symmetry has {len(mirror)} vertices, the model {vertices}")
    if not np.array_equal(np.sort(mirror), np.arange(vertices)):
        raise WeightsError("weights_damaged", "the symmetry is no permutation", where)
    return mirror


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 31:
        raise ValueError(value)
    return value


def _mismatch(what: str) -> WeightsError:
    return WeightsError("model_mismatch", what, "", "use the files of one model and resolution")
