"""Material of the eyes: a generic eyeball with the iris color of the photo.

V vertices, N points of the eyeballs.

Of an eye in a photo a few pixels are seen, through lashes and under the shadow of a lid: baked, they leave the ball blank
where it was hidden, and skin on it where the head's rims are not quite the photo's. Only the color of the iris is taken.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64

from headform.fit.photo_patch import sample_points_kernel
from headform.fit.vertex_colors import EYES, PhotoSurface
from headform.heads.linear import LinearHead
from headform.render.unwrapping import Unwrap

WHITE = (0.44, 0.395, 0.365)
"""Albedo of the white of an eye, linear RGB, in the half light of the lids."""
BROWN = (0.075, 0.040, 0.022)
"""Albedo of a brown iris, the most frequent; that of an iris that the photo does not show."""
PUPIL = (0.006, 0.006, 0.006)
"""Albedo of the pupil."""
RADIUS = 0.40
"""Radius of the iris in radii of the eyeball: 6 mm."""
PUPIL_RADIUS = 0.15
"""Radius of the pupil likewise: 2.2 mm, in the light of a room."""
EDGE = 0.025
"""Half width of the soft edge of iris and pupil."""
SHADED = (0.45, 0.95)
"""Radii between which the white darkens: the sides of the ball lie under the lids."""
SHADE = 0.45
"""Part of its light that the white keeps under the lids."""
LIMITS = (0.012, 0.16)
"""Least and greatest luminance of an iris."""
SURE_PIXELS = 25.0
"""Pixels of the photo that weigh as much as the prior of a brown iris: an iris of three pixels' radius."""
RED = 0.9
"""Logarithm of red over green, beyond that of green over blue, from which an eye is red by a flash: those of two flashed
people have 1.3 and 2.1, those of 20 others less than 0.65, and 0.9 one of whom eight dim pixels are seen."""
SEEN = 0.3
"""Trust and mask from which a pixel shows the eye, not lashes or glasses."""
LID_LIGHT = 0.75
"""Part of the light that reaches an iris past lids and lashes."""
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, eq=False)
class EyePattern:
    """Pattern of an eyeball at some points of its surface.

    Attributes:
        white: share of the white, its shade included.
        iris: brightness of the iris, 0 outside of it.
        pupil: share of the pupil.
    """

    white: Float32[np.ndarray, " N"]
    iris: Float32[np.ndarray, " N"]
    pupil: Float32[np.ndarray, " N"]

    @classmethod
    def of(cls, local: Float[np.ndarray, "N 3"]) -> "EyePattern":
        """Compute the pattern at positions in radii of the eyeball from its center, looking along +z."""
        x, y, z = local.astype(np.float64).T
        radius = np.where(z > 0, np.hypot(x, y), 2.0)
        around = np.arctan2(y, x)
        pupil = 1 - _step(radius, PUPIL_RADIUS - EDGE, PUPIL_RADIUS + EDGE)
        inside = 1 - _step(radius, RADIUS - EDGE, RADIUS + EDGE)
        depth = np.clip((radius - PUPIL_RADIUS) / (RADIUS - PUPIL_RADIUS), 0, 1)
        fibers = 0.5 * np.sin(23 * around + 3 * np.sin(5 * around)) + 0.5 * np.sin(41 * around + 7 * depth)
        bright = 1.15 + 0.16 * fibers - 0.25 * np.abs(2 * depth - 0.8)
        ring = 1 - 0.65 * _step(depth, 0.72, 1.0)  # the dark ring around the iris
        shade = 1 - (1 - SHADE) * _step(radius, *SHADED)
        parts = (1 - inside) * shade, (inside - pupil) * bright * ring, pupil
        return cls(*(np.asarray(part, np.float32) for part in parts))

    def colors(self, iris: Float[np.ndarray, "3"]) -> Float32[np.ndarray, "N 3"]:
        """Return albedos for an iris of this color, linear RGB."""
        rows = np.stack([WHITE, iris, PUPIL]).astype(np.float32)
        return np.stack([self.white, self.iris, self.pupil], axis=1) @ rows


@dataclass(frozen=True, eq=False)
class EyeTexels:
    """Texels of an atlas that belong to eyeballs.

    Attributes:
        rows: rows of `Unwrap.texels`.
        pattern: pattern of the eyeball at each.
    """

    rows: Int64[np.ndarray, " N"]
    pattern: EyePattern


_KNOWN: WeakKeyDictionary[LinearHead, dict[int, EyeTexels]] = WeakKeyDictionary()


def eye_local(head: LinearHead) -> Float64[np.ndarray, "V 3"]:
    """Return each eyeball's vertices in radii from its center; zeros elsewhere."""
    mean, part = head.mean.double().numpy(), head.part.numpy()
    local = np.zeros(mean.shape)
    for eye in EYES:
        ids = np.flatnonzero(part == eye)
        if len(ids):
            low, high = mean[ids].min(axis=0), mean[ids].max(axis=0)
            local[ids] = (mean[ids] - (low + high) / 2) / max(float((high - low)[:2].max()) / 2, 1e-9)
    return local


