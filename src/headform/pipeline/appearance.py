"""Light, skin and texture of a fitted head, from its photo and what the networks read in it.

V vertices, H W of the photo.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, UInt8
from torch import Tensor

from headform.fit.begun_vertices import BegunVertices
from headform.fit.exposure import LightGauges
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.photo_patch import PhotoPatch
from headform.fit.photometric import PhotometricFit, fit_light_and_albedo, light_patch
from headform.fit.plain_skin import plain_where_lost, without_hair
from headform.fit.seen_texels import SeenTexels
from headform.fit.texture import BakedTexture, bake_textures, patch_of, surface_of
from headform.fit.vertex_baking import bake_vertex_colors
from headform.fit.vertex_colors import PhotoSurface, VertexColors, visible_vertices
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import sh_basis
from headform.nets.landmarks.committee_calibration import Calibration
from headform.nets.texture_predictor import TexturePredictor
from headform.pipeline.face_evidence import FaceEvidence
from headform.pipeline.light_gauges import light_gauges


@dataclass(frozen=True, eq=False)
class PhotoMasks:
    """Masks of a photo and colors in it, which do not depend on the fitted head.

    Attributes:
        own: Probability that a pixel shows the head's own surface, covers aside.
        skin: The same, where nothing covers the head.
        bare: Probability that it shows skin that may be painted on the head.
        clear: Trust that nothing covers the head; None where it is unknown.
        openings: Rims of eyes and mouth; None where they are unknown.
        gauges: Colors of teeth and eyes.
    """

    own: Float[np.ndarray, "H W"]
    skin: Float[np.ndarray, "H W"]
    bare: Float[np.ndarray, "H W"]
    clear: Float[np.ndarray, "H W"] | None
    openings: Openings | None
    gauges: LightGauges

    @classmethod
    def of(
        cls, rgb: UInt8[np.ndarray, "H W 3"], evidence: FaceEvidence, calibration: Calibration | None
    ) -> "PhotoMasks":
        """Compute the masks.

        Args:
            rgb: Photo, sRGB.
            evidence: Readings of the networks.
            calibration: Calibration of the committee.
        """
        size = rgb.shape[1], rgb.shape[0]
        clear = evidence.clear(size)
        own, bare = evidence.skins(rgb)
        skin = own
        if clear is not None:
            skin, bare = own * clear, bare * clear
        openings = evidence.openings(calibration)
        return cls(own, skin, bare, clear, openings, light_gauges(rgb, openings, evidence.parsed))


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
    def of(cls, photo: FittedPhoto, masks: PhotoMasks, *, eyes: bool = True) -> "PhotoAppearance":
        """Mask the photo; `photo` comes without masks.

        Args:
            photo: Photo and fitted head.
            masks: Masks of the photo.
            eyes: The head has eyeballs, whose rims are wanted.
        """
        seen = replace(photo, skin_mask=masks.skin, clear=masks.clear)
        painted = replace(seen, skin_mask=masks.bare, eye_mask=masks.skin)  # no eye is painted on lids
        return cls(seen, painted, masks.openings if eyes else None, masks.gauges)

    def moved(
        self,
        vertices: Float[np.ndarray, "V 3"],
        camera: PerspectiveCamera,
        rest: Float[np.ndarray, "V 3"] | None = None,
    ) -> "PhotoAppearance":
        """Return the same photo with the head at another place or in another shape; `rest` without its expression."""
        photo, painted = (
            replace(each, vertices=vertices, camera=camera, rest=rest) for each in (self.photo, self.painted)
        )
        return replace(self, photo=photo, painted=painted)

    def small(self) -> PhotoPatch:
        """Cut the photo at the low resolution at which light is fitted and the texture networks see it."""
        return light_patch(self.photo)

    def light(self, small: PhotoPatch | None = None) -> PhotometricFit:
        """Fit light and skin color; `small` where it is cut already."""
        return fit_light_and_albedo(self.photo, gauges=self.gauges, patch=small)

    def fine(self, size: int) -> PhotoPatch:
        """Cut the photo at the resolution of textures of this size."""
        return patch_of(self.painted, size)

    def surface(self, size: int, fine: PhotoPatch | None = None) -> PhotoSurface:
        """Read where the photo shows which part of the head, see `fit.texture.surface_of`; `fine` where it is cut."""
        return surface_of(self.painted, size, self.openings, fine)

    def textures(
        self,
        light: Float[np.ndarray, "9 3"],
        albedo: Float[np.ndarray, "V 3"],
        size: int,
        surface: PhotoSurface | None = None,
        seen: Callable[[], SeenTexels] | None = None,
        begun: BegunVertices | None = None,
        *,
        refined: bool = False,
    ) -> tuple[BakedTexture, BakedTexture]:
        """Bake the photo with and without its light; see `fit.texture.bake_textures`."""
        baked = self.painted, light, albedo, size, self.openings, self.gauges
        return bake_textures(*baked, surface, seen, begun, refined=refined)

    def vertex_colors(
        self, light: Float[np.ndarray, "9 3"], albedo: Float[np.ndarray, "V 3"]
    ) -> Float32[np.ndarray, "V 3"]:
        """Bake the photo into colors of the vertices; see `fit.vertex_baking.bake_vertex_colors`."""
        return bake_vertex_colors(self.painted, light, albedo, self.openings, self.gauges)

    def visible(self, small: PhotoPatch | None = None) -> VertexColors:
        """Read the photo as texture networks see it, see `fit.vertex_colors.visible_vertices`; `small` where it is cut."""
        return visible_vertices(self.photo, small or self.small())

    def refined(
        self, predictor: TexturePredictor, lit: PhotometricFit, decoded: Float[Tensor, "1 V 3"], seen: VertexColors
    ) -> Float32[np.ndarray, "V 3"]:
        """Refine the model's skin of a fit with a texture network of the head; linear RGB.

        Scalp, ears and neck, and what hair covers, are plain skin; see `fit.plain_skin.without_hair`.

        Args:
            predictor: Texture networks.
            lit: Light and skin color.
            decoded: The same networks' `TexturePredictor.decode` of the photo.
            seen: `visible` of this photo.
        """
        photo = self.photo
        coarse = photo.head.albedo_of(torch.from_numpy(lit.albedo_code).float()).clamp(0, 1).numpy()
        shading = np.maximum(sh_basis(photo.normals) @ lit.light, 0)
        refined = predictor.refine(decoded, coarse, seen.color, seen.weight, shading)
        return without_hair(photo.head, refined, seen.weight)

    def albedo(self, lit: PhotometricFit) -> Float64[np.ndarray, "V 3"]:
        """Return the model's skin of a fit, linear RGB, plain where nothing of it is known."""
        albedo = self.photo.head.albedo_of(torch.from_numpy(lit.albedo_code).float()).numpy()
        return plain_where_lost(self.photo, albedo)
