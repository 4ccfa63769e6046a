"""The portable twin of `rasterize`: the same fragments, in torch, on any device.

Letters: V vertices, F faces, H W pixels, P candidate pairs of a face and a pixel.

Every pixel in the bounding box of every face is a candidate. The arithmetic is that of the compiled
rasterizer, in float64 and in the same order, and a pixel keeps the least of (float32 depth bits,
face index) packed into one integer: depths are positive, so their bits sort as they do. On devices
that do not fuse multiplication and addition the result is bit for bit the same. Not differentiable:
`interpolate` recomputes what needs gradients from `face_index`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int, Int32, Int64
from torch import Tensor

from headform.render.rasterize import NEAR

_PAIRS = 1 << 22
"""Candidates that are held in memory at once."""


@dataclass(frozen=True, eq=False)
class TorchFragments:
    """`Fragments` as tensors of one device.

    Attributes:
        face_index: (H, W) int32, the nearest face; -1 where no face is seen.
        barycentric: (H, W, 3) float32, perspective-correct; 0 where no face is seen.
        depth: (H, W) float32; inf where no face is seen.
    """

    face_index: Int32[Tensor, "H W"]
    barycentric: Float32[Tensor, "H W 3"]
    depth: Float32[Tensor, "H W"]


def rasterize_torch(
    points: Float[Tensor, "V 3"],
    faces: Int[Tensor, "F 3"],
    height: int,
    width: int,
    *,
    cull_back: bool = False,
    near: float = NEAR,
) -> TorchFragments:
    """Rasterize a projected mesh; arguments, conventions and result are those of `rasterize`.

    Raises:
        ValueError: a size below 1 or a face index outside [0, V).
    """
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1, got {height} x {width}")
    if faces.numel() and not (0 <= int(faces.min()) and int(faces.max()) < len(points)):
        raise ValueError(
            f"faces must index {len(points)} vertices, got indices from {int(faces.min())} to {int(faces.max())}"
        )
    corners = points.detach().to(torch.float32).to(torch.float64)[faces.long()]  # (F, 3, 3)
    first, span, kept = _boxes(corners, height, width, cull_back, near)
    empty = torch.iinfo(torch.int64).max
    best = torch.full((height * width,), empty, dtype=torch.int64, device=points.device)
    for part in _parts(span, kept):
        index, pixel = _candidates(part, first, span, width)
        inside, weights, z = _at_pixels(corners[index], pixel, width)
        key = (z.view(torch.int32).long() << 32) | index
        best.scatter_reduce_(0, pixel[inside], key[inside], "amin")
    hit = best != empty
    face = torch.where(hit, best & 0xFFFFFFFF, -1)
    barycentric = torch.zeros(height * width, 3, dtype=torch.float32, device=points.device)
    depth = torch.full((height * width,), torch.inf, dtype=torch.float32, device=points.device)
    pixel = torch.nonzero(hit)[:, 0]
    _, weights, z = _at_pixels(corners[face[pixel]], pixel, width)
    barycentric[pixel], depth[pixel] = weights, z
    return TorchFragments(
        face.to(torch.int32).reshape(height, width),
        barycentric.reshape(height, width, 3),
        depth.reshape(height, width),
    )


def _boxes(
    corners: Float[Tensor, "F 3 3"], height: int, width: int, cull_back: bool, near: float
) -> tuple[Int64[Tensor, "F 2"], Int64[Tensor, "F 2"], Int64[Tensor, " G"]]:
    """First column and row of each face's bounding box, its extent, and the faces that count."""
    (x0, y0), (x1, y1), (x2, y2) = (corners[:, k, :2].unbind(-1) for k in range(3))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    good = (corners[..., 2] > near).all(1) & (area.abs() > 0) & (area.abs() < torch.inf)
    if cull_back:
        good &= area < 0
    limit = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64, device=corners.device)
    low = (corners[..., :2].amin(1) - 0.5).ceil().clamp(min=0)
    high = torch.minimum((corners[..., :2].amax(1) - 0.5).floor(), limit)
    good &= (low <= high).all(1)
    first = torch.where(good[:, None], low, torch.zeros_like(low)).long()
    span = torch.where(good[:, None], high - low + 1, torch.zeros_like(low)).long()
    return first, span, torch.nonzero(good)[:, 0]


def _parts(span: Int64[Tensor, "F 2"], kept: Int64[Tensor, " G"]) -> list[Int64[Tensor, " N"]]:
    """The faces in runs of at most `_PAIRS` candidates (or of one face)."""
    total = span[kept].prod(1).cumsum(0)
    if len(kept) == 0:
        return []
    run = total // _PAIRS
    _, sizes = torch.unique_consecutive(run, return_counts=True)
    return list(torch.split(kept, sizes.tolist()))


def _candidates(
    part: Int64[Tensor, " N"],
    first: Int64[Tensor, "F 2"],
    span: Int64[Tensor, "F 2"],
    width: int,
) -> tuple[Int64[Tensor, " P"], Int64[Tensor, " P"]]:
    """Face and flat pixel of every pair."""
    count = span[part].prod(1)
    index = part.repeat_interleave(count)
    start = count.cumsum(0) - count
    rank = torch.arange(len(index), device=part.device) - start.repeat_interleave(count)
    columns = span[index, 0]
    pixel = (first[index, 1] + rank // columns) * width + first[index, 0] + rank % columns
    return index, pixel


def _at_pixels(
    corners: Float[Tensor, "P 3 3"], pixel: Int64[Tensor, " P"], width: int
) -> tuple[Bool[Tensor, " P"], Float32[Tensor, "P 3"], Float32[Tensor, " P"]]:
    """Whether each pixel's center is inside its triangle, the weights and the depth there."""
    (x0, y0, z0), (x1, y1, z1), (x2, y2, z2) = (corners[:, k].unbind(-1) for k in range(3))
    x, y = (pixel % width).double() + 0.5, (pixel // width).double() + 0.5
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    sign = torch.where(area < 0, -1.0, 1.0).to(torch.float64)
    edges = torch.stack(
        [
            (sign * (x2 - x1) * y + sign * (x1 * y2 - x2 * y1)) + sign * (y1 - y2) * x,
            (sign * (x0 - x2) * y + sign * (x2 * y0 - x0 * y2)) + sign * (y2 - y0) * x,
            (sign * (x1 - x0) * y + sign * (x0 * y1 - x1 * y0)) + sign * (y0 - y1) * x,
        ],
        dim=1,
    )
    w0, w1, w2 = edges[:, 0] * (1 / z0), edges[:, 1] * (1 / z1), edges[:, 2] * (1 / z2)
    total = w0 + w1 + w2
    inside = (edges >= 0).all(1) & (total > 0)
    inverse = 1 / torch.where(inside, total, torch.ones_like(total))
    z = (edges[:, 0] + edges[:, 1] + edges[:, 2]) * inverse
    weights = torch.stack([w0 * inverse, w1 * inverse, w2 * inverse], dim=1)
    return inside, weights.float(), z.float()
