"""List of the pixels of a batch of pictures that show a face, the domain of all per-pixel work.

B batch, H W pixels, N seen pixels, C channels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class SeenPixels:
    """Pixels that show a face, picture by picture, row by row.

    Attributes:
        flat: index into the B H W pixels of the batch.
        item: picture of each pixel.
        pixel: index into the H W pixels of its picture.
        face: face that it shows.
        starts: B + 1 indices of the first pixel of each picture, and N.
        shape: batch size and picture size (B, H, W).
    """

    flat: Int64[Tensor, " N"]
    item: Int64[Tensor, " N"]
    pixel: Int64[Tensor, " N"]
    face: Int64[Tensor, " N"]
    starts: tuple[int, ...]
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, face_index: Int[Tensor, "B H W"]) -> "SeenPixels":
        """List the pixels of a raster that show a face."""
        items, height, width = face_index.shape
        area = height * width
        faces = face_index.reshape(-1)
        flat = torch.nonzero(faces >= 0)[:, 0]
        edges = torch.arange(items + 1, device=flat.device) * area
        starts = tuple(torch.searchsorted(flat, edges).tolist())
        item = flat // area
        return cls(flat, item, flat - item * area, faces[flat].long(), starts, (items, height, width))

    def picture(self, values: Float[Tensor, "N C"], empty: float = 0.0) -> Float[Tensor, "B H W C"]:
        """Scatter values of the listed pixels to pictures; `empty` elsewhere."""
        items, height, width = self.shape
        channels = values.shape[1]
        blank = values.new_full((items * height * width, channels), empty)
        return blank.index_copy(0, self.flat, values).view(items, height, width, channels)
