"""The Large Scale Facial Model (LSFM), full or cropped, as menpo3d reads it.

V vertices, F triangles, K components.
Layout: a MATLAB file with ``mean`` (3V numbers), ``components`` (3V x K, unit length), ``eigenvalues`` (K, variances),
``trilist`` (F x 3 from 0); cropped models also have ``map_cropped_to_full`` and ``map_full_to_cropped`` (-1: cut away),
from 0. The full model has the 53215 vertices of the Basel mask without the inner mouth.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from headform.geometry.landmarks68 import outer_eye_distance
from headform.geometry.units import infer_unit
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays, unit_by_height
from headform.importers._basel_landmarks import LANDMARKS
from headform.importers._companions import Companions
from headform.importers._sniff import mat_keys
from headform.importers.basel_topology import TRIMMED
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import license_of
from headform.io.mat_file import read_mat

KIND = "lsfm"
LICENSE = "LSFM (Imperial College London): on request, non-commercial research only"
_KEYS = ("mean", "components", "eigenvalues", "trilist")
_MAPS = ("map_full_to_cropped", "map_cropped_to_full")


def recognizes(path: Path) -> bool:
    """Return whether a MATLAB file has LSFM's four keys."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``all_all_all.mat`` or one of its siblings. The unit is the one that makes the eyes a head's distance apart.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_mismatch``: the maps of a cropped model do not fit it.
    """
    files = Companions(path, companions).close()
    table = ModelArrays(files.where, read_mat(files.path, _KEYS, optional=_MAPS), files.notes)
    mean = table.points("mean")
    identity, sigma = table.components("components", "eigenvalues", len(mean))
    faces = table.triangles("trilist", len(mean), 0)
    landmarks = _landmarks(table, len(mean))
    if landmarks is not None and min(landmarks[36], landmarks[45]) >= 0:
        unit = infer_unit(outer_eye_distance(mean[landmarks]))
        files.notes.append(f"the publisher names no unit; it is {unit} by the distance of the eyes")
    else:
        unit = unit_by_height(mean)
        reason = f"no landmarks: {len(mean)} vertices and no map from {TRIMMED}"
        reason = reason if landmarks is None else "the corners of the eyes were cut away"
        files.notes.append(f"{reason}; the unit is {unit} by height")
    license = license_of(KIND, LICENSE, len(mean), landmarks is not None, files.notes)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, license, str(len(mean))),
            unit=unit,
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            landmarks=landmarks,
        )
    )


def _landmarks(table: ModelArrays, vertices: int) -> Int[np.ndarray, "68"] | None:
    """Return the 68 points of the full mask, taken through the map to a cropped one."""
    full = np.array(LANDMARKS[TRIMMED])
    if vertices == TRIMMED:
        return full
    if not all(name in table for name in _MAPS):
        return None
    down, up = (table.vector(name) for name in _MAPS)
    there = np.flatnonzero(down >= 0)
    fits = len(down) == TRIMMED and len(up) == len(there) == vertices
    fits = fits and np.array_equal(np.sort(down[there]), np.arange(vertices))
    if not fits or not np.array_equal(up[down[there].astype(np.int64)], there):
        what = f"the maps between {TRIMMED} and {vertices} vertices do not fit each other"
        raise table.error("model_mismatch", what, "use the maps of this cropped model")
    return down[full].astype(np.int64)
