"""A written head drawn over its photo again, pixel for pixel, with a mask of what it covers.

H W pixels of the photo, h w of the part that shows the head.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from headform.errors import FaceError, InputError
from headform.evaluate.images.result_files import WrittenHead
from headform.geometry.camera import PerspectiveCamera
from headform.render.interpolate import interpolate
from headform.render.picture import composite, normals_at, sample_texture
from headform.render.rasterize import rasterize
from headform.render.shade import shade

SUPERSAMPLED = 2
"""Samples per pixel along either axis."""
_STRIP = 1 << 22
"""Samples that are drawn at once, so that memory stays bounded on large photos."""


@dataclass(frozen=True)
class Rerendering:
    """A drawn head.

    Attributes:
        rgb: (H, W, 3) sRGB: the head where it is, mixed at its outline, the photo elsewhere.
        mask: (H, W) pixels that the head covers whole.
    """

    rgb: UInt8[np.ndarray, "H W 3"]
    mask: Bool[np.ndarray, "H W"]


def rerender(head: WrittenHead, photo: UInt8[np.ndarray, "H W 3"], reduction: int = 1) -> Rerendering:
    """Draw a head over its upright photo; light is mixed linearly.

    Args:
        head: As its files say.
        photo: sRGB.
        reduction: Pixels of the photo's file per pixel of `photo` (`images.Photo.reduction`).

    Raises:
        InputError: `results_mismatch` when the photo is not of the size that the result is about.
        FaceError: `face_outside` when no pixel of the photo is covered by the head.
    """
    height, width = photo.shape[:2]
    told, found = head.image_size, (width * reduction, height * reduction)
    if told != found:
        what = f"the photo has {found[0]}x{found[1]} pixels, the result is about {told[0]}x{told[1]}"
        raise InputError("results_mismatch", what, "", "give the photo that was reconstructed")
    camera = head.camera.resized(1 / reduction)
    left, top, right, bottom = _extent(head, camera, width, height)
    rgb, mask = photo.copy(), np.zeros((height, width), bool)
    rows = max(1, _STRIP // (SUPERSAMPLED**2 * max(1, right - left)))
    for begin in range(top, bottom, rows):
        end = min(begin + rows, bottom)
        view = camera.cropped(float(left), float(begin))
        part = np.s_[begin:end, left:right]
        rgb[part], mask[part] = _drawn(head, view, photo[part])
    if not mask.any():
        raise FaceError("face_outside", "the head covers no pixel of the photo")
    return Rerendering(rgb, mask)


def _extent(head: WrittenHead, camera: PerspectiveCamera, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels that may show the head."""
    points = camera.project(head.vertices)[:, :2]
    points = points[np.isfinite(points).all(1)]
    if not len(points):
        return 0, 0, 0, 0
    low = np.clip(np.floor(points.min(0)), 0, [width, height]).astype(int)
    high = np.clip(np.ceil(points.max(0)), 0, [width, height]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _drawn(
    head: WrittenHead, camera: PerspectiveCamera, ground: UInt8[np.ndarray, "h w 3"]
) -> tuple[UInt8[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
    """The head over a part of the photo, and where it covers it whole."""
    height, width = ground.shape[:2]
    if not height or not width:
        return ground, np.zeros((height, width), bool)
    fine = SUPERSAMPLED
    points = camera.resized(float(fine)).project(head.vertices)
    found = rasterize(points, head.faces, height * fine, width * fine, cull_back=True)
    index, weights = torch.from_numpy(found.face_index), torch.from_numpy(found.barycentric)
    uv = interpolate(torch.from_numpy(head.uv).float(), torch.from_numpy(head.uv_faces), index, weights)
    color = torch.from_numpy(sample_texture(head.texture, uv.numpy()))
    if head.light is not None:
        normals = normals_at(head.vertices, torch.from_numpy(head.faces), camera, index, weights)
        color = shade(color, normals, torch.from_numpy(head.light).float())
    mixed, cover = composite(color, found.face_index >= 0, ground, fine)
    rgb = np.where(cover > 0, np.rint(mixed * 255), ground).astype(np.uint8)
    return rgb, cover[..., 0] == 1
