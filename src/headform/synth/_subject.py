"""One synthetic person before the camera: head, surface, eyes, brows and the pieces worn.

V head vertices, F triangles, G groups of wrinkles, M vertices inside of the mouth.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from headform.geometry.landmarks68 import BROWS
from headform.heads.linear import LinearHead
from headform.synth._eyes import (
    EyeGeometry,
    EyeLook,
    draw_eye_pictures,
    eye_geometry,
    iris_colors,
    lid_shadow,
    sample_eyes,
)
from headform.synth._mouth_light import MouthLight
from headform.synth._pixel_kernels import GROWTH, SCALP
from headform.synth._surface import Surface, SurfacePainter
from headform.synth.brow_maps import draw_brow_maps, fit_resolution, painted_brow_maps
from headform.synth.brows import Brow, brow_coordinates, sample_brows
from headform.synth.groom import Groomer
from headform.synth.people import Person
from headform.synth.piece import Piece, Wearer
from headform.synth.randomization import GAMMA, RandomizationConfig
from headform.synth.skin import SkinAttributes, sample_skin
from headform.synth.skin_fields import skin_fields
from headform.synth.skin_maps import load_skin_maps
from headform.synth.spots import SpotPainter, Spots
from headform.synth.wear import Wardrobe
from headform.synth.wrinkles import Wrinkles

_MADE_UP = 0.1  # opacity of facial hair above which nobody wears make-up
_LEAST_OLIVE = 1.35  # green of hair over the mean of red and blue, by logarithm, from which blond looks olive
_LIGHTEST_ROOTS = 0.5  # brightness of brows and stubble over the skin's: lighter, they would look painted on in yellow
_BROW_SHARE = 0.3  # length of a brow, share of the width of a face


@dataclass(frozen=True)
class Subject:
    """A person before the camera, meters, head frame.

    Attributes:
        vertices: The head's vertices, eyes turned.
        labels: The dense points on them, those of the brows on the drawn brows.
        marks: The 68 points on the bone.
        surface: Looks of the head.
        eyes: Looks of the eyes.
        eye_rotations: Head from eye, each side.
        eye_light: Share of the light that the lids let through to each vertex.
        mouth_light: Share of the light that reaches each vertex inside of the mouth, see `MouthLight`.
        wrinkles: Depth of each group of wrinkles.
        spots: Freckles and moles.
        brows: The drawn brows.
        skin: Coloring.
        hair_rgb: Linear RGB.
        brow_rgb: Linear RGB.
        pieces: Hair, clothes, glasses and so on.
    """

    vertices: Float32[np.ndarray, "V 3"]
    labels: Float32[np.ndarray, "N 3"]
    marks: Float32[np.ndarray, "68 3"]
    surface: Surface
    eyes: EyeLook
    eye_rotations: Float[np.ndarray, "2 3 3"]
    eye_light: Float32[np.ndarray, " V"]
    mouth_light: Float32[np.ndarray, " M"]
    wrinkles: Float32[np.ndarray, " G"]
    spots: Spots
    brows: tuple[Brow, Brow]
    skin: SkinAttributes
    hair_rgb: Float[np.ndarray, "3"]
    brow_rgb: Float[np.ndarray, "3"]
    pieces: list[Piece]


class SubjectBuilder:
    """Builder of people on one head model; data that all of them share is computed once.

    Args:
        head: The head.
        config: Probabilities and ranges.
        face_pixels: Usual width of a face in the pictures, pixels.
    """

    def __init__(self, head: LinearHead, config: RandomizationConfig, face_pixels: float) -> None:
        self._config = config
        self._mean = head.mean.numpy()
        self._dense = head.dense.numpy()
        fields = skin_fields(head)
        self._fields = fields
        self.coordinates = brow_coordinates(head)
        self.brow_maps = fit_resolution(
            np.concatenate([draw_brow_maps(), painted_brow_maps()]), face_pixels * _BROW_SHARE
        )
        self.eye_pictures = draw_eye_pictures()
        self._iris_colors = iris_colors(self.eye_pictures)
        self.geometry: EyeGeometry = eye_geometry(head)
        self.mouth = MouthLight(head)
        self.maps = load_skin_maps(head)
        self.wrinkles = Wrinkles(head.expression_names)
        self.spots = SpotPainter(head, fields)
        self._painter = SurfacePainter(head, fields, self.coordinates, self.maps)
        self.head_faces = head.faces.numpy().astype(np.int32)
        self._wardrobe = Wardrobe(head)
        self._groomer = Groomer(head, fields)

    def build(
        self,
        rng: np.random.Generator,
        person: Person,
        verts: Float32[np.ndarray, "V 3"],
        coloring: np.random.Generator | None = None,
    ) -> Subject:
        """Build a person whose head has these vertices; the eyes are turned in place.

        Args:
            rng: Generator of what is worn and how the hair is done, and of the coloring unless that has its own.
            person: Coefficients.
            verts: (V, 3) meters, head frame.
            coloring: Generator of what stays with a person from photo to photo: skin, eyes, brows, color of the hair.
        """
        config, body = self._config, rng if coloring is None else coloring
        turns = self._turn_eyes(verts, person)
        skin = sample_skin(body, config.skin)
        red, green, blue = np.minimum.accumulate(skin.hair_rgb).tolist()  # no natural hair is green or blue
        green = min(green, _LEAST_OLIVE * (red * blue) ** 0.5)
        skin = replace(skin, hair_rgb=(red, green, blue))
        if max(skin.beard, skin.moustache) > _MADE_UP:
            skin = replace(skin, lip_paint=0.0, eye_shadow=0.0)
        surface = self._painter.paint(body, skin, config.eyes)
        eyes = sample_eyes(body, self.eye_pictures, self._iris_colors, skin, config.eyes)
        brows = sample_brows(body, len(self.brow_maps), config.brows)
        natural = body.random() < config.hair.natural_color_rate
        hair_rgb = np.asarray(skin.hair_rgb) if natural else body.random(3) ** GAMMA
        share = body.uniform(*config.brows.skin_share)
        root_rgb = np.asarray(skin.hair_rgb) * body.uniform(*config.brows.darker)
        root_rgb *= min(1.0, _LIGHTEST_ROOTS * float(surface.rgb.sum() / root_rgb.sum()))
        brow_rgb = root_rgb * (1 - share) + 0.6 * surface.rgb * share
        marks = verts[self._dense[:68]]
        yaw, pitch, _ = person.angles.tolist()
        wearer = Wearer(verts, marks, yaw, pitch, (float(surface.rgb[0]), float(surface.rgb[1]), float(surface.rgb[2])))
        outfit = self._wardrobe.dress(rng, wearer, config)
        verts = outfit.vertices
        groomed = self._groomer.groom(rng, verts - self._mean, hair_rgb, skin, config, outfit.cover)
        hair = []
        if groomed.hair is not None:
            hair = [groomed.hair, *self._wardrobe.loose_hair(rng, wearer, hair_rgb, config)]
        growth = surface.attributes[:, GROWTH]
        np.maximum(growth, groomed.roots, out=growth)
        surface.attributes[:, SCALP] = groomed.roots
        labels = verts[self._dense]
        labels[BROWS] = self.coordinates.landmarks(brows, verts)
        return Subject(
            vertices=verts,
            labels=labels,
            marks=marks,
            surface=surface,
            eyes=eyes,
            eye_rotations=turns,
            eye_light=lid_shadow(self.geometry, verts, marks, eyes.shadow),
            mouth_light=self.mouth.share(verts, marks),
            wrinkles=self.wrinkles.sample(rng, person.expression, config.wrinkles),
            spots=self.spots.sample(skin),
            brows=brows,
            skin=skin,
            hair_rgb=hair_rgb,
            brow_rgb=brow_rgb,
            pieces=[*hair, *groomed.others, *outfit.pieces],
        )

    def _turn_eyes(self, verts: Float[np.ndarray, "V 3"], person: Person) -> Float[np.ndarray, "2 3 3"]:
        """Rotate the eyeballs about their centers, in place; return the rotations."""
        turns = []
        for ids, inward in zip(self.geometry.vertices, (1.0, -1.0), strict=True):
            yaw = float(person.gaze[0]) + inward * person.vergence
            pitch = float(person.gaze[1])
            cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
            turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
            pivot = verts[ids].mean(0)
            verts[ids] = (verts[ids] - pivot) @ turn.T.astype(np.float32) + pivot
            turns.append(turn)
        return np.stack(turns)
