"""Light and detail of a photo at the vertices, which do not depend on skin: computed while a network still works on that.

V vertices, h w patch pixels, B patch pixels per pixel of the broad photo along an axis.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from headform.fit.facial_hair import facial_hair
from headform.fit.photo_detail import broad_photo
from headform.fit.surface_light import surface_shading
from headform.fit.vertex_colors import PhotoSurface
from headform.heads.linear import LinearHead
from headform.kernels.threads import begin


@dataclass(frozen=True, eq=False)
class BegunVertices:
    """Functions that wait for what was begun on another thread.

    Attributes:
        shaded: `surface_shading`: shading (V, 3), and its mean on the front, linear RGB.
        hairy: `broad_photo` of the patch (h / B, w / B, 3), B, and the share (V,) of `facial_hair`.
    """

    shaded: Callable[[], tuple[Float64[np.ndarray, "V 3"], Float64[np.ndarray, "3"]]]
    hairy: Callable[[], tuple[Float32[np.ndarray, "_ _ 3"], int, Float64[np.ndarray, " V"]]]

    @classmethod
    def begin(
        cls, head: LinearHead, surface: Callable[[], PhotoSurface], light: Float[np.ndarray, "9 3"]
    ) -> "BegunVertices":
        """Begin both.

        Args:
            head: Head model.
            surface: Function that waits for the photo on the head.
            light: Shading coefficients.
        """

        def hairy() -> tuple[Float32[np.ndarray, "_ _ 3"], int, Float64[np.ndarray, " V"]]:
            patch = surface().patch
            broad, block = broad_photo(patch.linear, patch.px_per_meter)
            return broad, block, facial_hair(head, surface(), broad, block)

        return cls(begin(lambda: surface_shading(surface().normals, light)), begin(hairy))
