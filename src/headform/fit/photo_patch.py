"""Part of a photo that shows the head, in linear RGB, with a depth buffer at the same scale.

V vertices, H W photo pixels, h w patch pixels, D depth-buffer pixels per patch
pixel along an axis.
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from headform.fit.fitted_photo import FittedPhoto
from headform.images.sampling import bilinear_rgb32
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.kernels.jit import njit
from headform.render.rasterize import Fragments, rasterize

_TO_LINEAR = LINEAR_FROM_SRGB8.astype(np.float32)


@dataclass(frozen=True, eq=False)
class PhotoPatch:
    """Part of a photo that shows the head; see the module docstring.

    Attributes:
        linear: (h, w, 3) float32 linear RGB; block averages of a photo of higher resolution.
        mask: (h, w) float32 in [0, 1], probability that a pixel shows skin; ones without a mask.
        projected: (V, 3) float64 projected vertices: patch pixels x and y, depth in meters; NaN behind the
            camera.
        fragments: Rasterization of the head at D times the patch's resolution.
        buffer_scale: Depth-buffer pixels D per patch pixel along an axis.
        px_per_meter: Patch pixels per meter at the head's mean depth.
        corner: x and y of the patch's top-left corner in the photo, pixels.
        factor: Photo pixels per patch pixel.
    """

    linear: Float32[np.ndarray, "h w 3"]
    mask: Float32[np.ndarray, "h w"]
    projected: Float64[np.ndarray, "V 3"]
    fragments: Fragments
    buffer_scale: int
    px_per_meter: float
    corner: Float64[np.ndarray, "2"]
    factor: int

    def from_photo(self, points: Float[np.ndarray, "N 2"]) -> Float64[np.ndarray, "N 2"]:
        """Convert pixels of the photo to pixels of the patch."""
        return np.asarray((points - self.corner) / self.factor, np.float64)

    def buffer_points(self) -> Float64[np.ndarray, "V 3"]:
        """Return the vertices in pixels of the depth buffer."""
        scale = np.array([self.buffer_scale, self.buffer_scale, 1.0])
        return np.ascontiguousarray(self.projected * scale)


def cut_patch(photo: FittedPhoto, *, resolution: int, least_buffer: int = 320) -> PhotoPatch:
    """Crop the photo to the head, downsample and linearize it, and rasterize the head at the same scale.

    Args:
        photo: Photo and fitted head.
        resolution: Smallest extent of the head after downsampling, pixels along its longer axis; the factor is an integer.
        least_buffer: Smallest extent of the head in the depth buffer, pixels along its longer axis.
    """
    rgb, skin_mask, faces = photo.rgb, photo.skin_mask, photo.head.faces.numpy()
    height, width = rgb.shape[:2]
    projected = photo.camera.project(photo.vertices)
    seen = projected[np.isfinite(projected).all(axis=1)]
    if len(seen) == 0:
        seen = np.array([[0.0, 0.0, 1.0]])
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    extent = float(np.clip((high - low).max(), 1.0, 4.0 * max(height, width)))
    factor = max(1, int(extent // resolution))
    limit = np.array([width, height])
    left, top = (int(v) for v in np.clip(np.floor(low) - 2, 0, limit - 1))
    right, bottom = (int(v) for v in np.clip(np.ceil(high) + 2, [left + 1, top + 1], limit))
    rows, columns = -(-(bottom - top) // factor), -(-(right - left) // factor)
    linear = np.empty((rows, columns, 3), np.float32)
    _reduce_kernel(rgb[top:bottom, left:right], _TO_LINEAR, factor, linear)
    mask = np.ones((rows, columns), np.float32)
    if skin_mask is not None:
        crop = np.ascontiguousarray(skin_mask[top:bottom, left:right], np.float32)
        _reduce_mask_kernel(crop, factor, mask)
    local = (projected - [left, top, 0.0]) / [factor, factor, 1.0]
    buffer_scale = max(1, int(np.ceil(least_buffer * factor / extent)))
    points = local * [buffer_scale, buffer_scale, 1.0]
    fragments = rasterize(points, faces, rows * buffer_scale, columns * buffer_scale)
    return PhotoPatch(
        linear=linear,
        mask=mask,
        projected=local,
        fragments=fragments,
        buffer_scale=buffer_scale,
        px_per_meter=float(photo.camera.K[0, 0] / (factor * np.mean(seen[:, 2]))),
        corner=np.array([left, top], np.float64),
        factor=factor,
    )


@njit(cache=True, nogil=True)
@typing.no_type_check
def _reduce_kernel(rgb, table, factor, out):
    """Average the linear color of factor x factor blocks (truncated at the far edges) of rgb (H, W, 3)."""
    height, width = rgb.shape[:2]
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            red = green = blue = np.float32(0)
            count = 0
            for y in range(r * factor, min(height, (r + 1) * factor)):
                for x in range(c * factor, min(width, (c + 1) * factor)):
                    red += table[rgb[y, x, 0]]
                    green += table[rgb[y, x, 1]]
                    blue += table[rgb[y, x, 2]]
                    count += 1
            out[r, c, 0] = red / count
            out[r, c, 1] = green / count
            out[r, c, 2] = blue / count


@njit(cache=True, nogil=True)
@typing.no_type_check
def _reduce_mask_kernel(mask, factor, out):
    """Reduce each block to its minimum: a block that is partly not skin counts as not skin."""
    height, width = mask.shape
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            least = np.float32(1)
            for y in range(r * factor, min(height, (r + 1) * factor)):
                for x in range(c * factor, min(width, (c + 1) * factor)):
                    least = min(least, mask[y, x])
            out[r, c] = least


@njit(cache=True, nogil=True)
@typing.no_type_check
def sample_points_kernel(linear, points, out):
    """Sample the colors (N, 3) of a patch at points (N, 3); zero where a point is NaN."""
    for n in range(points.shape[0]):
        if points[n, 0] == points[n, 0]:
            out[n, 0], out[n, 1], out[n, 2] = bilinear_rgb32(linear, points[n, 0], points[n, 1])
        else:
            out[n] = 0.0
