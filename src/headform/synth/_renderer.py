"""The picture of a synthetic person: light on the vertices, rasterization, shading of pixels, development.

V head vertices, W vertices of all pieces together, F triangles, N points, S side of the picture, R = 2S side of the raster.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.geometry import face_classes as classes
from headform.heads.linear import PARTS, LinearHead
from headform.synth import _kernels as kernels
from headform.synth import _light_kernels as light_kernels
from headform.synth import _piece_kernels as piece_kernels
from headform.synth import _pixel_kernels as pixels
from headform.synth import _raster_kernels as raster
from headform.synth._albedo_kernels import sample_vertices
from headform.synth._occlusion import ambient_occlusion
from headform.synth._scene_mesh import SceneMesh, head_triangles
from headform.synth._subject import Subject, SubjectBuilder
from headform.synth.backdrops import sample_backdrop
from headform.synth.backgrounds import SceneBank, sample_background
from headform.synth.panoramas import view
from headform.synth.piece import Piece
from headform.synth.randomization import GAMMA, RandomizationConfig
from headform.synth.scene_light import SceneLight

_NEAR = 0.02  # meters; nothing nearer to the camera is drawn
_DEPTH_BIAS = 0.006  # meters; a point this far behind the surface still counts as on it, a vertex as lit
_SHADOW_SIDE = 112  # pixels of a shadow map
_SHADOW_EXTENT = 0.2  # meters, its half side
_FAINT_LAMP, _SOFT_LIGHT = 0.25, 0.1  # brightness and hardness below which shadows are not worth casting
_OPENNESS = {"teeth": 1.0, "mouth": 1.0, "tongue": 1.0, "socket_right": 0.45, "socket_left": 0.45}
"""Ambient light that reaches the parts inside the head, whatever the sampled occlusion says; see `MouthLight`, too."""
_EYE_OPENNESS = 0.72  # of the eyeballs in their sockets, before the shadow of the lids
_TONE_STEPS, _TONE_LIMIT, _KNEE = 4096, 4.0, 0.7  # entries, greatest linear value, value from which highlights roll off
_SKIN_SAMPLES = 4096  # most pixels whose median decides the exposure
_NO_SKIN_LEVEL = 0.3  # assumed where no skin is in the picture, linear
_SCENE_SEED = 7
_PLAIN = np.full((2, 2, 4), 255, np.uint8)  # texture of a piece that has none
_COVERING = np.isin(
    np.arange(len(classes.FACE_CLASSES)), (classes.HAIR, classes.GLASSES, classes.HAT, classes.OCCLUDER)
)
_HEAD_CLASSES = (classes.SKIN, classes.BROWS, classes.EYES, classes.LIPS, classes.MOUTH_INSIDE, classes.NECK)
_ON_HEAD = np.isin(np.arange(len(classes.FACE_CLASSES)), _HEAD_CLASSES)
_LUMA = np.array([0.3, 0.6, 0.1], np.float32)  # weights by which light meters see
_STUBBLE_TEXELS = 2600.0  # texels of the stubble's tile over the atlas


@dataclass(frozen=True)
class Rendering:
    """A developed picture and what its pixels show.

    Attributes:
        picture: sRGB, 0..255.
        classes: Class of each pixel.
        skin: 255 where the pixel shows the head itself.
    """

    picture: Float32[np.ndarray, "S S 3"]
    classes: UInt8[np.ndarray, "S S"]
    skin: UInt8[np.ndarray, "S S"]


class Renderer:
    """Renderer of subjects of one head model; not thread-safe, since its buffers are reused from picture to picture."""

    def __init__(
        self, head: LinearHead, builder: SubjectBuilder, size: int, config: RandomizationConfig, scenes: int
    ) -> None:
        self._size, self._config, self._builder = size, config, builder
        self._head_faces = builder.head_faces
        self._uv = head.uv.numpy().astype(np.float32)
        self._uv_faces = head.uv_faces.numpy().astype(np.int32)
        part = head.part.numpy()
        self._occlusion = ambient_occlusion(head.mean.numpy(), self._head_faces)
        for name, openness in _OPENNESS.items():
            self._occlusion[part == PARTS.index(name)] = openness
        self._eyes = np.isin(part, [PARTS.index("eye_right"), PARTS.index("eye_left")])
        self._occlusion[self._eyes] = _EYE_OPENNESS
        self._material, self._label = head_triangles(head)
        self._scenes = SceneBank(_SCENE_SEED, scenes, config.scene)
        linear = np.linspace(0, _TONE_LIMIT, _TONE_STEPS)
        room = 1 - _KNEE
        knee = np.where(linear > _KNEE, _KNEE + room * np.tanh((linear - _KNEE) / room), linear)
        self._tone = np.where(knee <= 0.0031308, 12.92 * knee, 1.055 * knee ** (1 / 2.4) - 0.055).astype(np.float32)
        self._stubble = _stubble_tile()
        side = 2 * size
        self._index = np.zeros((side, side), np.int32)
        self._depth = np.zeros((side, side), np.float32)
        self._radiance = np.zeros((side, side, 3), np.float32)
        self._shown = np.zeros((side, side), np.int32)
        self._through = np.ones((side, side), np.float32)
        self._shadow_map = np.zeros((_SHADOW_SIDE, _SHADOW_SIDE), np.float32)
        self._skins = np.zeros((2, *builder.maps.pictures.shape[1:]), np.uint8)
        self._scratch = np.zeros(pixels.ATTRIBUTES, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32)

    def render(
        self,
        rng: np.random.Generator,
        subject: Subject,
        light: SceneLight,
        to_camera: Float[np.ndarray, "3 3"],
        center: Float[np.ndarray, "3"],
        distance: float,
        to_raster: Float[np.ndarray, "2 3"],
    ) -> Rendering:
        """Take the picture.

        Args:
            rng: Source of exposure and background.
            subject: The person.
            light: Lamps and ambient light, camera frame.
            to_camera: Rotation from the head's frame to the camera's.
            center: Point of the head's frame on the optical axis.
            distance: Its distance, meters.
            to_raster: Similarity from the normalized image plane to raster pixels.
        """
        opaque: list[Piece] = []
        blended: list[Piece] = []
        for piece in subject.pieces:
            (blended if piece.blended else opaque).append(piece)
        mesh = SceneMesh(subject.vertices, self._head_faces, opaque, blended)
        in_camera, flat = np.empty_like(mesh.vertices), np.empty_like(mesh.vertices)
        light_kernels.project(
            mesh.vertices, center.astype(np.float32), to_camera.astype(np.float32), np.float32(distance),
            to_raster.astype(np.float32), in_camera, flat,
        )  # fmt: skip
        glow, shine = self._illuminate(rng, light, subject, mesh, in_camera)
        raster.rasterize_nearest(flat, mesh.opaque_faces, len(self._head_faces), _NEAR, self._index, self._depth)
        self._shade(subject, mesh, opaque, flat, glow, shine, light, to_camera)
        exposure = self._expose(rng, subject)
        behind, level = self._background(rng, light, exposure, to_raster)
        light_kernels.fill_background(self._index, behind, np.float32(level), self._radiance, self._shown)
        self._blend(mesh, blended, flat)
        picture = np.empty((self._size, self._size, 3), np.float32)
        steps = np.float32((_TONE_STEPS - 1) / _TONE_LIMIT)
        raster.develop(self._radiance, np.float32(exposure), self._tone, steps, picture)
        kinds = np.empty((self._size, self._size), np.uint8)
        share = np.empty((self._size, self._size), np.uint8)
        raster.count_classes(self._shown, _ON_HEAD, kinds, share)
        return Rendering(picture, kinds, share)

    def albedo(self, subject: Subject) -> Float32[np.ndarray, "V 3"]:
        """Return the true colors of the head's surface at its vertices, linear RGB: what it shows in even white light.

        Brows, stubble, roots of hair, make-up and wrinkles are in it, as they are in the picture; gloss is not.
        """
        surface, builder = subject.surface, self._builder
        out = np.empty((len(subject.vertices), 3), np.float32)
        sample_vertices(
            self._head_faces, self._material, surface.attributes.copy(), surface.plain, self._uv, self._uv_faces,
            *self._looks(subject), builder.geometry.local, builder.geometry.eye_of,
            subject.eye_rotations.astype(np.float32), subject.eyes.looks, subject.eyes.pictures,
            np.zeros((0, 3), np.float32), np.zeros(len(out), np.float32), out, *self._scratch[:2],
        )  # fmt: skip
        return np.clip(out, 0.0, 1.0, out=out)

    def _looks(self, subject: Subject) -> tuple[np.ndarray, ...]:
        """Return skin textures with wrinkles and spots, stubble, brow maps, brows and paint, as the kernels take them."""
        surface, builder = subject.surface, self._builder
        paint = np.zeros(10, np.float32)
        paint[:3], paint[3] = subject.skin.lip_paint_rgb, subject.skin.lip_paint
        paint[6], paint[7:] = _STUBBLE_TEXELS, subject.brow_rgb
        brows = np.array([b.row() for b in subject.brows], np.float32)
        first, second = (
            builder.wrinkles.draw(builder.maps.crisp(number), subject.wrinkles, out)
            for number, out in zip((surface.first, surface.second), self._skins, strict=True)
        )
        builder.spots.draw(subject.spots, (first, second))
        return first, second, self._stubble, builder.brow_maps, brows, paint

    def visible(self, points: Float[np.ndarray, "N 2"], depth: Float[np.ndarray, " N"]) -> UInt8[np.ndarray, " N"]:
        """Mark the points (raster pixels) that lie in the picture and are hidden neither by a surface nor by hair."""
        side = len(self._depth)
        at = np.floor(points).astype(int)
        inside = ((at >= 0) & (at < side)).all(1)
        at = np.clip(at, 0, side - 1)
        near = depth < self._depth[at[:, 1], at[:, 0]] + _DEPTH_BIAS
        covered = _COVERING[self._shown[at[:, 1], at[:, 0]]]
        return (inside & near & ~covered).astype(np.uint8)

    def _illuminate(
        self,
        rng: np.random.Generator,
        light: SceneLight,
        subject: Subject,
        mesh: SceneMesh,
        in_camera: Float32[np.ndarray, "W 3"],
    ) -> tuple[Float32[np.ndarray, "W 3"], Float32[np.ndarray, "W 3"]]:
        """Return the irradiance (over pi) and the specular radiance of each vertex."""
        count, heads, lamps = len(in_camera), len(subject.vertices), light.lamps
        normals = np.empty_like(in_camera)
        kernels.vertex_normals_into(in_camera, mesh.faces, normals)
        light_kernels.face_camera(normals, heads)
        lit = np.ones((len(lamps.directions), count), np.float32)
        if lamps.hardness > _SOFT_LIGHT:
            for k, direction in enumerate(lamps.directions):
                if lamps.colors[k].max() > _FAINT_LAMP:
                    kernels.cast_shadow(
                        in_camera, mesh.faces, direction, _SHADOW_EXTENT, _DEPTH_BIAS, self._shadow_map, lit[k]
                    )
        gloss, occlusion = mesh.gloss, np.ones(count, np.float32)
        gloss[:heads] = subject.surface.gloss
        gloss *= np.float32(rng.uniform(*self._config.light.shine))
        occlusion[:heads] = self._occlusion ** np.float32(rng.uniform(*self._config.light.occlusion))
        occlusion[:heads] *= subject.eye_light
        tangents, strand = mesh.strands(in_camera, normals)
        glow, shine = np.empty_like(in_camera), np.empty_like(in_camera)
        light_kernels.light_vertices(
            normals, tangents, strand, gloss, occlusion, lit, lamps.ambient, lamps.directions, lamps.colors, light.softness,
            np.float32(lamps.hardness), np.float32(lamps.shininess),
            glow, shine,
        )  # fmt: skip
        inside, reach = self._builder.mouth.ids, subject.mouth_light[:, None]
        glow[inside] *= reach
        shine[inside] *= reach
        return glow, shine

    def _shade(
        self,
        subject: Subject,
        mesh: SceneMesh,
        opaque: list[Piece],
        flat: Float32[np.ndarray, "W 3"],
        glow: Float32[np.ndarray, "W 3"],
        shine: Float32[np.ndarray, "W 3"],
        light: SceneLight,
        to_camera: Float[np.ndarray, "3 3"],
    ) -> None:
        """Shade what the raster shows, opaque things only."""
        surface, builder = subject.surface, self._builder
        heads = len(subject.vertices)
        attributes = surface.attributes
        attributes[:, pixels.LIGHT : pixels.LIGHT + 3] = glow[:heads]
        attributes[:, 3:6] = shine[:heads]
        attributes[:, pixels.EYE_LIGHT] = subject.eye_light
        albedo = mesh.albedo
        albedo[:heads] = surface.plain
        diffuse = np.multiply(glow, albedo, out=albedo)
        color = mesh.color = diffuse + shine
        eyes = (to_camera @ subject.eye_rotations).astype(np.float32)
        pixels.shade_head(
            self._index, self._depth, flat, mesh.opaque_faces, len(self._head_faces),
            np.concatenate([self._material, mesh.material]), np.concatenate([self._label, mesh.label]),
            attributes, color, self._uv, self._uv_faces, *self._looks(subject),
            builder.geometry.local, builder.geometry.eye_of, eyes, subject.eyes.looks, subject.eyes.pictures,
            light.lamps.directions, light.lamps.colors,
            self._radiance, self._shown, *self._scratch,
        )  # fmt: skip
        begin = len(self._head_faces)
        for piece, at in zip(opaque, mesh.starts, strict=False):
            end = begin + len(piece.faces)
            if piece.texture is not None and piece.uv is not None:
                piece_kernels.shade_textured(
                    self._index, flat, mesh.opaque_faces, begin, end, at + len(piece.vertices), diffuse, shine,
                    np.asarray(piece.uv, np.float32), at, piece.texture, piece.label, self._radiance, self._shown,
                )  # fmt: skip
            begin = end

    def _blend(self, mesh: SceneMesh, blended: list[Piece], flat: Float32[np.ndarray, "W 3"]) -> None:
        """Draw what lets something behind it through, the farthest first."""
        starts = mesh.starts[len(mesh.starts) - len(blended) :]
        self._through[:] = 1.0
        ranges = [(p, flat[a : a + len(p.vertices)], a) for p, a in zip(blended, starts, strict=True)]
        for piece, points, at in sorted(ranges, key=lambda r: -float(r[1][:, 2].mean())):
            z, faces = np.ascontiguousarray(points[:, 2]), piece.faces
            order = np.argsort(-(z[faces[:, 0]] + z[faces[:, 1]] + z[faces[:, 2]]))
            texture = _PLAIN if piece.texture is None else piece.texture
            uv = np.full((len(points), 2), 0.5, np.float32) if piece.uv is None else np.asarray(piece.uv, np.float32)
            piece_kernels.blend_piece(
                points, faces, order, mesh.color[at : at + len(points)], uv, texture, np.float32(piece.opacity),
                piece.label, np.float32(_NEAR), self._depth, self._radiance, self._shown, self._through,
            )  # fmt: skip

    def _background(
        self, rng: np.random.Generator, light: SceneLight, exposure: float, to_raster: Float[np.ndarray, "2 3"]
    ) -> tuple[Float32[np.ndarray, "S S 3"], float]:
        """Return what is behind the person, linear, and its factor to the radiance of the scene."""
        config = self._config
        if light.environment is not None and rng.random() < config.background.panorama_rate:
            seen = view(light.environment, light.rotation, to_raster / 2, self._size // 2)
            seen = seen * light.balance.astype(np.float32)
            seen += (seen.mean(-1, keepdims=True) - seen) * np.float32(rng.uniform(*config.background.panorama_gray))
            return seen, float(rng.uniform(*config.background.panorama_level))
        if rng.random() < config.background.backdrop_rate:
            scene = sample_backdrop(rng, self._size, config.backdrop)
        else:
            scene = sample_background(rng, self._scenes, self._size, config.background)
        return np.ascontiguousarray(scene**GAMMA, np.float32), 1 / exposure

    def _expose(self, rng: np.random.Generator, subject: Subject) -> float:
        """Choose the factor from radiance to picture."""
        camera = self._config.camera
        rows, columns = np.nonzero((self._shown[::3, ::3] == classes.SKIN) & (self._index[::3, ::3] >= 0))
        step = 1 + len(rows) // _SKIN_SAMPLES
        part = self._radiance[3 * rows[::step], 3 * columns[::step]]
        level = float(np.median(part @ _LUMA)) if len(part) else _NO_SKIN_LEVEL
        # auto-exposure brightens dark skin, though not to the level of light skin
        usual = 0.16 + 0.3 * float(np.exp(-1.2 * subject.skin.melanin))
        target = np.clip(usual * np.exp(rng.normal(0, camera.exposure_sd)), *camera.skin_level)
        return float(np.clip(target / max(level, 1e-3), *camera.gain))


def _stubble_tile() -> UInt8[np.ndarray, "T T"]:
    """Draw a tileable map of short hairs, uniform over 0..255."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1, (256, 256))
    kernel = np.fft.rfft2(noise) * np.exp(
        -0.5 * ((np.fft.fftfreq(256)[:, None] * 5) ** 2 + (np.fft.rfftfreq(256) * 2.2) ** 2) * 9
    )
    smooth = np.fft.irfft2(kernel, (256, 256))
    rank = smooth.ravel().argsort().argsort().reshape(256, 256)
    return (rank * 255 // (rank.size - 1)).astype(np.uint8)
