"""Annotations of the open head carried over to another head model: parts, mirror image, regions, colors, observed points.

V vertices of the other head, N points. Meters, but where said otherwise.

The other head is fitted to the mean of the open one; what lies closest then corresponds. Nothing carried over is written to
a file as the other model's own: it serves to read the photo.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int, UInt8
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from headform.heads.linear import PARTS, LinearHead
from headform.heads.opaque import opaque_triangles
from headform.images.transfer import linear_from_srgb
from headform.mesh.closest_point import ClosestPointTree
from headform.registration.fit_source import head_source
from headform.registration.head_fit import HeadFitOptions, fit_head
from headform.registration.shape_models import outer
from headform.registration.surface import SurfaceIndex

_NEAR_M = 0.008
"""Distance of corresponding points above which they are not believed; means of faces are met to 1 mm."""
_ALIKE = 0.5
"""Least cosine between the normals of corresponding points."""
_SRGB_SLOPE_STEP = 0.01
"""Step in sRGB by which colors published in sRGB are linearized about their mean."""


@dataclass(frozen=True, eq=False)
class SurfacePlaces:
    """Places on a head's surface.

    Attributes:
        corners: Vertices of the triangle that holds each.
        weights: Barycentric weights.
        known: False where the head has no such place.
    """

    corners: Int[np.ndarray, "N 3"]
    weights: Float64[np.ndarray, "N 3"]
    known: Bool[np.ndarray, " N"]

    def of(self, rows: Float[np.ndarray, "V C"]) -> Float64[np.ndarray, "N C"]:
        """Interpolate values of vertices."""
        return np.asarray((rows[self.corners] * self.weights[..., None]).sum(axis=1), np.float64)


@dataclass(frozen=True, eq=False)
class CarriedHead:
    """Another head model with the open head's annotations.

    Attributes:
        head: The model as it was loaded.
        dressed: The same mesh with part, mirror, regions and colors, of its own or carried over: for reading photos only.
        on_open: (V,) place of each of its vertices on the open head; `known` where the outer surfaces correspond.
        same_part: (V,) closest place on the open head of the same part, for colors.
        own_colors: True if the colors of `dressed` are the model's own.
        median_mm: Median distance between the corresponding surfaces of the two mean heads, millimeters.
    """

    head: LinearHead
    dressed: LinearHead
    on_open: SurfacePlaces
    same_part: SurfacePlaces
    own_colors: bool
    median_mm: float
    _placed: Float64[np.ndarray, "V 3"]

    def places(self, points: Float64[np.ndarray, "N 3"], normals: Float64[np.ndarray, "N 3"]) -> SurfacePlaces:
        """Find points of the open head's mean, with their outward normals, on this head."""
        faces = self.head.faces.cpu().numpy()
        index = SurfaceIndex.of(self._placed, faces)
        found = index.closest(points)
        known = (found.distance < _NEAR_M) & ~found.at_border & ((found.normals * normals).sum(axis=1) > _ALIKE)
        return SurfacePlaces(index.faces[found.triangle], found.weights, known)


def carry_over(head: LinearHead, source: LinearHead) -> CarriedHead:
    """Fit another head to the mean of the open one and carry the annotations over.

    Args:
        head: With landmarks; on the CPU.
        source: The open head.

    Raises:
        WeightsError: ``head_lacks``: landmarks.
        InputError: ``fit_lost``: its mean is no face.
        FaceError: ``no_face``: likewise.
    """
    head.require_fields("landmark_vertices", "now7")
    fit = fit_head(head, head_source(source), HeadFitOptions(region="face", scale="free", expression=False))
    placed = fit.placed.astype(np.float64)
    vertices, faces = source.mean.double().numpy(), source.faces.numpy()
    surface = SurfaceIndex.of(vertices, faces[outer(source)[faces].all(axis=1)])
    found = surface.closest(placed)
    own = SurfaceIndex.of(placed, head.faces.cpu().numpy())
    agree = (own.normals * found.normals).sum(axis=1) > _ALIKE
    known = (found.distance < _NEAR_M) & ~found.at_border & agree
    on_open = SurfacePlaces(surface.faces[found.triangle], found.weights, known)
    part = _parts(head, source, placed)
    known &= np.isin(part, [PARTS.index(name) for name in ("face", "head", "eye_right", "eye_left")])
    alike = _same_part(source, part, placed)
    mean, modes, own_colors = _colors(head, source, alike)
    opaque = torch.from_numpy(opaque_triangles(head))
    dressed = replace(
        _plain(head),
        faces=head.faces[opaque],
        uv_faces=head.uv_faces[opaque] if head.has_field("uv") else head.uv_faces,
        part=torch.from_numpy(part),
        mirror=head.mirror if head.has_field("mirror") else torch.from_numpy(_mirror(head)),
        regions={name: torch.from_numpy(mask) for name, mask in _regions(source, on_open).items()},
        albedo_mean=mean,
        albedo=modes,
        albedo_space="linear",
    )
    face = known & (part == PARTS.index("face"))
    return CarriedHead(head, dressed, on_open, alike, own_colors, 1000 * float(np.median(found.distance[face])), placed)


