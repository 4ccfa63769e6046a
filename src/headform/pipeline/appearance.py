"""Light, skin and texture of a fitted head, from its photo and what the networks read in it.

V vertices, H W of the photo.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64

from headform.fit.exposure import LightGauges
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.photometric import PhotometricFit, fit_light_and_albedo
from headform.fit.plain_skin import plain_where_lost
from headform.fit.texture import BakedTexture, bake_textures
from headform.fit.vertex_baking import bake_vertex_colors
from headform.geometry.camera import PerspectiveCamera
from headform.nets.landmarks.committee_calibration import Calibration
from headform.pipeline.face_evidence import FaceEvidence
from headform.pipeline.light_gauges import light_gauges


@dataclass(frozen=True, eq=False)
class PhotoAppearance:
    """A photo and its fitted head, with what tells light and skin apart.

    Attributes:
        photo: Photo whose mask is the head's own surface, from which light is fitted.
        painted: The same, its mask being what may be painted on the head.
        openings: Rims of eyes and mouth; None where they are unknown.
        gauges: Colors of teeth and eyes.
    """

    photo: FittedPhoto
    painted: FittedPhoto
    openings: Openings | None
    gauges: LightGauges

    @classmethod
    def of(
        cls, photo: FittedPhoto, evidence: FaceEvidence, calibration: Calibration | None, *, eyes: bool = True
    ) -> "PhotoAppearance":
        """Mask the photo; `photo` comes without masks.

        Args:
            photo: Photo and fitted head.
            evidence: Readings of the networks.
            calibration: Calibration of the committee.
            eyes: The head has eyeballs, whose rims are wanted.
        """
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        clear = evidence.clear(size)
        skin, bare = evidence.skin(size), evidence.bare_skin(photo.rgb)
        if clear is not None:
            skin, bare = skin * clear, bare * clear
        openings = evidence.openings(calibration)
        gauges = light_gauges(photo.rgb, openings, evidence.parsed)
        seen = replace(photo, skin_mask=skin, clear=clear)
        painted = replace(seen, skin_mask=bare, eye_mask=skin)  # no eye is painted on lids
        return cls(seen, painted, openings if eyes else None, gauges)

    def moved(self, vertices: Float[np.ndarray, "V 3"], camera: PerspectiveCamera) -> "PhotoAppearance":
        """Return the same photo with the head at another place or in another shape."""
        photo, painted = (replace(each, vertices=vertices, camera=camera) for each in (self.photo, self.painted))
        return replace(self, photo=photo, painted=painted)

    def light(self) -> PhotometricFit:
        """Fit light and skin color."""
        return fit_light_and_albedo(self.photo, gauges=self.gauges)

    def textures(
        self, light: Float[np.ndarray, "9 3"], albedo: Float[np.ndarray, "V 3"], size: int
    ) -> tuple[BakedTexture, BakedTexture]:
        """Bake the photo with and without its light; see `fit.texture.bake_textures`."""
        return bake_textures(self.painted, light, albedo, size, self.openings, self.gauges)

    def vertex_colors(
        self, light: Float[np.ndarray, "9 3"], albedo: Float[np.ndarray, "V 3"]
    ) -> Float32[np.ndarray, "V 3"]:
        """Bake the photo into colors of the vertices; see `fit.vertex_baking.bake_vertex_colors`."""
        return bake_vertex_colors(self.painted, light, albedo, self.openings, self.gauges)

    def albedo(self, lit: PhotometricFit) -> Float64[np.ndarray, "V 3"]:
        """Return the model's skin of a fit, linear RGB, plain where nothing of it is known."""
        albedo = self.photo.head.albedo_of(torch.from_numpy(lit.albedo_code).float()).numpy()
        return plain_where_lost(self.photo, albedo)
