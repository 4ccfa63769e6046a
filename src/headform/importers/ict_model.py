"""ICT-FaceKit Light (MIT, USC ICT) as published: a folder of OBJ files, or ``all_modes.npz`` with the same arrays.

V = 26,719 vertices, T texture vertices, P polygons of three or four corners, K identity modes. Centimeters, y up, z out
of the face.

The folder holds ``generic_neutral_mesh.obj``, ``identity000.obj`` ... (the mean plus one standard deviation of a mode) and
one OBJ per expression, all over the same polygons.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import GET_AGAIN, ORIGINAL_FILE, check_shape
from headform.importers._arrays import ModelArrays
from headform.io.file_bytes import read_bytes
from headform.io.npz_file import array_shapes, read_npz

VERTICES = 26719
IDENTITIES = tuple(f"identity{k:03d}" for k in range(100))
NEUTRAL = "generic_neutral_mesh.obj"
NPZ = "all_modes.npz"
ARRAYS = ("neutral", "uv", "polygons", "polygon_uvs", "identity", "expression", "expression_names")
"""Arrays of `NPZ` that must be there."""
_MATERIALS = ("materials", "polygon_material")
"""Arrays that may be there."""
_SIDED = (
    "browDown browInnerUp browOuterUp cheekPuff cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp "
    "eyeSquint eyeWide mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
).split()
_CENTRAL = (
    "jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker mouthRight mouthRollLower "
    "mouthRollUpper mouthShrugLower mouthShrugUpper"
).split()
EXPRESSIONS = tuple(f"{name}_{side}" for name in _SIDED for side in "LR") + tuple(_CENTRAL)
EXTRA = ("cheekRaiser_L", "cheekRaiser_R", "PupilDilate_L", "PupilDilate_R")
"""Shapes that come with the model without being on its list of 53."""
BOTH_SIDES = ("browInnerUp", "cheekPuff")
"""Expressions of which ARKit has one where ICT has a left and a right one."""
LANDMARKS68 = tuple(
    int(k)
    for k in (
        "1225 1888 1052 367 1719 1722 2199 1447 966 3661 4390 3927 3924 2608 3272 4088 3443 268 493 1914 2044 1401 "
        "3615 4240 4114 2734 2509 978 4527 4942 4857 1140 2075 1147 4269 3360 1507 1542 1537 1528 1518 1511 3742 3751 "
        "3756 3721 3725 3732 5708 5695 2081 0 4275 6200 6213 6346 6461 5518 5957 5841 5702 5711 5533 6216 6207 6470 "
        "5517 5966"
    ).split()
)
"""``idx_to_landmark_verts`` of the publisher's ``vertex_indices.json``."""
REGIONS = (
    ("face", 0, 9409, "face"),
    ("narrow_face", 0, 6706, "face"),
    ("head_and_neck", 9409, 11248, "head"),
    ("mouth_socket", 11248, 13294, "mouth"),
    ("left_eye_socket", 13294, 13678, "socket_left"),
    ("right_eye_socket", 13678, 14062, "socket_right"),
    ("gums_and_tongue", 14062, 17039, "tongue"),
    ("teeth", 17039, 21451, "teeth"),
    ("left_eyeball", 21451, 23021, "eye_left"),
    ("right_eyeball", 23021, 24591, "eye_right"),
    ("lacrimal_fluid", 24591, 24999, ""),
    ("eye_blend", 24999, 25047, ""),
    ("eye_occlusion", 25047, 25351, ""),
    ("lashes", 25351, 26719, ""),
)
"""Name, first vertex, end, and one of `heads.linear.PARTS`; empty for films and lashes, which belong to the eye sockets."""


