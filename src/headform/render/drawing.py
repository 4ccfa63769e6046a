"""Drawing of triangle meshes: with texture, with vertex colors, with a color map of a quantity, or as clay.

V vertices, F triangles, H W pixels, h w samples (some per pixel along either axis), N covered samples.

All pictures use the same lights: a lamp above, to the left, and ambient light. Colors of a texture or of
vertices include their light and are drawn as they are, unless spherical-harmonic light is given.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.images.transfer import LINEAR_FROM_SRGB8, linear_from_srgb, srgb_from_linear
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.normals import vertex_normals
from headform.render.light import shade
from headform.render.rasterize import Fragments, rasterize
from headform.render.texture_sampling import sample_texture

CLAY = (205.0, 178.0, 160.0)
"""sRGB of a surface without colors that faces the lamp: similar to skin, so that networks detect a face."""
BACKGROUND = 150.0
"""Background gray, sRGB, of a mesh that is drawn for a network."""
CLAY_AMBIENT, VALUES_AMBIENT = 0.25, 0.7
"""Brightness away from the lamp: low shows shape, high keeps the colors of a scale legible."""
_LAMP = np.array([-0.35, -0.45, -0.82])  # direction to it in the camera frame
_LAMP_UNIT = _LAMP / np.linalg.norm(_LAMP)


@dataclass(frozen=True, eq=False)
class Look:
    """Appearance of a drawn mesh.

    Attributes:
        clay: Ignore texture and vertex colors.
        values: (V,) a quantity to show instead of colors; interpolated before `palette` is applied.
        palette: sRGB in [0, 255], (N, 3), of N interpolated values.
        ambient: Brightness away from the lamp, 1 for no shading; None is 1 for colors, else one of the constants above.
        light: (9, 3) spherical-harmonic shading over normals of the camera frame, instead of the lamp; needs `linear`.
        linear: Interpolate textures, shade and average in linear light, as a camera does; else in sRGB.
        cull_back: Leave out faces seen from behind; else both sides are drawn, shaded as if they faced the camera.
        supersample: Samples per pixel along either axis.
    """

    clay: bool = False
    values: Float[np.ndarray, " V"] | None = None
    palette: Callable[[Float64[np.ndarray, " N"]], Float[np.ndarray, "N 3"]] | None = None
    ambient: float | None = None
    light: Float[np.ndarray, "9 3"] | None = None
    linear: bool = False
    cull_back: bool = False
    supersample: int = 2


@dataclass(frozen=True, eq=False)
class Drawing:
    """Drawn mesh without background.

    Attributes:
        colors: (N, 3) of the covered samples, row by row: sRGB in [0, 255], or linear light in [0, 1] (`Look.linear`).
        fragments: Faces and weights at all (h, w) samples.
        look: Appearance it was drawn with.
    """

    colors: Float64[np.ndarray, "N 3"]
    fragments: Fragments
    look: Look

    @property
    def covered(self) -> Bool[np.ndarray, "h w"]:
        """Mask of the samples that show the mesh."""
        return self.fragments.face_index >= 0

    @property
    def cover(self) -> Float64[np.ndarray, "H W"]:
        """Fraction of each pixel that the mesh covers."""
        fine = self.look.supersample
        height, width = self.fragments.face_index.shape
        return np.asarray(self.covered.reshape(height // fine, fine, width // fine, fine).mean(axis=(1, 3)))

    def over(
        self, background: UInt8[np.ndarray, "H W 3"] | float = BACKGROUND, opacity: float = 1.0
    ) -> UInt8[np.ndarray, "H W 3"]:
        """Average the samples to pixels over a background.

        Args:
            background: sRGB picture, or a uniform gray in [0, 255].
            opacity: Opacity of the mesh, 0 to 1.
        """
        covered, fine = self.covered, self.look.supersample
        height, width = (length // fine for length in covered.shape)
        ground = np.asarray(background, np.float64)
        if self.look.linear:
            ground = LINEAR_FROM_SRGB8[np.asarray(background, np.uint8)]
        samples = np.broadcast_to(ground, (height, width, 3)).repeat(fine, axis=0).repeat(fine, axis=1)
        drawn = self.colors if opacity == 1.0 else opacity * self.colors + (1.0 - opacity) * samples[covered]
        samples[covered] = drawn
        mean = samples.reshape(height, fine, width, fine, 3).mean(axis=(1, 3))
        if self.look.linear:
            mean = srgb_from_linear(torch.from_numpy(mean)).numpy() * 255
        return np.clip(np.rint(mean), 0, 255).astype(np.uint8)


def draw(mesh: TriangleMesh, camera: PerspectiveCamera, size: tuple[int, int], look: Look | None = None) -> Drawing:
    """Draw a mesh.

    Args:
        mesh: Mesh in any unit; vertex colors take precedence over a texture.
        camera: Camera, in pixels of the picture.
        size: (width, height), pixels.
        look: Appearance; None draws colors as they are, or lit clay where there are none.
    """
    look = look or Look()
    (width, height), fine = size, look.supersample
    points = camera.resized(float(fine)).project(mesh.vertices)
    found = rasterize(points, mesh.faces, height * fine, width * fine, cull_back=look.cull_back)
    covered = found.face_index >= 0
    face, weights = found.face_index[covered], found.barycentric[covered].astype(np.float64)
    colors, ambient = _colors(mesh, look, face, weights)
    if look.light is not None:
        light = torch.from_numpy(np.asarray(look.light, np.float64))
        at = torch.from_numpy(_normals(mesh, camera, face, weights))
        colors = shade(torch.from_numpy(colors), at, light).numpy()
    elif ambient < 1.0:
        normals = _normals(mesh, camera, face, weights)
        normals = np.where(normals[:, 2:] > 0, -normals, normals)  # toward the camera
        colors = colors * (ambient + (1 - ambient) * np.clip(normals @ _LAMP_UNIT, 0, 1))[:, None]
    return Drawing(colors, found, look)


def surface_positions(
    mesh: TriangleMesh, drawing: Drawing, pixels: Float[np.ndarray, "N 2"]
) -> tuple[Float64[np.ndarray, "N 3"], Bool[np.ndarray, " N"]]:
    """Return the points of the surface that a picture shows at pixels.

    Args:
        mesh: Mesh that was drawn.
        drawing: Result of drawing it.
        pixels: (N, 2) x and y, origin at the top-left corner.

    Returns:
        (N, 3) positions in the unit of the mesh, to half a sample's width; and (N,) mask of pixels that show a surface.
    """
    found = drawing.fragments
    height, width = found.face_index.shape
    column, row = np.floor(pixels * drawing.look.supersample).astype(np.int64).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
    face = found.face_index[row, column]
    weights = found.barycentric[row, column].astype(np.float64)
    return _blend(mesh.vertices, mesh.faces[np.maximum(face, 0)], weights), inside & (face >= 0)


def _blend(
    rows: Float[np.ndarray, "V C"], corners: Int[np.ndarray, "N 3"], weights: Float64[np.ndarray, "N 3"]
) -> Float64[np.ndarray, "N C"]:
    return np.asarray((rows[corners] * weights[..., None]).sum(axis=1), np.float64)


def _colors(
    mesh: TriangleMesh, look: Look, face: Int[np.ndarray, " N"], weights: Float64[np.ndarray, "N 3"]
) -> tuple[Float64[np.ndarray, "N 3"], float]:
    """Return colors before shading, and the brightness away from the lamp."""
    ambient = 1.0
    if look.values is not None and look.palette is not None:
        colors = look.palette(_blend(look.values[:, None], mesh.faces[face], weights)[:, 0])
        ambient = VALUES_AMBIENT
    elif mesh.colors is not None and not look.clay:
        colors = _blend(255.0 * mesh.colors, mesh.faces[face], weights)
    elif mesh.texture is not None and mesh.uv is not None and not look.clay:
        corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
        uv = _blend(mesh.uv, np.maximum(corners[face], 0), weights)
        colors = sample_texture(mesh.texture, uv, repeat=True, table=LINEAR_FROM_SRGB8 if look.linear else None)
        return colors, 1.0 if look.ambient is None else look.ambient
    else:
        colors, ambient = np.tile(CLAY, (len(face), 1)), CLAY_AMBIENT
    if look.linear:
        colors = linear_from_srgb(torch.from_numpy(colors / 255)).numpy()
    return np.asarray(colors, np.float64), ambient if look.ambient is None else look.ambient


def _normals(
    mesh: TriangleMesh, camera: PerspectiveCamera, face: Int[np.ndarray, " N"], weights: Float64[np.ndarray, "N 3"]
) -> Float64[np.ndarray, "N 3"]:
    """Compute unit normals in the camera frame at the samples."""
    at = _blend(vertex_normals(mesh.vertices, mesh.faces) @ camera.R.T, mesh.faces[face], weights)
    return at / np.maximum(np.linalg.norm(at, axis=1, keepdims=True), 1e-12)
