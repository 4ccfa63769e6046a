"""Meshes of a set that do not correspond to the others, although their triangles are the same.

N meshes, B batch, V vertices, E edges.

A common list of triangles says nothing of the order of the vertices. Here the meshes themselves are compared: edges that are
far longer than in the other meshes (vertices in another order), reflection, direction, place and size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from headform.data.mesh_dataset import MeshDataset
from headform.errors import InputError
from headform.mesh.topology import edges

Outliers = Literal["refuse", "keep"]
"""Meshes that do not correspond to the others: ``refuse`` the set, naming them, or ``keep`` them."""
TORN = 3.0
"""An edge is torn when it is so many times longer than in the other meshes, and longer than `TORN_SHARE` besides."""
TORN_SHARE = 0.1
"""Share of the diagonal of the mesh's bounding box; edges of lips and lids stretch many times, but stay shorter."""
TORN_EDGES = 3
"""Torn edges of one mesh that make it an outlier; one stray vertex tears about six."""
MIXED = 2.0
"""A mesh that is this many times larger or smaller than the median is in another unit (an inch is 2.54 cm)."""
TURNED_DEGREES = 60.0
"""A mesh turned so far against most others is in another frame; people turn their heads less in a common one."""
ALIKE_DEGREES = 20.0
"""The others must be this much alike in direction, median, for a turned one to be an outlier."""
MOVED = 1.5
"""Distance of a mesh from the middle of the others, in diagonals, from which it is in another place."""
SPREAD = 0.5
"""Spread of an unsorted mesh: its mean edge over its mean distance of vertices; of surfaces it is far smaller."""
SPREAD_VERTICES = 200
"""Vertices from which that is judged; triangles of coarser meshes span them."""
_SAMPLE = 256  # meshes that the median length of an edge is taken over
_LENGTHS = 40_000_000  # lengths that are computed; of larger sets, edges are left out evenly
_FEWEST = 2048  # edges that are looked at all the same
_BATCH = 16
_NAMED = 5  # most meshes that a message names
_FLAT = 0.02  # third singular value over the first, below which a mesh has no side


@dataclass(frozen=True)
class Outlier:
    """A mesh that does not correspond to the others.

    Attributes:
        index: Number of the mesh.
        what: Description, one clause.
    """

    index: int
    what: str


def require_alike(dataset: MeshDataset, label: Callable[[int], str], *, more: str = "") -> None:
    """Refuse a set in which meshes do not correspond to the others.

    Args:
        dataset: The meshes.
        label: Returns the name of a mesh in messages.
        more: Advice on how to keep such meshes, added to the hint.

    Raises:
        InputError: `mesh_outlier`, naming the meshes and how far each is off; `mesh_not_finite`.
    """
    found = find_outliers(dataset, label)
    if not found:
        return
    named = "; ".join(f"{label(each.index)} {each.what}" for each in found[:_NAMED])
    rest = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    what = f"{len(found)} of {dataset.count} meshes do not correspond to the others: {named}{rest}"
    fix = "export them from the same template, with the order of vertices kept, or leave them out"
    raise InputError("mesh_outlier", what, dataset.name, f"{fix}{more}")