@dataclass(frozen=True, eq=False)
class IctModel:
    """The published model, unchanged.

    Attributes:
        neutral: Mean shape, cm.
        uv: Texture coordinates, origin at the bottom left, several unit tiles.
        polygons: Vertices of each polygon; -1 pads triangles.
        polygon_uvs: The same over `uv`.
        materials: Names of the materials.
        polygon_material: Index into `materials`.
        identity: Displacement in cm per standard deviation, float32.
        expression: Displacement in cm at weight 1 by ICT's name, float32.
        sources: Files that were read.
        missing: Published parts that are absent, by name.
        notes: One sentence for each missing or omitted part.
    """

    neutral: Float[np.ndarray, "V 3"]
    uv: Float[np.ndarray, "T 2"]
    polygons: Int[np.ndarray, "P 4"]
    polygon_uvs: Int[np.ndarray, "P 4"]
    materials: tuple[str, ...]
    polygon_material: Int[np.ndarray, " _"]
    identity: Float[np.ndarray, "K V 3"]
    expression: dict[str, Float[np.ndarray, "V 3"]]
    sources: tuple[Path, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def polygon_tuples(self) -> list[tuple[int, ...]]:
        """Return the polygons as tuples without padding."""
        return [tuple(int(k) for k in row if k >= 0) for row in self.polygons]

    def require_complete(self) -> None:
        """Make sure that nothing is missing.

        Raises:
            WeightsError: ``model_missing_key``.
        """
        if self.missing:
            more = f" and {len(self.missing) - 8} more" if len(self.missing) > 8 else ""
            what = f"{len(self.missing)} parts of ICT-FaceKit Light are missing: {', '.join(self.missing[:8])}{more}"
            raise WeightsError(
                "model_missing_key", what, repr(str(self.sources[0])), "use the complete FaceXModel folder"
            )


def find(path: Path) -> Path | None:
    """Return `NPZ` or the folder of the neutral mesh, at, in or around `path`; None where there is neither."""
    if path.is_dir():
        if (path / NPZ).is_file():
            return path / NPZ
        return next((folder for folder in (path, path / "FaceXModel") if (folder / NEUTRAL).is_file()), None)
    return path.parent if path.name == NEUTRAL else path


def read(path: Path) -> IctModel:
    """Read ICT-FaceKit Light, which may be incomplete.

    Absent expressions are left out; identity modes are taken up to the first one that is absent, so that the others keep
    their numbers.

    Args:
        path: The npz; a folder that holds it; the FaceXModel folder of OBJ files; its parent; or its neutral mesh.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``, ``model_missing_key`` (no neutral mesh, or
            an array that is absent), ``model_shape``, ``model_index``.
    """
    place = find(Path(path))
    if place is None:
        what = f"there is neither {NEUTRAL} nor {NPZ}"
        raise WeightsError("model_missing_key", what, repr(str(path)), "name the folder FaceXModel")
    return _read_folder(place) if place.is_dir() else _read_npz(place)


def _read_folder(folder: Path) -> IctModel:
    neutral = read_positions(folder / NEUTRAL)
    uv, polygons, polygon_uvs, materials, polygon_material = read_polygons(folder / NEUTRAL)
    there = {name for name in (*IDENTITIES, *EXPRESSIONS, *EXTRA) if (folder / f"{name}.obj").is_file()}
    modes = next((k for k, name in enumerate(IDENTITIES) if name not in there), len(IDENTITIES))
    names = [name for name in (*EXPRESSIONS, *EXTRA) if name in there]
    paths = [folder / f"{name}.obj" for name in (*IDENTITIES[:modes], *names)]
    # the published decimals give the displacement; float32 keeps them to 1e-7 cm
    shapes = np.empty((len(paths), VERTICES, 3), np.float32)
    for shape, path in zip(shapes, paths, strict=True):
        shape[:] = read_positions(path) - neutral
    return IctModel(
        neutral=neutral,
        uv=uv,
        polygons=polygons,
        polygon_uvs=polygon_uvs,
        materials=materials,
        polygon_material=polygon_material,
        identity=shapes[:modes],
        expression=dict(zip(names, shapes[modes:], strict=True)),
        sources=(folder / NEUTRAL, *paths),
        missing=tuple(name for name in (*IDENTITIES, *EXPRESSIONS) if name not in there),
        notes=_notes(there, modes),
    )


def _read_npz(path: Path) -> IctModel:
    there = array_shapes(path)
    table = ModelArrays(repr(str(path)), read_npz(path, (*ARRAYS, *(name for name in _MATERIALS if name in there))))
    neutral = table.numbers("neutral", VERTICES, 3, kinds="f")
    uv = table.numbers("uv", None, 2, kinds="f")
    polygons = table.indices("polygons", None, 4, kinds="iu")
    polygon_uvs = table.indices("polygon_uvs", len(polygons), 4, kinds="iu")
    identity = table.numbers("identity", None, VERTICES, 3, kinds="f")
    names = table.texts("expression_names")
    expression = table.numbers("expression", len(names), VERTICES, 3, kinds="f").astype(np.float32, copy=False)
    present = {*IDENTITIES[: len(identity)], *names}
    colored = all(name in table for name in _MATERIALS)
    return IctModel(
        neutral=neutral.astype(np.float64),
        uv=uv.astype(np.float64),
        polygons=polygons,
        polygon_uvs=polygon_uvs,
        materials=tuple(table.texts("materials")) if colored else (),
        polygon_material=table.indices("polygon_material", len(polygons)) if colored else np.zeros(0, np.int64),
        identity=identity.astype(np.float32, copy=False),
        expression={name: expression[names.index(name)] for name in (*EXPRESSIONS, *EXTRA) if name in names},
        sources=(path,),
        missing=tuple(name for name in (*IDENTITIES, *EXPRESSIONS) if name not in present)
        + (() if colored else _MATERIALS),
        notes=_notes(present, len(identity)),
    )


def _notes(there: Collection[str], modes: int) -> tuple[str, ...]:
    notes = []
    if absent := [name for name in IDENTITIES if name not in there]:
        notes.append(f"{len(absent)} identity modes are missing: {_runs(absent)}")
    if late := [name for name in IDENTITIES[modes:] if name in there]:
        notes.append(f"left out, since their numbers would change: {_runs(late)}")
    if absent := [name for name in EXPRESSIONS if name not in there]:
        notes.append(f"{len(absent)} expressions are missing: {', '.join(absent)}")
    return tuple(notes)


def _runs(names: Sequence[str]) -> str:
    """Shorten a sorted list of identities, such as ``identity002 to identity056, identity058``."""
    numbered = enumerate(IDENTITIES.index(name) for name in names)
    runs = [[IDENTITIES[n] for _, n in run] for _, run in groupby(numbered, lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in runs)


def read_positions(path: Path) -> Float[np.ndarray, "V 3"]:
    """Read the ``v`` lines of a published OBJ file, straight into an array (154 files of 2.5 MB: speed counts).

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_shape``.
    """
    positions = _table([line[2:] for line in read_bytes(path).splitlines() if line.startswith(b"v ")], 3, path)
    check_shape(repr(str(path)), "vertices", positions, VERTICES, 3)
    return positions


def read_polygons(
    path: Path,
) -> tuple[
    Float[np.ndarray, "T 2"], Int[np.ndarray, "P 4"], Int[np.ndarray, "P 4"], tuple[str, ...], Int[np.ndarray, " P"]
]:
    """Read texture coordinates, polygons, their texture corners, material names and the material of each polygon.

    Indices count from 0; triangles end in -1.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    texture: list[bytes] = []
    corners: list[list[list[int]]] = []
    materials: dict[bytes, int] = {}
    polygon_material: list[int] = []
    for line in read_bytes(path).splitlines():
        if line.startswith(b"vt "):
            texture.append(line[3:])
        elif line.startswith(b"usemtl "):
            current = materials.setdefault(line[7:].strip(), len(materials))
        elif line.startswith(b"f "):
            try:
                polygon = [[int(k) - 1 for k in corner.split(b"/")[:2]] for corner in line[2:].split()]
            except ValueError as error:
                raise _damaged(path, f"cannot understand the face line {line[:80]!a}") from error
            if len(polygon) not in (3, 4) or any(len(corner) < 2 for corner in polygon) or not materials:
                raise _damaged(path, "a face line without texture corners or material")
            corners.append(polygon + [[-1, -1]] * (4 - len(polygon)))
            polygon_material.append(current)
    uv = _table(texture, 2, path)
    if not corners:
        raise _damaged(path, "there are no faces")
    table = np.array(corners)
    names = tuple(name.decode("utf-8", "backslashreplace") for name in materials)
    return uv, table[..., 0].copy(), table[..., 1].copy(), names, np.array(polygon_material)


def _table(rows: list[bytes], width: int, path: Path) -> Float[np.ndarray, "N width"]:
    try:
        return np.array(b" ".join(rows).split(), dtype=np.float64).reshape(len(rows), width)
    except ValueError as error:
        raise _damaged(path, f"coordinates that are not {width} numbers a line") from error


def _damaged(path: Path, what: str) -> WeightsError:
    return WeightsError("weights_damaged", what, repr(str(path)), f"{ORIGINAL_FILE}; {GET_AGAIN}")
