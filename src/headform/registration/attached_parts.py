"""Separate parts of a head, such as eyeballs and teeth, that follow the skin around them as rigid bodies.

V vertices, F triangles. Meters.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.spatial import cKDTree

from headform.geometry.similarity import fit_similarity
from headform.heads.linear import LinearHead
from headform.mesh.topology import components

_NEIGHBORS = 12
"""Vertices of the skin nearest to each vertex of a part that it follows."""
_FEWEST = 4
"""Vertices that give a motion of a part a rotation; with fewer it only shifts."""


def main_component(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask of the largest connected part: the skin and what is joined to it."""
    faces, count = head.faces.cpu().numpy(), len(head.mean)
    label = components(faces, count)
    used = np.zeros(count, bool)
    used[faces.ravel()] = True
    largest = np.bincount(label[used]).argmax()
    return np.asarray(used & (label == largest))


def part_labels(head: LinearHead, main: Bool[np.ndarray, " V"]) -> Int[np.ndarray, " V"]:
    """Label the vertices outside of `main` by the part that moves as one, -1 within: named parts, else connected ones."""
    if head.has_field("part"):
        label = head.part.cpu().numpy().astype(np.int64)
    else:
        label = components(head.faces.cpu().numpy(), len(head.mean))
    return np.where(main, -1, label)


def carried(
    rest: Float64[np.ndarray, "V 3"],
    moved: Float64[np.ndarray, "V 3"],
    main: Bool[np.ndarray, " V"],
    label: Int[np.ndarray, " V"],
) -> Float64[np.ndarray, "V 3"]:
    """Move each separate part with the rigid motion of the vertices of the main part around it.

    Args:
        rest: (V, 3) before.
        moved: (V, 3) after; used within `main` only.
        main: (V,) see `main_component`.
        label: (V,) see `part_labels`.
    """
    out = np.where(main[:, None], moved, rest)
    rows = np.flatnonzero(main)
    tree = cKDTree(rest[rows])
    for name in np.unique(label[label >= 0]):
        part = label == name
        _, near = tree.query(rest[part], k=min(_NEIGHBORS, len(rows)))
        found, count = np.unique(near, return_counts=True)
        around = rows[found]
        if len(around) < _FEWEST:
            out[part] = rest[part] + (moved[around] - rest[around]).mean(axis=0)
            continue
        try:
            motion = fit_similarity(rest[around], moved[around], count.astype(np.float64), scale=False)
        except ValueError:  # in a line
            out[part] = rest[part] + (moved[around] - rest[around]).mean(axis=0)
        else:
            out[part] = motion.apply(rest[part])
    return out
