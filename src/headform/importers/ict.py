"""ICT-FaceKit Light (MIT, USC ICT): the original OBJ folder, or one npz that holds every mode.

V vertices (26,719), T texture vertices, P polygons; positions in centimeters as published, y up, z out of the face.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import InputError
from headform.importers._ict_obj import read_polygons, read_positions
from headform.io.npz_file import read_npz

VERTICES = 26719
IDENTITIES = tuple(f"identity{k:03d}" for k in range(100))
NEUTRAL = "generic_neutral_mesh"
NPZ = "all_modes.npz"
_SIDED = (
    "browDown browInnerUp browOuterUp cheekPuff cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp "
    "eyeSquint eyeWide mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
).split()
_CENTRAL = (
    "jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker mouthRight mouthRollLower "
    "mouthRollUpper mouthShrugLower mouthShrugUpper"
).split()
EXPRESSIONS = tuple(f"{name}_{side}" for name in _SIDED for side in "LR") + tuple(_CENTRAL)
LANDMARKS68 = tuple(
    int(k)
    for k in (
        "1225 1888 1052 367 1719 1722 2199 1447 966 3661 4390 3927 3924 2608 3272 4088 3443 268 493 1914 2044 1401 "
        "3615 4240 4114 2734 2509 978 4527 4942 4857 1140 2075 1147 4269 3360 1507 1542 1537 1528 1518 1511 3742 3751 "
        "3756 3721 3725 3732 5708 5695 2081 0 4275 6200 6213 6346 6461 5518 5957 5841 5702 5711 5533 6216 6207 6470 "
        "5517 5966"
    ).split()
)


@dataclass(frozen=True)
class IctModel:
    """The published model, unchanged.

    Attributes:
        neutral: (V,3) float64, cm.
        uv: (T,2) float64, origin bottom-left, several unit tiles.
        polygons: (P,4) int64, -1 pads triangles.
        polygon_uvs: (P,4) int64 into ``uv``.
        materials: names of the materials.
        polygon_material: (P,) int64 into ``materials``.
        identity: (100,V,3) float32, displacement in cm per standard deviation.
        expression: displacement (V,3) float32 in cm at weight 1, by ICT's name.
    """

    neutral: Float[np.ndarray, "V 3"]
    uv: Float[np.ndarray, "T 2"]
    polygons: Int[np.ndarray, "P 4"]
    polygon_uvs: Int[np.ndarray, "P 4"]
    materials: tuple[str, ...]
    polygon_material: Int[np.ndarray, " P"]
    identity: Float[np.ndarray, "100 V 3"]
    expression: dict[str, Float[np.ndarray, "V 3"]]

    def polygon_tuples(self) -> list[tuple[int, ...]]:
        """Polygons as tuples without padding."""
        return [tuple(int(k) for k in row if k >= 0) for row in self.polygons]


def read(path: Path) -> IctModel:
    """Read ICT-FaceKit Light from a folder or from ``all_modes.npz``.

    Args:
        path: the npz; a folder that holds it; the FaceXModel folder of OBJ files; or its parent.

    Raises:
        InputError: ``ict_missing`` (files or names absent, all of them named), ``ict_layout`` (wrong shapes).
        WeightsError: ``weights_damaged``, ``unsafe_pickle``: the npz is none, or holds more than arrays.
    """
    path = Path(path)
    if path.is_file():
        return _read_npz(path)
    if (path / NPZ).is_file():
        return _read_npz(path / NPZ)
    if (path / "FaceXModel").is_dir():
        return read_objs(path / "FaceXModel")
    return read_objs(path)


def read_objs(folder: Path) -> IctModel:
    """Read the original layout: the neutral mesh, 100 identity meshes and 53 expression meshes as OBJ files."""
    wanted = (NEUTRAL, *IDENTITIES, *EXPRESSIONS)
    missing = [name for name in wanted if not (folder / f"{name}.obj").is_file()]
    if missing:
        raise _missing(folder, [f"{name}.obj" for name in missing])
    neutral = _positions(folder, NEUTRAL)
    uv, polygons, polygon_uvs, materials, polygon_material = read_polygons(folder / f"{NEUTRAL}.obj")
    # the published decimals give the displacement; float32 keeps them to 1e-7 cm
    identity = np.stack([(_positions(folder, name) - neutral).astype(np.float32) for name in IDENTITIES])
    expression = {n: (_positions(folder, n) - neutral).astype(np.float32) for n in EXPRESSIONS}
    return IctModel(
        _single(neutral),
        _single(uv),
        polygons,
        polygon_uvs,
        materials,
        polygon_material,
        identity,
        expression,
    )


def _single(array: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N M"]:
    """Rounded to float32, so that both layouts hold the same numbers."""
    return array.astype(np.float32).astype(np.float64)


def _positions(folder: Path, name: str) -> Float[np.ndarray, "V 3"]:
    positions = read_positions(folder / f"{name}.obj")
    if positions.shape != (VERTICES, 3):
        raise InputError(
            "ict_layout",
            f"{len(positions)} vertices where ICT-FaceKit Light has {VERTICES}",
            str(folder / f"{name}.obj"),
            "use the meshes of the FaceXModel folder as published",
        )
    return positions


def _read_npz(path: Path) -> IctModel:
    arrays = read_npz(path)
    keys = "neutral uv polygons polygon_uvs materials polygon_material identity expression expression_names".split()
    missing = [key for key in keys if key not in arrays]
    if missing:
        raise _missing(path, missing)
    names = [str(name) for name in arrays["expression_names"]]
    missing = [name for name in EXPRESSIONS if name not in names]
    if missing:
        raise _missing(path, missing)
    if arrays["neutral"].shape != (VERTICES, 3) or arrays["identity"].shape != (100, VERTICES, 3):
        raise InputError(
            "ict_layout",
            f"neutral {arrays['neutral'].shape} and identity {arrays['identity'].shape}",
            str(path),
            f"expected ({VERTICES}, 3) and (100, {VERTICES}, 3)",
        )
    return IctModel(
        neutral=arrays["neutral"].astype(np.float64),
        uv=arrays["uv"].astype(np.float64),
        polygons=arrays["polygons"].astype(np.int64),
        polygon_uvs=arrays["polygon_uvs"].astype(np.int64),
        materials=tuple(str(name) for name in arrays["materials"]),
        polygon_material=arrays["polygon_material"].astype(np.int64),
        identity=arrays["identity"].astype(np.float32),
        expression={name: arrays["expression"][names.index(name)].astype(np.float32) for name in EXPRESSIONS},
    )


def _missing(path: Path, names: list[str]) -> InputError:
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return InputError(
        "ict_missing",
        f"{len(names)} parts of ICT-FaceKit Light are absent: {shown}",
        str(path),
        "copy them there",
    )
