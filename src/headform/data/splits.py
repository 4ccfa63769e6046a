"""Parts of a set of meshes: fixed splits, folds for cross-validation, and a part as a set of its own.

N meshes, B batch, V vertices, F triangles.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64
from torch import Tensor

from headform.data.mesh_dataset import MeshDataset

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class SplitIndices:
    """Numbers of the meshes of each part, ascending; together each mesh once."""

    train: Int64[np.ndarray, " a"]
    val: Int64[np.ndarray, " b"]
    test: Int64[np.ndarray, " c"]


def split_indices(count: int, *, val: float = 0.1, test: float = 0.2, seed: int = 0) -> SplitIndices:
    """Divide `count` meshes at random; the same arguments give the same parts.

    Args:
        count: Number of meshes, in their fixed order (registered meshes: sorted by name).
        val: Share of the validation part; rounded to whole meshes.
        test: Share of the test part; rounded.
        seed: Seed of the order.

    Raises:
        ValueError: a share is negative, or nothing is left to train on.
    """
    tests, vals = round(count * test), round(count * val)
    if tests < 0 or vals < 0 or tests + vals >= count:
        raise ValueError(f"{count} meshes leave none to train on beside {vals} and {tests}")
    order = np.random.default_rng(seed).permutation(count)
    return SplitIndices(
        train=np.sort(order[tests + vals :]),
        val=np.sort(order[tests : tests + vals]),
        test=np.sort(order[:tests]),
    )


def fold_indices(count: int, folds: int, number: int, *, seed: int = 0) -> SplitIndices:
    """One of `folds` ways to hold a part out; over all of them each mesh is held out once.

    Args:
        count: Number of meshes.
        folds: Number of parts, whose sizes differ by one at most.
        number: Index of the test part, from 0; there is no validation part.
        seed: Seed of the order.

    Raises:
        ValueError: fewer than two folds, more folds than meshes, or no such fold.
    """
    if not 2 <= folds <= count or not 0 <= number < folds:
        raise ValueError(f"fold {number} of {folds} of {count} meshes")
    order = np.random.default_rng(seed).permutation(count)
    held = np.arange(count) % folds == number
    return SplitIndices(train=np.sort(order[~held]), val=np.zeros(0, np.int64), test=np.sort(order[held]))


class Subset:
    """A `MeshDataset` that shows some meshes of another, renumbered from 0 in the order given.

    Args:
        whole: Complete data set.
        indices: Their numbers there.
        label: Name of the part, such as "train".
    """

    def __init__(self, whole: MeshDataset, indices: Int64[np.ndarray, " N"], label: str) -> None:
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < whole.count:
            raise IndexError(f"{whole.name} has no mesh {int(indices.max())}")
        self.whole, self.indices, self.label = whole, indices, label

    @property
    def name(self) -> str:
        """Name of the whole and of the part."""
        return f"{self.whole.name}, {self.label}"

    @property
    def license(self) -> str:
        """The whole's."""
        return self.whole.license

    @property
    def count(self) -> int:
        """Number of meshes of the part."""
        return len(self.indices)

    @property
    def faces(self) -> Int64[np.ndarray, "F 3"]:
        """The whole's triangles."""
        return self.whole.faces

    def vertices(self, indices: Int64[np.ndarray, " B"]) -> Float32[Tensor, "B V 3"]:
        """The meshes with these numbers of the part, meters."""
        return self.whole.vertices(self.indices[indices])
