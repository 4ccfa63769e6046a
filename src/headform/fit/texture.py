"""Bake a photo into the texture of a head, and fill the regions that the photo does not show.

V vertices, S side of the texture, S2 its texels.

Textures are composed as albedo, the photo divided by the fitted shading, and shaded again at the end,
so that one composition yields both variants and reproduces the colors of the photo exactly:

1. the photo, weighted by the angle between surface and view, the distance of the texel to outlines,
   occluders and the rims of eyes and mouth, and the skin mask;
2. else the photo color of the mirror image, where the other side is visible;
3. else the albedo of the head model.

2 and 3 are multiplied by a smooth gain, known where they overlap the photo and diffused over the
surface (not over the atlas, `fit._mesh_diffusion`), so that colors agree at the borders, within a
chart or across two (`fit.filled_vertices`). Detail of the photo that is no skin, or would end where
the photo does, is left out of the texture without light (`fit.photo_detail`). Eyes and the inside of
the mouth have materials of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.errors import UsageError
from headform.fit._texture_kernels import (
    COLUMNS,
    PLAIN_COLUMNS,
    compose_kernel,
    paint_kernel,
    seam_kernel,
    spread_gutter_kernel,
)
from headform.fit.begun_vertices import BegunVertices
from headform.fit.exposure import LightGauges
from headform.fit.eye_material import eye_texels
from headform.fit.filled_vertices import FilledVertices, fill_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.photo_patch import PhotoPatch, cut_patch
from headform.fit.seen_texels import SeenTexels
from headform.fit.vertex_colors import PhotoSurface
from headform.geometry.array_checks import require_array
from headform.heads.linear import LinearHead
from headform.kernels.blas_threads import one_blas_thread
from headform.kernels.threads import run_all
from headform.render.unwrapping import unwrap_head


@dataclass(frozen=True, eq=False)
class BakedTexture:
    """Baked texture of a head.

    Attributes:
        rgb: (S, S, 3) sRGB; row 0 is v = 1; charts are extended by 8 texels beyond their border.
        photo_weight: (S, S) float32 in [0, 1], weight of the photo in each texel.
        seam_gradient: Mean color step between neighboring texels on the two sides of the border
            where that weight is 0.5, divided by the mean step 4 to 8 texels away from it: about
            1 without a visible seam; 1 where there is no border.
    """

    rgb: UInt8[np.ndarray, "S S 3"]
    photo_weight: Float32[np.ndarray, "S S"]
    seam_gradient: float


def bake_textures(
    photo: FittedPhoto,
    light: Float[np.ndarray, "9 3"],
    albedo: Float[np.ndarray, "V 3"],
    size: int = 1024,
    openings: Openings | None = None,
    gauges: LightGauges | None = None,
    surface: PhotoSurface | None = None,
    seen: Callable[[], SeenTexels] | None = None,
    begun: BegunVertices | None = None,
    *,
    refined: bool = False,
) -> tuple[BakedTexture, BakedTexture]:
    """Bake a photo into the head's atlas.

    Args:
        photo: Photo and fitted head.
        light: (9, 3) light from `fit_light_and_albedo`.
        albedo: (V, 3) linear RGB for regions that the photo does not show, such as `head.albedo_of` the fitted code.
        size: Side S of the texture, 64 to 8192 texels.
        openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.
        gauges: Colors of teeth and eyes in the photo.
        surface: `surface_of` these arguments, where it is known already.
        seen: Function that waits for `SeenTexels.of` this surface and size, where that is begun.
        begun: `BegunVertices.begin` of this surface and light, likewise.
        refined: The albedo is of a texture network that has seen the photo; see `filled_vertices`.

    Returns:
        Two textures: with the lighting and colors of the photo, and without lighting, divided by the fitted shading.

    Raises:
        UsageError: `texture_size` for a size out of range.
        InputError: `array_shape` and others of `geometry.array_checks`.
    """
    if not 64 <= size <= 8192:
        raise UsageError("texture_size", f"the texture size must be 64 to 8192 texels, got {size}")
    light = require_array("light", light, (9, 3), finite=True)
    albedo = require_array("albedo", albedo, (len(photo.head.mean), 3), finite=True)
    atlas = unwrap_head(photo.head, size)
    surface = surface or surface_of(photo, size, openings)
    with one_blas_thread():
        filled = fill_vertices(photo.head, surface, light, albedo, gauges, begun, refined=refined)
    shown = SeenTexels.of(photo.head, surface, size) if seen is None else seen()
    plain, field = _vertex_fields(photo.head, surface, filled)
    texels = size * size
    kept, trusted = np.empty((texels, 3), np.uint8), np.empty((texels, 3), np.uint8)
    share = np.empty(texels, np.float32)
    broad, block = filled.broad

    def compose(first: int, last: int) -> None:
        compose_kernel(
            first, last, atlas.texels, atlas.face, atlas.barycentric, surface.faces, plain, field,
            int(np.searchsorted(shown.rows, first)), shown.rows, shown.own, shown.across, shown.here, shown.there,
            np.float32(filled.level.mean()), broad, np.float32(block), _LEFTOVER, kept, trusted, share,
        )  # fmt: skip

    _in_threads(compose, len(atlas.texels))
    eyes = eye_texels(photo.head, atlas)
    pupils = eyes.pattern.colors(filled.iris)

    def paint(first: int, last: int) -> None:
        paint_kernel(
            first, last, eyes.rows, pupils, atlas.texels, atlas.face, atlas.barycentric, surface.faces, plain,
            kept, trusted,
        )  # fmt: skip

    _in_threads(paint, len(eyes.rows))
    pictures = kept.reshape(size, size, 3), trusted.reshape(size, size, 3)
    shares = share.reshape(size, size)
    sums = np.zeros((_SEAM_SLICES, 6), np.int64)
    cuts = pairwise(np.linspace(0, size, _SEAM_SLICES + 1).astype(int).tolist())
    finishing: list[tuple[Callable[..., None], *tuple[object, ...]]] = [
        (seam_kernel, first, last, shares, *pictures, sums[number]) for number, (first, last) in enumerate(cuts)
    ]
    # no seam is looked for in gutters
    finishing += [(spread_gutter_kernel, atlas.gutter, atlas.gutter_source, rgb) for rgb in (kept, trusted)]
    run_all(lambda call, *arguments: call(*arguments), finishing)
    weight = np.maximum(share, 0, out=share).reshape(size, size)
    pairs, beside, *steps = sums.sum(axis=0).tolist()
    return (
        BakedTexture(pictures[0], weight, seam_gradient(pairs, beside, steps[0], steps[2])),
        BakedTexture(pictures[1], weight, seam_gradient(pairs, beside, steps[1], steps[3])),
    )


def seam_gradient(pairs: int, beside: int, across_steps: int, beside_steps: int) -> float:
    """Divide the mean color step across the border by that beside it, see `BakedTexture`.

    Args:
        pairs: Pairs of texels across the border.
        beside: Pairs beside it.
        across_steps: Sum of the steps across it.
        beside_steps: Sum of those beside it.
    """
    if not (pairs and beside and beside_steps):
        return 1.0
    return (across_steps / pairs) / (beside_steps / beside)


def patch_of(photo: FittedPhoto, size: int = 1024) -> PhotoPatch:
    """Cut the part of a photo that shows the head, finely enough for a texture of this side, texels."""
    return cut_patch(photo, resolution=int(0.9 * size))


def surface_of(
    photo: FittedPhoto, size: int = 1024, openings: Openings | None = None, patch: PhotoPatch | None = None
) -> PhotoSurface:
    """Read where the photo shows which part of the head, finely enough for a texture.

    Args:
        photo: Photo and fitted head, as in `bake_textures`.
        size: Side of the texture, texels.
        openings: Rims of eyes and mouth in the photo.
        patch: `patch_of` photo and size, where it is cut already.
    """
    surface = PhotoSurface.of(photo, openings, patch or patch_of(photo, size))
    _ = surface.colors  # kept: whoever asks for the surface ahead of time has them read by then, too
    return surface


def _vertex_fields(
    head: LinearHead, surface: PhotoSurface, filled: FilledVertices
) -> tuple[Float32[np.ndarray, "V 6"], Float32[np.ndarray, "V 14"]]:
    """Compute the columns that `compose_kernel` interpolates, see `_texture_kernels.PLAIN_COLUMNS` and `COLUMNS`."""
    mirror = head.mirror.numpy()
    plain = np.empty((len(mirror), PLAIN_COLUMNS), np.float32)
    np.multiply(filled.shading, filled.inner[:, None], out=plain[:, :3], casting="same_kind")
    plain[:, 3:] = filled.fill
    field = np.empty((len(mirror), COLUMNS), np.float32)
    field[:, :3], field[:, 3] = surface.projected, surface.facing
    np.take(field[:, :4], mirror, axis=0, out=field[:, 4:8])
    field[:, 7] = surface.facing[mirror] * filled.mirrored
    np.divide(np.exp(filled.mirror_gain), filled.shading[mirror], out=field[:, 8:11], casting="same_kind")
    field[:, 11], field[:, 12], field[:, 13] = filled.detail.kept, filled.detail.folds, filled.detail.hair
    return plain, field


_LEFTOVER = np.array([128, 112, 104], np.uint8)
"""Color, sRGB, of texels far from every chart."""
_SLICE = 50_000
"""Texels of a slice of the work: few are seen in the photo, and those take longer."""
_SEAM_SLICES = 4
"""Slices of a texture's rows in which seams are measured: most border lies in the middle."""


def _in_threads(work: Callable[[int, int], None], count: int) -> None:
    """Run `work(first, last)` over a range in slices; the result does not depend on their number."""
    cuts = np.linspace(0, count, max(1, count // _SLICE) + 1).astype(int).tolist()
    run_all(work, list(pairwise(cuts)))
