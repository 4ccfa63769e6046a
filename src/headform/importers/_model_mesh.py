"""An OBJ file that is part of a head model: the reader of meshes, with the error codes of models; and texture tiles.

F triangles, T texture coordinates.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import InputError, WeightsError
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh

_CODES = {
    "mesh_unreadable": "weights_missing",
    "mesh_index": "model_index",
    "mesh_not_finite": "model_not_finite",
}
_FARTHEST = 1000.0
"""Texture coordinates beyond this are clipped to it; no publisher has as many tiles."""


def read_mesh(path: Path) -> TriangleMesh:
    """Read an OBJ file; polygons become triangle fans.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_index``, ``model_not_finite``.
    """
    try:
        return obj.read(path)
    except InputError as error:
        code = _CODES.get(error.code, "weights_damaged")
        raise WeightsError(code, error.message, error.location, error.hint) from error


def on_one_tile(
    uv: Float[np.ndarray, "T 2"], uv_faces: Int[np.ndarray, "F 3"]
) -> tuple[Float[np.ndarray, "U 2"], Int[np.ndarray, "F 3"], int]:
    """Lay texture coordinates of several unit tiles on top of each other in [0, 1].

    A triangle is moved by the tile that its center is in; a vertex of two tiles is doubled.

    Returns:
        Coordinates, triangles over them, and the number of tiles.
    """
    uv = np.clip(uv, -_FARTHEST, _FARTHEST)
    tile = np.floor(uv[uv_faces].mean(1) + 1e-9).astype(np.int64)  # (F, 2)
    tiles, number = np.unique(tile, axis=0, return_inverse=True)
    if len(tiles) == 1 and not tiles.any():
        return np.clip(uv, 0, 1), uv_faces, 1
    corner = np.stack([uv_faces, np.broadcast_to(number.reshape(-1, 1), uv_faces.shape)], -1)
    used, faces = np.unique(corner.reshape(-1, 2), axis=0, return_inverse=True)
    moved = uv[used[:, 0]] - tiles[used[:, 1]]
    return np.clip(moved, 0, 1), faces.reshape(-1, 3), len(tiles)


def welded(corners: Float[np.ndarray, "F 3 2"]) -> tuple[np.ndarray, Int[np.ndarray, "F 3"]]:
    """Return texture coordinates published one per corner as a list without duplicates, and triangles over it."""
    unique, faces = np.unique(corners.reshape(-1, 2), axis=0, return_inverse=True)
    return unique, faces.reshape(-1, 3)
