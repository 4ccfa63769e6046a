"""Notes on a triangle mesh that an operator is built from: parts between which no signal passes.

V vertices, F triangles.
"""

import warnings

import numpy as np
from jaxtyping import Int

from headform.errors import MeshWarning
from headform.mesh.topology import components


def surface_notes(faces: Int[np.ndarray, "F 3"], count: int) -> tuple[str, ...]:
    """Describe what is unusual of a mesh as a graph; empty for one surface in few parts.

    Noted are vertices that no triangle uses, and loose triangles: parts of one triangle, which share no vertex with any
    other, as in files that repeat every corner. Separate parts of several triangles, such as eyeballs, are usual.

    Args:
        faces: triangles, checked.
        count: V.
    """
    used = np.bincount(faces.ravel(), minlength=count) > 0
    notes = []
    unused = int(count - used.sum())
    if unused:
        which = int(np.argmin(used))
        notes.append(f"{unused} of {count} vertices belong to no triangle, the first is vertex {which}")
    part = components(faces, count)[faces[:, 0]]
    loose = np.flatnonzero(np.bincount(part)[part] == 1)
    if len(loose) and len(faces) > 1:
        notes.append(
            f"{len(loose)} of {len(faces)} triangles are loose, sharing no vertex with another, the first is triangle "
            f"{loose[0]} (merge vertices that lie in one place)"
        )
    return tuple(notes)


def warn_of_loose_parts(faces: Int[np.ndarray, "F 3"], count: int) -> None:
    """Warn with the notes of `surface_notes`, at the caller of the public function that calls this."""
    notes = surface_notes(faces, count)
    if notes:
        warnings.warn(f"the mesh: {'; '.join(notes)}", MeshWarning, stacklevel=3)
