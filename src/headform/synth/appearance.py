"""Hair, brows, lashes, eyes, skins, hats, shoulders and panoramas of synthetic faces, as shipped with the package.

W vertices of a piece, F triangles, V vertices of the open head, H x L texels.
Meters; x to the subject's left, y up, z forward.

A piece is stored on the mean open head. On a person, a vertex is its mean position plus the sum of its weights times the
displacements of its anchors, which are vertices of the head: hair follows the skull, lashes follow and turn with their lids.

The file is written by ``python -m tools.appearance``; everything in it is CC0.
"""

import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int32, UInt8
from PIL import Image

from headform.errors import WeightsError
from headform.io.json_file import parse_json
from headform.io.safetensors_bytes import load_arrays

FORMAT = "headform-appearance-1"
POSITION_STEP_M = 2e-5
"""Unit of stored positions, meters."""
BROW_REACH = 1.6
"""Largest distance from a brow's spine that its map shows, in half heights."""
HAIR_LEVEL = 0.3
"""Mean linear value of the pictures of hair: an albedo is to be divided by it."""
_AGAIN = "install the package again"
_MOST_TEXELS = 1024 * 1024


@dataclass(frozen=True, eq=False)
class PieceAsset:
    """Mesh on the mean open head, bound to its vertices.

    Attributes:
        name: Name of the style.
        position: On the mean head.
        uv: Texture coordinates in [0, 1], origin bottom-left.
        faces: Triangles; both sides are drawn.
        anchor: Head vertices that move each vertex.
        weight: Their weights, which sum to 1; some of lashes' are negative.
        root: Vertex of the piece from which each vertex grows; of lashes alone.
        picture: sRGB and opacity; none for hats and clothes. That of hair has a mean linear value of `HAIR_LEVEL`.
    """

    name: str
    position: Float32[np.ndarray, "W 3"]
    uv: Float32[np.ndarray, "W 2"]
    faces: Int32[np.ndarray, "F 3"]
    anchor: Int32[np.ndarray, "W K"]
    weight: Float32[np.ndarray, "W K"]
    picture: UInt8[np.ndarray, "H L 4"] | None
    root: Int32[np.ndarray, " W"] | None = None

    def on(self, displacement: Float32[np.ndarray, "V 3"]) -> Float32[np.ndarray, "W 3"]:
        """Place the piece on a person, whose head's vertices are displaced from the mean head's."""
        return np.asarray(
            self.position + np.einsum("wk,wkc->wc", self.weight, displacement[self.anchor]), dtype=np.float32
        )


@dataclass(frozen=True, eq=False)
class BrowAsset:
    """Pair of brows, straightened; the right one first.

    Attributes:
        name: Name of the style.
        alpha: Opacity; column 0 at the outer end, the last at the inner; row 0 `BROW_REACH` half heights above the spine.
        spine: Height of the spine over the way along (0 outer, 1 inner) as polynomial, lowest power first, in lengths; 0 in
            the middle.
        length: From end to end over the skin.
        half_height: Height that counts as 1 across.
        middle: Middle of the brow on the mean head.
    """

    name: str
    alpha: UInt8[np.ndarray, "2 64 256"]
    spine: Float32[np.ndarray, "2 5"]
    length: Float32[np.ndarray, " 2"]
    half_height: Float32[np.ndarray, " 2"]
    middle: Float32[np.ndarray, "2 3"]


@dataclass(frozen=True, eq=False)
class EyePicture:
    """Eyeball seen along its axis.

    Attributes:
        name: Name of its color.
        picture: sRGB, the pupil in the middle.
        iris: Radius of the iris in half widths of the picture.
        pupil: Radius of the pupil.
    """

    name: str
    picture: UInt8[np.ndarray, "H L 3"]
    iris: float
    pupil: float


@dataclass(frozen=True, eq=False)
class WrinkleGroup:
    """Wrinkles that appear together, on the open head's texture atlas.

    Attributes:
        name: Name of the place.
        map: 128 plain skin, 1 darkest, 255 brightest under light from above; row 0 at v = 1.
        drivers: ARKit shapes, or stems of Left/Right pairs, that fold the skin there; none of folds of age alone.
    """

    name: str
    map: UInt8[np.ndarray, "512 512"]
    drivers: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Appearance:
    """Contents of the file, by name.

    Attributes:
        hair: Hair styles: cards and shells with opacity.
        lashes: Lashes of both eyes and lids.
        hats: Hats, without a picture.
        shoulders: Neck, shoulders and chest under the open head's neck.
        shirt: Cloth over them, up to the neck.
        brows: Brows.
        eyes: Eyeballs.
        skins: sRGB on the open head's texture atlas, row 0 at v = 1; each has closely shaved hair painted on its scalp.
        panoramas: Linear radiance, row 0 straight up.
        wrinkles: Wrinkles of forehead, eyes, nose, mouth, chin and neck.
    """

    hair: dict[str, PieceAsset]
    lashes: dict[str, PieceAsset]
    hats: dict[str, PieceAsset]
    shoulders: PieceAsset
    shirt: PieceAsset
    brows: dict[str, BrowAsset]
    eyes: dict[str, EyePicture]
    skins: dict[str, UInt8[np.ndarray, "512 512 3"]]
    panoramas: dict[str, Float16[np.ndarray, "64 128 3"]]
    wrinkles: dict[str, WrinkleGroup]


