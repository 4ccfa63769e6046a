"""A color model over a texture image: mean + modes, as published for FLAME, and its values at a head's vertices.

H, W pixels of the image (row 0 at v = 1), K modes, T texture vertices, F triangles, V vertices of a head. RGB in [0, 1] as
published, not clipped: linear light, or sRGB (the values as displayed).
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from headform.errors import WeightsError, check_choice
from headform.heads import _tensor_file
from headform.heads.checks import check_finite, check_indices
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance
from headform.images.transfer import linear_from_srgb
from headform.io.file_bytes import read_bytes

FORMAT = "headform-texture-1"
_TENSORS = ("mean", "modes", "uv", "uv_faces")
Head = TypeVar("Head", bound=LinearHead)


@dataclass(frozen=True, eq=False)
class TextureSpace:
    """A linear model of texture images.

    Attributes:
        mean: RGB in `encoding`.
        modes: Displacement per standard deviation (per unit of the published code).
        uv: Texture coordinates, origin at the bottom left; empty where the file has none.
        uv_faces: Triangles over `uv`, aligned with the head's; empty likewise.
        encoding: ``linear`` or ``srgb``.
        provenance: Origin of the file.
    """

    mean: Float[Tensor, "H W 3"]
    modes: Float[Tensor, "K H W 3"]
    uv: Float[Tensor, "T 2"]
    uv_faces: Int[Tensor, "F 3"]
    encoding: Literal["linear", "srgb"]
    provenance: Provenance

    def __post_init__(self) -> None:
        check_choice(self.encoding, ("linear", "srgb"), "encoding")

    def decode(self, code: Float[Tensor, "*B k"]) -> Float[Tensor, "*B H W 3"]:
        """Return images of coefficients, RGB in `encoding`, not clipped. Differentiable.

        Fewer coefficients than modes use the first ones.
        """
        return self.mean + torch.einsum("...k,khwc->...hwc", code, self.modes[: code.shape[-1]])

    def albedo(self, code: Float[Tensor, "*B k"]) -> Float[Tensor, "*B H W 3"]:
        """Return images of coefficients, linear RGB (clipped at 0 and 1 where the model is one of sRGB)."""
        image = self.decode(code)
        return linear_from_srgb(image) if self.encoding == "srgb" else image

    def resized(self, height: int, width: int) -> "TextureSpace":
        """Return the model over fewer pixels, each the mean of those it covers."""
        whole = torch.cat([self.mean[None], self.modes]).permute(0, 3, 1, 2)  # (1 + K, 3, H, W)
        small = functional.interpolate(whole, (height, width), mode="area").permute(0, 2, 3, 1)
        return replace(self, mean=small[0].contiguous(), modes=small[1:].contiguous())


def with_texture(head: Head, space: TextureSpace, *, modes: int = 50) -> Head:
    """Return the head with the colors of a texture model at its vertices.

    A vertex takes the bilinear sample at its texture coordinates; where it has several (seams), their mean. The head's own
    texture coordinates are used where the model has none, and replaced where it has.

    Args:
        head: On the CPU.
        space: On the CPU, of the same topology.
        modes: Most color modes to keep.

    Raises:
        WeightsError: ``model_mismatch`` when the model's triangles are not those of the head; ``head_lacks`` when neither
            has texture coordinates.
    """
    if len(space.uv):
        uv, uv_faces = space.uv, _aligned(head, space)
    else:
        head.require_fields("uv")
        uv, uv_faces = head.uv, head.uv_faces
    pairs = torch.unique(torch.stack([head.faces.flatten(), uv_faces.flatten()], 1), dim=0)
    vertex, texel = pairs.unbind(1)
    count = torch.zeros(len(head.mean), dtype=torch.int64).index_add_(0, vertex, torch.ones_like(vertex))
    if not bool(count.all()):
        raise _mismatch(head, space, f"{int((count == 0).sum())} vertices lie on no triangle")
    images = [space.mean, *space.modes[:modes]]
    colors = torch.zeros(len(images), len(head.mean), 3)
    for image, row in zip(images, colors, strict=True):
        row.index_add_(0, vertex, sample(image, uv[texel]))
    colors /= count[:, None]
    return replace(
        head,
        albedo_mean=colors[0],
        albedo=colors[1:],
        albedo_space=space.encoding,
        uv=uv.float(),
        uv_faces=uv_faces,
    )


def sample(image: Float[Tensor, "H W C"], uv: Float[Tensor, "N 2"]) -> Float[Tensor, "N C"]:
    """Sample an image whose row 0 is at v = 1, bilinearly; coordinates are clamped to the outermost pixel centers."""
    height, width = image.shape[:2]
    x = (uv[:, 0] * width - 0.5).clamp(0, width - 1)
    y = ((1 - uv[:, 1]) * height - 0.5).clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    across, down = (x - left)[:, None], (y - top)[:, None]
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return upper * (1 - down) + lower * down


def _aligned(head: LinearHead, space: TextureSpace) -> Int[Tensor, "F 3"]:
    """Return the model's triangles with their corners in the order of the head's; a texture vertex has one vertex."""
    if space.uv_faces.shape != head.faces.shape:
        raise _mismatch(head, space, f"{len(space.uv_faces)} triangles for {len(head.faces)}")
    check_indices(space.provenance.label, len(space.uv), uv_faces=space.uv_faces.numpy())
    for order in (space.uv_faces, space.uv_faces.flip(1)):
        owner = torch.full((len(space.uv),), -1, dtype=torch.int64)
        owner[order.flatten()] = head.faces.flatten()
        if torch.equal(owner[order], head.faces):
            return order
    raise _mismatch(head, space, "a texture vertex belongs to several vertices")


def _mismatch(head: LinearHead, space: TextureSpace, what: str) -> WeightsError:
    text = f"the texture of {space.provenance.label} does not fit the head {head.name}: {what}"
    return WeightsError("model_mismatch", text, "", "give the texture made for this mesh")


def save(space: TextureSpace, path: Path | str) -> str:
    """Write a texture model as safetensors, in single precision, whole or not at all; equal models give equal bytes.

    Returns:
        SHA-256 of the file, hexadecimal.

    Raises:
        ResourceError: ``write_failed``.
    """
    tensors = {name: getattr(space, name).cpu() for name in _TENSORS}
    arrays = {n: (t.float() if t.is_floating_point() else t.int()).numpy() for n, t in tensors.items()}
    text = {"format": FORMAT, "encoding": space.encoding, "provenance": space.provenance.to_json()}
    return _tensor_file.write(path, _tensor_file.encode(arrays, text))


def load(path: Path | str) -> TextureSpace:
    """Read what `save` wrote.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` when it is no such file; ``model_not_finite``,
            ``model_index``.
    """
    where = repr(str(path))
    data = read_bytes(path)
    try:
        stored, text = _tensor_file.decode(data)
        if text["format"] != FORMAT or text["encoding"] not in ("linear", "srgb"):
            raise ValueError(f"format {text['format']}, encoding {text['encoding']}")
        arrays: dict[str, Any] = {name: torch.from_numpy(stored[name].copy()) for name in _TENSORS}
        provenance = Provenance.from_json(text["provenance"])
        shapes = arrays["mean"].shape, arrays["modes"].shape[1:], arrays["uv"].shape[1:]
        if shapes[0] != shapes[1] or shapes[0][2:] != (3,) or shapes[2] != (2,):
            raise ValueError(f"shapes {[tuple(s) for s in shapes]}")
        if arrays["uv_faces"].ndim != 2 or arrays["uv_faces"].shape[1] != 3:
            raise ValueError("triangles over the texture of another shape")
    except (ValueError, LookupError, TypeError) as error:
        what = f"not a texture model of headform: {error!s:.200}"
        raise WeightsError("weights_damaged", what, where, "convert the texture again") from error
    arrays["uv_faces"] = arrays["uv_faces"].long()
    check_finite(where, **{n: arrays[n].numpy() for n in ("mean", "modes", "uv")})
    check_indices(where, len(arrays["uv"]), uv_faces=arrays["uv_faces"].numpy())
    return TextureSpace(**arrays, encoding=text["encoding"], provenance=provenance)
