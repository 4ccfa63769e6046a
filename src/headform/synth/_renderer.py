"""The picture of a synthetic person: light on the vertices, rasterization, lenses, exposure.

V head vertices, W vertices of the whole mesh, F triangles, N points, S side of the picture, R = 2S side of the raster.
"""

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from headform.heads.linear import PARTS, LinearHead
from headform.render.rasterize import rasterize_kernel
from headform.synth import _kernels as kernels
from headform.synth._accessories import Glasses
from headform.synth._subject import Subject
from headform.synth.backgrounds import SceneBank, sample_background
from headform.synth.light import Lighting
from headform.synth.people import Person
from headform.synth.randomization import GAMMA, RandomizationConfig

_NEAR = 0.02  # meters; nothing nearer to the camera is drawn
_DEPTH_BIAS = 0.006  # meters; a point this far behind the surface still counts as on it, a vertex as lit
_SHADOW_SIDE = 112  # pixels of a shadow map
_SHADOW_EXTENT = 0.2  # meters, its half side
_FAINT_LAMP, _SOFT_LIGHT = 0.25, 0.1  # brightness and hardness below which shadows are not worth casting
_OPENNESS = {"teeth": 0.7, "mouth": 0.22, "tongue": 0.45, "socket_right": 0.4, "socket_left": 0.4}
"""Ambient light that reaches the parts inside the head, whatever the sampled occlusion says."""
_TONE_STEPS, _TONE_LIMIT, _KNEE = 4096, 4.0, 0.8  # entries, greatest linear value, value from which highlights roll off
_SKIN_SAMPLES = 4096  # most pixels whose median decides the exposure
_HAIR_GLOSS = 0.25  # gloss of hair and clothes over that of the skin
_NO_SKIN_LEVEL = 0.3  # assumed where no skin is in the picture, linear
_SCENE_SEED = 7


class Renderer:
    """Renderer of subjects of one head model; not thread-safe, since its buffers are reused from picture to picture."""

    def __init__(
        self,
        head: LinearHead,
        head_faces: Int32[np.ndarray, "F 3"],
        size: int,
        config: RandomizationConfig,
        scenes: int,
    ) -> None:
        self._size, self._config = size, config
        self._skin_faces = len(head_faces)
        self._occlusion = ambient_occlusion(head.mean.numpy(), head_faces)
        part = head.part.numpy()
        for name, openness in _OPENNESS.items():
            self._occlusion[part == PARTS.index(name)] = openness
        self._scenes = SceneBank(_SCENE_SEED, scenes, config.scene)
        linear = np.linspace(0, _TONE_LIMIT, _TONE_STEPS)
        room = 1 - _KNEE
        knee = np.where(linear > _KNEE, _KNEE + room * np.tanh((linear - _KNEE) / room), linear)
        self._tone = (knee ** (1 / GAMMA)).astype(np.float32)
        self._raster = Raster(2 * size)
        self._lens = Raster(2 * size)
        self._shadow_map = np.zeros((_SHADOW_SIDE, _SHADOW_SIDE), np.float32)

    def illuminate(
        self, rng: np.random.Generator, light: Lighting, subject: Subject, in_camera: Float32[np.ndarray, "W 3"]
    ) -> Float32[np.ndarray, "W 3"]:
        """Return the linear radiance of each vertex toward the camera."""
        count, head_count = len(in_camera), len(subject.gloss)
        normals = np.empty_like(in_camera)
        kernels.vertex_normals_into(in_camera, subject.faces, normals)
        lit = np.ones((len(light.directions), count), np.float32)
        if light.hardness > _SOFT_LIGHT:
            for k, direction in enumerate(light.directions):
                if light.colors[k].max() > _FAINT_LAMP:
                    kernels.cast_shadow(
                        in_camera, subject.faces, direction, _SHADOW_EXTENT, _DEPTH_BIAS, self._shadow_map, lit[k]
                    )
        shine = np.full(count, np.float32(_HAIR_GLOSS * subject.skin.gloss))
        shine[:head_count] = subject.gloss
        shine *= np.float32(rng.uniform(*self._config.light.shine))
        occlusion = np.ones(count, np.float32)
        occlusion[:head_count] = self._occlusion ** np.float32(rng.uniform(*self._config.light.occlusion))
        radiance = np.empty_like(in_camera)
        kernels.shade(
            normals, subject.albedo, shine, occlusion, lit, light.ambient, light.directions, light.colors,
            np.float32(light.hardness), np.float32(light.shininess), radiance,
        )  # fmt: skip
        return radiance

    def rasterize(self, points: Float[np.ndarray, "W 3"], faces: Int32[np.ndarray, "F 3"]) -> None:
        """Rasterize the mesh; points are raster pixels and depth in meters."""
        self._raster.draw(points, faces)

    def visible(self, points: Float[np.ndarray, "N 2"], depth: Float[np.ndarray, " N"]) -> UInt8[np.ndarray, " N"]:
        """Mark the points (raster pixels) that lie in the picture and are not hidden by the mesh."""
        nearest = self._raster.depth
        side = len(nearest)
        at = np.floor(points).astype(int)
        inside = ((at >= 0) & (at < side)).all(1)
        at = np.clip(at, 0, side - 1)
        return (inside & (depth < nearest[at[:, 1], at[:, 0]] + _DEPTH_BIAS)).astype(np.uint8)

    def lenses(
        self,
        rng: np.random.Generator,
        glasses: Glasses | None,
        center: Float[np.ndarray, "3"],
        person: Person,
        to_raster: Float[np.ndarray, "2 3"],
    ) -> tuple[Float32[np.ndarray, "R R"], Float32[np.ndarray, "3"]]:
        """Return the opacity of the lenses over the raster, where nothing hides them, and their sRGB color, 0..1."""
        cover = np.zeros_like(self._raster.depth)
        if glasses is None or glasses.lens_opacity == 0:
            return cover, np.zeros(3, np.float32)
        lens = (glasses.lens - center) @ person.rotation.T
        depth = lens[:, 2] + person.distance
        flat = lens[:, :2] / depth[:, None] @ to_raster[:, :2].T + to_raster[:, 2]
        self._lens.draw(np.column_stack([flat, depth]), glasses.lens_faces)
        front = (self._lens.index >= 0) & (self._lens.depth < self._raster.depth)
        cover[front] = glasses.lens_opacity
        accessories = self._config.accessories
        if rng.random() < accessories.reflection_rate:
            axis = np.arange(len(cover), dtype=np.float32)
            angle = rng.uniform(0, np.pi)
            wave = np.cos(
                (axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle))
                * rng.uniform(*accessories.reflection_frequency)
            )
            cover[front] *= (0.7 + 0.3 * wave)[front]
        return cover, (glasses.lens_rgb ** (1 / GAMMA)).astype(np.float32)

    def expose(
        self,
        rng: np.random.Generator,
        subject: Subject,
        radiance: Float32[np.ndarray, "W 3"],
        cover: Float32[np.ndarray, "R R"],
        lens_rgb: Float32[np.ndarray, "3"],
    ) -> tuple[Float32[np.ndarray, "S S 3"], Float32[np.ndarray, "S S"]]:
        """Return the sRGB picture, 0..255, over a background, and the share of each pixel that shows the head."""
        camera, raster = self._config.camera, self._raster
        values = np.empty(_SKIN_SAMPLES, np.float32)
        count = kernels.skin_luminance(raster.index, raster.bary, subject.faces, radiance, self._skin_faces, values)
        level = float(np.median(values[:count])) if count else _NO_SKIN_LEVEL
        # auto-exposure brightens dark skin, though not to the level of light skin
        usual = 0.12 + 0.3 * float(np.exp(-1.2 * subject.skin.melanin))
        target = np.clip(usual * np.exp(rng.normal(0, camera.exposure_sd)), *camera.skin_level)
        exposure = np.clip(target / max(level, 1e-3), *camera.gain)
        scene = sample_background(rng, self._scenes, self._size, self._config.background)
        picture = np.empty((self._size, self._size, 3), np.float32)
        mask = np.empty((self._size, self._size), np.float32)
        kernels.resolve(
            raster.index, raster.bary, subject.faces, radiance, np.float32(exposure), self._tone,
            np.ascontiguousarray(scene, np.float32), self._skin_faces, cover, lens_rgb, picture, mask,
        )  # fmt: skip
        return picture, mask


