"""Generator of synthetic faces: sample people, hair, clothes and light, render pictures, compute labels.

B batch, V head vertices, K identity modes, E expressions, N dense points, S side of the picture.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.errors import check_choice
from headform.geometry.landmarks68 import eyes_and_mouth
from headform.heads.linear import LinearHead
from headform.nets.crop_geometry import loose_square, tight_similarity
from headform.synth._degradations import degrade_photo
from headform.synth._occluders import cover_face, loose_strands
from headform.synth._renderer import Renderer
from headform.synth._subject import SubjectBuilder
from headform.synth.face_shape import FaceShaper
from headform.synth.light import sample_light
from headform.synth.people import Person, sample_person
from headform.synth.randomization import FULL, CameraRandomization, RandomizationConfig
from headform.synth.skin import skin_rgb

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


@dataclass(frozen=True)
class _Shot:
    """One row of the pictures and labels of a `SyntheticBatch`."""

    image: UInt8[np.ndarray, "S S 3"]
    points: Float32[np.ndarray, "N 2"]
    visible: UInt8[np.ndarray, " N"]
    skin: UInt8[np.ndarray, "S S"]


class Generator:
    """Pictures of synthetic people on one head model.

    Args:
        head: The head; its dense points are the labels.
        size: Side S of the pictures in pixels; rendered at 2S.
        view: Crop, see `headform.nets.crop_geometry`.
        randomization: Probabilities and ranges of everything that is drawn.
        bank_size: Number of background scenes; each is drawn once, when first needed.
    """

    def __init__(
        self,
        head: LinearHead,
        *,
        size: int = 144,
        view: View = "loose",
        randomization: RandomizationConfig = FULL,
        bank_size: int = 96,
    ) -> None:
        check_choice(view, get_args(View), "view")
        self.head, self.size, self.view, self.randomization = head, size, view, randomization
        self._shaper = FaceShaper(head, randomization.expression)
        self._dense = head.dense.numpy()
        self._builder = SubjectBuilder(head, randomization)
        self._renderer = Renderer(head, self._builder.head_faces, size, randomization, bank_size)

    def batch(self, rng: np.random.Generator, count: int) -> SyntheticBatch:
        """Render `count` pictures; the same generator state gives the same pictures."""
        names, modes = self.head.expression_names, len(self.head.identity)
        people = [sample_person(rng, self.randomization, names, modes) for _ in range(count)]
        return self.photograph(rng, people)

    def photograph(self, rng: np.random.Generator, people: list[Person]) -> SyntheticBatch:
        """Render given people; everything but their coefficients is sampled."""
        shapes = self._shaper.shape(people)
        shots = [self._shot(rng, p, v) for p, v in zip(people, shapes, strict=True)]
        return SyntheticBatch(
            images=np.stack([s.image for s in shots]),
            points=np.stack([s.points for s in shots]),
            visible=np.stack([s.visible for s in shots]),
            skin=np.stack([s.skin for s in shots]),
            identity=np.stack([p.identity for p in people]).astype(np.float32),
            expression=np.stack([p.expression for p in people]).astype(np.float32),
            gaze=np.stack([p.gaze for p in people]).astype(np.float32),
            rotation=np.stack([p.rotation for p in people]).astype(np.float32),
            distance=np.array([p.distance for p in people], np.float32),
        )

    def _shot(self, rng: np.random.Generator, person: Person, verts: Float32[np.ndarray, "V 3"]) -> _Shot:
        config, renderer = self.randomization, self._renderer
        subject = self._builder.build(rng, person, verts)
        center = subject.marks.mean(0)

        def project(points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, "P 3"]:
            depth = points[:, 2] + person.distance
            return np.column_stack([points[:, :2] / depth[:, None], depth])

        in_camera = ((subject.vertices - center) @ person.rotation.T).astype(np.float32)
        light = sample_light(rng, config.light)
        radiance = renderer.illuminate(rng, light, subject, in_camera)
        dense = project((verts[self._dense] - center) @ person.rotation.T)
        to_raster = _frame(rng, dense[:68, :2], self.view, self.size, config.camera)
        flat = project(in_camera)
        flat[:, :2] = flat[:, :2] @ to_raster[:, :2].T + to_raster[:, 2]
        renderer.rasterize(flat, subject.faces)
        cover, lens_rgb = renderer.lenses(rng, subject.glasses, center, person, to_raster)
        points = dense[:, :2] @ to_raster[:, :2].T + to_raster[:, 2]
        visible = renderer.visible(points, dense[:, 2])
        picture, mask = renderer.expose(rng, subject, radiance, cover, lens_rgb)
        points /= 2.0  # from the raster to the picture
        if rng.random() < config.accessories.occluder_rate:
            skin = skin_rgb(subject.skin.melanin, subject.skin.haemoglobin)
            picture, mask = cover_face(rng, picture, mask, points[:68], skin, config.accessories)
        if subject.bare_hair and rng.random() < config.hair.loose_rate:
            picture = loose_strands(rng, picture, points[:68], subject.hair_rgb, config.hair)
        image = degrade_photo(rng, picture, config.degradation)
        return _Shot(image, points.astype(np.float32), visible, (mask * 255).astype(np.uint8))


def _frame(
    rng: np.random.Generator, points: Float[np.ndarray, "68 2"], view: View, size: int, config: CameraRandomization
) -> Float[np.ndarray, "2 3"]:
    """Return the similarity from the normalized image plane to the raster (2S pixels)."""
    side = 2.0 * size
    if view == "loose":
        x0, y0, crop = loose_square(points)
        middle = np.array([x0, y0]) + crop / 2
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
