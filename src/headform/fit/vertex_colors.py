"""Photo color at every vertex of a head, and its trust.

V vertices, F faces, h w patch pixels, H W pixels of the depth buffer.
"""

from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int32
from scipy.ndimage import distance_transform_edt, find_objects, label
from scipy.spatial import cKDTree

from headform.fit._texture_kernels import observe_kernel
from headform.fit.expression_folds import shortening
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.photo_patch import PhotoPatch, cut_patch, sample_points_kernel
from headform.fit.ramps import smoothstep
from headform.heads.linear import PARTS, LinearHead
from headform.render.visibility import outline_distance

PHOTO_PARTS = ("face", "head")
"""Parts that are colored from the photo."""
EYES = (PARTS.index("eye_right"), PARTS.index("eye_left"))

OUTLINE_METERS = (0.004, 0.012)
"""Distances to the background between which the weight of the photo rises from 0 to 1."""
OCCLUDER_METERS = (0.0015, 0.005)
"""Distances to an occluder between which the weight of the photo rises from 0 to 1."""
FACING = (0.25, 0.6)
"""Cosines between normal and view direction between which the weight of the photo rises from 0 to 1."""
VISIBLE = (0.02, 0.15)
"""The same, where a color need not be the surface's own to its edge: for the texture networks."""
NECK_METERS = (0.0, 0.012)
"""Distances from the neck between which the weight of the photo rises from 0 to 1."""
PHOTO_RESOLUTION = 920
"""Extent of the head, pixels along its longer axis, to which a larger photo is downsampled."""
STEP_METERS = 0.006
"""Depth step above which an edge counts as an outline."""


@dataclass(frozen=True, eq=False)
class VertexColors:
    """Colors of vertices in a photo.

    Attributes:
        color: (V, 3) linear RGB; 0 where the weight is 0.
        weight: (V,) trust in [0, 1]; 0 where the vertex is hidden, averted or masked, or its part is not wanted.
    """

    color: Float32[np.ndarray, "V 3"]
    weight: Float32[np.ndarray, " V"]


@dataclass(frozen=True, eq=False)
class PhotoSurface:
    """Part of a photo that shows the head, with the head's surface in it; created by `of`.

    Attributes:
        patch: Part of the photo, with the depth buffer.
        faces: (F, 3) vertex indices.
        eye: (V,) mask of the vertices of the eyeballs.
        normals: (V, 3) unit normals, camera frame.
        projected: (V, 3) patch pixels and depth in meters; far outside for vertices behind the camera.
        facing: (V,) in [0, 1], weight by the angle between surface and view; 0 on parts not in `PHOTO_PARTS`.
        trust: (H, W) in [0, 1], trust in each pixel of the depth buffer: 0 at outlines, 1 well inside.
        pressed: (V,) part by which the photo's expression shortens the skin, see `fit.expression_folds`; 0 where the head at
            rest is unknown, or nothing is painted.
        eye_mask: mask of the photo's pixels in which irises may be read; None for the patch's.
    """

    patch: PhotoPatch
    faces: Int32[np.ndarray, "F 3"]
    eye: Bool[np.ndarray, " V"]
    normals: Float64[np.ndarray, "V 3"]
    projected: Float64[np.ndarray, "V 3"]
    facing: Float64[np.ndarray, " V"]
    trust: Float32[np.ndarray, "H W"]
    pressed: Float64[np.ndarray, " V"]
    eye_mask: Float[np.ndarray, "_ _"] | None = None

    @classmethod
    def of(
        cls, photo: FittedPhoto, openings: Openings | None, patch: PhotoPatch, *, visible: bool = False
    ) -> "PhotoSurface":
        """Compute the trust in the pixels of a patch.

        Args:
            photo: Photo and fitted head.
            openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.
            patch: `cut_patch` of the photo.
            visible: Trust each pixel of every part that the depth buffer shows, to its edge.
        """
        head, camera = photo.head, photo.camera
        faces = np.ascontiguousarray(head.faces.numpy(), np.int32)
        normals = photo.normals
        in_camera = camera.to_camera(photo.vertices)
        distance = np.linalg.norm(in_camera, axis=1)
        cosine = -(normals * in_camera).sum(axis=1) / np.maximum(distance, 1e-9)
        part = head.part.numpy()
        shown = np.isin(part, [PARTS.index(name) for name in PHOTO_PARTS])
        eye = np.isin(part, EYES)
        ahead = np.isfinite(patch.projected).all(axis=1)
        if visible:
            facing = smoothstep(cosine, *VISIBLE) * ahead
            trust = (patch.fragments.face_index >= 0).astype(np.float32)
        else:
            facing = smoothstep(cosine, *FACING) * shown * ahead * undressed(head)
            trust = _pixel_trust(patch, eye[faces[:, 0]], openings)
        return cls(
            patch=patch,
            faces=faces,
            eye=eye,
            normals=normals,
            projected=np.where(np.isfinite(patch.projected), patch.projected, -1e6),
            facing=facing,
            trust=trust,
            pressed=np.zeros(len(part))
            if photo.rest is None or visible
            else shortening(photo.rest, photo.vertices, faces),
            eye_mask=photo.eye_mask,
        )

    @property
    def eye_faces(self) -> Bool[np.ndarray, " F"]:
        """Mask of the faces of the eyeballs."""
        return self.eye[self.faces[:, 0]]

    @cached_property
    def colors(self) -> VertexColors:
        """Photo at the vertices."""
        patch = self.patch
        color = np.zeros((len(self.projected), 3), np.float32)
        weight = np.zeros(len(self.projected), np.float32)
        observe_kernel(
            self.projected, self.eye, self.facing.astype(np.float32), self.eye_faces, self.faces,
            patch.buffer_points(), patch.fragments.face_index, patch.linear, patch.mask,
            self.trust, np.float32(patch.buffer_scale), color, weight,
        )  # fmt: skip
        return VertexColors(color, weight)


