"""Identity coefficients that other systems write, decoded by a converted head model into neutral heads.

From READMEs and issue threads:

| system | files of a photo NAME | identity | model |
|---|---|---|---|
| `deep3d` | `NAME.mat` | `id` (1, 80); `coeff` (1, 257), of which the first 80 | Basel 2009, its front |
| `ringnet` | `params/NAME.npy`, a dictionary | `shape` (100) | FLAME |
| `deca`, `albedogan` | `NAME/NAME.mat`, or a dictionary in a `.npy` | `shape` (1, 100) | FLAME |
| `mica` | `NAME/identity.npy` | the whole file (300) | FLAME |

Fewer coefficients than the model has are its leading ones. Versions of FLAME differ: 2020 and 2023 are not interchangeable.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from headform.errors import InputError, UsageError, WeightsError
from headform.evaluate.peers.system_names import SystemName
from headform.evaluate.scan.landmark7_files import Landmarks
from headform.evaluate.scan.mesh_files import Surface
from headform.heads.flame import FlameHead
from headform.heads.linear import LinearHead
from headform.io.mat_file import read_mat
from headform.io.npz_file import read_npy
from headform.io.unpickle import read_pickle

MOST_SIGMA = 30.0
"""Largest coefficient in standard deviations: beyond it the file holds something else."""


@dataclass(frozen=True)
class CoefficientFiles:
    """Files of one system.

    Attributes:
        suffixes: Endings, the preferred one first.
        model: Family of the head model: ``flame`` or ``basel``.
        key: Name of the identity; empty where it is the whole file.
        packed: Name of a whole code that begins with the identity.
        length: Length of the identity within the whole code.
        fixed: The file's stem where it is the same for all photos.
        not_in: Folders of other files.
    """

    suffixes: tuple[str, ...]
    model: str
    key: str = ""
    packed: str = ""
    length: int = 0
    fixed: str = ""
    not_in: tuple[str, ...] = ()

    def includes(self, path: Path) -> bool:
        """Tell by its name whether a file may hold coefficients."""
        if path.suffix.lower() not in self.suffixes or set(path.parent.parts[-1:]) & set(self.not_in):
            return False
        return not self.fixed or path.stem == self.fixed


_DECA = CoefficientFiles((".mat", ".npy"), "flame", "shape")
COEFFICIENTS: dict[SystemName, CoefficientFiles] = {
    "deep3d": CoefficientFiles((".mat",), "basel", "id", "coeff", 80),
    "ringnet": CoefficientFiles((".npy",), "flame", "shape", not_in=("mesh", "neutral", "neutral_mesh")),
    "deca": _DECA,
    "albedogan": _DECA,
    "mica": CoefficientFiles((".npy",), "flame", fixed="identity"),
}
"""Coefficient files by system; the others are not known to write any."""
_BASEL = ("deep3d", "bfm2009", "tddfa")
"""Kinds of head models whose leading modes are those of Basel 2009."""


def check_head(head: LinearHead | None, files: CoefficientFiles, title: str) -> LinearHead:
    """Return the head model if it decodes the coefficients.

    Raises:
        UsageError: `head_missing`; `head_unsupported` for another family.
        WeightsError: `head_lacks`: it has no seven landmarks.
    """
    family = {"flame": "FLAME", "basel": "Basel 2009"}[files.model]
    if head is None:
        what = f"coefficients of {title} need {family} to decode them"
        raise UsageError("head_missing", what, "", "convert it with `headform heads convert` and give it with --head")
    own = isinstance(head, FlameHead) if files.model == "flame" else head.provenance.kind in _BASEL
    if not own:
        what = f"coefficients of {title} are of {family}, and {head.name} is another model"
        raise UsageError("head_unsupported", what, head.name, f"give a converted {family} with --head")
    head.require_fields("now7")
    return head


def read_identity(path: Path, files: CoefficientFiles, modes: int) -> Float64[np.ndarray, " K"]:
    """Read the identity coefficients of one photo.

    Args:
        path: File.
        files: Names of the system.
        modes: Identity modes of the head model.

    Raises:
        InputError: `peer_coefficients` where the file holds none, or more than the model has modes, or no numbers.
        WeightsError: a file that cannot be read.
    """
    content = _content(path, files)
    found = content.get(files.key)
    whole = content.get(files.packed) if files.packed else None
    if found is None and whole is not None:
        found = np.asarray(whole).ravel()[: files.length] if np.size(whole) >= files.length else whole
    if found is None:
        names = ", ".join(sorted(content)[:12])
        what = f"the file holds no `{files.key}`; it has {names!a:.200}"
        raise InputError("peer_coefficients", what, str(path), "name the system that wrote it with --from")
    values = np.asarray(found)
    if values.dtype.kind not in "iuf" or not values.size or max(values.shape, default=1) != values.size:
        what = f"the identity is {values.dtype} of shape {values.shape}, expected one row of numbers"
        raise InputError("peer_coefficients", what, str(path), "give one file for each photo")
    code = values.astype(np.float64).ravel()
    if len(code) > modes:
        what = f"the file has {len(code)} identity coefficients, the head model {modes} modes"
        raise InputError("peer_coefficients", what, str(path), "convert the model with all its modes")
    if not (np.abs(code) <= MOST_SIGMA).all():
        what = f"an identity coefficient is {float(np.abs(code).max()):.3g} standard deviations"
        raise InputError("peer_coefficients", what, str(path), "give the file as the system wrote it")
    return code


def _content(path: Path, files: CoefficientFiles) -> dict[str, np.ndarray]:
    if path.suffix.lower() == ".mat":
        return dict(read_mat(path, (), optional=[name for name in (files.key, files.packed) if name]))
    if not files.key:
        return {"": read_npy(path)}
    try:
        return dict(read_pickle(path))
    except WeightsError as error:
        raise InputError("peer_coefficients", f"no dictionary of coefficients: {error.message}", str(path)) from error


@torch.no_grad()
def decoded(head: LinearHead, code: Float64[np.ndarray, " K"], name: str) -> tuple[Surface, Landmarks]:
    """Decode a neutral head and its seven landmarks, meters."""
    vertices = head.vertices(torch.from_numpy(code).to(head.mean)).double().numpy()
    return Surface(vertices, head.faces.numpy(), name), vertices[head.now7.numpy()]
