"""Light, skin and texture of one face, computed side by side as far as they do not need each other.

V vertices, S side of the texture.

    this thread     small patch → light ─────────────────────→ refined skin ──────────────→ textures
    another one     fine patch → what the networks see → surface → light and hair on it, its texels ─↗
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from headform.fit.begun_vertices import BegunVertices
from headform.fit.photometric import PhotometricFit
from headform.fit.seen_texels import SeenTexels
from headform.kernels.threads import begin
from headform.nets.texture_predictor import TexturePredictor
from headform.pipeline.appearance import PhotoAppearance


@dataclass(frozen=True, eq=False)
class FaceColors:
    """Colors of one face.

    Attributes:
        lit: Light and skin color.
        refined: Albedo that a texture network answered, linear RGB; None without one.
        texture: sRGB, in the light of the photo; None without textures, as what follows.
        albedo_texture: sRGB, without light.
        seam_gradient: See `fit.texture.BakedTexture`.
    """

    lit: PhotometricFit
    refined: Float32[np.ndarray, "V 3"] | None = None
    texture: UInt8[np.ndarray, "S S 3"] | None = None
    albedo_texture: UInt8[np.ndarray, "S S 3"] | None = None
    seam_gradient: float = 1.0


def color_face(
    appearance: PhotoAppearance,
    size: int,
    refiner: TexturePredictor | None,
    decoded: Callable[[], Float[Tensor, "1 V 3"]] | None,
    lap: Callable[[str], None],
) -> FaceColors:
    """Fit light and skin, and bake textures.

    Args:
        appearance: Photo and fitted head.
        size: Side S of the textures, texels; 0 for none.
        refiner: Texture networks; None for the model's own skin.
        decoded: Function that waits for `TexturePredictor.decode` of the photo; None without texture networks.
        lap: Called with the name of each stage that is done, ``light`` and ``texture``.
    """
    if not size:
        lit = appearance.light()
        lap("light")
        lap("texture")
        return FaceColors(lit)
    fine = begin(appearance.fine, size)  # first, since nothing else is known
    small = appearance.small()
    visible = None if refiner is None else begin(appearance.visible, small)  # next, since it is needed first
    surface = begin(lambda: appearance.surface(size, fine()))
    lit = appearance.light(small)
    begun = BegunVertices.begin(appearance.photo.head, surface, lit.light)
    seen = begin(lambda: SeenTexels.of(appearance.photo.head, surface(), size))  # last, since it is needed last
    lap("light")
    refined = None
    if refiner is not None and decoded is not None and visible is not None:
        refined = appearance.refined(refiner, lit, decoded(), visible())
    skin = appearance.albedo(lit) if refined is None else refined
    kept, removed = appearance.textures(lit.light, skin, size, surface(), seen, begun, refined=refined is not None)
    lap("texture")
    return FaceColors(lit, refined, kept.rgb, removed.rgb, kept.seam_gradient)