def _plain(head: LinearHead) -> LinearHead:
    """Return a linear head over the same tensors, without a skeleton."""
    names = LinearHead.__dataclass_fields__
    return LinearHead(**{name: getattr(head, name) for name in names})


def _parts(head: LinearHead, source: LinearHead, placed: Float64[np.ndarray, "V 3"]) -> UInt8[np.ndarray, " V"]:
    """Name the part of each vertex: skin as it lies on the open head, other pieces of the mesh as a whole."""
    if head.has_field("part"):
        return head.part.cpu().numpy().copy()
    faces = head.faces.cpu().numpy()
    theirs = source.part.numpy()
    tree = ClosestPointTree.of(source.mean.double().numpy(), source.faces.numpy())
    near = tree.query(placed)
    label = theirs[source.faces.numpy()[near.triangle, near.weights.argmax(axis=1)]]
    count = len(placed)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    piece = connected_components(coo_matrix((np.ones(len(pairs)), pairs.T), (count, count)), directed=False)[1]
    main = np.bincount(piece).argmax()
    out = np.full(count, PARTS.index("head"), np.uint8)
    for k in np.unique(piece):
        own = piece == k
        if k != main:
            out[own] = np.bincount(label[own]).argmax()
    skin = piece == main
    beyond = np.sqrt(near.squared) > 2 * _NEAR_M
    # one skin: an eye that is no piece of its own is drawn as the face around it
    out[skin] = np.where((label[skin] == PARTS.index("head")) | beyond[skin], PARTS.index("head"), PARTS.index("face"))
    return out


def _same_part(source: LinearHead, part: UInt8[np.ndarray, " V"], placed: Float64[np.ndarray, "V 3"]) -> SurfacePlaces:
    """Find the closest place of each vertex on the open head's own surface of that part; skin is one."""
    theirs, faces = source.part.numpy(), source.faces.numpy()
    corners, weights = np.zeros((len(placed), 3), np.int64), np.zeros((len(placed), 3))
    skin = PARTS.index("head")
    ours, named = np.maximum(part, skin), np.maximum(theirs, skin)
    for k in np.unique(ours):
        own, kept = ours == k, faces[(named[faces] == k).all(axis=1)]
        near = ClosestPointTree.of(source.mean.double().numpy(), kept).query(placed[own])
        corners[own], weights[own] = kept[near.triangle], near.weights
    return SurfacePlaces(corners, weights, np.ones(len(placed), bool))


def _mirror(head: LinearHead) -> Int[np.ndarray, " V"]:
    """Nearest vertex of each vertex's mirror image on the mean head."""
    points = head.mean.double().cpu().numpy()
    middle = points[head.now7.cpu().numpy()].mean(axis=0)[0] if head.has_field("now7") else 0.0
    return np.asarray(cKDTree(points).query(points * [-1.0, 1.0, 1.0] + [2 * middle, 0.0, 0.0])[1], np.int64)


def _regions(source: LinearHead, on_open: SurfacePlaces) -> dict[str, Bool[np.ndarray, " V"]]:
    return {
        name: on_open.of(mask.numpy()[:, None].astype(float))[:, 0] * on_open.known > 0.5
        for name, mask in source.regions.items()
    }


def _colors(head: LinearHead, source: LinearHead, alike: SurfacePlaces) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Return mean and modes of the albedo in linear RGB, and whether they are the model's own."""
    if not head.has_field("albedo_mean"):
        carried = torch.from_numpy(alike.of(source.albedo_mean.double().numpy())).float()
        return carried, torch.zeros(0, len(carried), 3), False
    mean, modes = head.albedo_mean.float(), head.albedo.float()
    if head.albedo_space == "srgb":
        low, high = (linear_from_srgb((mean + d).clamp(0, 1)) for d in (-_SRGB_SLOPE_STEP, _SRGB_SLOPE_STEP))
        modes = modes * ((high - low) / (2 * _SRGB_SLOPE_STEP))
        mean = linear_from_srgb(mean.clamp(0, 1))
    return mean, modes, True
