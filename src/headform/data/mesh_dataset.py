"""Interface of a set of meshes in one topology, and its mean and spread per coordinate.

B batch, V vertices, F triangles. Meters; the head frame where the frame is known.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from headform.errors import InputError

STD_FLOOR = 0.01
"""Smallest standard deviation of a coordinate, as a share of the root mean square over all of them."""


@runtime_checkable
class MeshDataset(Protocol):
    """Meshes that share one topology, read by number.

    Attributes:
        name: Name in logs, cards and tables.
        license: One line.
        count: Number of meshes.
        faces: (F, 3) int64 triangles of every mesh.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above

    @property
    def license(self) -> str: ...  # noqa: D102

    @property
    def count(self) -> int: ...  # noqa: D102

    @property
    def faces(self) -> Int64[np.ndarray, "F 3"]: ...  # noqa: D102

    def vertices(self, indices: Int64[np.ndarray, " B"]) -> Float32[Tensor, "B V 3"]:
        """The meshes with these numbers, each in [0, count); meters.

        The same number always gives the same mesh, up to the rounding of single precision: a matrix
        product may round differently in batches of another size.
        """
        ...


@dataclass(frozen=True, eq=False)
class CoordinateStatistics:
    """Mean and spread of every coordinate of every vertex.

    Attributes:
        mean: (V, 3) float64 meters.
        std: (V, 3) float64 meters, at least `STD_FLOOR` of its root mean square.
        count: Number of meshes used.
    """

    mean: Float64[np.ndarray, "V 3"]
    std: Float64[np.ndarray, "V 3"]
    count: int


def coordinate_statistics(
    dataset: MeshDataset,
    indices: Int64[np.ndarray, " N"] | None = None,
    *,
    most: int | None = None,
    batch: int = 64,
) -> CoordinateStatistics:
    """Mean and standard deviation (over N, not N - 1) per vertex and coordinate, as CoMA normalizes.

    Two moments of the differences from the first mesh are added up in float64, in order: the result
    depends on the data and `batch` only. A coordinate that hardly moves would be divided by nearly
    nothing, and the least noise in it would drown the rest; so no standard deviation is below
    `STD_FLOOR` times the root mean square of all of them.

    Args:
        dataset: The meshes.
        indices: (N,) meshes to use, such as the training part; all if absent.
        most: Look at no more than this many of them, evenly spread.
        batch: Meshes in memory at a time.

    Raises:
        ValueError: fewer than two meshes, or all of them equal.
        InputError: `mesh_not_finite` when a coordinate is NaN or infinite.
    """
    chosen = np.arange(dataset.count) if indices is None else indices
    if most is not None and len(chosen) > most:
        chosen = chosen[np.linspace(0, len(chosen) - 1, most).astype(np.int64)]
    if len(chosen) < 2:
        raise ValueError(f"statistics need at least 2 meshes, not {len(chosen)}")
    origin = dataset.vertices(chosen[:1]).double()
    first = torch.zeros_like(origin[0])
    second = torch.zeros_like(origin[0])
    for start in range(0, len(chosen), batch):
        offset = dataset.vertices(chosen[start : start + batch]).double() - origin
        first += offset.sum(0)
        second += (offset * offset).sum(0)
    if not bool(torch.isfinite(second).all()):
        what = "a coordinate is NaN or infinite"
        raise InputError("mesh_not_finite", what, dataset.name, "repair the mesh or leave it out")
    shift = first / len(chosen)
    variance = (second / len(chosen) - shift * shift).clamp(min=0.0).cpu().numpy()
    floor = STD_FLOOR * float(np.sqrt(variance.mean()))
    if not floor > 0.0:
        raise ValueError("all meshes are equal: there is no spread to divide by")
    mean = (origin[0] + shift).cpu().numpy()
    return CoordinateStatistics(mean, np.maximum(np.sqrt(variance), floor), len(chosen))
