"""The output files of public reconstruction systems: names, meshes, units, as far as they are documented.

From READMEs and issue threads; what is not documented is None here and probed in the files (`placing`).

| system | files of a photo NAME | mesh | unit |
|---|---|---|---|
| `prnet` | `NAME.obj`, `NAME_mesh.mat`, `NAME_kpt.txt` (68 points) | 43,867 vertices | pixels of the photo |
| `deep3d` | `NAME.obj` (`NAME_mesh.obj` of the TensorFlow version), `NAME.mat` | front of Basel 2009 | dm |
| `ringnet` | `mesh/NAME.obj` | FLAME | m |
| `deca` | `NAME/NAME.obj`, `NAME/NAME_detail.obj`, `NAME/NAME_kpt3d.txt` | FLAME | m |
| `focus` | `NAME.obj`, seven landmarks beside it | Basel 2017 or a part of it | not documented |
| `albedogan` | as `deca` | FLAME | not documented |
| `mica` | `NAME/mesh.ply`, `NAME/mesh.obj`, `NAME/kpt7.npy`, `NAME/kpt68.npy` | FLAME | mm |
"""

from dataclasses import dataclass

from headform.evaluate.peers.system_names import SystemName
from headform.importers.basel_topology import FRONT, FULL, NO_NECK, TRIMMED, WITHOUT_MOUTH_2017

PIXELS = "pixels"
"""Unit of meshes that lie on the photo; their size says nothing."""

FLAME, FLAME_DETAIL, PRNET = 5023, 59315, 43867
"""Vertices of FLAME, of the finer mesh of DECA, of the position map of PRNet."""

MESHES = {
    FLAME: "FLAME",
    FLAME_DETAIL: "FLAME refined by DECA",
    PRNET: "the mesh of PRNet",
    FRONT: "the front of Basel 2009",
    NO_NECK: "Basel 2009 without neck",
    TRIMMED: "Basel 2009 without mouth",
    FULL: "Basel 2009",
    WITHOUT_MOUTH_2017: "Basel 2017 without mouth",
    28588: "the face of Basel 2017",
}
"""Names of meshes that are told by their number of vertices."""

NEUTRAL_MARKS = ("neutral", "nonexp")
"""Parts of a file's or folder's name that say that the mesh has no expression."""


@dataclass(frozen=True)
class System:
    """Output of one system.

    Attributes:
        title: Name as it is usually written.
        counts: Numbers of vertices of its meshes.
        open_counts: Other meshes than `counts` are accepted, too, if they are none of another system's.
        unit: Unit of its meshes as documented; None where it is not.
        neutral: The mesh has no expression; None where that depends on the demo's options.
        fixed: File stems that are the same for all photos, whose folder has the photo's name.
        tags: Endings of file stems after the photo's name.
        last: Those of `tags` that are taken only where there is nothing else.
        folders: Names of folders between the output folder and the files.
        landmarks: Names of landmark files, in order of preference; NAME is the photo's, FILE the mesh's.
        mat: Meshes are read from `NAME_mesh.mat`, too.
    """

    title: str
    counts: tuple[int, ...]
    unit: str | None
    neutral: bool | None
    open_counts: bool = False
    fixed: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    landmarks: tuple[str, ...] = ()
    mat: bool = False

    def accepts(self, count: int) -> bool:
        """Return True if a mesh of so many vertices may be one of this system."""
        return count in self.counts or (self.open_counts and count not in MESHES)


_BESIDE = ("FILE.npy", "FILE.txt", "NAME.npy", "NAME.txt")
_DECA = ("_neutral", "_coarse", "_detail")

SYSTEMS: dict[SystemName, System] = {
    "prnet": System(
        "PRNet", (PRNET,), PIXELS, False, tags=("_mesh",), landmarks=("NAME_kpt.txt", *_BESIDE), mat=True
    ),
    "deep3d": System("Deep3DFaceRecon", (FRONT, TRIMMED, FULL), "dm", False, tags=("_mesh",), landmarks=_BESIDE),
    "ringnet": System(
        "RingNet", (FLAME,), "m", None, tags=("_neutral",), folders=("mesh", "neutral", "neutral_mesh"),
        landmarks=_BESIDE,
    ),
    "deca": System(
        "DECA", (FLAME, FLAME_DETAIL), "m", False, tags=_DECA, last=("_detail",),
        landmarks=(*_BESIDE, "NAME_kpt3d.txt"),
    ),
    "focus": System(
        "FOCUS", (WITHOUT_MOUTH_2017, 28588), None, True, open_counts=True,
        tags=("_mesh", "_nonexp", "_nonexp_mesh", "_intact"),
        landmarks=(*_BESIDE, "NAME_lm.npy", "NAME_lm.txt", "NAME_lm_NoW.npy", "NAME_lm_NoW.txt"),
    ),
    "albedogan": System(
        "AlbedoGAN", (FLAME, FLAME_DETAIL), None, None, tags=_DECA, last=("_detail",),
        landmarks=(*_BESIDE, "kpt7.npy", "kpt68.npy", "NAME_kpt3d.txt"),
    ),
    "mica": System(
        "MICA", (FLAME,), "mm", True, fixed=("mesh",), landmarks=("kpt7.npy", "kpt68.npy", *_BESIDE),
    ),
}  # fmt: skip
"""Systems by their names on the command line."""
