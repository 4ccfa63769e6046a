"""Rasterization of a batch in torch, on any device, with the result of the compiled rasterizer.

B batch, V vertices, F faces, G faces of the whole batch, H W pixels, P candidate pairs of a face and a pixel.

Every pixel in the bounding box of every face is a candidate. The arithmetic is that of the compiled
rasterizer, in float64 and in the same order, and a pixel keeps the least of (float32 depth, face index) packed into one
integer whose order is theirs. On devices that do not fuse multiplication and addition the result is bit for bit the same.
Not differentiable: `interpolate` recomputes what needs gradients from `face_index`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float32, Int, Int32, Int64
from torch import Tensor

from headform.geometry.array_checks import require_face_tensor, require_tensor
from headform.render.rasterize import NEAR, require_raster

_PAIRS = 1 << 22
"""Largest number of candidates in memory."""


@dataclass(frozen=True, eq=False)
class BatchFragments:
    """`Fragments` of a batch, as tensors of one device.

    Attributes:
        face_index: (B, H, W) int32, the nearest face; -1 where no face is seen.
        barycentric: (B, H, W, 3) float32; 0 where no face is seen.
        depth: (B, H, W) float32; inf where no face is seen.
    """

    face_index: Int32[Tensor, "B H W"]
    barycentric: Float32[Tensor, "B H W 3"]
    depth: Float32[Tensor, "B H W"]


def rasterize_torch(
    points: Float[Tensor, "B V 3"],
    faces: Int[Tensor, "F 3"],
    height: int,
    width: int,
    *,
    perspective: bool = True,
    cull_back: bool = False,
    near: float = NEAR,
) -> BatchFragments:
    """Rasterize projected meshes of one topology; arguments, conventions and result are those of `rasterize_batch`.

    Raises:
        InputError: see `rasterize_batch`.
    """
    check_raster(points, faces, height, width, near)
    items, count = len(points), len(faces)
    exact = points.detach().to(torch.float32).to(torch.float64)
    corners = exact[:, faces.long()].reshape(items * count, 3, 3)
    first, span, kept = _boxes(corners, height, width, perspective, cull_back, near)
    empty = torch.iinfo(torch.int64).max
    area = height * width
    best = torch.full((items * area,), empty, dtype=torch.int64, device=points.device)
    for part in _parts(span, kept):
        index, pixel = _candidates(part, first, span, width)
        inside, _, z = _at_pixels(corners[index], pixel, width, perspective)
        key = (_sortable(z) << 32) | (index % count)
        best.scatter_reduce_(0, (pixel + index // count * area)[inside], key[inside], "amin")
    hit = best != empty
    face = torch.where(hit, best & 0xFFFFFFFF, -1)
    barycentric = torch.zeros(items * area, 3, dtype=torch.float32, device=points.device)
    depth = torch.full((items * area,), torch.inf, dtype=torch.float32, device=points.device)
    pixel = torch.nonzero(hit)[:, 0]
    seen = corners[face[pixel] + pixel // area * count]
    _, weights, z = _at_pixels(seen, pixel % area, width, perspective)
    barycentric[pixel], depth[pixel] = weights, z
    shape = (items, height, width)
    return BatchFragments(face.to(torch.int32).reshape(shape), barycentric.reshape(*shape, 3), depth.reshape(shape))


def check_raster(
    points: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"], height: int, width: int, near: float
) -> None:
    """Check the arguments of `rasterize_batch`.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `array_value`, `mesh_index`.
    """
    require_tensor("points", points, ("B", "V", 3))
    require_face_tensor("faces", faces, points.shape[1])
    require_raster(height, width, near)


def _sortable(depth: Float32[Tensor, " P"]) -> Int64[Tensor, " P"]:
    """Map depths to integers of the same order; the bits of negative floats are reversed."""
    bits = depth.view(torch.int32)
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()


def _boxes(
    corners: Float[Tensor, "G 3 3"], height: int, width: int, perspective: bool, cull_back: bool, near: float
) -> tuple[Int64[Tensor, "G 2"], Int64[Tensor, "G 2"], Int64[Tensor, " K"]]:
    """Return first column and row of each face's bounding box, its extent, and the faces to rasterize."""
    (x0, y0), (x1, y1), (x2, y2) = (corners[:, k, :2].unbind(-1) for k in range(3))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    deep = corners[..., 2] > near if perspective else torch.isfinite(corners[..., 2])
    good = deep.all(1) & (area.abs() > 0) & (area.abs() < torch.inf)
    if cull_back:
        good &= area < 0
    limit = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64, device=corners.device)
    low = (corners[..., :2].amin(1) - 0.5).ceil().clamp(min=0)
    high = torch.minimum((corners[..., :2].amax(1) - 0.5).floor(), limit)
    good &= (low <= high).all(1)
    first = torch.where(good[:, None], low, torch.zeros_like(low)).long()
    span = torch.where(good[:, None], high - low + 1, torch.zeros_like(low)).long()
    return first, span, torch.nonzero(good)[:, 0]


def _parts(span: Int64[Tensor, "G 2"], kept: Int64[Tensor, " K"]) -> list[Int64[Tensor, " N"]]:
    """Split the faces into runs of at most `_PAIRS` candidates (or of one face)."""
    total = span[kept].prod(1).cumsum(0)
    if len(kept) == 0:
        return []
    run = total // _PAIRS
    _, sizes = torch.unique_consecutive(run, return_counts=True)
    return list(torch.split(kept, sizes.tolist()))


def _candidates(
    part: Int64[Tensor, " N"],
    first: Int64[Tensor, "G 2"],
    span: Int64[Tensor, "G 2"],
    width: int,
) -> tuple[Int64[Tensor, " P"], Int64[Tensor, " P"]]:
    """Return face and flat pixel of every pair."""
    count = span[part].prod(1)
    index = part.repeat_interleave(count)
    start = count.cumsum(0) - count
    rank = torch.arange(len(index), device=part.device) - start.repeat_interleave(count)
    columns = span[index, 0]
    pixel = (first[index, 1] + rank // columns) * width + first[index, 0] + rank % columns
    return index, pixel


def _at_pixels(
    corners: Float[Tensor, "P 3 3"], pixel: Int64[Tensor, " P"], width: int, perspective: bool
) -> tuple[Bool[Tensor, " P"], Float32[Tensor, "P 3"], Float32[Tensor, " P"]]:
    """Return whether each pixel's center is inside its triangle, and the barycentric weights and depth there."""
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
    e0, e1, e2 = edges.unbind(1)
    w0, w1, w2 = (e0 * (1 / z0), e1 * (1 / z1), e2 * (1 / z2)) if perspective else (e0, e1, e2)
    total = w0 + w1 + w2
    inside = (edges >= 0).all(1) & (total > 0)
    inverse = 1 / torch.where(inside, total, torch.ones_like(total))
    z = (e0 + e1 + e2 if perspective else e0 * z0 + e1 * z1 + e2 * z2) * inverse
    weights = torch.stack([w0 * inverse, w1 * inverse, w2 * inverse], dim=1)
    return inside, weights.float(), z.float()
