"""Landmark embeddings of FLAME as fields of a head.

F triangles; the sets of points are those of `flame_landmarks`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from headform.geometry.landmarks68 import NOW7_OF_51
from headform.importers._flame_landmarks import (
    FULL,
    JAW,
    STATIC,
    YAWS,
    Embeddings,
    SurfacePoints,
)


def completed(marks: Embeddings, notes: list[str]) -> Embeddings:
    """The 68 points out of the others where they are missing, and the other way round.

    Args:
        marks: As read.
        notes: What is missing or was made up is appended, a sentence each.
    """
    if marks.full is None and marks.static is None:
        notes.append("no landmark_embedding.npy: there are no landmarks")
        return marks
    notes.append("the NoW landmarks are the vertices of largest weight at their published points")
    if marks.static is None and marks.full is not None:
        notes.append("the 51 static landmarks are the last of the 68")
        full = marks.full
        static = SurfacePoints(full.faces[-STATIC:], full.weights[-STATIC:])
        return replace(marks, static=static)
    if marks.full is None and marks.static is not None:
        if marks.contour is None:
            notes.append("no embedding of the jaw line: landmarks 0 to 16 are unknown")
            return marks
        notes.append("the 68 landmarks are the jaw line at yaw 0 and the 51 static ones")
        faces = np.concatenate([marks.contour.faces[0], marks.static.faces])
        weights = np.concatenate([marks.contour.weights[0], marks.static.weights])
        return replace(marks, full=SurfacePoints(faces, weights))
    return marks


def chosen_vertices(marks: Embeddings, faces: Int[np.ndarray, "F 3"]) -> dict[str, Any]:
    """What `ImportedModel` wants to know of landmarks: single vertices, those of largest weight.

    Returns:
        Some of its arguments: ``landmarks`` (68; -1 unknown), ``now7``, ``contour`` (17, 79: yaw from -39 to 39 degrees).
    """
    told: dict[str, Any] = {}
    if marks.static is not None:
        told["now7"] = marks.static.vertices(faces)[list(NOW7_OF_51)]
        told["landmarks"] = np.concatenate([np.full(JAW, -1), marks.static.vertices(faces)])
    if marks.full is not None:
        told["landmarks"] = marks.full.vertices(faces)
    if marks.contour is not None:  # from -39 to 39 degrees
        rows = np.concatenate([np.arange(YAWS - 1, YAWS // 2, -1), np.arange(YAWS // 2 + 1)])
        told["contour"] = marks.contour.vertices(faces)[rows].T.copy()
    return told


def point_fields(marks: Embeddings, faces: Int[np.ndarray, "F 3"]) -> dict[str, Any]:
    """Fields of `FlameHead` that hold barycentric points, empty where unknown.

    Returns:
        ``landmark_``, ``static_`` and ``contour_vertices`` and ``_weights``, ``landmark_offset``.
    """
    fields: dict[str, Any] = {}
    none = SurfacePoints(np.zeros(0, np.int64), np.zeros((0, 3)))
    no_contour = SurfacePoints(np.zeros((0, JAW), np.int64), np.zeros((0, JAW, 3)))
    sets = {"static": marks.static or none, "contour": marks.contour or no_contour}
    if marks.full is not None:
        sets["landmark"] = marks.full
    elif marks.static is not None:  # the jaw unknown: weights 0
        padded = np.concatenate([np.zeros(JAW, np.int64), marks.static.faces])
        weights = np.concatenate([np.zeros((JAW, 3)), marks.static.weights])
        sets["landmark"] = SurfacePoints(padded, weights)
    for name, points in sets.items():
        fields[f"{name}_vertices"] = torch.from_numpy(points.corners(faces))
        fields[f"{name}_weights"] = torch.from_numpy(points.weights).float()
    if "landmark" in sets:
        fields["landmark_offset"] = torch.zeros(FULL, 3)
    return fields
