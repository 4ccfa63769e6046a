"""Portraits seen from other sides: the reconstructed head turned in the picture, with its surroundings.

V vertices, F faces, W side of the window, S side of the copy, G corners of a grid. Pixel coordinates have their origin at
the top-left corner.

Two layers, as in Zhu et al. 2016, "Face Alignment Across Large Poses: A 3D Solution". The surroundings are a grid over the
picture that is given the depth of the head's outline: near the head (hair, ears, neck) it turns along, farther away it
stays, and is stretched between. The head itself is drawn over it: with the photo where the photo shows the surface, else
with the photo's colors of the mirrored place, else with colors diffused over the mesh from there.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, UInt8
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.sparse import coo_matrix, diags

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.face_classes import UNKNOWN
from headform.geometry.head_angles import rotation_from_euler
from headform.images.sampling import bilinear_rows
from headform.mesh.normals import vertex_normals
from headform.render.rasterize import Fragments, rasterize
from headform.render.visibility import visible_vertices

_CELL = 6
"""Pixels between the corners of the grid."""
_ALONG, _STILL = 0.12, 0.9
"""Distance to the head's outline, in head heights, up to which the surroundings turn with the head, and from which they do
not move."""
_FLAT = 0.35
"""The same, at which the surroundings reach the depth of the head's middle."""
_FACING = (0.12, 0.3)
"""Cosines between normal and line of sight in the photo between which the trust in its color rises from 0 to 1."""
_BEHIND_M = 0.015
"""Depth by which the surroundings must be nearer than the head to be drawn before it, meters."""
_ROUNDS = 400
"""Averagings over neighboring vertices that carry colors to those the photo does not show."""
_FINE = 2
"""Samples per pixel along either axis."""


@dataclass(frozen=True, eq=False)
class TurnedPicture:
    """Turned copy of a portrait.

    Attributes:
        rgb: sRGB.
        classes: class map carried along, `UNKNOWN` where the photo does not show the place.
        camera: camera that sees the turned head in it.
    """

    rgb: UInt8[np.ndarray, "S S 3"]
    classes: UInt8[np.ndarray, "S S"]
    camera: PerspectiveCamera


