"""Vertex attributes at pixels, differentiable in the attributes and in the projected vertices.

Letters: V vertices, A attribute rows, F faces, H W pixels, C channels.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def barycentric_at_pixels(
    points: Float[Tensor, "V 3"], faces: Int[Tensor, "F 3"], face_index: Int[Tensor, "H W"]
) -> Float[Tensor, "H W 3"]:
    """Perspective-correct weights of the seen faces' corners at the pixel centers.

    With edge functions `e_k` of the projected triangle, `b_k = (e_k / z_k) / sum_j (e_j / z_j)`
    (Heckbert and Moreton 1991). Recomputed here from the face that a rasterizer found, so that
    gradients reach the vertices and, through `geometry.camera.project`, the camera. What face a
    pixel shows is constant: outlines give no gradient.

    Args:
        points: (V, 3) pixel x, pixel y and depth.
        faces: (F, 3) vertex indices.
        face_index: (H, W) seen face, -1 where none.

    Returns:
        (H, W, 3), 0 where no face is seen; dtype of `points`.
    """
    seen = face_index >= 0
    row, column = torch.nonzero(seen, as_tuple=True)
    corners = points[faces.long()[face_index[row, column].long()]]  # (N, 3, 3)
    x, y = corners[..., 0] - (column[:, None] + 0.5), corners[..., 1] - (row[:, None] + 0.5)
    edges = torch.stack([x[:, k] * y[:, (k + 1) % 3] - x[:, (k + 1) % 3] * y[:, k] for k in (1, 2, 0)], dim=1)
    weights = edges / corners[..., 2]
    weights = weights / weights.sum(1, keepdim=True)
    out = torch.zeros(*face_index.shape, 3, dtype=points.dtype, device=points.device)
    return out.index_put((row, column), weights)


def interpolate(
    attributes: Float[Tensor, "A C"],
    attribute_faces: Int[Tensor, "F 3"],
    face_index: Int[Tensor, "H W"],
    barycentric: Float[Tensor, "H W 3"],
) -> Float[Tensor, "H W C"]:
    """Blend the attributes of the seen faces' corners.

    Args:
        attributes: (A, C) rows: of vertices, or of texture vertices.
        attribute_faces: (F, 3) indices into `attributes`, aligned with the rasterized faces.
        face_index: (H, W) seen face, -1 where none.
        barycentric: (H, W, 3) weights, from a rasterizer or `barycentric_at_pixels`.

    Returns:
        (H, W, C), 0 where no face is seen.
    """
    corners = attributes[attribute_faces.long()[face_index.clamp(min=0).long()]]
    blended = (corners * barycentric[..., None].to(attributes.dtype)).sum(-2)
    return torch.where((face_index >= 0)[..., None], blended, torch.zeros_like(blended))
