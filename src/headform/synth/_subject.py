"""Geometry of one synthetic person: head, hair, shoulders and glasses as one mesh with colors.

V head vertices, W vertices of the whole mesh, F triangles.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int32

from headform.heads.linear import PARTS, LinearHead
from headform.synth import _kernels as kernels
from headform.synth._accessories import Glasses, make_glasses, make_torso, torso_faces
from headform.synth.hair import HairStyle, grow, lay_out_hair, sample_style
from headform.synth.people import Person
from headform.synth.randomization import GAMMA, RandomizationConfig
from headform.synth.skin import SkinAttributes, paint, sample_skin
from headform.synth.skin_fields import skin_fields

_DENSE_BEARD = 0.5  # opacity from which a beard may stand out from the skin


@dataclass(frozen=True)
class Subject:
    """A person before the camera, in meters, head frame.

    Attributes:
        vertices: The head's V vertices, then hair, shoulders and glasses (zeros where there are none).
        faces: The head's triangles first.
        albedo: Linear RGB.
        gloss: Specular strength of the head's vertices.
        marks: The 68 landmarks.
        skin: Coloring.
        hair_rgb: Linear RGB.
        bare_hair: True where there is hair without a hat.
        glasses: The glasses, if any.
    """

    vertices: Float[np.ndarray, "W 3"]
    faces: Int32[np.ndarray, "F 3"]
    albedo: Float32[np.ndarray, "W 3"]
    gloss: Float32[np.ndarray, " V"]
    marks: Float32[np.ndarray, "68 3"]
    skin: SkinAttributes
    hair_rgb: Float[np.ndarray, "3"]
    bare_hair: bool
    glasses: Glasses | None


class SubjectBuilder:
    """Builder of people on one head model; data that all of them share is computed once."""

    def __init__(self, head: LinearHead, config: RandomizationConfig) -> None:
        self._head, self._config = head, config
        self._fields = skin_fields(head)
        self._mean = head.mean.numpy()
        self._marks = head.dense.numpy()[:68]
        part = head.part.numpy()
        self._eyes = [np.flatnonzero(part == PARTS.index(s)) for s in ("eye_right", "eye_left")]
        self.head_faces = head.faces.numpy().astype(np.int32)
        self._shell = lay_out_hair(head, self._fields)
        count = len(self._mean)
        self._shell_faces = self._shell.faces + np.int32(count)
        self._shell_count = int(self._shell.faces.max()) + 1
        torso = torso_faces()
        self._torso_faces = torso + np.int32(count + self._shell_count)
        self._torso_count = int(torso.max()) + 1
        self._glasses_at = np.int32(count + self._shell_count + self._torso_count)

    def build(self, rng: np.random.Generator, person: Person, verts: Float32[np.ndarray, "V 3"]) -> Subject:
        """Build a person whose head has these vertices; the eyes are turned in place."""
        config = self._config
        self._turn_eyes(verts, person)
        skin = sample_skin(rng, config.skin)
        head_albedo, gloss = paint(self._head, self._fields, skin)
        natural = rng.random() < config.hair.natural_color_rate
        hair_rgb = np.asarray(skin.hair_rgb) if natural else rng.random(3) ** GAMMA
        grown = self._grow_beard(rng, verts, skin)
        has_hair = rng.random() < config.hair.rate
        style = sample_style(rng, config.hair)
        self._tint_scalp(rng, head_albedo, style, hair_rgb, has_hair)
        faces = [self.head_faces]
        hair, hair_albedo = self._hair(rng, verts, style, hair_rgb, has_hair)
        if has_hair:
            faces.append(self._shell_faces)
        torso, torso_albedo = np.zeros((2, self._torso_count, 3), np.float32)
        if rng.random() < config.accessories.torso_rate:
            yaw, pitch, _ = person.angles
            torso, torso_albedo = make_torso(rng, float(yaw), float(pitch), config.accessories)
            faces.append(self._torso_faces)
        shape, albedo = [grown, hair, torso], [head_albedo, hair_albedo, torso_albedo]
        marks = verts[self._marks]
        glasses: Glasses | None = None
        if rng.random() < config.accessories.glasses_rate:
            glasses = make_glasses(rng, marks, config.accessories)
            shape.append(glasses.frame)
            faces.append(glasses.frame_faces + self._glasses_at)
            albedo.append(np.tile(glasses.frame_rgb, (len(glasses.frame), 1)))
        return Subject(
            vertices=np.concatenate(shape),
            faces=np.concatenate(faces),
            albedo=np.concatenate(albedo).astype(np.float32),
            gloss=gloss,
            marks=marks,
            skin=skin,
            hair_rgb=hair_rgb,
            bare_hair=bool(has_hair and not style.hat),
            glasses=glasses,
        )

    def _turn_eyes(self, verts: Float[np.ndarray, "V 3"], person: Person) -> None:
        """Rotate the eyeballs about their centers, in place."""
        for ids, inward in zip(self._eyes, (1.0, -1.0), strict=True):
            yaw = float(person.gaze[0]) + inward * person.vergence
            pitch = float(person.gaze[1])
            cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
            turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
            pivot = verts[ids].mean(0)
            verts[ids] = (verts[ids] - pivot) @ turn.T.astype(np.float32) + pivot

    def _grow_beard(
        self, rng: np.random.Generator, verts: Float32[np.ndarray, "V 3"], skin: SkinAttributes
    ) -> Float32[np.ndarray, "V 3"]:
        """Return the vertices with those under a dense beard moved outward, since a beard has volume."""
        grown = verts.copy()
        if skin.beard > _DENSE_BEARD and rng.random() < self._config.skin.beard_volume_rate:
            normals = np.empty_like(verts)
            kernels.vertex_normals_into(verts, self.head_faces, normals)
            height = rng.uniform(*self._config.skin.beard_volume)
            noise = 1 + 0.4 * self._fields.noise[1]
            grown += normals * (self._fields.beard * height * np.clip(noise, 0.2, 2))[:, None]
        return grown

    def _tint_scalp(
        self,
        rng: np.random.Generator,
        albedo: Float32[np.ndarray, "V 3"],
        style: HairStyle,
        rgb: Float[np.ndarray, "3"],
        has_hair: bool,
    ) -> None:
        """Blend hair into the albedo above the hairline, in place: under the hair, or as a shaved scalp's shadow."""
        config = self._config.hair
        # a receding hairline moves up from 2 cm behind the origin forward, fully 6 cm further
        edge = style.recede * np.clip((self._fields.centimeters[:, 2] + 2) / 6, 0, 1)
        roots = 1 / (1 + np.exp(-np.clip((self._fields.hairline - edge) / rng.uniform(*config.root_softness), -20, 20)))
        strength = 1.0 if has_hair else rng.uniform(*config.scalp) * (rng.random() < config.scalp_rate)
        albedo += (rgb.astype(np.float32) - albedo) * (
            strength * roots * np.clip(1 + 0.3 * self._fields.noise[5], 0, 1.3)
        ).clip(0, 1)[:, None].astype(np.float32)

    def _hair(
        self,
        rng: np.random.Generator,
        verts: Float32[np.ndarray, "V 3"],
        style: HairStyle,
        hair_rgb: Float[np.ndarray, "3"],
        has_hair: bool,
    ) -> tuple[Float32[np.ndarray, "H 3"], Float32[np.ndarray, "H 3"]]:
        """Return vertices and albedo of the hair's or the hat's shell."""
        if has_hair:
            shell, tone = grow(self._shell, style, (verts - self._mean) * 100.0)
            rgb = rng.random(3) ** GAMMA if style.hat else hair_rgb
            albedo = (rgb * (np.ones_like(tone) if style.hat else tone)[:, None]).astype(np.float32)
        else:
            shell, albedo = np.zeros((2, self._shell_count, 3), np.float32)
        return shell, np.clip(albedo, 0.002, 1)
