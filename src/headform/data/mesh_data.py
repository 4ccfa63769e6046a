"""Data of a mesh autoencoder: sampled heads, a folder of registered meshes, or a prepared data set.

N meshes, V vertices, F triangles.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from headform.data import (
    MeshDataset,
    PreparedMeshes,
    SampledHeads,
    Subset,
    coordinate_statistics,
    read_registered,
    split_indices,
)
from headform.data.mesh_dataset import CoordinateStatistics
from headform.data.mesh_outliers import Outliers, require_alike
from headform.data.prepared import INDEX
from headform.data.registered import KEEP
from headform.data.sampled_heads import EVERYTHING, Posed
from headform.errors import HeadformError, InputError
from headform.geometry.units import InputUnit
from headform.heads.linear import LinearHead

STATISTICS = 2048
"""Training meshes, at most, that mean and spread are taken over."""


@dataclass(frozen=True, eq=False)
class MeshData:
    """A training part, a part that is held out, and what the hierarchy of levels is built from.

    Attributes:
        train: Training part.
        held_out: Validation part.
        statistics: Mean and spread of the training part.
        template: (V, 3) meters; decides which vertices stay on coarser levels.
        mirror: (V,) partner of every vertex where it is known.
        facts: Origin of the meshes; plain JSON values.
    """

    train: MeshDataset
    held_out: MeshDataset
    statistics: CoordinateStatistics
    template: Float64[np.ndarray, "V 3"]
    mirror: Int64[np.ndarray, " V"] | None
    facts: dict[str, Any]


def sampled_heads(
    head: LinearHead,
    count: int,
    seed: int,
    *,
    held_out: int,
    posed: tuple[Posed, ...] = EVERYTHING,
) -> MeshData:
    """Heads drawn from a linear head, `count` to learn from, `held_out` of another stream to be measured on."""
    train = SampledHeads(head, count, seed, posed=posed)
    kept = SampledHeads(head, held_out, seed, split="val", posed=posed)
    return _data(train, kept, head, train.facts())


def from_folder(
    folder: Path,
    head: LinearHead,
    seed: int,
    *,
    held_out: int,
    unit: InputUnit = "auto",
    outliers: Outliers = "refuse",
) -> MeshData:
    """Meshes from disk.

    Args:
        folder: With a `dataset.json` a prepared data set, whose splits `train` and `val` are used; otherwise .obj, .ply
            and .npz files of one topology, a tenth of which (2 at least) is held out.
        head: Meshes in its topology get the hierarchy of its mean shape, as sampled heads do.
        seed: Seed of the choice of the held-out tenth.
        held_out: Maximum number of held-out meshes.
        unit: Unit of registered meshes.
        outliers: Refuse the set or keep it when meshes do not correspond to the others, see `data.mesh_outliers`.

    Raises:
        InputError: whatever `headform.data` finds wrong; `meshes_few` when there are not 4.
    """
    if (folder / INDEX).exists():
        prepared, kept = PreparedMeshes(folder), PreparedMeshes(folder, "val")
        if outliers == "refuse":
            for part in (prepared, kept):
                require_alike(part, lambda index: f"mesh {index}", more=KEEP)
        rest: MeshDataset = Subset(kept, np.arange(min(held_out, kept.count)), "first")
        return _data(prepared, rest, head, {"kind": "prepared", "source": prepared.facts})
    whole = read_registered(folder, unit=unit, outliers=outliers)
    if whole.count < 4:
        what = f"{whole.count} meshes: 2 are needed to learn from and 2 to be held out"
        raise InputError("meshes_few", what, ascii(str(folder)), "put more meshes there")
    share = max(2.0, min(held_out, whole.count / 10)) / whole.count
    parts = split_indices(whole.count, val=share, test=0.0, seed=seed)
    facts = {"kind": "registered meshes", "unit": whole.unit, "split_seed": seed}
    train, val = Subset(whole, parts.train, "train"), Subset(whole, parts.val, "val")
    return _data(train, val, head, facts)


def _data(train: MeshDataset, held_out: MeshDataset, head: LinearHead, facts: dict[str, Any]) -> MeshData:
    if train.count < 2:
        raise InputError("meshes_few", "there are not 2 meshes to learn from", train.name)
    try:
        statistics = coordinate_statistics(train, most=STATISTICS)
    except HeadformError:
        raise
    except ValueError as error:
        raise InputError("meshes_equal", str(error), train.name) from error
    own = np.array_equal(train.faces, head.faces.cpu().numpy())
    return MeshData(
        train=train,
        held_out=held_out,
        statistics=statistics,
        template=head.mean.double().cpu().numpy() if own else statistics.mean,
        mirror=head.mirror.cpu().numpy() if own else None,
        facts={
            "name": train.name,
            "license": train.license,
            "count": train.count,
            "held_out": held_out.count,
            "head_sha256": head.sha256 if own else None,
            **facts,
        },
    )
