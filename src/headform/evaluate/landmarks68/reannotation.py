"""AFLW2000-3D with its points annotated again (Bulat and Tzimiropoulos 2017), as 3DDFA distributes them.

N faces, D 2 or 3. One array for all photos, in the order of their names; poses stay those of the `.mat` files.
Numbers against the original and the new points differ by half a per cent of the box and are not to be compared.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from headform.errors import InputError, WeightsError
from headform.evaluate.landmarks68.annotation_formats import CENTER_SHIFT
from headform.evaluate.landmarks68.landmark_errors import face_sizes
from headform.evaluate.landmarks68.landmark_files import ORIGINAL, LandmarkAnnotation
from headform.io.npz_file import read_npy

REANNOTATED = "re-annotated"
_FARTHEST = 0.25  # of the face's size


def reannotated(faces: Sequence[LandmarkAnnotation], path: Path) -> list[LandmarkAnnotation]:
    """Replace the points of faces by those of `AFLW2000-3D-Reannotated.pts68.npy`.

    Args:
        faces: All faces of the array, from `.mat` files; any order.
        path: An array (N, D, 68) or (N, 68, D); pixels from the center of the first one.

    Raises:
        InputError: `annotations_unreadable`, `annotations_invalid` (shape, not finite), `annotations_mismatch`: another
            number of faces, faces that are not from `.mat` files, or points that lie on average a quarter of the face's
            size from the original ones and hence belong to another face.
    """
    where = str(path)
    try:
        array = read_npy(path)
    except WeightsError as error:
        code = "annotations_unreadable" if error.code == "weights_missing" else "annotations_invalid"
        raise InputError(code, error.message, where) from error
    if array.ndim == 3 and array.shape[1] in (2, 3):
        array = array.swapaxes(1, 2)
    good = array.ndim == 3 and array.shape[1] == 68 and array.shape[2] in (2, 3)
    if not good or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        what = f"expected finite numbers of shape (N, 2, 68), found {array.shape} {array.dtype}"
        raise InputError("annotations_invalid", what, where)
    if len(array) != len(faces):
        what = f"it holds {len(array)} faces, the folder {len(faces)}"
        raise InputError("annotations_mismatch", what, where, "give all .mat files of the set as --annotations")
    new = []
    for face, points in zip(sorted(faces, key=lambda f: Path(f.photo).name), array, strict=True):
        own = np.asarray(points[:, :2], np.float64) + CENTER_SHIFT
        gap = float(np.linalg.norm(own - face.points, axis=1).mean()) / face_sizes(face.points).box
        if face.ground_truth != ORIGINAL or gap > _FARTHEST:
            what = f"its points are not those of {face.photo}"
            raise InputError("annotations_mismatch", what, where, "give all .mat files of the set as --annotations")
        new.append(replace(face, points=own, ground_truth=f"{REANNOTATED} ({path.name})"))
    return new
