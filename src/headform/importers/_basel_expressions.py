"""Expressions for the Basel mesh of 53,215 vertices (Guo et al., "CNN-based real-time dense face reconstruction", 2018).

``Exp_Pca.bin``: int32 E, the mean displacement of 53,215 vertices, then E displacements, all float32, little-endian. With
it goes ``std_exp.txt`` (Deng et al. 2019): E standard deviations. E is 79. Micrometers.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER
from headform.heads.checks import check_finite
from headform.heads.linear import LinearHead
from headform.importers.basel_topology import TRIMMED
from headform.io.file_bytes import read_bytes

_MOST = 1000
_MICRO = METERS_PER["um"]
_FIX = "give Exp_Pca.bin with std_exp.txt and BFM_exp_idx.mat, as they come with Deep3DFaceReconstruction"


@dataclass(frozen=True, eq=False)
class BasisFile:
    """Expressions as published, times their standard deviations.

    Attributes:
        displacements: Micrometers at weight 1.
        mean_um: The largest length of the file's mean displacement, which is not added.
    """

    displacements: Float[np.ndarray, "E V 3"]
    mean_um: float

    def added_to(self, head: LinearHead) -> LinearHead:
        """A head of 53,215 vertices with these expressions.

        Raises:
            WeightsError: ``model_mismatch``.
        """
        count = self.displacements.shape[1]
        if len(head.mean) != count:
            what = f"expressions of {count} vertices for a head of {len(head.mean)}"
            raise WeightsError("model_mismatch", what, "Exp_Pca.bin", _FIX)
        basis = torch.from_numpy(self.displacements) * _MICRO
        note = f"the mean of the expressions ({self.mean_um / 1000:.2g} mm at most) is not added, as in Deng et al."
        provenance = head.provenance
        return replace(
            head,
            expression=basis.to(head.mean),
            expression_names=tuple(f"{k:03d}" for k in range(len(basis))),
            provenance=replace(provenance, notes=(*provenance.notes, note)),
        )


def read_expressions(path: Path, scale: Float[np.ndarray, " M"] | None, trimmed: bool) -> BasisFile:
    """Read the expressions and their standard deviations.

    Args:
        path: ``Exp_Pca.bin``.
        scale: What `read_deviations` read of ``std_exp.txt``, if it is there.
        trimmed: Whether ``BFM_exp_idx.mat`` is there.

    Raises:
        WeightsError: ``weights_missing`` (also for a file that has to go with it), ``weights_damaged``, ``model_mismatch``
            (not of 53,215 vertices), ``model_shape``, ``model_not_finite``.
    """
    absent = [name for name, there in (("std_exp.txt", scale is not None), ("BFM_exp_idx.mat", trimmed)) if not there]
    if scale is None or absent:
        what = f"{' and '.join(absent)} must be given with it"
        raise WeightsError("weights_missing", what, repr(str(path)), _FIX)
    data = read_bytes(path)
    count = int(np.frombuffer(data[:4], "<i4")[0]) if len(data) >= 4 else 0
    expected = 4 + 12 * TRIMMED * (count + 1)
    if not 0 < count <= _MOST or len(data) != expected:
        whole, rest = divmod(len(data) - 4, 12 * (count + 1)) if 0 < count <= _MOST else (0, 1)
        code = "weights_damaged" if rest else "model_mismatch"
        what = f"{len(data)} bytes with {count} expressions, expected {expected} for {TRIMMED} vertices"
        if not rest:
            what = f"expressions of {whole} vertices, expected {TRIMMED}"
        raise WeightsError(code, what, repr(str(path)), _FIX)
    numbers = np.frombuffer(data, "<f4", offset=4).reshape(count + 1, TRIMMED, 3)
    check_finite(path.name, expressions=numbers)
    if len(scale) != count:
        what = f"{len(scale)} standard deviations for {count} expressions"
        raise WeightsError("model_shape", what, repr(str(path)), _FIX)
    largest = math.sqrt(float((numbers[0].astype(np.float64) ** 2).sum(1).max()))
    return BasisFile(numbers[1:] * scale[:, None, None].astype(np.float32), largest)


def read_deviations(path: Path) -> Float[np.ndarray, " M"]:
    """Numbers of a text file, such as ``std_exp.txt``.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_not_finite``.
    """
    try:
        text = read_bytes(path, max_bytes=1 << 20).decode("ascii")
        values = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError as error:
        raise WeightsError("weights_damaged", "not a list of numbers", repr(str(path))) from error
    check_finite(path.name, deviations=values)
    return values
