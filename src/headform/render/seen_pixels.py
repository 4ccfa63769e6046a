"""List of the pixels of a batch of pictures that show a face, the domain of all per-pixel work.

B batch, H W pixels, N seen pixels, C channels.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from headform.errors import InputError
from headform.geometry.array_checks import require_tensor


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
        """List the pixels of a raster that show a face.

        Raises:
            InputError: `array_kind`, `array_shape`, `array_dtype`.
        """
        require_tensor("face_index", face_index, ("B", "H", "W"), "int")
        items, height, width = face_index.shape
        area = height * width
        faces = face_index.reshape(-1)
        flat = torch.nonzero(faces >= 0)[:, 0]
        edges = torch.arange(items + 1, device=flat.device) * area
        starts = tuple(torch.searchsorted(flat, edges).tolist())
        item = flat // area
        return cls(flat, item, flat - item * area, faces[flat].long(), starts, (items, height, width))

    def picture(self, values: Float[Tensor, "N C"], empty: float = 0.0) -> Float[Tensor, "B H W C"]:
        """Scatter values of the listed pixels to pictures; `empty` elsewhere.

        Raises:
            InputError: `array_kind`, `array_shape`, `array_dtype`.
        """
        require_tensor("values", values, (len(self.flat), "C"))
        items, height, width = self.shape
        channels = values.shape[1]
        blank = values.new_full((items * height * width, channels), empty)
        return blank.index_copy(0, self.flat, values).view(items, height, width, channels)

    @cached_property
    def _faces(self) -> int:
        """One more than the greatest face that is seen."""
        return int(self.face.max()) + 1 if len(self.face) else 0

    def require_raster_of(self, items: int, faces: int) -> None:
        """Check that these are pixels of `items` pictures of a mesh of `faces` faces, which the kernels rely on.

        Raises:
            InputError: `seen_foreign`.
        """
        count = len(self.flat)
        whole = len(self.item) == len(self.pixel) == len(self.face) == count
        parts = len(self.starts) == items + 1 and self.starts[0] == 0 and self.starts[-1] == count
        if not (whole and parts and self.shape[0] == items and all(a <= b for a, b in pairwise(self.starts))):
            what = f"the pixels are of {self.shape[0]} pictures, expected {items}"
            raise InputError("seen_foreign", what, "seen", "list the pixels of these pictures with SeenPixels.of")
        if self._faces > faces or (count and int(self.face.min()) < 0):
            what = f"a pixel shows face {self._faces - 1}, but there are {faces} faces"
            raise InputError("seen_foreign", what, "seen", "list the pixels of a raster of the same faces")
