"""Batches of `headform train texture`: photos with their coarse stage, and their colors at the vertices.

B photos, V vertices, S side of the photo as it is stored, h side of the rendering, E numbers of an embedding.

All that a batch holds is a function of the sample alone, so that what was read once is kept in memory as long as it fits.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor

from headform.data.coarse_stage import read_coarse_stage
from headform.data.sample import Sample
from headform.data.shards import ShardSet
from headform.errors import InputError
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.plain_skin import face_skin
from headform.fit.vertex_colors import visible_vertices
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.images.warp import warp
from headform.nets.face_embedding import FaceEmbedder
from headform.train.face_crops import points5_of

_LEAST = 0.004
"""Albedo below which skin is not taken for darker."""
KEPT_BYTES = 1 << 30
"""Memory for samples that were read; beyond it the oldest are read again."""


@dataclass(frozen=True, eq=False)
class TextureBatch:
    """Photos of a batch; colors of vertices are linear RGB.

    Attributes:
        images: photo at the side of the rendering, sRGB in [0, 1].
        mask: how far it shows the bare surface of the head, M_face.
        points5: eyes, nose tip and corners of the mouth, pixels of `images`.
        embedding: embedding of the face.
        vertices: head as seen in the photo, meters, head frame.
        intrinsics: of the camera of `images`, pixels.
        rotation: camera from head.
        translation: camera from head, meters.
        light: shading coefficients, camera frame.
        shading: light at the vertices.
        coarse: coarse texture T.
        projected: photo at the vertices, T_p; 0 where hidden.
        seen: how far the photo shows each vertex, by the depth buffer, the mask, and the angle.
        truth: true albedo of synthetic people, at the level of the coarse texture: each channel times a gain such that the
            skin of the face has the same median, since one photo does not tell light from albedo; 0 where unknown.
        known: photos with a true albedo.
    """

    images: Float[Tensor, "B 3 h h"]
    mask: Float[Tensor, "B 1 h h"]
    points5: Float[Tensor, "B 5 2"]
    embedding: Float[Tensor, "B E"]
    vertices: Float[Tensor, "B V 3"]
    intrinsics: Float[Tensor, "B 3 3"]
    rotation: Float[Tensor, "B 3 3"]
    translation: Float[Tensor, "B 3"]
    light: Float[Tensor, "B 9 3"]
    shading: Float[Tensor, "B V 3"]
    coarse: Float[Tensor, "B V 3"]
    projected: Float[Tensor, "B V 3"]
    seen: Float[Tensor, "B V"]
    truth: Float[Tensor, "B V 3"]
    known: Bool[Tensor, " B"]

    @property
    def camera(self) -> PerspectiveCameras:
        """Cameras of the photos."""
        return PerspectiveCameras(self.intrinsics, self.rotation, self.translation)

    def to(self, device: torch.device) -> "TextureBatch":
        """Return the batch on a device."""
        return TextureBatch(*(value.to(device) for value in vars(self).values()))

    @staticmethod
    def stack(rows: Sequence["TextureBatch"]) -> "TextureBatch":
        """Join batches."""
        return TextureBatch(*(torch.cat(parts) for parts in zip(*(vars(row).values() for row in rows), strict=True)))


class TextureBatches:
    """Reader of batches.

    Args:
        head: Head of the coarse stage, on the CPU.
        embedder: Embedder of the faces.
        side: Side h of the rendered pictures, pixels.
        dressed: The same mesh with parts and regions, where the head itself has none; see `dressed_head`.
    """

    def __init__(
        self, head: LinearHead, embedder: FaceEmbedder, side: int, *, dressed: LinearHead | None = None
    ) -> None:
        self._head, self._dressed = head, dressed or head
        self._embedder, self._side = embedder, side
        self._skin = face_skin(self._dressed)
        self._kept: OrderedDict[tuple[int, int], TextureBatch] = OrderedDict()
        self._bytes = 0

    def read(self, samples: ShardSet, numbers: Sequence[int]) -> TextureBatch:
        """Read samples by their numbers.

        Raises:
            InputError: `sample_unusable`, `dataset_damaged`.
        """
        rows = []
        for number in map(int, numbers):
            key = (id(samples), number)
            row = self._kept.get(key)
            if row is None:
                row = self.row(samples[number])
                self._keep(key, row)
            rows.append(row)
        return TextureBatch.stack(rows)

    def row(self, sample: Sample) -> TextureBatch:
        """Convert one sample, to a batch of one.

        Raises:
            InputError: `sample_unusable`.
        """
        head, zoom = self._head, self._side / sample.side
        stage = read_coarse_stage(sample, head)
        five = points5_of(sample)
        skin = np.zeros(sample.image.shape[:2], np.uint8) if sample.skin is None else sample.skin
        bare = skin.astype(np.float32) / 255
        photo = FittedPhoto(self._dressed, stage.vertices, stage.camera, sample.image, skin_mask=bare)
        colors = visible_vertices(photo)
        shading = np.maximum(sh_basis(photo.normals) @ stage.light, 0).astype(np.float32)
        image, mask = _resized(sample.image, self._side), _resized(np.repeat(skin[..., None], 3, 2), self._side)
        known = sample.albedo is not None
        truth = LINEAR_FROM_SRGB8[sample.albedo] if sample.albedo is not None else np.zeros_like(stage.albedo)
        if truth.shape != stage.albedo.shape:
            what = f"the albedo has {len(truth)} vertices, the head {len(stage.albedo)}"
            raise InputError("sample_unusable", what, f"sample {sample.name}", "use samples of this head")
        if known:
            truth = leveled(truth, stage.albedo, self._skin)
        camera = _scaled(stage.camera, zoom)
        projected = colors.color * (colors.weight > 0)[:, None]

        def one(values: np.ndarray) -> Tensor:
            return torch.from_numpy(np.array(values, np.float32))[None]

        return TextureBatch(
            images=one(image.transpose(2, 0, 1) / np.float32(255)),
            mask=one(mask[None, ..., 0] / np.float32(255)),
            points5=one(five * zoom),
            embedding=self._embedder(sample.image[None], five[None]).clone(),
            vertices=one(stage.vertices),
            intrinsics=one(camera.K),
            rotation=one(camera.R),
            translation=one(camera.t),
            light=one(stage.light),
            shading=one(shading),
            coarse=one(stage.albedo),
            projected=one(projected),
            seen=one(colors.weight),
            truth=one(truth),
            known=torch.tensor([known]),
        )

    def _keep(self, key: tuple[int, int], row: TextureBatch) -> None:
        self._kept[key] = row
        self._bytes += _size(row)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= _size(self._kept.popitem(last=False)[1])


def leveled(
    truth: Float[np.ndarray, "V 3"], coarse: Float[np.ndarray, "V 3"], skin: Bool[np.ndarray, " V"]
) -> Float32[np.ndarray, "V 3"]:
    """Multiply each channel of an albedo so that its median over the skin is that of another; linear RGB in [0, 1]."""
    gain = np.median(coarse[skin], axis=0) / np.maximum(np.median(truth[skin], axis=0), _LEAST)
    return np.asarray(np.clip(truth * gain, 0.0, 1.0), np.float32)


def _size(row: TextureBatch) -> int:
    return sum(value.nbytes for value in vars(row).values())


def _scaled(camera: PerspectiveCamera, zoom: float) -> PerspectiveCamera:
    return camera if zoom == 1 else camera.resized(zoom)


def _resized(values: UInt8[np.ndarray, "S S 3"], side: int) -> UInt8[np.ndarray, "h h 3"]:
    """Resize a square picture, each new pixel the mean of those below it."""
    if len(values) == side:
        return values
    zoom = side / len(values)
    return warp(values, np.array([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]]), side)
