"""Registered subjects: coefficients and neutral meshes of people in the topology of a head, by their labels.

V vertices, K identity modes.

    FLAME_parameters/<person>/*.npz    of MICA's release: betas (300 identity, 100 expression), pose (15) of the scan
    registrations/<person>/*.obj       of MICA's release: the registered scans
    <person>/registered_head.obj|.ply  of `headform register`, with coefficients.safetensors beside it
    <person>.npz|.obj|.ply             anyone else's, or the same in a folder named after the person

FLAME's parameters are preferred to meshes: they give the neutral shape. From meshes of `headform register` the
fitted expression is taken off. Other meshes keep the expression of their scans; they are moved and turned, not
scaled, onto the head's mean.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float32

from headform.data.layouts import MESHES, PARAMETERS, Kind, folders_named
from headform.data.layouts.photo_set import named, natural, subfolders
from headform.errors import HeadformError, InputError
from headform.geometry.similarity import fit_similarity
from headform.geometry.units import METERS_PER
from headform.heads.coefficients_file import load_coefficients
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead
from headform.io.mesh.reading import read_mesh
from headform.io.npz_file import array_shapes, read_npz

IDENTITY = 300
"""First of FLAME's betas that are identity; the rest is expression."""
MOST_SIGMA = 20.0
"""Largest sensible coefficient, standard deviations; larger ones are of another model, or in another unit."""
UNIT_WITHIN = 1.5
"""Ratio of a head's size to the mean head's, or its inverse, beyond which the unit is not known."""
MOST_APART_M = 0.02
"""Root mean square distance of a registered mesh from the head's mean, meters, beyond which its vertices are in another
order; people's heads stay below 8 mm."""
_MAX_ARRAYS = 1 << 26
_ENDINGS = (".npz", ".obj", ".ply")
_REGISTERED = "registered_head"
"""Stem of the mesh in the frame of the head that `headform register` writes into the folder of a scan."""


@dataclass(frozen=True, eq=False)
class SubjectMesh:
    """Registered subject.

    Attributes:
        coefficients: Identity where it is known.
        vertices: Neutral mesh in the head frame, meters; None without a head that fits.
    """

    coefficients: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    vertices: Float32[np.ndarray, "V 3"] | None = None


