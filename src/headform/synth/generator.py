"""The generator of synthetic faces: draw, build, light, photograph, label.

B batch, V head vertices, K identity modes, E expressions, N dense points, S side of the picture.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.geometry.landmarks68 import eyes_and_mouth
from headform.heads.linear import PARTS, LinearHead
from headform.nets.crop_geometry import loose_square, tight_similarity
from headform.render.rasterize import rasterize_kernel
from headform.synth import _kernels as kernels
from headform.synth._accessories import Glasses, make_glasses, make_torso, torso_faces
from headform.synth._degradations import degrade_photo
from headform.synth._occluders import cover_face, loose_strands
from headform.synth.backgrounds import SceneBank, sample_background
from headform.synth.hair import grow, lay_out_hair, sample_style
from headform.synth.light import Lighting, sample_light
from headform.synth.people import Person, sample_person
from headform.synth.randomization import FULL, RandomizationConfig
from headform.synth.skin import paint, sample_skin, skin_rgb
from headform.synth.skin_fields import SkinFields, skin_fields

View = Literal["loose", "tight"]


@dataclass(frozen=True)
class SyntheticBatch:
    """Pictures and their labels; pixel coordinates have their origin at the top-left corner."""

    images: UInt8[np.ndarray, "B S S 3"]  # sRGB
    points: Float32[np.ndarray, "B N 2"]  # dense points, pixels of the picture
    visible: UInt8[np.ndarray, "B N"]  # 1 where a dense point is seen
    skin: UInt8[np.ndarray, "B S S"]  # 255 where the picture shows the head itself
    identity: Float32[np.ndarray, "B K"]
    expression: Float32[np.ndarray, "B E"]
    gaze: Float32[np.ndarray, "B 2"]
    rotation: Float32[np.ndarray, "B 3 3"]  # camera (x right, y down, z forward) from head
    distance: Float32[np.ndarray, " B"]  # meters


class Generator:
    """Makes people on one head model.

    Args:
        head: The head; its dense points are the labels.
        size: Side S of the pictures in pixels; rendered at 2S.
        view: Which crop (`views`).
        recipe: How varied.
        bank_size: How many background scenes there are; each is drawn once, when first needed.
    """

    def __init__(
        self,
        head: LinearHead,
        *,
        size: int = 144,
        view: View = "loose",
        recipe: RandomizationConfig = FULL,
        bank_size: int = 96,
    ) -> None:
        self.head, self.size, self.view, self.recipe = head, size, view, recipe
        self._fields: SkinFields = skin_fields(head)
        self._mean = head.mean.numpy()
        verts = len(self._mean)
        modes = np.concatenate([head.identity.numpy(), head.expression.numpy()])
        self._basis = modes.reshape(len(modes), verts * 3)
        self._dense = head.dense.numpy()
        part = head.part.numpy()
        name = {n: i for i, n in enumerate(PARTS)}
        self._eyes = [np.flatnonzero(part == name[s]) for s in ("eye_right", "eye_left")]
        self._hidden = np.isin(part, [name[s] for s in ("mouth", "tongue", "teeth")])
        sockets = np.isin(part, [name[s] for s in ("socket_right", "socket_left")])
        self._shell = lay_out_hair(head, self._fields)
        self._head_faces = head.faces.numpy().astype(np.int32)
        self._shell_faces = self._shell.faces + np.int32(verts)
        self._torso_at = verts + len(self._shell.phi) * (len(self._shell.faces) // (2 * len(self._shell.phi)) + 1)
        self._torso_faces = torso_faces() + np.int32(self._torso_at)
        self._torso_count = int(torso_faces().max()) + 1
        self._glasses_at = self._torso_at + self._torso_count
        self._occlusion = self._ambient_occlusion()
        self._occlusion[self._hidden] = 0.45
        self._occlusion[part == name["teeth"]] = 0.7
        self._occlusion[part == name["mouth"]] = 0.22
        self._occlusion[sockets] = 0.4
        self._bank = SceneBank(7, bank_size)
        linear = np.linspace(0, 4, 4096)
        knee = np.where(linear > 0.8, 0.8 + 0.2 * np.tanh((linear - 0.8) / 0.2), linear)
        self._tone = (knee ** (1 / 2.2)).astype(np.float32)
        raster = 2 * size
        self._face_index = np.zeros((raster, raster), np.int32)
        self._bary = np.zeros((raster, raster, 3), np.float32)
        self._depth = np.zeros((raster, raster), np.float32)
        self._lens_index = np.zeros((raster, raster), np.int32)
        self._lens_bary = np.zeros((raster, raster, 3), np.float32)
        self._lens_depth = np.zeros((raster, raster), np.float32)
        self._shadow_map = np.zeros((112, 112), np.float32)

    def batch(self, rng: np.random.Generator, count: int) -> SyntheticBatch:
        """Make `count` pictures; the same generator state gives the same pictures."""
        names, modes = self.head.expression_names, len(self.head.identity)
        people = [sample_person(rng, self.recipe, names, modes) for _ in range(count)]
        return self.photograph(rng, people)

    def photograph(self, rng: np.random.Generator, people: list[Person]) -> SyntheticBatch:
        """Picture given people; everything but their coefficients is drawn."""
        codes = np.stack([np.concatenate([p.identity, p.expression]) for p in people])
        shapes = (codes.astype(np.float32) @ self._basis).reshape(len(people), -1, 3) + self._mean
        shots = [self._shot(rng, p, v) for p, v in zip(people, shapes, strict=True)]
        return SyntheticBatch(
            images=np.stack([s[0] for s in shots]),
            points=np.stack([s[1] for s in shots]),
            visible=np.stack([s[2] for s in shots]),
            skin=np.stack([s[3] for s in shots]),
            identity=np.stack([p.identity for p in people]).astype(np.float32),
            expression=np.stack([p.expression for p in people]).astype(np.float32),
            gaze=np.stack([p.gaze for p in people]).astype(np.float32),
            rotation=np.stack([p.rotation for p in people]).astype(np.float32),
            distance=np.array([p.distance for p in people], np.float32),
        )

    def _shot(
        self, rng: np.random.Generator, person: Person, verts: Float32[np.ndarray, "V 3"]
    ) -> tuple[
        UInt8[np.ndarray, "S S 3"],
        Float32[np.ndarray, "N 2"],
        UInt8[np.ndarray, " N"],
        UInt8[np.ndarray, "S S"],
    ]:
        recipe, head_count = self.recipe, len(verts)
        self._turn_eyes(verts, person)
        skin = sample_skin(rng)
        albedo_head, gloss_head = paint(self.head, self._fields, skin)
        hair_rgb = np.asarray(skin.hair_rgb) if rng.random() < 0.93 else rng.random(3) ** 2.2
        grown = verts.copy()
        if skin.beard > 0.5 and rng.random() < 0.6:  # a beard has volume
            out = np.empty_like(verts)
            kernels.vertex_normals_into(verts, self._head_faces, out)
            low = rng.uniform(0, 0.012)
            noise = 1 + 0.4 * self._fields.noise[1]
            grown += out * (self._fields.beard * low * np.clip(noise, 0.2, 2))[:, None]
        shape = [grown]
        faces = [self._head_faces]
        albedo = [albedo_head]
        has_hair = rng.random() < recipe.hair_rate
        style = sample_style(rng)
        edge = style.recede * np.clip((self._fields.centimeters[:, 2] + 2) / 6, 0, 1)
        roots = 1 / (1 + np.exp(-np.clip((self._fields.hairline - edge) / rng.uniform(0.1, 0.5), -20, 20)))
        strength = 1.0 if has_hair else rng.uniform(0, 0.5) * (rng.random() < 0.5)
        albedo_head += (hair_rgb.astype(np.float32) - albedo_head) * (
            strength * roots * np.clip(1 + 0.3 * self._fields.noise[5], 0, 1.3)
        ).clip(0, 1)[:, None].astype(np.float32)
        if has_hair:
            shell, tone = grow(self._shell, style, (verts - self._mean) * 100.0)
            rgb = rng.random(3) ** 2.2 if style.hat else hair_rgb
            shell_rgb = (rgb * (np.ones_like(tone) if style.hat else tone)[:, None]).astype(np.float32)
            faces.append(self._shell_faces)
        else:
            shell = np.zeros((self._torso_at - head_count, 3), np.float32)
            shell_rgb = np.zeros_like(shell)
        shape.append(shell)
        albedo.append(np.clip(shell_rgb, 0.002, 1))
        if rng.random() < recipe.torso_rate:
            torso, torso_rgb = make_torso(rng, float(person.angles[0]), float(person.angles[1]))
            faces.append(self._torso_faces)
        else:
            torso, torso_rgb = np.zeros((2, self._torso_count, 3), np.float32)
        shape.append(torso)
        albedo.append(torso_rgb)
        marks = verts[self._dense[:68]]
        glasses: Glasses | None = None
        if rng.random() < recipe.glasses_rate:
            glasses = make_glasses(rng, marks)
            shape.append(glasses.frame)
            faces.append(glasses.frame_faces + np.int32(self._glasses_at))
            albedo.append(np.tile(glasses.frame_rgb, (len(glasses.frame), 1)))
        all_faces = np.concatenate(faces)
        center = marks.mean(0)
        in_camera = ((np.concatenate(shape) - center) @ person.rotation.T).astype(np.float32)
        light = sample_light(rng, recipe)
        all_albedo = np.concatenate(albedo).astype(np.float32)
        radiance = self._light(rng, light, in_camera, all_faces, all_albedo, gloss_head, skin.gloss)

        def project(points: np.ndarray) -> np.ndarray:
            depth = points[:, 2] + person.distance
            return np.column_stack([points[:, :2] / depth[:, None], depth])

        dense = project((verts[self._dense] - center) @ person.rotation.T)
        to_raster = self._frame(rng, dense[:68, :2])
        flat = project(in_camera)
        flat[:, :2] = flat[:, :2] @ to_raster[:, :2].T + to_raster[:, 2]
        kernels_in = np.ascontiguousarray(flat, np.float32)
        rasterize_kernel(kernels_in, all_faces, False, 0.02, self._face_index, self._bary, self._depth)
        cover, lens_rgb = self._lens(rng, glasses, center, person, to_raster)
        points = dense[:, :2] @ to_raster[:, :2].T + to_raster[:, 2]
        visible = self._seen(points, dense[:, 2])
        picture, mask = self._expose(rng, all_faces, radiance, cover, lens_rgb, skin.melanin)
        points /= 2.0
        if rng.random() < recipe.occluder_rate:
            picture, mask = cover_face(rng, picture, mask, points[:68], skin_rgb(skin.melanin, skin.haemoglobin))
        if has_hair and not style.hat and rng.random() < 0.15:
            picture = loose_strands(rng, picture, points[:68], hair_rgb)
        image = degrade_photo(rng, picture, recipe.damage)
        return image, points.astype(np.float32), visible, (mask * 255).astype(np.uint8)

    def _turn_eyes(self, verts: Float32[np.ndarray, "V 3"], person: Person) -> None:
        """Rotate the eyeballs about their centers, in place."""
        for ids, inward in zip(self._eyes, (1.0, -1.0), strict=True):
            yaw = float(person.gaze[0]) + inward * person.vergence
            pitch = float(person.gaze[1])
            cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
            turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
            pivot = verts[ids].mean(0)
            verts[ids] = (verts[ids] - pivot) @ turn.T.astype(np.float32) + pivot

    def _light(
        self,
        rng: np.random.Generator,
        light: Lighting,
        in_camera: Float32[np.ndarray, "W 3"],
        faces: np.ndarray,
        albedo: Float32[np.ndarray, "W 3"],
        gloss_head: Float32[np.ndarray, " V"],
        gloss: float,
    ) -> Float32[np.ndarray, "W 3"]:
        count = len(in_camera)
        normals = np.empty_like(in_camera)
        kernels.vertex_normals_into(in_camera, faces, normals)
        lit = np.ones((len(light.directions), count), np.float32)
        if light.hardness > 0.1:
            for k, direction in enumerate(light.directions):
                if light.colors[k].max() > 0.25:
                    kernels.cast_shadow(in_camera, faces, direction, 0.2, 0.006, self._shadow_map, lit[k])
        shine = np.full(count, np.float32(0.25 * gloss))
        shine[: len(gloss_head)] = gloss_head
        shine *= np.float32(rng.uniform(0, 0.3))
        occlusion = np.ones(count, np.float32)
        occlusion[: len(gloss_head)] = self._occlusion ** np.float32(rng.uniform(0.6, 1.4))
        radiance = np.empty_like(in_camera)
        kernels.shade(
            normals, albedo, shine, occlusion, lit, light.ambient, light.directions, light.colors,
            np.float32(light.hardness), np.float32(light.shininess), radiance,
        )  # fmt: skip
        return radiance

    def _frame(self, rng: np.random.Generator, points: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "2 3"]:
        """Similarity from the normalized image plane to the raster (2S pixels)."""
        side = 2.0 * self.size
        if self.view == "loose":
            x0, y0, size = loose_square(points)
            middle = np.array([x0, y0]) + size / 2
            size *= float(np.exp(rng.normal(0, self.recipe.crop_scale_sd)))
            middle = middle + rng.normal(0, self.recipe.crop_shift_sd, 2) * size
            # the loose square fills 8/9 of the picture; the network sees a window of that size
            scale = side / (size * 9 / 8)
            return np.column_stack([np.eye(2) * scale, side / 2 - scale * middle])
        anchors = eyes_and_mouth(points)
        inner = side * 128 / 132
        rough = tight_similarity(anchors, inner)
        unit = np.sqrt(abs(np.linalg.det(rough[:, :2])))
        noise = rng.normal(0, self.recipe.point_jitter_px, (3, 2)) * inner / 128 / unit
        frame = tight_similarity(anchors + noise, inner)
        frame[:, 2] += (side - inner) / 2
        return frame

    def _lens(
        self,
        rng: np.random.Generator,
        glasses: Glasses | None,
        center: np.ndarray,
        person: Person,
        to_raster: Float[np.ndarray, "2 3"],
    ) -> tuple[Float32[np.ndarray, "R R"], Float32[np.ndarray, "3"]]:
        """Opacity of the lenses over the raster; they hide what lies behind them only."""
        cover = np.zeros_like(self._depth)
        if glasses is None or glasses.lens_opacity == 0:
            return cover, np.zeros(3, np.float32)
        lens = (glasses.lens - center) @ person.rotation.T
        depth = lens[:, 2] + person.distance
        flat = lens[:, :2] / depth[:, None] @ to_raster[:, :2].T + to_raster[:, 2]
        rasterize_kernel(
            np.column_stack([flat, depth]).astype(np.float32), glasses.lens_faces, False, 0.02,
            self._lens_index, self._lens_bary, self._lens_depth,
        )  # fmt: skip
        front = (self._lens_index >= 0) & (self._lens_depth < self._depth)
        cover[front] = glasses.lens_opacity
        if rng.random() < 0.5:  # a reflection slides over the lens
            side = len(cover)
            axis = np.arange(side, dtype=np.float32)
            angle = rng.uniform(0, np.pi)
            wave = np.cos((axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle)) * rng.uniform(0.02, 0.1))
            cover[front] *= (0.7 + 0.3 * wave)[front]
        rgb = glasses.lens_rgb ** (1 / 2.2)
        return cover, rgb.astype(np.float32)

    def _seen(self, points: Float[np.ndarray, "N 2"], depth: Float[np.ndarray, " N"]) -> UInt8[np.ndarray, " N"]:
        side = len(self._depth)
        at = np.floor(points).astype(int)
        inside = ((at >= 0) & (at < side)).all(1)
        at = np.clip(at, 0, side - 1)
        nearest = self._depth[at[:, 1], at[:, 0]]
        return (inside & (depth < nearest + 0.006)).astype(np.uint8)

    def _expose(
        self,
        rng: np.random.Generator,
        faces: np.ndarray,
        radiance: Float32[np.ndarray, "W 3"],
        cover: Float32[np.ndarray, "R R"],
        lens_rgb: Float32[np.ndarray, "3"],
        melanin: float,
    ) -> tuple[Float32[np.ndarray, "S S 3"], Float32[np.ndarray, "S S"]]:
        values = np.empty(4096, np.float32)
        skin_faces = len(self._head_faces)
        count = kernels.skin_luminance(self._face_index, self._bary, faces, radiance, skin_faces, values)
        level = float(np.median(values[:count])) if count else 0.3
        usual = 0.12 + 0.3 * float(np.exp(-1.2 * melanin))
        target = np.clip(usual * np.exp(rng.normal(0, 0.4)), 0.02, 0.65)
        exposure = np.clip(target / max(level, 1e-3), 0.1, 12)
        background = np.ascontiguousarray(sample_background(rng, self._bank, self.size), np.float32)
        picture = np.empty((self.size, self.size, 3), np.float32)
        mask = np.empty((self.size, self.size), np.float32)
        kernels.resolve(
            self._face_index, self._bary, faces, radiance, np.float32(exposure), self._tone, background,
            skin_faces, cover, lens_rgb, picture, mask,
        )  # fmt: skip
        return picture, mask

    def _ambient_occlusion(self) -> Float32[np.ndarray, " V"]:
        """Cosine-weighted share of 96 far directions that each vertex of the mean head sees."""
        k = np.arange(96) + 0.5
        polar, turn = np.arccos(1 - 2 * k / 96), np.pi * (1 + 5**0.5) * k
        directions = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], 1).astype(
            np.float32
        )
        verts = (self._mean - self._mean.mean(0)).astype(np.float32)
        normals = np.empty_like(verts)
        kernels.vertex_normals_into(verts, self._head_faces, normals)
        scratch = np.zeros((256, 256), np.float32)
        lit = np.empty(len(verts), np.float32)
        total = np.full(len(verts), 1e-6, np.float32)
        open_ = np.zeros(len(verts), np.float32)
        for direction in directions:
            kernels.cast_shadow(verts, self._head_faces, direction, 0.22, 0.004, scratch, lit)
            weight = np.maximum(normals @ direction, 0)
            open_ += weight * lit
            total += weight
        return np.clip(open_ / total, 0.15, 1).astype(np.float32)
