"""Photograph textured scans: perspective cameras around the face, soft and hard light, plain backgrounds.

V vertices, F triangles, N lamps, S side of a picture.

The scan is moved into the head frame first (by its seven landmarks, scaled to the mean head), so that distances, lights
and crops mean the same for every scan, whatever its unit. Its texture is taken for its albedo: light baked into it stays.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.head_angles import rotation_from_synthetic_angles
from headform.geometry.similarity import Similarity, fit_similarity
from headform.geometry.view import look_at
from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8, srgb_from_linear
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw
from headform.render.visibility import visible_vertices
from headform.synth import _kernels as kernels
from headform.synth.light import Lighting, sample_light
from headform.synth.randomization import FULL

SUPERSAMPLE = 2
_FACE_M = 0.21
"""Height of a face that is made to fill its share of the picture, meters."""
_SHADOW_SIDE = 224
_FAR_M, _FINE_SIDE = 4.0, 768
_REACH_M, _BIAS_M = 0.25, 0.006


@dataclass(frozen=True)
class View:
    """View of a scan.

    Attributes:
        yaw: Degrees; positive turns the face to the right of the picture.
        pitch: Degrees; positive turns it down.
        roll: Degrees, clockwise.
        distance: Distance from the camera to the middle of the face, meters.
        fill: Share of the picture's side that a face of average height takes.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    fill: float


@dataclass(frozen=True, eq=False)
class PlacedScan:
    """A scan in the head frame.

    Attributes:
        mesh: Mesh with vertices in the head frame, meters of the mean head.
        placed: Transform from the head frame to the scan's own.
        center: (3,) middle of the face, head frame.
    """

    mesh: TriangleMesh
    placed: Similarity
    center: Float64[np.ndarray, "3"]


def place(mesh: TriangleMesh, now7: Float[np.ndarray, "7 3"], head: LinearHead) -> PlacedScan:
    """Move a scan into the head frame.

    Args:
        mesh: Scan in its own unit and frame.
        now7: (7, 3) landmarks in the order of `LinearHead.now7`, same unit.
        head: Head with whose mean the landmarks are aligned.

    Raises:
        ValueError: the landmarks coincide or are not finite.
    """
    mean = head.mean.double().numpy()[head.now7.numpy()]
    placed = fit_similarity(mean, now7.astype(np.float64))
    own = placed.inverse().apply(mesh.vertices.astype(np.float64))
    return PlacedScan(replace(mesh, vertices=own), placed, mean.mean(axis=0))


def seen_from_front(scan: PlacedScan) -> Bool[np.ndarray, " V"]:
    """Find the vertices that a scanner in front could have seen: nothing hides them from at least one of 21 directions.

    Modelled scans carry a mouth cavity and the inside of eyelids, which no measured surface has.
    """
    seen = np.zeros(len(scan.mesh.vertices), np.bool_)
    for yaw in (-75, -50, -25, 0, 25, 50, 75):
        for pitch in (-35, 0, 35):
            view = View(float(yaw), float(pitch), 0.0, _FAR_M, 0.55)
            points = _camera(scan, view, _FINE_SIDE).project(scan.mesh.vertices)
            seen |= visible_vertices(points, scan.mesh.faces, _FINE_SIDE, _FINE_SIDE)
    return seen


def views(count: int, seed: int) -> tuple[View, ...]:
    """Draw `count` views: yaws evenly from -50 to 50 degrees, the rest drawn; the same seed gives the same."""
    yaws = np.linspace(-50, 50, count) if count > 1 else np.zeros(1)
    found = []
    for number, yaw in enumerate(yaws):
        rng = np.random.default_rng((seed, 1, number))
        found.append(
            View(
                yaw=float(yaw),
                pitch=float(np.clip(rng.normal(0, 9), -20, 20)),
                roll=float(np.clip(rng.normal(0, 6), -15, 15)),
                distance=float(np.exp(rng.uniform(math.log(0.4), math.log(1.6)))),
                fill=float(rng.uniform(0.4, 0.55)),
            )
        )
    return tuple(found)


def lights(count: int, seed: int) -> tuple[Lighting, ...]:
    """Draw `count` lightings, the first even and soft, the others as synthetic faces have them."""
    return (
        _even(),
        *(sample_light(np.random.default_rng((seed, 2, k)), FULL.light) for k in range(1, count)),
    )


