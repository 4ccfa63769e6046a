"""Texture models on FLAME's texture map.

H = W = 512 pixels as published, C modes, T texture vertices, F 9976 triangles. Images are BGR, row 0 at v = 1.

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
from jaxtyping import Float, Int

from headform.errors import WeightsError, check_choice
from headform.heads.checks import GET_AGAIN, check_finite, check_indices, check_shape
from headform.heads.provenance import provenance_of
from headform.heads.texture_space import TextureSpace
from headform.importers._arrays import ModelArrays
from headform.importers._flame_model import FACES
from headform.importers.licenses import UNKNOWN_LICENSE
from headform.io.npz_file import array_shapes, read_npz

KIND = "flame-texture"
_LICENSES = {
    "flame": "CC BY-NC-SA 4.0, FLAME texture space, Max Planck Society",
    "albedomm": "academic use only, AlbedoMM (Smith et al. 2020)",
    "bfm": "Basel Face Model license, not redistributable (BFM_to_FLAME)",
}
_BASEL_MODES = 199
"""Color modes of the Basel Face Models."""
_FARTHEST = 1000
"""Texture coordinates beyond this are refused."""
_KEYS = {"flame": ("mean", "tex_dir"), "albedomm": ("MU", "PC"), "bfm": ("MU", "PC")}
_BLOCK = 256
"""Pixels that are transposed at a time; all in one go, the processor mostly waits for memory."""


def read(
    path: Path,
    *,
    part: Literal["diffuse", "specular"] = "diffuse",
    modes: int | None = None,
) -> TextureSpace:
    """Read a texture model.

    Args:
        path: One of the three files; its keys tell which.
        part: The specular part only AlbedoMM has.
        modes: Keep the first so many; all if None (600 MB for the first file).

    Returns:
        RGB in [0, 1]; sRGB for the first and third file, linear for the second.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle`` (arrays of objects);
            ``model_missing_key``; ``model_shape``; ``model_not_finite``; ``model_index``; ``model_mismatch`` when the
            texture map is not FLAME's.
    """
    check_choice(part, ("diffuse", "specular"), "part")
    path = Path(path)
    where = repr(str(path))
    there = array_shapes(path)
    version = _version(there, where)
    names = ("specMU", "specPC") if part == "specular" else _KEYS[version]
    mapped = [name for name in ("vt", "ft") if name in there]
    table = ModelArrays(where, read_npz(path, (*names, *mapped)))
    mean, basis = _images(table, *names)
    reverse = version != "albedomm" or float(mean[..., 0].mean()) < float(mean[..., 2].mean())
    if version == "albedomm":
        table.notes.append(f"the channels are {'BGR' if reverse else 'RGB'}: skin is redder than blue")
    uv, uv_faces = _map(table) if len(mapped) == 2 else (np.zeros((0, 2)), np.zeros((0, 3), np.int64))
    scale = 1 / 255 if version == "flame" else 1.0
    colors = _rgb(mean, reverse, scale)
    changes = _rgb(_modes_first(basis[..., :modes]), reverse, scale)
    check_finite(where, **{names[0]: colors.numpy(), names[1]: changes.numpy()})
    license = _LICENSES[version]
    if version == "bfm" and basis.shape[-1] != _BASEL_MODES and "bfm" not in path.name.lower():
        license = UNKNOWN_LICENSE
        table.notes.append(
            f"an albedo of {basis.shape[-1]} modes, not Basel's {_BASEL_MODES}: the license is that of its makers"
        )
    return TextureSpace(
        mean=colors,
        modes=changes,
        uv=torch.from_numpy(uv.astype(np.float32)),
        uv_faces=torch.from_numpy(uv_faces),
        encoding="linear" if version == "albedomm" else "srgb",
        provenance=provenance_of(KIND, [path], version=version, license=license, notes=table.notes),
    )


def _version(there: dict[str, tuple[int, ...]], where: str) -> str:
    if "tex_dir" in there or "mean" in there:
        return "flame"
    if "specMU" in there:
        return "albedomm"
    if there and not {"MU", "PC"} & set(there):
        what = f"there is neither `mean` nor `MU`; the file holds {', '.join(sorted(there)[:20])}"
        raise WeightsError("model_missing_key", what, where, "give FLAME_texture.npz or its like")
    return "bfm"


def _images(
    table: ModelArrays, mean_name: str, modes_name: str
) -> tuple[Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W 3 C"]]:
    """Return mean and modes, which may be flat, as images."""
    mean, modes = table.numbers(mean_name, kinds="fu"), table.numbers(modes_name, kinds="f")
    if mean.ndim != 3:
        side = math.isqrt(mean.size // 3)
        check_shape(table.where, mean_name, mean.reshape(-1), side * side * 3)
        mean = mean.reshape(side, side, 3)
    check_shape(table.where, mean_name, mean, None, None, 3)
    if modes.ndim == 2:
        check_shape(table.where, modes_name, modes, mean.size, None)
        modes = modes.reshape(*mean.shape, -1)
    check_shape(table.where, modes_name, modes, *mean.shape, None)
    if not mean.size:
        raise table.error("model_shape", f"`{mean_name}` is {' x '.join(map(str, mean.shape))}: it has no pixels")
    check_finite(table.where, **{mean_name: mean, modes_name: modes})
    return mean.astype(np.float64), modes


def _map(table: ModelArrays) -> tuple[Float[np.ndarray, "T 2"], Int[np.ndarray, "F 3"]]:
    uv, uv_faces = table.numbers("vt", None, 2, kinds="f"), table.indices("ft", None, 3, kinds="iu")
    if len(uv) and not np.abs(uv).max() < _FARTHEST:
        what = f"`vt` holds coordinates that are not finite or beyond {_FARTHEST}"
        raise table.error("model_not_finite", what, GET_AGAIN)
    if len(uv_faces) not in (0, FACES):
        what = f"a texture map of {len(uv_faces)} triangles, FLAME has {FACES}"
        raise WeightsError("model_mismatch", what, table.where, "give a texture made for FLAME")
    check_indices(table.where, len(uv), ft=uv_faces)
    return uv, uv_faces


def _modes_first(basis: Float[np.ndarray, "H W 3 C"]) -> Float[np.ndarray, "C H W 3"]:
    """Move the axis of the modes to the front, in single precision."""
    flat = basis.reshape(-1, basis.shape[-1])
    moved = np.empty(flat.shape[::-1], np.float32)
    with np.errstate(over="ignore"):
        for start in range(0, len(flat), _BLOCK):
            moved[:, start : start + _BLOCK] = flat[start : start + _BLOCK].T
    return moved.reshape(basis.shape[-1], *basis.shape[:-1])


def _rgb(array: np.ndarray, reverse: bool, scale: float) -> torch.Tensor:
    ordered = array[..., ::-1] if reverse else array
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        single = np.ascontiguousarray(ordered, np.float32)
    single *= scale
    return torch.from_numpy(single)
