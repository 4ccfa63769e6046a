"""A head drawn over a picture of any size, strip by strip.

H W pixels of the picture.
"""

import numpy as np
from jaxtyping import Bool, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw

_STRIP = 1 << 22
"""Samples that are drawn at once, so that memory stays bounded on large photos."""


def drawn_over(
    mesh: TriangleMesh, camera: PerspectiveCamera, ground: UInt8[np.ndarray, "H W 3"], look: Look
) -> tuple[UInt8[np.ndarray, "H W 3"], Bool[np.ndarray, "H W"]]:
    """Draw a mesh over a picture.

    Args:
        mesh: Mesh in its texture or colors.
        camera: Camera of the picture.
        ground: Picture, sRGB.
        look: Appearance.

    Returns:
        The picture with the mesh where it is, mixed at its outline; and the pixels that it covers whole.
    """
    height, width = ground.shape[:2]
    left, top, right, bottom = _extent(mesh, camera, width, height)
    rgb, mask = ground.copy(), np.zeros((height, width), bool)
    rows = max(1, _STRIP // (look.supersample**2 * max(1, right - left)))
    for begin in range(top, bottom, rows) if right > left else ():
        end = min(begin + rows, bottom)
        view = camera.cropped(float(left), float(begin))
        part = np.s_[begin:end, left:right]
        drawing = draw(mesh, view, (right - left, end - begin), look)
        rgb[part], mask[part] = drawing.over(ground[part]), drawing.cover == 1
    return rgb, mask


def _extent(mesh: TriangleMesh, camera: PerspectiveCamera, width: int, height: int) -> tuple[int, int, int, int]:
    """Bounds (left, top, right, bottom) of the pixels that may show the mesh."""
    points = camera.project(mesh.vertices)[:, :2]
    points = points[np.isfinite(points).all(1)]
    if not len(points):
        return 0, 0, 0, 0
    low = np.clip(np.floor(points.min(0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(points.max(0)), 0, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