def photograph(
    scan: PlacedScan, view: View, light: Lighting, *, side: int, seed: int
) -> tuple[UInt8[np.ndarray, "S S 3"], PerspectiveCamera]:
    """Render one photo.

    Args:
        scan: Scan whose texture or vertex colors are its albedo.
        view: View of the scan.
        light: Lighting, directions in the camera frame.
        side: Side of the picture, pixels.
        seed: Seed of the background.

    Returns:
        Picture in sRGB, and its camera for the head frame.

    Raises:
        ValueError: the scan has neither texture nor colors.
    """
    if not scan.mesh.colored:
        raise ValueError("the scan has neither texture nor vertex colors")
    camera = _camera(scan, view, side)
    fine = side * SUPERSAMPLE
    drawing = draw(scan.mesh, camera, (side, side), Look(supersample=SUPERSAMPLE))
    covered, found = drawing.covered, drawing.fragments
    corners = scan.mesh.faces[found.face_index[covered]]
    weights = found.barycentric[covered][..., None]
    matt, gloss = _shading(scan, camera, light)
    linear = _background(fine, seed)
    albedo = LINEAR_FROM_SRGB8[np.rint(drawing.colors).astype(np.uint8)]
    surface = albedo * (matt[corners] * weights).sum(axis=1)
    surface += (gloss[corners] * weights).sum(axis=1)
    linear[covered] = surface * _exposure(surface)
    mean = linear.reshape(side, SUPERSAMPLE, side, SUPERSAMPLE, 3).mean(axis=(1, 3))
    return _developed(mean), camera


def _camera(scan: PlacedScan, view: View, side: int) -> PerspectiveCamera:
    R = rotation_from_synthetic_angles(*np.radians([view.yaw, view.pitch, view.roll]))
    focal = view.fill * side * view.distance / _FACE_M
    return look_at(scan.center, R, distance=view.distance, focal_px=focal, side=side)


def _shading(
    scan: PlacedScan, camera: PerspectiveCamera, light: Lighting
) -> tuple[Float32[np.ndarray, "V 3"], Float32[np.ndarray, "V 3"]]:
    """Compute the light on a white matte surface, with shadows, and its specular part, per vertex."""
    points = ((scan.mesh.vertices - scan.center) @ camera.R.T).astype(np.float32)
    faces = np.ascontiguousarray(scan.mesh.faces, np.int32)
    normals = np.empty_like(points)
    kernels.vertex_normals_into(points, faces, normals)
    lit = np.ones((len(light.directions), len(points)), np.float32)
    shadows = np.zeros((_SHADOW_SIDE, _SHADOW_SIDE), np.float32)
    for k, direction in enumerate(light.directions):
        kernels.cast_shadow(points, faces, direction, _REACH_M, _BIAS_M, shadows, lit[k])
    every = np.ones(len(points), np.float32)
    out = np.empty((2, *points.shape), np.float32)
    for albedo, shine, target in ((1.0, 0.0, out[0]), (0.0, 0.06, out[1])):
        kernels.shade(
            normals, np.full_like(points, albedo), every * np.float32(shine), every, lit, light.ambient,
            light.directions, light.colors, np.float32(light.hardness), np.float32(light.shininess), target,
        )  # fmt: skip
    return out[0], out[1]


def _exposure(surface: Float[np.ndarray, "N 3"]) -> float:
    """Exposure that brings the bright part of the scan to 0.6."""
    bright = float(np.quantile(surface.mean(axis=1), 0.9)) if len(surface) else 1.0
    return 0.6 / max(bright, 1e-6)


def _developed(linear: Float[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "S S 3"]:
    """Convert to sRGB; values above 0.8 are compressed instead of clipped."""
    knee = np.where(linear > 0.8, 0.8 + 0.2 * np.tanh((linear - 0.8) / 0.2), linear)
    return np.asarray(np.rint(srgb_from_linear(torch.from_numpy(knee)).numpy() * 255), np.uint8)


def _background(side: int, seed: int) -> Float64[np.ndarray, "S S 3"]:
    """Draw a wall: one color, a little darker to one side."""
    rng = np.random.default_rng((seed, 3))
    color = rng.uniform(0.08, 0.6) * (1 + rng.uniform(-0.12, 0.12, 3))
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    axis = np.linspace(-0.5, 0.5, side)
    slope = 1 + fall * (axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle))
    return np.asarray(slope[..., None] * color, np.float64)


def _even() -> Lighting:
    """Even lighting: a bright sky in front and above, and one weak lamp beside the camera."""
    ambient = np.zeros((9, 3), np.float32)
    ambient[0] = 0.75
    ambient[1], ambient[2] = -0.15, -0.2  # y points down and z away
    lamp = np.array([[0.3, -0.4, -0.866]], np.float32)
    lamp /= np.linalg.norm(lamp)
    return Lighting(ambient, lamp, np.full((1, 3), 0.3, np.float32), 0.3, 12.0)
