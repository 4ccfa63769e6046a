"""Reconstruction error of mesh models: distances of corresponding vertices in millimeters.

B batch, N meshes, V vertices.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from headform.data.mesh_dataset import MeshDataset
from headform.data.sampled_heads import EVERYTHING, HeadSampling, Posed, SampledHeads
from headform.evaluate.tables import decimals, json_text, markdown_table
from headform.geometry.units import MM_PER_M
from headform.heads.linear import PARTS, LinearHead

Reconstructor = Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B V 3"]]
"""Map from meshes to their reconstructions by the model; meters."""


_SHOWN = ("face", "lips", "eyes", "ears", "scalp", "neck")


@dataclass(frozen=True)
class ErrorSummary:
    """Distances in millimeters over all vertices of all meshes, as CoMA reports them.

    Attributes:
        mean: Mean.
        std: Standard deviation.
        median: Median.
        percentile_95: 95 of 100 are below.
        worst_mesh: Mean of the mesh with the greatest mean.
    """

    mean: float
    std: float
    median: float
    percentile_95: float
    worst_mesh: float


@dataclass(frozen=True)
class MeshErrorRow:
    """One model on one set.

    Attributes:
        model: Its name, such as "PCA 8".
        set: Name of the set.
        width: Dimension of the code of a mesh.
        meshes: Number of meshes.
        overall: Over all vertices.
        regions: Mean of each region, millimeters.
    """

    model: str
    set: str
    width: int
    meshes: int
    overall: ErrorSummary
    regions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MeshErrorTable:
    """Rows of all models on all sets.

    Attributes:
        rows: In the order of the tables.
        facts: Description of models and sets, plain JSON values.
    """

    rows: tuple[MeshErrorRow, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Format as JSON text."""
        return json_text({"unit": "mm", "facts": self.facts, "rows": self.rows})

    def to_markdown(self, set_name: str) -> str:
        """A row per model: mean ± standard deviation, median, 95 % on one set."""
        header = ["model", "numbers", "mean mm", "±", "median mm", "95 % mm", "worst mesh mm"]
        rows = [
            [row.model, row.width, *(f"{value:.3f}" for value in astuple(row.overall))]
            for row in self.rows
            if row.set == set_name
        ]
        return markdown_table(header, rows) + "\n"

    def regions_to_markdown(self, set_name: str) -> str:
        """A row per model, a column per region: mean distance in mm on one set."""
        rows = [r for r in self.rows if r.set == set_name]
        names = list(rows[0].regions) if rows else []
        cells = [(r.model, [r.regions[name] for name in names]) for r in rows]
        return _grid("mean mm", names, cells)

    def sets_to_markdown(self) -> str:
        """A row per model, a column per set: mean distance in mm."""
        sets = list(dict.fromkeys(row.set for row in self.rows))
        found = {(row.model, row.set): row.overall.mean for row in self.rows}
        models = list(dict.fromkeys(row.model for row in self.rows))
        cells = [(m, [found.get((m, s), float("nan")) for s in sets]) for m in models]
        return _grid("mean mm", sets, cells)


def vertex_distances(
    reconstruct: Reconstructor,
    dataset: MeshDataset,
    indices: Int64[np.ndarray, " N"] | None = None,
    *,
    batch: int = 32,
) -> Float32[np.ndarray, "N V"]:
    """Distance of each vertex from where it should be, millimeters; all N x V are kept in memory.

    Nothing is aligned: a global translation or rotation counts as an error.

    Args:
        reconstruct: The model.
        dataset: Ground truth.
        indices: (N,) meshes to use; all if absent.
        batch: Meshes per call of the model.

    Raises:
        ValueError: there is nothing to measure, or the model's meshes have another shape or are not
            finite.
    """
    chosen = np.arange(dataset.count) if indices is None else indices
    if not len(chosen):
        raise ValueError("there is no mesh to measure on")
    rows = []
    for start in range(0, len(chosen), batch):
        true = dataset.vertices(chosen[start : start + batch])
        with torch.no_grad():
            got = reconstruct(true)
        if got.shape != true.shape or not bool(torch.isfinite(got).all()):
            raise ValueError(f"the model returned {tuple(got.shape)} for {tuple(true.shape)}, or NaN")
        gap = got.double() - true.double()
        rows.append((torch.linalg.vector_norm(gap, dim=2) * MM_PER_M).float().cpu().numpy())
    return np.concatenate(rows)


def summarize(distances: Float32[np.ndarray, "N V"]) -> ErrorSummary:
    """Numbers over all vertices of all meshes; see `vertex_distances`."""
    median, high = np.percentile(distances, [50, 95])
    return ErrorSummary(
        mean=float(distances.mean(dtype=np.float64)),
        std=float(distances.std(dtype=np.float64)),
        median=float(median),
        percentile_95=float(high),
        worst_mesh=float(distances.mean(1, dtype=np.float64).max()),
    )


def head_regions(head: LinearHead) -> dict[str, Bool[np.ndarray, " V"]]:
    """Vertices of the regions of a head that the tables show; they overlap a little."""
    named = {name: head.regions[name].cpu().numpy() for name in _SHOWN}
    part = head.part.cpu().numpy()

    def of(*names: str) -> Bool[np.ndarray, " V"]:
        return np.isin(part, [PARTS.index(name) for name in names])

    named["eyeballs"] = of("eye_right", "eye_left")
    named["teeth and tongue"] = of("teeth", "tongue")
    return named


def posed_sets(head: LinearHead, count: int, seed: int, recipe: HeadSampling) -> dict[str, SampledHeads]:
    """Held-out sampled heads, the same people each time: with everything posed, and by cause."""
    causes: dict[str, tuple[Posed, ...]] = {
        "everything": EVERYTHING,
        "identity": (),
        "and expression": ("expression",),
        "and neck": ("neck",),
        "and gaze": ("gaze",),
    }
    return {
        name: SampledHeads(head, count, seed, split="test", recipe=recipe, posed=posed)
        for name, posed in causes.items()
    }


def evaluate_models(
    models: Mapping[str, tuple[int, Reconstructor]],
    sets: Mapping[str, MeshDataset],
    *,
    regions: Mapping[str, Bool[np.ndarray, " V"]] | None = None,
    facts: Mapping[str, Any] | None = None,
    batch: int = 32,
) -> tuple[MeshErrorTable, dict[tuple[str, str], Float32[np.ndarray, " V"]]]:
    """Evaluate models on sets.

    Args:
        models: Dimension of the code and model, by name.
        sets: Meshes by name, such as those of `posed_sets`.
        regions: Masks by name.
        facts: Description for the table.
        batch: Meshes per call of a model.

    Returns:
        The table, and each vertex's mean distance in mm by (model, set), for pictures.
    """
    rows, maps = [], {}
    for set_name, dataset in sets.items():
        for name, (width, model) in models.items():
            distances = vertex_distances(model, dataset, batch=batch)
            means = distances.mean(0, dtype=np.float64)
            parts = {key: float(means[mask].mean()) for key, mask in (regions or {}).items()}
            rows.append(MeshErrorRow(name, set_name, width, len(distances), summarize(distances), parts))
            maps[name, set_name] = means.astype(np.float32)
    return MeshErrorTable(tuple(rows), dict(facts or {})), maps


def _grid(corner: str, names: list[str], rows: list[tuple[str, list[float]]]) -> str:
    return markdown_table([corner, *names], [[name, *(decimals(x, 3) for x in values)] for name, values in rows]) + "\n"