def turn_picture(
    rgb: UInt8[np.ndarray, "W W 3"],
    classes: UInt8[np.ndarray, "W W"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    mirror: Int[np.ndarray, " V"],
    camera: PerspectiveCamera,
    side: int,
    *,
    yaw: float,
    pitch: float,
) -> TurnedPicture:
    """Turn the head in a picture.

    Args:
        rgb: window of the photo, sRGB; at its border the surroundings should be far from the head, since they stand still.
        classes: its class map.
        vertices: fitted head, meters, head frame.
        faces: triangles.
        mirror: mirror image of each vertex.
        camera: camera of the window.
        side: side S of the copy, the middle of the window, pixels.
        yaw: turn to the subject's left, radians.
        pitch: turn up, radians.
    """
    middle = vertices.mean(0).astype(np.float64)
    target = camera.turned(rotation_from_euler(yaw, -pitch, 0.0), middle)
    before, after = camera.project(vertices), target.project(vertices)
    corner = (len(rgb) - side) / 2
    to_fine = np.array([_FINE, _FINE, 1.0]), np.array([corner, corner, 0.0])
    surroundings, places = _surroundings(before, faces, camera, target, middle, len(rgb))
    cells, fine = _grid_faces(int(math.sqrt(len(places)))), side * _FINE
    behind = rasterize((surroundings - to_fine[1]) * to_fine[0], cells, fine, fine)
    shown = behind.face_index >= 0
    at = (np.mgrid[:fine, :fine][::-1].transpose(1, 2, 0) + 0.5) / _FINE + corner
    at[shown] = _blend(places, cells, behind)
    color = bilinear_rows(rgb, at.reshape(-1, 2)).reshape(fine, fine, 3)
    kinds = _nearest(classes, at)
    front = rasterize((after - to_fine[1]) * to_fine[0], faces, fine, fine)
    drawn = (front.face_index >= 0) & (front.depth < behind.depth + _BEHIND_M)
    front = Fragments(np.where(drawn, front.face_index, -1).astype(np.int32), front.barycentric, front.depth)
    seen = _trust(vertices, faces, camera, before, len(rgb))
    known = bilinear_rows(rgb, before[:, :2])
    rows = np.column_stack([before[:, :2], before[mirror, :2], seen, seen[mirror], _spread(known, seen, mirror, faces)])
    values = _blend(rows, faces, front)
    own, other = _smooth(values[:, 4:5]), _smooth(values[:, 5:6])
    inner = other * bilinear_rows(rgb, values[:, 2:4]) + (1 - other) * values[:, 6:]
    color[drawn] = own * bilinear_rows(rgb, values[:, :2]) + (1 - own) * inner
    kinds[drawn] = np.where(own[:, 0] > 0.5, _nearest(classes, values[:, :2]), UNKNOWN)
    mean = color.reshape(side, _FINE, side, _FINE, 3).mean((1, 3))
    picture = np.clip(np.rint(mean), 0, 255).astype(np.uint8)
    return TurnedPicture(picture, kinds[::_FINE, ::_FINE].copy(), target.cropped(corner, corner))


def _surroundings(
    before: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    camera: PerspectiveCamera,
    target: PerspectiveCamera,
    middle: Float64[np.ndarray, "3"],
    side: int,
) -> tuple[Float64[np.ndarray, "G 3"], Float64[np.ndarray, "G 2"]]:
    """Return the corners of the grid in the turned picture, with depth, and their places in the window."""
    outline, height = rasterize(before, faces, side, side), float(np.ptp(before[:, 1]))
    empty = outline.face_index < 0
    distance, nearest = distance_transform_edt(empty, return_indices=True)
    depth = np.where(empty, 0, outline.depth)[tuple(nearest)].astype(np.float64)
    depth = np.where(empty, gaussian_filter(depth, 0.03 * height), depth)
    flat = float(camera.to_camera(middle[None])[0, 2])
    share = np.clip(distance / (_FLAT * height), 0, 1)
    depth = depth + (flat - depth) * share
    steps = np.arange(0, side + _CELL, _CELL, dtype=np.float64)
    places = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    cells = np.minimum(places.astype(int), side - 1)
    there = camera.unproject(np.column_stack([places, depth[cells[:, 1], cells[:, 0]]]))
    here = camera.to_camera(there)
    away = distance[cells[:, 1], cells[:, 0]] / height
    weight = 1 - _smooth((away - _ALONG) / (_STILL - _ALONG))
    moved = here + weight[:, None] * (target.to_camera(there) - here)
    pixels = moved @ camera.K.T
    return np.column_stack([pixels[:, :2] / pixels[:, 2:], moved[:, 2]]), places


def _grid_faces(count: int) -> Int[np.ndarray, "F 3"]:
    """Triangles of a grid of `count` corners along either axis."""
    first = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    upper = np.column_stack([first, first + count, first + 1])
    lower = np.column_stack([first + 1, first + count, first + count + 1])
    return np.concatenate([upper, lower])


def _trust(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    camera: PerspectiveCamera,
    projected: Float64[np.ndarray, "V 3"],
    side: int,
) -> Float64[np.ndarray, " V"]:
    """Trust in the photo's color of each vertex: seen, and not at a grazing angle."""
    ray = camera.center - vertices
    facing = (vertex_normals(vertices, faces) * ray).sum(1) / np.linalg.norm(ray, axis=1)
    low, high = _FACING
    seen = visible_vertices(projected, faces, side, side)
    return np.asarray(np.clip((facing - low) / (high - low), 0, 1) * seen)


def _spread(
    colors: Float64[np.ndarray, "V 3"],
    seen: Float64[np.ndarray, " V"],
    mirror: Int[np.ndarray, " V"],
    faces: Int[np.ndarray, "F 3"],
) -> Float64[np.ndarray, "V 3"]:
    """Carry colors from the vertices that are seen, here or on the other side, to the others."""
    count = len(colors)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count)).tocsr()
    steps = diags(1 / np.maximum(np.asarray(links.sum(1)).ravel(), 1)) @ links
    known = np.maximum(seen, seen[mirror])[:, None]
    start = np.where((seen >= seen[mirror])[:, None], colors, colors[mirror])
    found = known * start + (1 - known) * (known * start).sum(0) / max(float(known.sum()), 1e-9)
    for _ in range(_ROUNDS):
        found = known * start + (1 - known) * (steps @ found)
    return np.asarray(found)


def _blend(
    rows: Float64[np.ndarray, "V C"], faces: Int[np.ndarray, "F 3"], found: Fragments
) -> Float64[np.ndarray, "N C"]:
    """Interpolate rows at the pixels that show a face."""
    shown = found.face_index >= 0
    corners, weights = faces[found.face_index[shown]], found.barycentric[shown].astype(np.float64)
    return np.asarray((rows[corners] * weights[..., None]).sum(1))


def _nearest(classes: UInt8[np.ndarray, "S S"], places: Float64[np.ndarray, "*N 2"]) -> UInt8[np.ndarray, "*N"]:
    at = np.floor(places).astype(int)
    inside: Bool[np.ndarray, "*N"] = ((at >= 0) & (at < len(classes))).all(-1)
    at = np.clip(at, 0, len(classes) - 1)
    return np.where(inside, classes[at[..., 1], at[..., 0]], UNKNOWN).astype(np.uint8)


def _smooth(share: Float64[np.ndarray, "*N"]) -> Float64[np.ndarray, "*N"]:
    t = np.clip(share, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
