"""Batches of `headform train coefficients`: photos of subjects, crops for the encoder, and what the losses compare with.

S subjects, K photos of each, B = S K photos (those of a subject follow each other), V vertices, h side of the rendering.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from headform.data.sample import Sample
from headform.data.shards import ShardSet
from headform.errors import InputError
from headform.geometry.landmarks68 import MIRROR68
from headform.geometry.similarity import fit_similarity
from headform.heads.code_decoder import CodeDecoder
from headform.images.warp import apply, warp, warp_gray
from headform.nets.recognition.crops import CropSpec
from headform.train.face_crops import FaceCrops, mirrored_points, mirrored_points5, points5_of


@dataclass(frozen=True, eq=False)
class CoefficientBatch:
    """Photos of a batch, aligned by their five points: the camera of a head is seen in the crop alone.

    Attributes:
        crops: input of the encoder, augmented.
        images: the same part of the photo at the side of the rendering, sRGB in [0, 1], its colors as they are.
        points68: the 68 points in NDC of that picture; NaN where unknown.
        points5: places of the five points in it, pixels.
        skin: 1 where the picture shows the bare surface of the head.
        subjects: number of the subject of each photo, from 0.
        labeled: photos whose subject has a mesh.
        shapes: neutral meshes of the labeled photos, meters, head frame.
    """

    crops: Float[Tensor, "B 3 T T"]
    images: Float[Tensor, "B 3 h h"]
    points68: Float[Tensor, "B 68 2"]
    points5: Float[Tensor, "B 5 2"]
    skin: Float[Tensor, "B 1 h h"]
    subjects: Int[Tensor, " B"]
    labeled: Bool[Tensor, " B"]
    shapes: Float[Tensor, "L V 3"]

    def to(self, device: torch.device) -> "CoefficientBatch":
        """Return the batch on a device."""
        return CoefficientBatch(*(value.to(device) for value in vars(self).values()))


class CoefficientBatches:
    """Reader of batches.

    Args:
        decoder: Decoder of the head on which meshes are compared.
        crop: Input of the encoder.
        photos: Photos K of a subject; a subject with fewer shows each of them, and some again.
        side: Side h of the rendered pictures, pixels.
        jitter: Standard deviation of the five points, pixels of the crop.
        patch_rate: Share of crops that are partly covered.
    """

    def __init__(
        self, decoder: CodeDecoder, crop: CropSpec, *, photos: int, side: int, jitter: float, patch_rate: float
    ) -> None:
        self._decoder, self._crop, self._photos, self._side = decoder, crop, photos, side
        self._crops = FaceCrops(crop, jitter, patch_rate)
        self._identity = decoder.layout.parts[0]

    def draw(self, samples: ShardSet, subjects: Sequence[int], rng: np.random.Generator) -> list[Sample]:
        """Draw K photos of each subject; none twice before all of them were drawn."""
        found: list[Sample] = []
        for subject in subjects:
            numbers = samples.subjects[int(subject)]
            order = rng.choice(numbers, min(len(numbers), self._photos), replace=False)
            found += [samples[int(k)] for k in np.resize(order, self._photos)]
        return found

    def assemble(self, rows: Sequence[Sample], rng: np.random.Generator | None) -> CoefficientBatch:
        """Cut, augment and stack photos; K photos of a subject follow each other.

        Args:
            rows: Samples.
            rng: Generator of the augmentation; nothing is augmented without one.

        Raises:
            InputError: `sample_unusable`, naming the sample, where eyes, nose or mouth are unknown.
        """
        pictures = [row.image for row in rows]
        skins = [_skin(row) for row in rows]
        points = np.stack([row.points68 for row in rows]).astype(np.float64)
        five = np.stack([points5_of(row) for row in rows])
        noise, mirrored = np.zeros_like(five), np.zeros(len(rows), bool)
        width = pictures[0].shape[1]
        if rng is not None:
            noise = self._crops.noise(five, rng)
            if self._decoder.head.has_field("mirror"):
                mirrored = np.repeat(rng.random(len(rows) // self._photos) < 0.5, self._photos)
        for k in np.flatnonzero(mirrored):
            pictures[k] = np.ascontiguousarray(pictures[k][:, ::-1])
            skins[k] = np.ascontiguousarray(skins[k][:, ::-1])
        points[mirrored] = mirrored_points(points[mirrored][:, MIRROR68], width)
        five[mirrored] = mirrored_points5(five[mirrored], width)
        frames = [_frame(at, self._crop.points) for at in five + noise]
        cut = np.stack([warp(rgb, m, self._crop.side) for rgb, m in zip(pictures, frames, strict=True)])
        crops = self._crops.encode(cut, rng)
        zoom = self._side / self._crop.side
        frames = [zoom * m for m in frames]
        if self._side != self._crop.side:
            cut = np.stack([warp(rgb, m, self._side) for rgb, m in zip(pictures, frames, strict=True)])
        skin = np.stack([_warped_mask(mask, m, self._side) for mask, m in zip(skins, frames, strict=True)])
        points = np.stack([apply(m, own) for m, own in zip(frames, points, strict=True)])
        template = torch.from_numpy(zoom * self._crop.points).float()
        labeled, shapes = self._shapes(rows, mirrored)
        return CoefficientBatch(
            crops=crops.contiguous(memory_format=torch.channels_last),
            images=torch.from_numpy(cut).permute(0, 3, 1, 2).float() / 255,
            points68=torch.from_numpy(points / (self._side / 2) - 1).float(),
            points5=template.expand(len(rows), -1, -1),
            skin=torch.from_numpy(skin)[:, None],
            subjects=torch.arange(len(rows)) // self._photos,
            labeled=labeled,
            shapes=shapes,
        )

    @torch.no_grad()
    def _shapes(
        self, rows: Sequence[Sample], mirrored: np.ndarray
    ) -> tuple[Bool[Tensor, " B"], Float[Tensor, "L V 3"]]:
        """Return which photos have a mesh, and the meshes; mirrored photos have mirrored ones."""
        name, length = self._identity
        head, found, known = self._decoder.head, [], []
        codes: list[np.ndarray] = []
        for row in rows:
            code = row.coefficients.get("identity", row.coefficients.get(name))
            usable = code is not None and row.head == head.sha256 and len(code) <= length
            known.append(row.vertices is not None or usable)
            if row.vertices is not None:
                if len(row.vertices) != len(head.mean):
                    what = f"the mesh has {len(row.vertices)} vertices, the head {len(head.mean)}"
                    raise InputError("sample_unusable", what, f"sample {row.name}", "use samples of this head")
                found.append(torch.from_numpy(row.vertices))
            elif usable and code is not None:
                codes.append(code)
                found.append(torch.empty(0))
        if codes:
            width = max(map(len, codes))
            packed = torch.from_numpy(np.stack([np.pad(code, (0, width - len(code))) for code in codes]))
            decoded = iter(self._decoder.shape(packed.to(head.mean)).cpu())
            found = [mesh if len(mesh) else next(decoded) for mesh in found]
        shapes = torch.stack(found) if found else torch.zeros(0, len(head.mean), 3)
        flip = torch.from_numpy(mirrored)[torch.tensor(known)]
        if bool(flip.any()):
            shapes[flip] = shapes[flip][:, head.mirror.cpu()] * shapes.new_tensor([-1.0, 1.0, 1.0])
        return torch.tensor(known), shapes


def _frame(points5: Float[np.ndarray, "5 2"], template: Float[np.ndarray, "5 2"]) -> Float[np.ndarray, "2 3"]:
    """Return the similarity from the photo to the encoder's crop."""
    return np.asarray(fit_similarity(points5, template).matrix()[:2])


def _skin(row: Sample) -> UInt8[np.ndarray, "S S"]:
    """Return the mask of bare skin; nothing is compared where it is unknown."""
    return np.zeros(row.image.shape[:2], np.uint8) if row.skin is None else row.skin


def _warped_mask(
    mask: UInt8[np.ndarray, "S S"], frame: Float[np.ndarray, "2 3"], side: int
) -> Float[np.ndarray, "h h"]:
    """Warp a mask to [0, 1]; zero beyond the photo, whose border `warp` would repeat."""
    inside = mask.copy()
    inside[[0, -1]] = inside[:, [0, -1]] = 0
    return warp_gray(inside, frame, side) / np.float32(255)
