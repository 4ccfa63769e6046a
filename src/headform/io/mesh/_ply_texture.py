"""Texture coordinates of a PLY file's corners, as MeshLab writes them, and the names of its pictures.

P polygons, C corners of all of them, F triangles, T texture coordinates, N numbers of all lists.

    comment TextureFile skin.png                     a picture, one line each; faces name them by number
    property list uchar float texcoord               of a face: u and v of each corner, or an empty list
    property int texnumber                           of a face: its picture, -1 for none
"""

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from headform.errors import InputError
from headform.io.mesh.polygons import fans

KEYS = ("texcoord", "texcoords", "tex_coords", "texture_coordinates", "uv")
"""Names of the list among the properties of a face."""


def corner_coordinates(
    numbers: Shaped[np.ndarray, " N"],
    lengths: Int64[np.ndarray, " P"],
    corners: Int64[np.ndarray, " P"],
    *,
    name: str,
) -> tuple[Float64[np.ndarray, "T 2"], Int64[np.ndarray, "F 3"]] | None:
    """Return the coordinates and, for each triangle, their indices; -1 at the corners of polygons without any.

    Corners of equal coordinates share one.

    Args:
        numbers: The lists, one after the other.
        lengths: Length of each: 0, or two for each corner.
        corners: Number of corners of each polygon.
        name: Name of the file, for error messages.

    Returns:
        None where no polygon has any.

    Raises:
        InputError: `mesh_format` (a list of another length), `mesh_not_finite`; with the face.
    """
    odd = np.flatnonzero((lengths != 0) & (lengths != 2 * corners))
    if odd.size:
        face = int(odd[0])
        what = f"{lengths[face]} texture coordinates for {corners[face]} corners"
        raise InputError("mesh_format", what, f"{name!a}, face {face}", "save two for each corner")
    pairs = numbers.astype(np.float64).reshape(-1, 2)
    wrong = np.flatnonzero(~np.isfinite(pairs).all(axis=1))
    if wrong.size:
        face = int(np.searchsorted(np.cumsum(lengths), 2 * int(wrong[0]), side="right"))
        raise InputError("mesh_not_finite", "a texture coordinate is NaN or infinite", f"{name!a}, face {face}")
    if not len(pairs):
        return None
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    ordered = pairs[order]
    first = np.ones(len(order), bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(first) - 1
    indices = np.full(int(corners.sum()), -1, np.int64)
    indices[np.repeat(lengths > 0, corners)] = place
    return ordered[first], fans(indices, corners)


def picture_names(comments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the comments `TextureFile`, in their order; they may hold spaces."""
    split = (comment.split(maxsplit=1) for comment in comments)
    return tuple(words[1] for words in split if len(words) == 2 and words[0].lower() == "texturefile")
