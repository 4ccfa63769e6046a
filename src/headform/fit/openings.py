"""Regions of the photo that show an eye or the inside of the mouth, kept from being baked onto the skin around them.

h w pixels of the depth buffer.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from headform.fit.photo_patch import PhotoPatch

LASHES_METERS = (0.0025, 0.0055)
"""Distances above the rim of an eye at which the photo begins to show skin, and from which it shows only skin: lashes lie
between."""
LOWER_LASHES_METERS = (0.0010, 0.0025)
"""The same below the rim."""
LIP_METERS = (0.0003, 0.0012)
"""The same around the inner rim of the lips, whose shadow is not the color of the lips."""
EYE_METERS = (0.0002, 0.0008)
"""Distances inside the rim of an eye at which the photo begins to show the eyeball, and from which it shows only that."""


@dataclass(frozen=True)
class Openings:
    """Rims of the eyes and of the mouth in the photo.

    Attributes:
        eyes: closed polygons, pixels of the photo: the rims of the lids, the upper one first, beginning at the corner that
            an upright face has at the picture's left.
        mouth: closed polygon, pixels of the photo: the inner rim of the lips.
    """

    eyes: tuple[Float[np.ndarray, "_ 2"], ...]
    mouth: Float[np.ndarray, "_ 2"]

    def limit(
        self,
        trust: Float32[np.ndarray, "h w"],
        on_eye: Bool[np.ndarray, "h w"],
        patch: PhotoPatch,
    ) -> None:
        """Lower, in place, the trust in pixels where photo and head show different parts (skin, eyeball or mouth).

        Args:
            trust: trust in each pixel of the patch's depth buffer, in [0, 1].
            on_eye: pixels at which the head shows an eyeball.
            patch: patch of the photo.
        """
        unit = patch.px_per_meter * patch.buffer_scale
        inside_an_eye = np.zeros_like(trust)
        for eye in self.eyes:
            window, distance = self._about(eye, trust.shape, patch, LASHES_METERS[1] * unit)
            above = _above(eye, window, patch, LOWER_LASHES_METERS[1] * unit)
            low, high = (
                (below + (upper - below) * above) * unit
                for below, upper in zip(LOWER_LASHES_METERS, LASHES_METERS, strict=True)
            )
            skin = _ramp(distance, low, high)
            trust[window] *= np.where(on_eye[window], 1.0, skin)
            inside = _ramp(-distance, EYE_METERS[0] * unit, EYE_METERS[1] * unit)
            inside_an_eye[window] = np.maximum(inside_an_eye[window], inside)
        if self.eyes:
            trust *= np.where(on_eye, inside_an_eye, 1.0)
        window, distance = self._about(self.mouth, trust.shape, patch, LIP_METERS[1] * unit)
        lip = _ramp(distance, LIP_METERS[0] * unit, LIP_METERS[1] * unit)
        trust[window] *= np.where(on_eye[window], 1.0, lip)

    @staticmethod
    def _about(
        rim: Float[np.ndarray, "_ 2"], shape: tuple[int, ...], patch: PhotoPatch, reach: float
    ) -> tuple[tuple[slice, slice], Float[np.ndarray, "h w"]]:
        return _distance(patch.from_photo(rim) * patch.buffer_scale, shape, reach + 2)


def _distance(
    rim: Float[np.ndarray, "_ 2"], shape: tuple[int, ...], reach: float
) -> tuple[tuple[slice, slice], Float[np.ndarray, "h w"]]:
    """Return a window around a polygon and the signed distance to it there, negative inside; pixels."""
    limit = np.array([shape[1], shape[0]])
    low = np.clip(np.floor(rim.min(0) - reach), 0, limit).astype(int)
    high = np.clip(np.ceil(rim.max(0) + reach), 0, limit).astype(int)
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    width, height = (high - low).tolist()
    if width <= 0 or height <= 0:
        return window, np.zeros((max(height, 0), max(width, 0)))
    picture = Image.new("L", (width, height))
    # ImageDraw counts from the center of the first pixel
    corners = [(float(x), float(y)) for x, y in rim - low - 0.5]
    ImageDraw.Draw(picture).polygon(corners, fill=1, outline=1)
    inside = np.asarray(picture) > 0
    # the polygon does not reach beyond the window
    outer = distance_transform_edt(~inside) if inside.any() else np.full(inside.shape, np.inf)
    inner = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    return window, np.where(inside, 0.5 - inner, np.asarray(outer) - 0.5)


def _above(
    rim: Float[np.ndarray, "_ 2"],
    window: tuple[slice, slice],
    patch: PhotoPatch,
    fade: float,
) -> Float[np.ndarray, "h w"]:
    """Return 1 on the upper lid's side of an eye, 0 on the lower lid's, with a linear ramp of `fade` pixels between."""
    rows, columns = np.mgrid[window]
    corners = rim[len(rim) // 2] - rim[0]
    length = float(np.hypot(*corners))
    if length == 0:
        return np.ones(rows.shape)
    # seen from the corner at the picture's left of an upright face, the forehead is to the left
    up = np.array([corners[1], -corners[0]]) / length
    middle = patch.from_photo(rim).mean(0) * patch.buffer_scale
    height = (columns + 0.5 - middle[0]) * up[0] + (rows + 0.5 - middle[1]) * up[1]
    return np.clip(0.5 + height / fade, 0.0, 1.0)


def _ramp(
    value: Float[np.ndarray, "h w"],
    low: float | Float[np.ndarray, "h w"],
    high: float | Float[np.ndarray, "h w"],
) -> Float[np.ndarray, "h w"]:
    """Return the smoothstep of a value: 0 below `low`, 1 above `high`, 3x² - 2x³ between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
