"""MakeHuman's skins on the open head's texture atlas.

P side of the atlas; row 0 at v = 1.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, UInt8
from PIL import Image
from scipy import ndimage

from headform.heads.linear import PARTS, LinearHead
from headform.registration.surface import SurfaceIndex
from headform.render.rasterize import rasterize
from tools.appearance.makehuman import PolygonMesh, components

SIDE = 512
_LARGE_CHART = 3000  # triangles


def _outer_skin(base: PolygonMesh) -> tuple[Int64[np.ndarray, "F 3"], Int64[np.ndarray, "F 3"]]:
    """Return the body's triangles without those of its small charts: sockets, mouth, tongue, nails."""
    body = base.part("body")
    chart = components(body.uv_faces, len(base.uv))[body.uv_faces[:, 0]]
    large = np.bincount(chart) > _LARGE_CHART
    return body.faces[large[chart]], body.uv_faces[large[chart]]


class SkinCarrier:
    """Place of each texel of the atlas in MakeHuman's pictures."""

    def __init__(self, head: LinearHead, on_body: Float64[np.ndarray, "V 3"], base: PolygonMesh) -> None:
        faces, uv_faces = head.faces.numpy(), head.uv_faces.numpy()
        skin = np.isin(head.part.numpy(), [PARTS.index("face"), PARTS.index("head")])
        kept = skin[faces].all(1)
        points = np.ones((len(head.uv), 3), np.float32)
        points[:, :2] = head.uv.numpy() * [SIDE, -SIDE] + [0, SIDE]
        seen = rasterize(points, uv_faces[kept].astype(np.int32), SIDE, SIDE)
        self.filled = seen.face_index >= 0
        corners = faces[kept][seen.face_index[self.filled]]
        place = (on_body[corners] * seen.barycentric[self.filled][..., None]).sum(1)
        faces, uv_faces = _outer_skin(base)
        found = SurfaceIndex.of(base.vertices, faces).closest(place.astype(np.float64))
        self._uv = (base.uv[uv_faces[found.triangle]] * found.weights[..., None]).sum(1)

    def carry(self, path: Path) -> UInt8[np.ndarray, "512 512 3"]:
        """Resample a skin; texels of no skin take the nearest texel's color."""
        picture = np.asarray(Image.open(path).convert("RGB"), np.float64)
        height, width = picture.shape[:2]
        at = [(1 - self._uv[:, 1]) * height - 0.5, self._uv[:, 0] * width - 0.5]
        values = np.stack([ndimage.map_coordinates(picture[..., k], at, order=1, mode="nearest") for k in range(3)], 1)
        out = np.zeros((SIDE, SIDE, 3))
        out[self.filled] = values
        nearest = ndimage.distance_transform_edt(~self.filled, return_indices=True)[1]
        return np.round(out[nearest[0], nearest[1]]).clip(0, 255).astype(np.uint8)