class Raster:
    """Buffers of one rasterization: triangle, barycentric coordinates and depth (meters) per pixel."""

    def __init__(self, side: int) -> None:
        self.index = np.zeros((side, side), np.int32)
        self.bary = np.zeros((side, side, 3), np.float32)
        self.depth = np.zeros((side, side), np.float32)

    def draw(self, points: Float[np.ndarray, "W 3"], faces: Int32[np.ndarray, "F 3"]) -> None:
        """Overwrite the buffers with a mesh whose points are pixels and depth."""
        flat = np.ascontiguousarray(points, np.float32)
        rasterize_kernel(flat, faces, True, False, _NEAR, self.index, self.bary, self.depth)


def ambient_occlusion(
    mean: Float[np.ndarray, "V 3"], faces: Int32[np.ndarray, "F 3"], *, directions: int = 96
) -> Float32[np.ndarray, " V"]:
    """Return the cosine-weighted share of far directions that each vertex sees, at least 0.15."""
    k = np.arange(directions) + 0.5  # a Fibonacci sphere
    polar, turn = np.arccos(1 - 2 * k / directions), np.pi * (1 + 5**0.5) * k
    rays = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], 1).astype(np.float32)
    verts = (mean - mean.mean(0)).astype(np.float32)
    normals = np.empty_like(verts)
    kernels.vertex_normals_into(verts, faces, normals)
    scratch = np.zeros((256, 256), np.float32)
    lit = np.empty(len(verts), np.float32)
    total = np.full(len(verts), 1e-6, np.float32)
    seen = np.zeros(len(verts), np.float32)
    for ray in rays:
        kernels.cast_shadow(verts, faces, ray, 0.22, 0.004, scratch, lit)
        weight = np.maximum(normals @ ray, 0)
        seen += weight * lit
        total += weight
    return np.clip(seen / total, 0.15, 1).astype(np.float32)