def find_outliers(dataset: MeshDataset, label: Callable[[int], str] = str) -> list[Outlier]:
    """Find the meshes whose vertices are in another order, reflected, turned, displaced or of another size.

    A mesh is compared with the lower median of the set, so that fewer than half may be wrong. Of two meshes, that with the
    longer edges is the outlier.

    Raises:
        InputError: `mesh_not_finite`; `mesh_unsorted` when the triangles of all meshes join vertices that lie anywhere.
    """
    if dataset.count < 2:
        return []
    pairs, _ = edges(dataset.faces)
    keep = max(_FEWEST, _LENGTHS // dataset.count)
    if len(pairs) > keep:
        pairs = pairs[np.linspace(0, len(pairs) - 1, keep).astype(np.int64)]
    sample = np.unique(np.linspace(0, dataset.count - 1, _SAMPLE).astype(np.int64))
    sampled = np.concatenate([_lengths(_rows(dataset, chosen, label), pairs) for chosen in _parts(sample)])
    usual = np.sort(sampled, axis=0)[(len(sampled) - 1) // 2]
    best = int(sample[np.argmin(np.abs(sampled - usual).sum(axis=1))])
    model = _rows(dataset, np.array([best]), label)[0].astype(np.float64)
    _require_sorted(model, usual, dataset)
    torn, turns, centers, sizes, flat = _measured(dataset, pairs, usual, model, label)
    return _judged(torn, turns, centers, sizes, flat, len(pairs))


def _rows(
    dataset: MeshDataset, chosen: Int64[np.ndarray, " B"], label: Callable[[int], str]
) -> Float[np.ndarray, "B V 3"]:
    rows = dataset.vertices(chosen).detach().cpu().numpy()
    wrong = ~np.isfinite(rows).all(axis=(1, 2))
    if wrong.any():
        where = label(int(chosen[np.argmax(wrong)]))
        what = "a coordinate is NaN or infinite"
        raise InputError("mesh_not_finite", what, where, "repair the mesh or leave it out")
    return rows


def _parts(chosen: Int64[np.ndarray, " N"]) -> list[Int64[np.ndarray, " B"]]:
    return np.array_split(chosen, -(-len(chosen) // _BATCH))


def _lengths(rows: Float[np.ndarray, "B V 3"], pairs: Int64[np.ndarray, "E 2"]) -> Float32[np.ndarray, "B E"]:
    off = rows[:, pairs[:, 0]] - rows[:, pairs[:, 1]]
    return np.sqrt((off * off).sum(axis=2), dtype=np.float32)


def _diagonals(rows: Float[np.ndarray, "B V 3"]) -> Float64[np.ndarray, " B"]:
    return np.asarray(np.linalg.norm(np.ptp(rows, axis=1), axis=1), np.float64)


def _require_sorted(model: Float64[np.ndarray, "V 3"], usual: Float32[np.ndarray, " E"], dataset: MeshDataset) -> None:
    """Refuse triangles that fit none of the meshes."""
    if len(model) < SPREAD_VERTICES:
        return
    order = np.random.default_rng(0).permutation(len(model))
    apart = float(np.linalg.norm(model - model[order], axis=1).mean())
    if float(usual.mean()) > SPREAD * apart:
        what = (
            "the triangles join vertices that lie anywhere on the mesh: the vertices are in another order than they say"
        )
        raise InputError("mesh_unsorted", what, dataset.name, "give the triangles of the same template as the vertices")


def _measured(
    dataset: MeshDataset,
    pairs: Int64[np.ndarray, "E 2"],
    usual: Float32[np.ndarray, " E"],
    model: Float64[np.ndarray, "V 3"],
    label: Callable[[int], str],
) -> tuple[
    Float64[np.ndarray, "N 2"],
    Float64[np.ndarray, "N 3 3"],
    Float64[np.ndarray, "N 3"],
    Float64[np.ndarray, " N"],
    Float64[np.ndarray, " N"],
]:
    """Measure every mesh: torn edges and their median ratio, best orthogonal map, center, size, flatness."""
    centered = model - model.mean(axis=0)
    columns: list[tuple[np.ndarray, ...]] = []
    for chosen in _parts(np.arange(dataset.count)):
        rows = _rows(dataset, chosen, label)
        size, length = _diagonals(rows), _lengths(rows, pairs)
        torn = (length > TORN * usual) & (length > TORN_SHARE * size[:, None])
        ratio = length / np.maximum(usual, np.finfo(np.float32).tiny)
        typical = [float(np.median(r[t])) if t.any() else 1.0 for r, t in zip(ratio, torn, strict=True)]
        center = rows.mean(axis=1, dtype=np.float64)
        u, values, v = np.linalg.svd(np.einsum("bvi,vj->bij", rows - center[:, None], centered))
        flat = values[:, 2] / np.maximum(values[:, 0], np.finfo(np.float64).tiny)
        columns.append((np.stack([torn.sum(axis=1), typical], axis=1), u @ v, center, size, flat))
    torn, turns, centers, sizes, flats = (np.concatenate(column) for column in zip(*columns, strict=True))
    return torn, turns, centers, sizes, flats


def _judged(
    torn: Float64[np.ndarray, "N 2"],
    turns: Float64[np.ndarray, "N 3 3"],
    centers: Float64[np.ndarray, "N 3"],
    sizes: Float64[np.ndarray, " N"],
    flat: Float64[np.ndarray, " N"],
    count: int,
) -> list[Outlier]:
    """Name the outliers, in the order of the meshes; each by what is worst about it."""
    size = float(np.median(sizes))
    side = np.linalg.det(turns) < 0
    mirrored = (side if side.mean() <= 0.5 else ~side) & (flat > _FLAT)
    degrees = _degrees(turns, mirrored)
    middle = np.median(centers, axis=0)
    far = np.linalg.norm(centers - middle, axis=1) / max(size, np.finfo(np.float64).tiny)
    ratio = sizes / max(size, np.finfo(np.float64).tiny)
    found = []
    for index in range(len(torn)):
        if not 1 / MIXED < ratio[index] < MIXED:
            found.append(Outlier(index, f"is {ratio[index]:.4g} times as large"))
        elif torn[index, 0] >= TORN_EDGES:
            share, times = torn[index, 0] / count, torn[index, 1]
            what = (
                f"has {share:.1%} of its edges torn, about {times:.3g} times as long: its vertices are in another order"
            )
            found.append(Outlier(index, what))
        elif mirrored[index]:
            found.append(Outlier(index, "is mirrored"))
        elif degrees[index] > TURNED_DEGREES and np.median(degrees) < ALIKE_DEGREES:
            found.append(Outlier(index, f"is turned by {degrees[index]:.0f}°"))
        elif far[index] > MOVED and np.median(far) < SPREAD:
            found.append(Outlier(index, f"lies {far[index]:.3g} times its size away"))
    return found


def _degrees(turns: Float64[np.ndarray, "N 3 3"], mirrored: np.ndarray) -> Float64[np.ndarray, " N"]:
    """Angle of each mesh from the direction that most have."""
    proper = np.where(mirrored[:, None, None], -turns, turns)
    candidates = proper[:: max(1, len(proper) // 64)]

    def angles(rotation: np.ndarray) -> np.ndarray:
        trace = np.einsum("nij,ij->n", proper, rotation)
        return np.asarray(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))))

    return min((angles(each) for each in candidates), key=lambda found: float(np.median(found)))