class SubjectMeshes:
    """Registered subjects of a folder.

    Args:
        folder: Folder in one of the layouts of this module.
        kind: Data set, by which the labels of people are compared: `Tester_7` and `007` are one in FaceWarehouse.
        head: Head that the registrations belong to; None to keep coefficients alone.

    Attributes:
        notes: Sentences about what was missing or did not fit, filled as subjects are read.

    Raises:
        InputError: `registrations_missing`.
    """

    def __init__(self, folder: Path, kind: Kind, head: LinearHead | None = None) -> None:
        self.folder, self.head, self.notes = Path(folder), head, list[str]()
        self._key = _KEYS.get(kind, str.casefold)
        self._files: dict[str, dict[str, list[Path]]] = {}
        self._read: dict[str, SubjectMesh | None] = {}
        two = []
        for label, path in self._listed():
            rows = self._files.setdefault(self._key(label), {})
            if rows and label not in rows:
                two.append(label)
            rows.setdefault(label, []).append(path)
        self.notes += named("registrations whose labels are alike, not used", two)
        if not self._files:
            what = "there are no registrations: no FLAME_parameters, no registrations, and no .npz, .obj or .ply of a person"
            raise InputError("registrations_missing", what, ascii(str(folder)), "name the folder that holds them")
        if head is None:
            self.notes.append("without --head, registered subjects have coefficients and no meshes")

    def of(self, subject: str) -> SubjectMesh | None:
        """Return a registered subject; None for others, and for those whose files do not fit, which `notes` name."""
        if subject not in self._read:
            self._read[subject] = self._load(subject)
        return self._read[subject]

    def unused(self, subjects: tuple[str, ...]) -> list[str]:
        """Return the labels of registrations that are of none of the subjects."""
        keys = set(map(self._key, subjects))
        return [label for key, rows in self._files.items() if key not in keys for label in rows]

    def _listed(self) -> list[tuple[str, Path]]:
        own = [*folders_named(self.folder, PARAMETERS), *folders_named(self.folder, MESHES)]
        found = []
        for place in own or [self.folder]:
            for folder in subfolders(place):
                found += [(folder.name, path) for path in _files(folder, deep=True)]
            if not own:
                found += [(path.stem, path) for path in _files(place, deep=False)]
        return found

    def _load(self, subject: str) -> SubjectMesh | None:
        rows = self._files.get(self._key(subject), {})
        if len(rows) != 1:
            return None
        (paths,) = rows.values()
        own = [path for path in paths if path.stem == _REGISTERED]
        paths = own or paths
        parameters = [path for path in paths if path.suffix.lower() == ".npz"]
        meshes = [path for path in paths if path.suffix.lower() != ".npz"]
        if len(parameters) > 1 or (not parameters and len(meshes) > 1):
            several = parameters or meshes
            self.notes.append(f"{subject}: the first of {len(several)} registrations is used, {several[0].name}")
        try:
            if parameters:
                return self._from_parameters(parameters[0])
            if self.head is None:
                return None
            if own:
                return _from_registered(own[0], self.head)
            return SubjectMesh(vertices=self._from_mesh(meshes[0], self.head))
        except HeadformError as error:
            self.notes.append(f"{subject}: the registration is not used: {error}")
            return None

    def _from_parameters(self, path: Path) -> SubjectMesh:
        shapes = array_shapes(path)
        name = next((name for name in ("betas", "shape", "identity") if name in shapes), "betas")
        values = np.asarray(read_npz(path, [name], max_bytes=_MAX_ARRAYS)[name], np.float64).ravel()
        known = values[:IDENTITY]
        if not known.size or not np.isfinite(known).all() or np.abs(known).max() > MOST_SIGMA:
            what = f"`{name}` is no identity in standard deviations"
            raise InputError("registration_invalid", what, ascii(str(path)), "use the published file")
        if self.head is None:
            return SubjectMesh({"identity": known.astype(np.float32)})
        if not isinstance(self.head, FlameHead):
            what = f"the parameters are FLAME's, the head is {self.head.name}"
            raise InputError(
                "registration_invalid", what, ascii(str(path)), "give the converted FLAME head with --head"
            )
        count = len(self.head.identity)
        identity = np.zeros(count, np.float32)
        identity[: len(known)] = known[:count]
        if len(known) > count and np.abs(known[count:]).max() > 0:
            self._once(f"the head has {count} identity modes, the registrations {len(known)}: the last ones are lost")
        code = torch.from_numpy(identity).to(self.head.mean)
        return SubjectMesh({"identity": identity}, self.head.vertices(code).float().numpy())

    def _from_mesh(self, path: Path, head: LinearHead) -> npt.NDArray[np.float32]:
        where, again = ascii(str(path)), "register the scan with this head"
        vertices = read_mesh(path).vertices.astype(np.float64)
        mean = head.mean.double().numpy()
        if len(vertices) != len(mean):
            what = f"the mesh has {len(vertices)} vertices, the head {len(mean)}"
            raise InputError("registration_invalid", what, where, again)
        spread = float(np.sqrt(vertices.var(0).sum() / mean.var(0).sum()))
        unit = min(METERS_PER, key=lambda unit: abs(np.log(max(spread, 1e-12) * METERS_PER[unit])))
        if not 1 / UNIT_WITHIN < spread * METERS_PER[unit] < UNIT_WITHIN:
            what = f"the mesh is {spread:.3g} times as large as the head in meters, which is no unit"
            raise InputError("registration_invalid", what, where, "scale the mesh to meters or millimeters")
        metric = vertices * METERS_PER[unit]
        placed = fit_similarity(metric, mean, scale=False).apply(metric)
        apart = float(np.sqrt(((placed - mean) ** 2).sum(1).mean()))
        if apart > MOST_APART_M:
            what = f"the vertices lie {apart * 1000:.0f} mm from the head's: they are in another order"
            raise InputError("registration_invalid", what, where, again)
        self._once(f"meshes are in {unit} and keep the expression of their scans")
        return placed.astype(np.float32)

    def _once(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _from_registered(path: Path, head: LinearHead) -> SubjectMesh:
    """Read a registration of `headform register`: meters, head frame, fitted coefficients beside it."""
    vertices = read_mesh(path).vertices
    if len(vertices) != len(head.mean):
        what = f"the mesh has {len(vertices)} vertices, the head {len(head.mean)}"
        raise InputError("registration_invalid", what, ascii(str(path)), "register the scan with this head")
    code = load_coefficients(path.with_name("coefficients.safetensors"), head)
    expression, identity = code["expression"].to(head.mean), code["identity"]
    moved = head.vertices(None, expression) - head.mean
    neutral = vertices - moved.double().numpy()
    return SubjectMesh({"identity": identity.numpy()}, neutral.astype(np.float32))


def _files(folder: Path, *, deep: bool) -> list[Path]:
    found = [path for path in (folder.rglob("*") if deep else folder.iterdir()) if path.suffix.lower() in _ENDINGS]
    return sorted((path for path in found if path.is_file()), key=lambda path: natural(str(path)))


def _number(label: str) -> str:
    """Return the last number in a label: `Tester_7`, `FW_007` and `7` are one."""
    digits = re.findall(r"\d+", label)
    return str(int(digits[-1])) if digits else label.casefold()


def _stirling(label: str) -> str:
    """Return the first five characters, `F1001` of `f1001_N`."""
    return label[:5].casefold()


_KEYS: dict[str, Callable[[str], str]] = {
    "facewarehouse": _number,
    "lyhm": _number,
    "florence": _number,
    "stirling": _stirling,
}
