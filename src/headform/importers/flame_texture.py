"""Texture models on FLAME's texture map.

H = W = 512 pixels as published, C modes, T texture vertices, F 9976 triangles. Pictures are BGR, row 0 at v = 1.

| file | holds | values |
|---|---|---|
| ``FLAME_texture.npz`` | ``mean`` (H, W, 3), ``tex_dir`` (H, W, 3, 200), ``vt``, ``ft`` | 0 to 255, as displayed |
| ``albedoModel2020_FLAME_albedoPart.npz`` | ``MU``, ``PC`` (145), ``specMU``, ``specPC``, ``vt``, ``ft`` | 0 to 1, linear |
| ``FLAME_albedo_from_BFM.npz`` | ``MU`` (H W 3), ``PC`` (H W 3, 199), perhaps ``vt``, ``ft`` | 0 to 1, as displayed |

Readers of the second file differ about the order of its channels; the order in which the mean skin is redder than
blue is taken.
"""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import check_finite, check_indices, check_shape
from headform.heads.provenance import provenance_of
from headform.heads.texture_space import TextureSpace
from headform.importers._flame_model import FACES
from headform.io.npz_file import array_shapes, read_npz

KIND = "flame-texture"
_LICENSES = {
    "flame": "CC BY-NC-SA 4.0, FLAME texture space, Max Planck Society",
    "albedomm": "academic use only, AlbedoMM (Smith et al. 2020)",
    "bfm": "Basel Face Model license, not redistributable (BFM_to_FLAME)",
}
_FARTHEST = 1000
_KEYS = {"flame": ("mean", "tex_dir"), "albedomm": ("MU", "PC"), "bfm": ("MU", "PC")}


def read(
    path: Path,
    *,
    part: Literal["diffuse", "specular"] = "diffuse",
    modes: int | None = None,
) -> TextureSpace:
    """A texture model.

    Args:
        path: One of the three files; which one its keys say.
        part: The specular part only AlbedoMM has.
        modes: Keep the first so many; all if None (600 MB for the first file).

    Returns:
        RGB in [0, 1]; sRGB for the first and third file, linear for the second.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle`` (arrays of objects);
            ``model_missing_key``; ``model_shape``; ``model_not_finite``; ``model_index``; ``model_mismatch`` when the
            texture map is not FLAME's.
    """
    path = Path(path)
    where = repr(str(path))
    there = array_shapes(path)
    version = _version(there, path)
    names = _KEYS[version]
    if part == "specular":
        names = ("specMU", "specPC")
    mapped = [name for name in ("vt", "ft") if name in there]
    arrays = read_npz(path, (*names, *mapped))
    mean, basis = _images(arrays[names[0]], arrays[names[1]], names, where)
    scale = 1 / 255 if version == "flame" else 1.0
    notes = []
    backwards = version != "albedomm" or float(mean[..., 0].mean()) < float(mean[..., 2].mean())
    if version == "albedomm":
        notes.append(f"the channels are {'BGR' if backwards else 'RGB'}: skin is redder than blue")
    uv = np.zeros((0, 2)) if len(mapped) < 2 else arrays["vt"]
    uv_faces = np.zeros((0, 3), np.int64) if len(mapped) < 2 else arrays["ft"]
    _check_map(uv, uv_faces, where)
    colors = _rgb(mean, backwards, scale)
    changes = _rgb(_modes_first(basis[..., :modes]), backwards, scale)
    check_finite(where, **{names[0]: colors.numpy(), names[1]: changes.numpy()})
    return TextureSpace(
        mean=colors,
        modes=changes,
        uv=torch.from_numpy(uv[:, :2].astype(np.float32)),
        uv_faces=torch.from_numpy(uv_faces.astype(np.int64)),
        encoding="linear" if version == "albedomm" else "srgb",
        provenance=provenance_of(KIND, [path], version=version, license=_LICENSES[version], notes=notes),
    )


def _version(there: dict[str, tuple[int, ...]], path: Path) -> str:
    if "tex_dir" in there or "mean" in there:
        return "flame"
    if "specMU" in there:
        return "albedomm"
    if there and not {"MU", "PC"} & set(there):
        what = f"there is neither `mean` nor `MU`, there are {', '.join(sorted(there)[:20])}"
        fix = "give FLAME_texture.npz or its like"
        raise WeightsError("model_missing_key", what, repr(str(path)), fix)
    return "bfm"


def _images(
    mean: np.ndarray, modes: np.ndarray, names: tuple[str, str], where: str
) -> tuple[Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W 3 C"]]:
    """Mean and modes, which may be flat, as pictures."""
    if modes.dtype.kind != "f" or mean.dtype.kind not in "fu":
        what = f"`{names[0]}` holds {mean.dtype}, `{names[1]}` {modes.dtype}"
        raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
    side = mean.shape[0] if mean.ndim == 3 else math.isqrt(mean.size // 3)
    if mean.ndim != 3:
        mean = mean.reshape(-1)
        check_shape(where, names[0], mean, side * side * 3)
        mean = mean.reshape(side, side, 3)
    check_shape(where, names[0], mean, side, None, 3)
    if modes.ndim == 2:
        check_shape(where, names[1], modes, mean.size, None)
        modes = modes.reshape(*mean.shape, -1)
    check_shape(where, names[1], modes, *mean.shape, None)
    if not mean.size:
        what = f"`{names[0]}` is {' x '.join(map(str, mean.shape))}: it has no pixels"
        raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
    check_finite(where, **{names[0]: mean, names[1]: modes})
    return mean.astype(np.float64), modes


def _check_map(uv: np.ndarray, uv_faces: np.ndarray, where: str) -> None:
    if uv_faces.dtype.kind not in "iu" or uv.dtype.kind != "f":
        what = f"`vt` holds {uv.dtype}, `ft` {uv_faces.dtype}"
        raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
    check_shape(where, "vt", uv, None, 2)
    check_shape(where, "ft", uv_faces, None, 3)
    if len(uv) and not np.abs(uv).max() < _FARTHEST:
        what = f"`vt` holds coordinates that are not finite or beyond {_FARTHEST}"
        raise WeightsError("model_not_finite", what, where, "get the model again")
    if len(uv_faces) not in (0, FACES):
        what = f"a texture map of {len(uv_faces)} triangles, FLAME has {FACES}"
        raise WeightsError("model_mismatch", what, where, "give a texture made for FLAME")
    check_indices(where, len(uv), ft=uv_faces)


def _modes_first(
    basis: Float[np.ndarray, "H W 3 C"],
) -> Float[np.ndarray, "C H W 3"]:
    """In single precision, by blocks of pixels: in one go, the processor waits for memory most of the time."""
    flat = basis.reshape(-1, basis.shape[-1])
    turned = np.empty(flat.shape[::-1], np.float32)
    with np.errstate(over="ignore"):
        for start in range(0, len(flat), 256):
            turned[:, start : start + 256] = flat[start : start + 256].T
    return turned.reshape(basis.shape[-1], *basis.shape[:-1])


def _rgb(array: np.ndarray, backwards: bool, scale: float) -> torch.Tensor:
    turned = array[..., ::-1] if backwards else array
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        single = np.ascontiguousarray(turned, np.float32)
    single *= scale
    return torch.from_numpy(single)
