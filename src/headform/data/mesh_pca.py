"""Principal components of meshes: the best linear model of a given width, to measure others against.

B batch, N meshes, V vertices, K components. Computed in float64.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from headform.data.mesh_dataset import MeshDataset

GRAM_MOST = 1200
"""Up to so many meshes the N x N matrix of their products is decomposed; above, the data are streamed."""
_BATCH = 64
_MOST_PASSES = 60


@dataclass(frozen=True, eq=False)
class MeshPca:
    """A mean and K orthonormal directions, those of greatest variance first.

    Of all models that give a mesh as mean + K numbers times K shapes, it has the least mean squared
    distance on the meshes it was fitted to (Eckart and Young 1936); not the least mean distance, and
    not on other meshes.

    Attributes:
        mean: (V, 3) meters.
        components: (K, 3 V), orthonormal rows.
        variance: (K,) square meters along each, over N.
        total_variance: Square meters in all directions together.
        passes: Number of passes over the data; 1 for the exact method.
        change: Relative change of the K variances' sum in the last pass; 0 for the exact method.
    """

    mean: Float64[Tensor, "V 3"]
    components: Float64[Tensor, "K C"]
    variance: Float64[Tensor, " K"]
    total_variance: float
    passes: int
    change: float

    def model(self, count: int) -> Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B V 3"]]:
        """The reconstruction by the first `count` components, in the dtype and place of its input.

        Raises:
            ValueError: there are not so many.
        """
        if not 0 <= count <= len(self.components):
            raise ValueError(f"there are {len(self.components)} components, not {count}")

        def reconstruct(vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B V 3"]:
            rows = self.components[:count].to(vertices.device)
            mean = self.mean.to(vertices.device).flatten()
            codes = (vertices.double().flatten(1) - mean) @ rows.T
            return (codes @ rows + mean).to(vertices.dtype).view_as(vertices)

        return reconstruct


def fit_pca(
    dataset: MeshDataset,
    components: int,
    indices: Int64[np.ndarray, " N"] | None = None,
    *,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> MeshPca:
    """Principal components of some meshes.

    Up to `GRAM_MOST` meshes: exactly, from the eigenvectors of their N x N Gram matrix. More:
    subspace iteration with twice the components, the data read batch by batch in each pass, until
    the sum of the first K variances grows by less than `tolerance` of itself (Halko, Martinsson and
    Tropp 2011, section 4.5); memory is that of 5 K meshes, whatever N.

    Args:
        dataset: The meshes; the work is done on the device that holds them.
        components: K, less than N and at most 3 V.
        indices: (N,) meshes to use, such as the training part; all if absent.
        tolerance: See above.
        seed: Seed of the random start; the result depends on it within the tolerance only.

    Raises:
        ValueError: too many components, or all meshes are equal.
        RuntimeError: no convergence within 60 passes.
    """
    chosen = np.arange(dataset.count) if indices is None else indices
    mean = _mean(dataset, chosen)
    if not 1 <= components <= min(len(chosen) - 1, mean.numel()):
        raise ValueError(f"{components} components of {len(chosen)} meshes of {len(mean)} vertices")
    if len(chosen) <= GRAM_MOST:
        return _exact(dataset, chosen, mean, components)
    return _streamed(dataset, chosen, mean, components, tolerance, seed)


def _rows(dataset: MeshDataset, chosen: Int64[np.ndarray, " N"]) -> Iterator[Float64[Tensor, "B C"]]:
    for start in range(0, len(chosen), _BATCH):
        yield dataset.vertices(chosen[start : start + _BATCH]).double().flatten(1)


def _mean(dataset: MeshDataset, chosen: Int64[np.ndarray, " N"]) -> Float64[Tensor, "V 3"]:
    total = torch.stack([rows.sum(0) for rows in _rows(dataset, chosen)]).sum(0)
    return (total / len(chosen)).unflatten(0, (-1, 3))


def _exact(
    dataset: MeshDataset,
    chosen: Int64[np.ndarray, " N"],
    mean: Float64[Tensor, "V 3"],
    components: int,
) -> MeshPca:
    """With X = U S V': X X' = U S² U', and V = X' U / S."""
    x = torch.cat(list(_rows(dataset, chosen))) - mean.flatten()
    values, vectors = torch.linalg.eigh(x @ x.T)
    values, vectors = values.flip(0)[:components], vectors.flip(1)[:, :components]
    total = float((x * x).sum())
    if not total > 0.0:
        raise ValueError("all meshes are equal: there are no components")
    # directions without variance are any that are orthogonal to the rest: QR finds some
    directions = torch.linalg.qr(x.T @ vectors).Q.T
    return MeshPca(mean, directions, values.clamp(min=0.0) / len(chosen), total / len(chosen), 1, 0.0)


def _streamed(
    dataset: MeshDataset,
    chosen: Int64[np.ndarray, " N"],
    mean: Float64[Tensor, "V 3"],
    components: int,
    tolerance: float,
    seed: int,
) -> MeshPca:
    """Rayleigh-Ritz on the range of C Q, C the covariance, Q improved from pass to pass."""
    size = mean.numel()
    width = min(2 * components + 8, size, len(chosen) - 1)
    start = torch.randn((size, width), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    basis = torch.linalg.qr(start.to(mean.device)).Q
    captured, flat = 0.0, mean.flatten()
    for number in range(1, _MOST_PASSES + 1):
        image, total = torch.zeros_like(basis), 0.0
        for rows in _rows(dataset, chosen):
            centered = rows - flat
            image += centered.T @ (centered @ basis)
            total += float((centered * centered).sum())
        image /= len(chosen)
        small = basis.T @ image
        values, vectors = torch.linalg.eigh((small + small.T) / 2)
        values, vectors = values.flip(0)[:components], vectors.flip(1)[:, :components]
        now = float(values.sum())
        if not now > 0.0:
            raise ValueError("all meshes are equal: there are no components")
        change, captured = (now - captured) / now, now
        if change < tolerance:
            parts = (basis @ vectors).T.contiguous()
            return MeshPca(mean, parts, values, total / len(chosen), number, change)
        basis = torch.linalg.qr(image).Q
    raise RuntimeError(f"the components still change by {change:.1e} after {number} passes")
