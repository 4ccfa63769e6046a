"""Regions of a scan's face, for errors by region, and errors carried to the open head's mean, for pictures.

P measured points of the scan, V vertices of the mean head. Millimeters.

The mean of the open head is laid on the scan by the seven landmarks, and a point belongs to the region of the nearest
vertex of its skin. The regions are those that losses weigh apart: eyes, nose, mouth, forehead; cheeks and chin besides.
Seven points fix where these lie to some millimeters, which borders of regions feel and their middles do not.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from scipy.spatial import cKDTree

from headform import heads
from headform.evaluate.scan.procrustes import procrustes
from headform.io.mesh.triangle_mesh import TriangleMesh

REGIONS = ("eyes", "nose", "mouth", "forehead", "cheeks", "chin")
"""Names of the regions; a vertex in several is in the first."""
REST = "rest"
"""Name of what lies in no region."""
FAR = 12.0
"""Millimeters from a vertex of the laid mean head to the scan beyond which it has no error."""


@dataclass(frozen=True, eq=False)
class FaceMap:
    """Correspondence between a scan's measured points and the open head's mean.

    Attributes:
        region: (P,) index into `REGIONS`, or `len(REGIONS)` for the rest.
        nearest: (V,) measured point nearest to each vertex of `mean_face`; -1 where none is near.
    """

    region: Int[np.ndarray, " P"]
    nearest: Int[np.ndarray, " V"]

    def carried(self, errors: Float[np.ndarray, " P"]) -> Float64[np.ndarray, " V"]:
        """Errors at the vertices of the mean face, NaN where none is near."""
        return np.where(self.nearest >= 0, np.asarray(errors, np.float64)[self.nearest], np.nan)


def map_face(points: Float[np.ndarray, "P 3"], landmarks: Float[np.ndarray, "7 3"]) -> FaceMap:
    """Lay the mean head on a scan's measured points.

    Args:
        points: (P, 3) measured points of the scan, millimeters.
        landmarks: (7, 3) landmarks of the scan.

    Raises:
        ValueError: the landmarks lie in one place.
    """
    head, regions = _mean()
    place = procrustes(landmarks, head.vertices[_now7()])
    laid = place.apply(head.vertices)
    skin = np.unique(head.faces)
    _, vertex = cKDTree(laid[skin]).query(points)
    away, nearest = cKDTree(points).query(laid)
    return FaceMap(regions[skin[vertex]], np.where(away <= FAR, nearest, -1).astype(np.int64))


def mean_face() -> tuple[TriangleMesh, Float64[np.ndarray, "7 3"]]:
    """Mean of the open head, skin alone, and its seven landmarks, meters."""
    head = _mean()[0]
    return head, np.asarray(head.vertices[_now7()], np.float64)


def errors_by_region(
    regions: Int[np.ndarray, " P"], errors: Float[np.ndarray, " P"]
) -> dict[str, Float64[np.ndarray, " N"]]:
    """Errors of each region, the rest last; regions without points are left out."""
    names = (*REGIONS, REST)
    parts = {name: np.asarray(errors, np.float64)[regions == k] for k, name in enumerate(names)}
    return {name: part for name, part in parts.items() if len(part)}


@cache
def _mean() -> tuple[TriangleMesh, Int[np.ndarray, " V"]]:
    head = heads.load_open()
    skin = head.regions["skin"].numpy()
    faces = head.faces.numpy()
    labels = np.full(len(head.mean), len(REGIONS), np.int64)
    for number, name in reversed(list(enumerate(REGIONS))):
        labels[head.regions[name].numpy()] = number
    return TriangleMesh(head.mean.to(torch.float64).numpy(), faces[skin[faces].all(axis=1)]), labels


def _now7() -> Int[np.ndarray, "7"]:
    return np.asarray(heads.load_open().now7.numpy())
