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

from headform.errors import WeightsError
from headform.geometry.landmarks68 import OUTER_EYE_CORNERS, outer_eye_distance
from headform.geometry.units import infer_unit
from headform.heads.checks import check_finite, check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._basel_landmarks import LANDMARKS
from headform.importers._companions import Companions
from headform.importers._components import (
    coordinates,
    from_zero,
    numbers,
    per_sigma,
    unit_by_height,
)
from headform.importers._sniff import mat_keys
from headform.importers.importing import ImportedModel, linear_head
from headform.io.mat_file import read_mat

KIND = "lsfm"
LICENSE = "LSFM (Imperial College London): on request, non-commercial research only"
FULL = 53215
_KEYS = ("mean", "components", "eigenvalues", "trilist")
_MAPS = ("map_full_to_cropped", "map_cropped_to_full")


def recognizes(path: Path) -> bool:
    """Whether a MATLAB file has LSFM's four keys."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``all_all_all.mat`` or one of its siblings. The unit is the one that makes the eyes a head's distance apart.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``, ``model_mismatch`` (the maps of a cropped model do not fit it).
    """
    path = Path(path)
    where = repr(str(path))
    files = Companions(path, companions)
    files.close()
    values = read_mat(path, _KEYS, optional=_MAPS)
    table = {name: numbers(where, name, value) for name, value in values.items()}
    mean = coordinates(where, "mean", table["mean"].reshape(-1))
    check_shape(where, "components", table["components"], mean.size, None)
    identity, sigma, scaled = per_sigma(where, "shape", table["components"], table["eigenvalues"].reshape(-1))
    faces, counted = from_zero(where, table["trilist"], len(mean), 0)
    landmarks = _landmarks(where, table, len(mean))
    if landmarks is None:
        unit = unit_by_height(mean)
        how = f"no landmarks: {len(mean)} vertices and no map from {FULL}; the unit is {unit} by height"
    elif landmarks[list(OUTER_EYE_CORNERS)].min() < 0:
        unit = unit_by_height(mean)
        how = f"the corners of the eyes were cut away; the unit is {unit} by height"
    else:
        unit = infer_unit(outer_eye_distance(mean[landmarks]))
        how = f"the publisher names no unit; it is {unit} by the distance of the eyes"
    notes = [note for note in (scaled, counted, how) if note]
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, [path], version=str(len(mean)), license=LICENSE, notes=notes),
            unit=unit,
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            landmarks=landmarks,
        )
    )


def _landmarks(where: str, table: dict[str, np.ndarray], vertices: int) -> Int[np.ndarray, "68"] | None:
    """The 68 points of the full mask, taken through the map to a cropped one."""
    full = np.array(LANDMARKS[FULL])
    if vertices == FULL:
        return full
    if not all(name in table for name in _MAPS):
        return None
    down, up = (table[name].reshape(-1) for name in _MAPS)
    check_finite(where, **dict(zip(_MAPS, (down, up), strict=True)))
    there = np.flatnonzero(down >= 0)
    fits = len(down) == FULL and len(up) == len(there) == vertices
    fits = fits and np.array_equal(np.sort(down[there]), np.arange(vertices))
    if not fits or not np.array_equal(up[down[there].astype(np.int64)], there):
        what = f"the maps between {FULL} and {vertices} vertices do not fit each other"
        raise WeightsError("model_mismatch", what, where, "use the maps of this cropped model")
    return down[full].astype(np.int64)