@cache
def load_appearance() -> Appearance:
    """Load the file that ships; the result is shared and must not be changed.

    Raises:
        WeightsError: ``appearance_missing``, ``appearance_damaged``.
    """
    path = files("headform") / "synth" / "assets" / "appearance.safetensors"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError("appearance_missing", f"cannot read {path.name}: {error}", str(path), _AGAIN) from error
    return decode_appearance(data, path.name)


def decode_appearance(data: bytes, where: str) -> Appearance:
    """Decode the bytes of such a file.

    Raises:
        WeightsError: ``appearance_damaged``.
    """
    try:
        arrays, metadata = load_arrays(data)
        text = parse_json(metadata["headform"])
        if text["format"] != FORMAT:
            raise ValueError(f"its format is {text['format']!r:.40}")
        return Appearance(
            hair={n: _piece(arrays, "hair", n, picture=True) for n in text["hair"]},
            lashes={n: _piece(arrays, "lashes", n, picture=True) for n in text["lashes"]},
            hats={n: _piece(arrays, "hats", n) for n in text["hats"]},
            shoulders=_piece(arrays, "worn", "shoulders"),
            shirt=_piece(arrays, "worn", "shirt"),
            brows={n: _brow(arrays, n) for n in text["brows"]},
            eyes={n: _eye(arrays, n, s) for n, s in text["eyes"].items()},
            skins={n: _shaped(_picture(arrays[f"skins.{n}.picture"], "RGB"), (512, 512, 3)) for n in text["skins"]},
            panoramas={n: _shaped(arrays[f"panoramas.{n}"], (64, 128, 3)) for n in text["panoramas"]},
            wrinkles={n: _wrinkles(arrays, n, d) for n, d in text["wrinkles"].items()},
        )
    except (LookupError, TypeError, AttributeError, ValueError, OSError) as error:
        what = f"the appearance of synthetic faces is damaged: {error!s:.200}"
        raise WeightsError("appearance_damaged", what, where, _AGAIN) from error


def _piece(arrays: dict[str, np.ndarray], kind: str, name: str, *, picture: bool = False) -> PieceAsset:
    own = {k: arrays[f"{kind}.{name}.{k}"] for k in ("position", "uv", "faces", "anchor", "weight")}
    count = len(own["position"])
    faces, anchor = own["faces"].astype(np.int32), own["anchor"].astype(np.int32)
    _shaped(own["position"], (count, 3))
    _shaped(own["uv"], (count, 2))
    _shaped(own["weight"], anchor.shape)
    if len(anchor) != count or faces.ndim != 2 or faces.max(initial=0) >= count:
        raise ValueError(f"{kind} {name} has triangles or anchors of other vertices")
    root = arrays.get(f"{kind}.{name}.root")
    if root is not None and _shaped(root, (count,)).max(initial=0) >= count:
        raise ValueError(f"{kind} {name} has roots at other vertices")
    return PieceAsset(
        name,
        own["position"].astype(np.float32) * np.float32(POSITION_STEP_M),
        own["uv"].astype(np.float32) / np.float32(65535),
        faces,
        anchor,
        own["weight"].astype(np.float32),
        _picture(arrays[f"{kind}.{name}.picture"], "RGBA") if picture else None,
        None if root is None else root.astype(np.int32),
    )


def _brow(arrays: dict[str, np.ndarray], name: str) -> BrowAsset:
    shapes = {"alpha": (2, 64, 256), "spine": (2, 5), "length": (2,), "half_height": (2,), "middle": (2, 3)}
    return BrowAsset(name, **{k: _shaped(arrays[f"brows.{name}.{k}"], s) for k, s in shapes.items()})


def _eye(arrays: dict[str, np.ndarray], name: str, sizes: dict[str, Any]) -> EyePicture:
    return EyePicture(
        name, _picture(arrays[f"eyes.{name}.picture"], "RGB"), float(sizes["iris"]), float(sizes["pupil"])
    )


def _wrinkles(arrays: dict[str, np.ndarray], name: str, drivers: list[str]) -> WrinkleGroup:
    shade = _shaped(_picture(arrays[f"wrinkles.{name}.picture"], "L"), (512, 512))
    return WrinkleGroup(name, shade, tuple(str(d) for d in drivers))


def _shaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape:
        raise ValueError(f"an array has shape {array.shape}, expected {shape}")
    return array


def _picture(data: UInt8[np.ndarray, " N"], mode: str) -> UInt8[np.ndarray, "H L *C"]:
    with Image.open(io.BytesIO(data.tobytes()), formats=("WEBP",)) as picture:
        if picture.width * picture.height > _MOST_TEXELS:
            raise ValueError(f"a picture has {picture.width} x {picture.height} texels")
        return np.asarray(picture.convert(mode))
