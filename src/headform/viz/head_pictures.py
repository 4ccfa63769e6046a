"""Pictures of a head: textured or as gray clay, seen by any camera.

V vertices, F triangles, T texture coordinates, L landmarks, S side of the square texture, P side of
the square picture.

Both draw at twice the size and average, so that edges are smooth.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.look_at import look_at, orbit_rotation
from headform.mesh.normals import vertex_normals
from headform.render.rasterize import Fragments, rasterize
from headform.render.texture_sampling import sample_faces_kernel

SUPERSAMPLED = 2
CLAY = 200.0
"""sRGB gray of a surface that faces the light."""
BACKGROUND = 236.0
"""sRGB gray behind the head."""
_LIGHT = np.array([-0.35, -0.45, -0.82])
"""Direction to the light in the camera frame (x right, y down, z forward): from above, left."""


@dataclass(frozen=True)
class TexturedMesh:
    """What is drawn.

    Attributes:
        vertices: (V, 3) meters, head frame.
        faces: (F, 3) counter-clockwise seen from outside.
        uv: (T, 2) in [0, 1], origin at the bottom left.
        uv_faces: (F, 3) indices into `uv`.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "T 2"]
    uv_faces: Int[np.ndarray, "F 3"]


@dataclass(frozen=True)
class Picture:
    """A drawn head.

    Attributes:
        rgb: (P, P, 3) sRGB in [0, 255], already multiplied by `cover`.
        cover: (P, P, 1) share of each pixel that the head covers, 0 to 1.
    """

    rgb: Float32[np.ndarray, "P P 3"]
    cover: Float32[np.ndarray, "P P 1"]

    def over(self, ground: UInt8[np.ndarray, "P P 3"] | float, opacity: float = 1.0) -> UInt8[np.ndarray, "P P 3"]:
        """The head, `opacity` opaque, on a picture or on an even gray."""
        mixed = self.rgb * np.float32(opacity) + (1 - self.cover * np.float32(opacity)) * np.asarray(ground, np.float32)
        return np.asarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


def view_camera(face: Float[np.ndarray, "L 3"], yaw: float, side: int) -> PerspectiveCamera:
    """A camera a bit over a meter away that sees the head turned by `yaw`, the face upright.

    Args:
        face: (L, 3) meters, head frame: points from jaw to brows, which the picture is built
            around; it shows somewhat more than twice their extent.
        yaw: Radians; positive turns the face to the subject's left, which is to the right in the
            picture.
        side: Of the square picture, pixels.
    """
    low, high = face.min(0).astype(np.float64), face.max(0).astype(np.float64)
    extent = 2.2 * float((high - low)[:2].max())
    middle = (low + high) / 2 + [0.0, 0.06 * extent, -0.12 * extent]
    distance = 1.2
    return look_at(middle, orbit_rotation(yaw), distance=distance, focal_px=side * distance / extent, side=side)


def draw_textured(
    mesh: TexturedMesh,
    texture: UInt8[np.ndarray, "S S 3"],
    camera: PerspectiveCamera,
    side: int,
    *,
    lit: bool = False,
) -> Picture:
    """The head in its texture.

    Args:
        mesh: The head.
        texture: sRGB.
        camera: For a picture of `side` pixels.
        side: Of the square picture.
        lit: Shade it like clay; for textures without the photo's light in them.
    """
    found, covered = _fragments(mesh, camera, side)
    faces, weights = found.face_index[covered], found.barycentric[covered]
    colors = np.empty(weights.shape, np.float32)
    uv = mesh.uv.astype(np.float32)
    sample_faces_kernel(np.array(texture), uv, mesh.uv_faces, faces, weights, colors)
    if lit:
        colors = colors * _lambert(mesh, camera, found, covered)[:, None]
    return _averaged(colors, covered, side)


def draw_clay(mesh: TexturedMesh, camera: PerspectiveCamera, side: int) -> Picture:
    """The head in gray, lit from above: its shape alone."""
    found, covered = _fragments(mesh, camera, side)
    shade = CLAY * _lambert(mesh, camera, found, covered)
    return _averaged(np.repeat(shade[:, None], 3, axis=1), covered, side)


def _fragments(mesh: TexturedMesh, camera: PerspectiveCamera, side: int) -> tuple[Fragments, Bool[np.ndarray, "h w"]]:
    large = SUPERSAMPLED * side
    points = camera.resized(float(SUPERSAMPLED)).project(mesh.vertices)
    found = rasterize(points, mesh.faces, large, large, cull_back=True)
    return found, found.face_index >= 0


def _lambert(
    mesh: TexturedMesh,
    camera: PerspectiveCamera,
    found: Fragments,
    covered: Bool[np.ndarray, "h w"],
) -> Float32[np.ndarray, " N"]:
    """Brightness of each covered sample, 0.25 (away from the light) to 1."""
    normals = vertex_normals(mesh.vertices, mesh.faces) @ camera.R.T
    facing = (normals @ (_LIGHT / np.linalg.norm(_LIGHT))).astype(np.float32)
    corners = mesh.faces[found.face_index[covered]]
    toward = np.einsum("nk,nk->n", found.barycentric[covered], facing[corners])
    return np.asarray(0.25 + 0.75 * np.clip(toward, 0, 1), np.float32)


def _averaged(colors: Float[np.ndarray, "N 3"], covered: Bool[np.ndarray, "h w"], side: int) -> Picture:
    large = np.zeros((*covered.shape, 4), np.float32)
    large[covered, :3] = colors
    large[covered, 3] = 1.0
    rows = large.reshape(side, SUPERSAMPLED, 2 * side * 4)
    columns = (rows[:, 0] + rows[:, 1]).reshape(side, side, SUPERSAMPLED, 4)
    small = (columns[:, :, 0] + columns[:, :, 1]) / np.float32(SUPERSAMPLED**2)
    return Picture(rgb=small[..., :3], cover=small[..., 3:])
