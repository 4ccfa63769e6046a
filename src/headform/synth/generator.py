"""Generator of synthetic faces: sample people, hair, clothes and light, render pictures, compute labels.

B batch, V head vertices, K identity modes, E expressions, N dense points, S side of the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.errors import check_choice
from headform.geometry.landmarks68 import eyes_and_mouth
from headform.heads.linear import LinearHead
from headform.nets.crop_geometry import loose_square, tight_similarity
from headform.synth._aged_photos import desaturate
from headform.synth._degradations import degrade_photo
from headform.synth._renderer import Renderer
from headform.synth._subject import SubjectBuilder
from headform.synth.face_shape import FaceShaper
from headform.synth.panoramas import load_environments
from headform.synth.people import Person, sample_person
from headform.synth.randomization import FULL, CameraRandomization, RandomizationConfig
from headform.synth.scene_light import sample_scene_light

WIDE = 1.75
"""Side of the wide view over that of the loose one: hair and shoulders are in it."""
View = Literal["loose", "tight", "wide"]

_FACE_SHARE = {"loose": 0.55, "tight": 0.75, "wide": 0.32}
"""Usual width of a face over the side of the picture."""


@dataclass(frozen=True)
class SyntheticBatch:
    """Pictures and their labels; pixel coordinates have their origin at the top-left corner."""

    images: UInt8[np.ndarray, "B S S 3"]  # sRGB
    points: Float32[np.ndarray, "B N 2"]  # dense points, pixels of the picture
    visible: UInt8[np.ndarray, "B N"]  # 1 where a dense point is seen
    skin: UInt8[np.ndarray, "B S S"]  # 255 where the picture shows the head itself
    classes: UInt8[np.ndarray, "B S S"]  # class of each pixel, see `headform.geometry.face_classes`
    identity: Float32[np.ndarray, "B K"]
    expression: Float32[np.ndarray, "B E"]
    gaze: Float32[np.ndarray, "B 2"]
    rotation: Float32[np.ndarray, "B 3 3"]  # camera (x right, y down, z forward) from head
    distance: Float32[np.ndarray, " B"]  # meters
    albedo: Float32[np.ndarray, "B V 3"] | None = None  # true colors of the head at its vertices, linear RGB


@dataclass(frozen=True)
class _Shot:
    """One row of the pictures and labels of a `SyntheticBatch`."""

    image: UInt8[np.ndarray, "S S 3"]
    points: Float32[np.ndarray, "N 2"]
    visible: UInt8[np.ndarray, " N"]
    skin: UInt8[np.ndarray, "S S"]
    classes: UInt8[np.ndarray, "S S"]
    albedo: Float32[np.ndarray, "V 3"] | None


class Generator:
    """Pictures of synthetic people on one head model.

    Args:
        head: The head; its dense points are the labels.
        size: Side S of the pictures in pixels; rendered at 2S.
        view: Crop, see `headform.nets.crop_geometry`.
        randomization: Probabilities and ranges of everything that is drawn.
        bank_size: Number of background scenes; each is drawn once, when first needed.
        albedo: Also compute the true colors of each head; the pictures are the same.
    """

    def __init__(
        self,
        head: LinearHead,
        *,
        size: int = 144,
        view: View = "loose",
        randomization: RandomizationConfig = FULL,
        bank_size: int = 96,
        albedo: bool = False,
    ) -> None:
        check_choice(view, get_args(View), "view")
        self.head, self.size, self.view, self.randomization = head, size, view, randomization
        self._albedo = albedo
        self._shaper = FaceShaper(head, randomization.expression)
        self._dense = head.dense.numpy()
        self._builder = SubjectBuilder(head, randomization, size * _FACE_SHARE[view])
        self._environments = load_environments()
        self._renderer = Renderer(head, self._builder, size, randomization, bank_size)

    def batch(self, rng: np.random.Generator, count: int) -> SyntheticBatch:
        """Render `count` pictures; the same generator state gives the same pictures."""
        names, modes = self.head.expression_names, len(self.head.identity)
        people = [sample_person(rng, self.randomization, names, modes) for _ in range(count)]
        return self.photograph(rng, people)

    def photograph(
        self, rng: np.random.Generator, people: list[Person], coloring: Sequence[int] | None = None
    ) -> SyntheticBatch:
        """Render given people; everything but their coefficients is sampled.

        Args:
            rng: Generator of the pictures.
            people: Coefficients, one picture each.
            coloring: Seed of the coloring of each: pictures of one seed show one skin, one pair of eyes and of brows, and
                one color of hair. Sampled for each picture if absent.
        """
        shapes = self._shaper.shape(people)
        own = [None] * len(people) if coloring is None else [np.random.default_rng(seed) for seed in coloring]
        shots = [self._shot(rng, p, v, c) for p, v, c in zip(people, shapes, own, strict=True)]
        return SyntheticBatch(
            images=np.stack([s.image for s in shots]),
            points=np.stack([s.points for s in shots]),
            visible=np.stack([s.visible for s in shots]),
            skin=np.stack([s.skin for s in shots]),
            classes=np.stack([s.classes for s in shots]),
            identity=np.stack([p.identity for p in people]).astype(np.float32),
            expression=np.stack([p.expression for p in people]).astype(np.float32),
            gaze=np.stack([p.gaze for p in people]).astype(np.float32),
            rotation=np.stack([p.rotation for p in people]).astype(np.float32),
            distance=np.array([p.distance for p in people], np.float32),
            albedo=np.stack([s.albedo for s in shots if s.albedo is not None]) if self._albedo and shots else None,
        )

    def _shot(
        self,
        rng: np.random.Generator,
        person: Person,
        verts: Float32[np.ndarray, "V 3"],
        coloring: np.random.Generator | None,
    ) -> _Shot:
        config, renderer = self.randomization, self._renderer
        subject = self._builder.build(rng, person, verts, coloring)
        center = subject.marks.mean(0)
        light = sample_scene_light(rng, self._environments, config.scene_light, config.light)
        seen = (subject.labels - center) @ person.rotation.T
        depth = seen[:, 2] + person.distance
        flat = seen[:, :2] / depth[:, None]
        to_raster = _frame(rng, flat[:68], self.view, self.size, config.camera)
        rendering = renderer.render(rng, subject, light, person.rotation, center, person.distance, to_raster)
        points = flat @ to_raster[:, :2].T + to_raster[:, 2]
        visible = renderer.visible(points, depth)
        developed = desaturate(rendering.picture, float(rng.uniform(*config.camera.saturation)))
        image = degrade_photo(rng, developed, config.degradation)
        # from the raster to the picture
        albedo = renderer.albedo(subject) if self._albedo else None
        return _Shot(image, (points / 2).astype(np.float32), visible, rendering.skin, rendering.classes, albedo)


def _frame(
    rng: np.random.Generator, points: Float[np.ndarray, "68 2"], view: View, size: int, config: CameraRandomization
) -> Float[np.ndarray, "2 3"]:
    """Return the similarity from the normalized image plane to the raster (2S pixels)."""
    side = 2.0 * size
    if view != "tight":
        x0, y0, crop = loose_square(points)
        middle = np.array([x0, y0]) + crop / 2
        crop *= WIDE if view == "wide" else 1.0
        crop *= float(np.exp(rng.normal(0, config.crop_scale_sd)))
        middle = middle + rng.normal(0, config.crop_shift_sd, 2) * crop
        # the loose square fills 8/9 of the picture; the network sees a window of that size
        scale = side / (crop * 9 / 8)
        return np.column_stack([np.eye(2) * scale, side / 2 - scale * middle])
    anchors = eyes_and_mouth(points)
    inner = side * 128 / 132  # the network sees a window of 128 in 132 pixels
    rough = tight_similarity(anchors, inner)
    unit = np.sqrt(abs(np.linalg.det(rough[:, :2])))
    noise = rng.normal(0, config.point_jitter_px, (3, 2)) * inner / 128 / unit
    frame = tight_similarity(anchors + noise, inner)
    frame[:, 2] += (side - inner) / 2
    return frame