def observe_vertices(
    photo: FittedPhoto, openings: Openings | None = None, *, resolution: int = PHOTO_RESOLUTION
) -> VertexColors:
    """Read a photo at every vertex of the head.

    Args:
        photo: Photo and fitted head.
        openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.
        resolution: Extent of the head, pixels along its longer axis, to which a larger photo is downsampled.
    """
    return PhotoSurface.of(photo, openings, cut_patch(photo, resolution=resolution)).colors


def visible_vertices(photo: FittedPhoto, patch: PhotoPatch | None = None) -> VertexColors:
    """Read a photo at every vertex that the depth buffer shows, eyes, teeth and neck too: T_p of Lin et al. (2020).

    `observe_vertices` leaves out what must not be painted on a head that moves; this leaves out only what is hidden, averted
    or masked, and is what the texture networks see. Colors are those of single points, not the mean of 3 x 3 pixels.

    Args:
        photo: Photo and fitted head.
        patch: Part of the photo to be read, such as `fit.photometric.light_patch`; else as `observe_vertices` cuts it.
    """
    surface = PhotoSurface.of(photo, None, patch or cut_patch(photo, resolution=PHOTO_RESOLUTION), visible=True)
    seen = surface.colors
    points = np.where(seen.weight[:, None] > 0, surface.projected, np.nan)
    sample_points_kernel(surface.patch.linear, points, seen.color)
    return seen


_SHARES: WeakKeyDictionary[LinearHead, dict[tuple[str, tuple[float, float]], Float64[np.ndarray, " V"]]] = (
    WeakKeyDictionary()
)


def undressed(head: LinearHead) -> Float64[np.ndarray, " V"]:
    """Return the share of the photo's colors that counts, per vertex: 0 on the neck, where collars and their shadows are."""
    return 1 - region_share(head, "neck", NECK_METERS)


def region_share(head: LinearHead, region: str, meters: tuple[float, float]) -> Float64[np.ndarray, " V"]:
    """Return 1 in a region of the mean head, falling to 0 around it; 0 everywhere on a head without that region.

    Args:
        head: Head model.
        region: Name of the region.
        meters: Distances from the region between which the share falls.
    """
    known = _SHARES.setdefault(head, {})
    if (region, meters) not in known:
        share = np.zeros(len(head.mean))
        if region in head.regions:
            own = head.mean.numpy()[head.regions[region].numpy()]
            share = 1 - smoothstep(cKDTree(own).query(head.mean.numpy())[0], *meters)
        known[region, meters] = share
    return known[region, meters]


def _pixel_trust(
    patch: PhotoPatch, eye_faces: Bool[np.ndarray, " F"], openings: Openings | None
) -> Float32[np.ndarray, "H W"]:
    """Compute the trust in each pixel of the depth buffer: 0 at outlines, 1 well inside.

    Pixels at the border of an eyeball are not trusted either: the color of a lid must not be baked onto the eyeball, nor
    that of an iris onto the lid.
    """
    unit = patch.px_per_meter * patch.buffer_scale
    far = max(OUTLINE_METERS[1] * unit, 4.0 * patch.buffer_scale)
    empty, hidden = outline_distance(patch.fragments.depth, step=STEP_METERS, reach=far + 1)
    least = 1.5 * patch.buffer_scale  # a pixel at the outline is mixed with what lies beyond
    trust = smoothstep(empty, max(OUTLINE_METERS[0] * unit, least), far) * smoothstep(
        hidden,
        max(OCCLUDER_METERS[0] * unit, least),
        max(OCCLUDER_METERS[1] * unit, 2 * least),
    )
    eye = eye_faces[patch.fragments.face_index] & (patch.fragments.face_index >= 0)
    for box in find_objects(label(eye)[0]) if eye.any() else []:
        within = distance_transform_edt(np.pad(eye[box], 1))[1:-1, 1:-1]
        trust[box] *= np.where(eye[box], smoothstep(within, 0.7 * least, 1.7 * least), 1)
    trust = np.asarray(trust, np.float32)
    if openings is not None:
        openings.limit(trust, eye, patch)
    return trust