_VERTICES: WeakKeyDictionary[LinearHead, EyePattern] = WeakKeyDictionary()


def eye_vertices(head: LinearHead) -> EyePattern:
    """Return the pattern at the vertices of the eyeballs, in their order; computed once per head."""
    if head not in _VERTICES:
        _VERTICES[head] = EyePattern.of(eye_local(head)[np.isin(head.part.numpy(), EYES)])
    return _VERTICES[head]


def eye_texels(head: LinearHead, atlas: Unwrap) -> EyeTexels:
    """Find the texels of the eyeballs; computed once per head and size."""
    sizes = _KNOWN.setdefault(head, {})
    if atlas.size not in sizes:
        faces = head.faces.numpy()
        ball = np.isin(head.part.numpy()[faces[:, 0]], EYES)
        rows = np.flatnonzero(ball[atlas.face])
        corners = eye_local(head)[faces[atlas.face[rows]]]
        local = (corners * atlas.barycentric[rows][..., None]).sum(axis=1)
        sizes[atlas.size] = EyeTexels(rows, EyePattern.of(local))
    return sizes[atlas.size]


def iris_color(colors: Float[np.ndarray, "N 3"]) -> Float64[np.ndarray, "3"]:
    """Estimate the albedo of an iris, linear RGB.

    The median of few samples gives way to a brown iris, eyes that are red by a flash do altogether; highlights and the white
    lie above it, lashes and pupil below.

    Args:
        colors: (N, 3) colors of the photo's pixels in which the head shows an iris, divided by the light.
    """
    brown = np.log(np.asarray(BROWN))
    if not len(colors):
        return np.asarray(np.exp(brown))
    order = np.argsort(colors @ _LUMINANCE)
    middle = colors[order[len(order) // 5 : max(len(order) * 7 // 10, 1)]]
    found = np.log(np.maximum(np.median(middle, axis=0), 2e-3))
    red, yellow = found[0] - found[1], found[1] - found[2]
    if red > RED + yellow:  # the retina in the light of a flash
        return np.asarray(np.exp(brown))
    share = len(colors) / (len(colors) + SURE_PIXELS)
    color = np.exp(share * found + (1 - share) * brown)
    level = float(color @ _LUMINANCE)
    return np.asarray(color * (np.clip(level, *LIMITS) / level))


def iris_of_photo(
    head: LinearHead, surface: PhotoSurface, shading: Float64[np.ndarray, "V 3"]
) -> Float64[np.ndarray, "3"]:
    """Estimate the albedo of the irises in a photo; both eyes have one color.

    Args:
        head: Head model.
        surface: Photo with the head's surface in it.
        shading: Linear RGB.
    """
    patch, scale = surface.patch, surface.patch.buffer_scale
    height, width = patch.mask.shape
    x, y = surface.projected[:, 0], surface.projected[:, 1]
    ids = np.flatnonzero(iris_vertices(head) & (x >= 0) & (y >= 0) & (x < width) & (y < height))
    columns, rows = (x[ids] * scale).astype(int), (y[ids] * scale).astype(int)
    shown = patch.fragments.face_index[rows, columns]
    seen = (shown >= 0) & surface.eye_faces[shown] & (surface.trust[rows, columns] > SEEN)
    seen &= _eye_mask(surface, x[ids], y[ids]) > SEEN
    ids = ids[seen]
    _, first = np.unique(np.stack([x[ids], y[ids]]).astype(int), axis=1, return_index=True)
    ids = ids[first]
    color = np.zeros((len(ids), 3), np.float32)
    sample_points_kernel(patch.linear, surface.projected[ids], color)
    return iris_color(color / (LID_LIGHT * shading[ids]))


def _eye_mask(surface: PhotoSurface, x: Float[np.ndarray, " N"], y: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Read the mask of the eyes at pixels of the patch."""
    patch, mask = surface.patch, surface.eye_mask
    if mask is None:
        return np.asarray(patch.mask[y.astype(int), x.astype(int)])
    columns, rows = ((c + patch.factor * v).astype(int) for c, v in zip(patch.corner, (x, y), strict=True))
    return np.asarray(mask[np.minimum(rows, len(mask) - 1), np.minimum(columns, mask.shape[1] - 1)])


def iris_vertices(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask the vertices of the irises, pupils left out."""
    local = eye_local(head)
    radius = np.hypot(local[:, 0], local[:, 1])
    ball = np.isin(head.part.numpy(), EYES)
    return np.asarray(ball & (local[:, 2] > 0) & (radius > PUPIL_RADIUS + EDGE) & (radius < RADIUS - 2 * EDGE))


def _step(value: Float[np.ndarray, " N"], low: float, high: float) -> Float[np.ndarray, " N"]:
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))
