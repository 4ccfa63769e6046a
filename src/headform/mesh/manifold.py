"""Check that a triangle list is a surface that can be coarsened; errors name the offending edges.

V vertices, F triangles, E edges. Edges are joined by their key ``a * V + b`` and found by sorting: no loop.
"""

import numpy as np
from jaxtyping import Int, Integer

from headform.errors import InputError
from headform.geometry.array_checks import require_array, require_count

_NAMED = 5  # most offenders that a message lists


def require_manifold(faces: Integer[np.ndarray, "F 3"], count: int) -> None:
    """Refuse a triangle list that is not an oriented surface with or without boundary.

    A vertex where two fans touch (a bow-tie) is allowed: cropped scans are full of them, every edge around it is still
    valid, and neither the graph operators nor the collapses need a single fan. So are vertices without a triangle.

    Args:
        faces: vertex indices, consistently wound.
        count: V.

    Raises:
        InputError: the first of: `mesh_empty` without triangles; `mesh_index` for an index outside 0..V-1;
            `mesh_degenerate` for a triangle that names a vertex twice; `mesh_repeated` for triangles over the same
            three vertices; `mesh_not_manifold` for edges with more than two triangles; `mesh_winding` for edges that
            both their triangles traverse in the same direction. Each names a few offenders and counts the rest. Arrays of
            another kind, shape or dtype: see `geometry.array_checks`.
    """
    faces, count = require_array("faces", faces, ("F", 3), "int"), require_count("count", count)
    if not len(faces):
        raise InputError("mesh_empty", "the mesh has no triangles", "faces")
    outside = ((faces < 0) | (faces >= count)).any(axis=1)
    if outside.any():
        what = f"{_named('triangle', np.flatnonzero(outside))} name vertices outside the {count} of the mesh"
        raise InputError("mesh_index", what, "faces", "number the vertices from 0 to V - 1")
    faces = faces.astype(np.int64)
    a, b, c = faces.T
    flat = (a == b) | (b == c) | (c == a)
    if flat.any():
        what = f"{_named('triangle', np.flatnonzero(flat))} name a vertex twice"
        raise InputError("mesh_degenerate", what, "faces", "remove them")
    again = _repeated(faces, count)
    if len(again):
        what = f"{_named('triangle', again)} repeat the three vertices of an earlier one"
        raise InputError("mesh_repeated", what, "faces", "remove them")
    start, end = np.concatenate([a, b, c]), np.concatenate([b, c, a])
    keys, uses = np.unique(np.minimum(start, end) * count + np.maximum(start, end), return_counts=True)
    if (uses > 2).any():
        what = f"{_named('edge', keys[uses > 2], count)} belong to more than two triangles"
        fix = "split the mesh there or remove the extra triangles"
        raise InputError("mesh_not_manifold", what, "faces", fix)
    keys, uses = np.unique(start * count + end, return_counts=True)
    if (uses > 1).any():
        what = f"{_named('edge', keys[uses > 1], count)} are traversed in the same direction by both triangles"
        raise InputError("mesh_winding", what, "faces", "wind all triangles consistently")


def _repeated(faces: Int[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " R"]:
    """Return the triangles whose three vertices an earlier triangle has, in any order."""
    low, middle, high = np.sort(faces, axis=1).T.astype(np.int64)
    order = np.lexsort((high, middle, low))
    same = np.ones(len(faces) - 1, bool)
    for column in (low, middle, high):
        same &= column[order[1:]] == column[order[:-1]]
    return np.sort(order[1:][same])


def _named(kind: str, which: Int[np.ndarray, " N"], count: int = 0) -> str:
    """Format as ``2 edges (3-7, 7-9)``; ``which`` holds edge keys where `count` is given, else indices."""
    shown = [f"{i // count}-{i % count}" if count else str(i) for i in which[:_NAMED].tolist()]
    more = f" and {len(which) - _NAMED} more" if len(which) > _NAMED else ""
    return f"{len(which)} {kind}{'s' if len(which) > 1 else ''} ({', '.join(shown)}{more})"
