"""Any triangle mesh as a picture: in its texture, in the colors of its vertices, or as clay.

V vertices, F triangles, T texture coordinates, h w texels, H W pixels, N covered samples.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.mesh.normals import vertex_normals
from headform.render.rasterize import Fragments, rasterize

CLAY = (205.0, 178.0, 160.0)
"""sRGB of a surface without colors that faces the light: a little like skin, so that networks know a face."""
BACKGROUND = 150.0
"""sRGB gray behind the mesh."""
_LIGHT = np.array([-0.35, -0.45, -0.82])  # toward it, in the camera frame: from above, left
_LARGEST_TEXTURE = 2048


@dataclass(frozen=True, eq=False)
class MeshLook:
    """A mesh with what lies on it.

    Attributes:
        vertices: Any unit.
        faces: Triangles; either winding, both sides are drawn.
        colors: sRGB in [0, 1], or None.
        uv: Origin at the bottom left; None with `texture`.
        uv_faces: Into `uv`; negative at a corner that has none.
        texture: sRGB, row 0 at v = 1; repeats outside [0, 1].
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    colors: Float[np.ndarray, "V 3"] | None = None
    uv: Float[np.ndarray, "T 2"] | None = None
    uv_faces: Int[np.ndarray, "F 3"] | None = None
    texture: UInt8[np.ndarray, "h w 3"] | None = None

    @property
    def colored(self) -> bool:
        """Whether there is more than clay."""
        return self.texture is not None or self.colors is not None


def draw_mesh(
    mesh: MeshLook,
    camera: PerspectiveCamera,
    size: tuple[int, int],
    *,
    values: Float[np.ndarray, "V 3"] | None = None,
    supersample: int = 2,
    background: float = BACKGROUND,
) -> tuple[UInt8[np.ndarray, "H W 3"], Fragments]:
    """Draw a mesh.

    Colors of texture or vertices hold their own light and are drawn as they are; clay is shaded by a lamp above, to the
    left, on whichever side of the surface is seen.

    Args:
        mesh: What to draw.
        camera: Its pixels are those of the picture.
        size: (width, height).
        values: sRGB in [0, 255] per vertex to show instead, gently shaded.
        supersample: Samples along either axis of a pixel.
        background: sRGB gray.

    Returns:
        The picture, and what was seen at each of the `supersample` times finer samples.
    """
    width, height = size
    found = rasterize(
        camera.resized(float(supersample)).project(mesh.vertices),
        mesh.faces,
        height * supersample,
        width * supersample,
    )
    covered = found.face_index >= 0
    face, weights = found.face_index[covered], found.barycentric[covered].astype(np.float64)
    colors = _colors(mesh, face, weights, values)
    if values is not None or not mesh.colored:
        facing = _facing(mesh, camera, face, weights)
        dark = 0.7 if values is not None else 0.25
        colors = colors * (dark + (1 - dark) * facing)[:, None]
    large = np.full((*covered.shape, 3), background)
    large[covered] = colors
    blocks = large.reshape(height, supersample, width, supersample, 3).mean(axis=(1, 3))
    return np.clip(np.rint(blocks), 0, 255).astype(np.uint8), found


def positions_at(
    mesh: MeshLook, found: Fragments, pixels: Float[np.ndarray, "N 2"], supersample: int = 2
) -> tuple[Float64[np.ndarray, "N 3"], Bool[np.ndarray, " N"]]:
    """Places on the surface that are seen at pixels of a picture by `draw_mesh`.

    Args:
        mesh: What was drawn.
        found: What `draw_mesh` returned.
        pixels: Origin at the top-left corner.
        supersample: As drawn.

    Returns:
        Positions in the unit of the mesh, to half a sample's width; and whether there is any surface.
    """
    height, width = found.face_index.shape
    column, row = np.floor(pixels * supersample).astype(np.int64).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
    face = found.face_index[row, column]
    seen = inside & (face >= 0)
    weights = found.barycentric[row, column].astype(np.float64)
    corners = mesh.vertices[mesh.faces[np.maximum(face, 0)]]
    return np.asarray((corners * weights[..., None]).sum(axis=1), np.float64), seen


def reduced_texture(texture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The texture, averaged over blocks if it is larger than a picture can show."""
    factor = -(-max(texture.shape[:2]) // _LARGEST_TEXTURE)
    if factor == 1:
        return texture
    height, width = (length // factor * factor for length in texture.shape[:2])
    blocks = texture[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def _colors(
    mesh: MeshLook,
    face: Int[np.ndarray, " N"],
    weights: Float64[np.ndarray, "N 3"],
    values: Float[np.ndarray, "V 3"] | None,
) -> Float64[np.ndarray, "N 3"]:
    rows = values
    if values is None and mesh.colors is not None:
        rows = 255.0 * mesh.colors
    if rows is None and mesh.texture is not None and mesh.uv is not None:
        corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
        uv = (mesh.uv[np.maximum(corners[face], 0)] * weights[..., None]).sum(axis=1)
        return _bilinear(mesh.texture, uv)
    if rows is None:
        return np.tile(CLAY, (len(face), 1))
    return np.asarray((rows[mesh.faces[face]] * weights[..., None]).sum(axis=1), np.float64)


def _bilinear(texture: UInt8[np.ndarray, "h w 3"], uv: Float[np.ndarray, "N 2"]) -> Float64[np.ndarray, "N 3"]:
    height, width = texture.shape[:2]
    x, y = np.mod(uv[:, 0], 1.0) * width - 0.5, np.mod(1.0 - uv[:, 1], 1.0) * height - 0.5
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    u, v = (x - column)[:, None], (y - row)[:, None]
    left, right = np.clip(column, 0, width - 1), np.clip(column + 1, 0, width - 1)
    top, bottom = np.clip(row, 0, height - 1), np.clip(row + 1, 0, height - 1)
    above = texture[top, left] * (1 - u) + texture[top, right] * u
    below = texture[bottom, left] * (1 - u) + texture[bottom, right] * u
    return np.asarray(above * (1 - v) + below * v, np.float64)


def _facing(
    mesh: MeshLook,
    camera: PerspectiveCamera,
    face: Int[np.ndarray, " N"],
    weights: Float64[np.ndarray, "N 3"],
) -> Float64[np.ndarray, " N"]:
    """Cosine between normal and light, not below 0; normals are turned toward the camera."""
    normals = vertex_normals(mesh.vertices, mesh.faces) @ camera.R.T
    at = (normals[mesh.faces[face]] * weights[..., None]).sum(axis=1)
    at /= np.maximum(np.linalg.norm(at, axis=1, keepdims=True), 1e-12)
    at = np.where(at[:, 2:] > 0, -at, at)
    return np.asarray(np.clip(at @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1), np.float64)
