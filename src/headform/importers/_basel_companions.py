"""Expressions and mirror map of the Basel meshes of 2009, which come in files of their own.

V vertices, E expressions.

``Exp_Pca.bin`` (Guo et al., "CNN-based real-time dense face reconstruction", 2018) holds int32 E, the mean displacement of
53,215 vertices, then E displacements, all float32, little-endian; E is 79. With it goes ``std_exp.txt`` (Deng et al. 2019):
E standard deviations. Micrometers. ``face05_symlist.txt`` lists vertex numbers, one for each vertex or in pairs; from which
origin they count is not documented, so that both are tried, and the mean head decides.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER
from headform.heads.checks import check_finite
from headform.heads.linear import LinearHead
from headform.importers._companions import read_numbers
from headform.importers.basel_topology import TRIMMED
from headform.io.file_bytes import read_bytes

_MOST = 1000
"""Expressions that a file may claim."""
_HINT = "give Exp_Pca.bin with std_exp.txt and BFM_exp_idx.mat, as they come with Deep3DFaceReconstruction"
_NEAR = 0.02
"""Largest median distance between a vertex and the image of its partner, as a share of the head's width."""


@dataclass(frozen=True, eq=False)
class BaselExpressions:
    """Expressions as published, times their standard deviations.

    Attributes:
        displacements: Micrometers at weight 1.
        mean_um: Largest length of the file's mean displacement, which is not added.
    """

    displacements: Float[np.ndarray, "E V 3"]
    mean_um: float

    def added_to(self, head: LinearHead) -> LinearHead:
        """Return a head of 53,215 vertices with these expressions.

        Raises:
            WeightsError: ``model_mismatch``.
        """
        if len(head.mean) != TRIMMED:
            what = f"expressions of {TRIMMED} vertices for a head of {len(head.mean)}"
            raise WeightsError("model_mismatch", what, "Exp_Pca.bin", _HINT)
        basis = torch.from_numpy(self.displacements) * METERS_PER["um"]
        note = f"the mean of the expressions ({self.mean_um / 1000:.2g} mm at most) is not added, as in Deng et al."
        return replace(
            head,
            expression=basis.to(head.mean),
            expression_names=tuple(f"{k:03d}" for k in range(len(basis))),
            provenance=replace(head.provenance, notes=(*head.provenance.notes, note)),
        )


def read_expressions(path: Path, deviations: Float[np.ndarray, " M"] | None, trimmed: bool) -> BaselExpressions:
    """Read the expressions.

    Args:
        path: ``Exp_Pca.bin``.
        deviations: The numbers of ``std_exp.txt``, if it is there.
        trimmed: True if ``BFM_exp_idx.mat`` is present.

    Raises:
        WeightsError: ``weights_missing`` (also for a file that has to go with it), ``weights_damaged``, ``model_mismatch``
            (not of 53,215 vertices), ``model_shape``, ``model_not_finite``.
    """
    where = repr(str(path))
    absent = [] if deviations is not None else ["std_exp.txt"]
    absent += [] if trimmed else ["BFM_exp_idx.mat"]
    if deviations is None or absent:
        raise WeightsError("weights_missing", f"{' and '.join(absent)} must be given with it", where, _HINT)
    data = read_bytes(path)
    count = int(np.frombuffer(data[:4], "<i4")[0]) if len(data) >= 4 else 0
    plausible = 0 < count <= _MOST
    if plausible and (len(data) - 4) % (12 * (count + 1)) == 0:
        found = (len(data) - 4) // (12 * (count + 1))
        if found != TRIMMED:
            what = f"expressions of {found} vertices, expected {TRIMMED}"
            raise WeightsError("model_mismatch", what, where, _HINT)
    else:
        expected = 4 + 12 * TRIMMED * (count + 1)
        what = f"{len(data)} bytes with {count} expressions, expected {expected} for {TRIMMED} vertices"
        raise WeightsError("weights_damaged", what, where, _HINT)
    numbers = np.frombuffer(data, "<f4", offset=4).reshape(count + 1, TRIMMED, 3)
    check_finite(where, expressions=numbers)
    if len(deviations) != count:
        what = f"{len(deviations)} standard deviations for {count} expressions"
        raise WeightsError("model_shape", what, where, _HINT)
    largest = math.sqrt(float((numbers[0].astype(np.float64) ** 2).sum(1).max()))
    return BaselExpressions(numbers[1:] * deviations[:, None, None].astype(np.float32), largest)


def read_mirror(path: Path, mean: Float[np.ndarray, "V 3"]) -> Int[np.ndarray, " V"]:
    """Read the partner of each vertex.

    Args:
        path: The text file.
        mean: Mean shape, any unit; its plane of symmetry is that of its middle x.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` where it holds anything but whole numbers;
            ``model_mismatch`` where it does not take this head to its mirror image.
    """
    numbers = read_numbers(path, whole=True)
    for origin in (1, 0):
        for mirror in _readings(numbers - origin, len(mean)):
            if _fits(mirror, mean):
                return mirror
    what = f"it does not take this head of {len(mean)} vertices to its mirror image"
    raise WeightsError("model_mismatch", what, repr(str(path)), "give the list of this mesh")


def _readings(numbers: Float[np.ndarray, " N"], count: int) -> Iterator[Int[np.ndarray, " V"]]:
    """Yield the partner of each vertex in each of the two forms that the list may have."""
    if not len(numbers) or numbers.min() < 0 or numbers.max() >= count:
        return
    listed = numbers.astype(np.int64)
    if len(listed) == count:
        yield listed
    if len(listed) % 2 == 0:
        mirror = np.arange(count)
        mirror[listed[::2]] = listed[1::2]
        mirror[listed[1::2]] = listed[::2]
        yield mirror


def _fits(mirror: Int[np.ndarray, " V"], mean: Float[np.ndarray, "V 3"]) -> bool:
    """Return whether it is its own inverse and takes the head to its image."""
    if not np.array_equal(mirror[mirror], np.arange(len(mean))):
        return False
    low, high = mean[:, 0].min(), mean[:, 0].max()
    image = mean[mirror] * [-1, 1, 1] + [low + high, 0, 0]
    return float(np.median(np.linalg.norm(image - mean, axis=1))) < _NEAR * float(high - low)
