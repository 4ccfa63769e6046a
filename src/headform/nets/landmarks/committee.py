"""The committee: third-party landmark networks, each on its own crop around rough landmarks of a face.

MediaPipe's face mesh (478 surface points), face-api's and PFLD's 68 points. Every network runs on each
crop and its mirror image, and both outputs are averaged. Pixel coordinates have their origin at the top-left corner of the
photo.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headform.geometry.landmarks68 import MIRROR68
from headform.geometry.mediapipe478 import MIRROR478, TO_68
from headform.images.warp import apply, inverse, warp
from headform.nets.crop_geometry import EyeFrame
from headform.nets.landmarks import face_mesh_net, landmarks68_net, pfld_net
from headform.nets.landmarks.face_mesh_net import FaceMeshNet
from headform.nets.landmarks.landmarks68_net import Landmarks68Net
from headform.nets.landmarks.pfld_net import PfldNet
from headform.nets.shipped import load_face_mesh, load_landmarks68, load_pfld

MEMBERS = ("mediapipe", "faceapi", "pfld")
"""Names of the members in the order of `CommitteeReading.points68`."""
BATCH = 32
"""Faces that go through the networks at once."""
_MARGIN = {"mediapipe": 1.5, "faceapi": 1.25, "pfld": 1.1}
"""Side of each square crop over the longer side of the face's box, as each network was trained."""


@dataclass(frozen=True)
class CommitteeReading:
    """Landmarks of one face by each member.

    Attributes:
        mesh: MediaPipe's points, x and y in pixels of the photo.
        presence: logit of MediaPipe's network that the crop shows a face.
        points68: the 68 points by each of `MEMBERS` in its own convention, pixels of the photo.
        guide: 68 points around which the crops were placed, pixels.
    """

    mesh: Float[np.ndarray, "478 2"]
    presence: float
    points68: Float[np.ndarray, "3 68 2"]
    guide: Float[np.ndarray, "68 2"]

    @property
    def frame(self) -> EyeFrame:
        """Frame in which offsets and sizes of this face are measured."""
        return EyeFrame.of(self.guide)


class Committee:
    """The three third-party networks."""

    def __init__(self, mesh: FaceMeshNet, faceapi: Landmarks68Net, pfld: PfldNet) -> None:
        self._mesh, self._faceapi, self._pfld = mesh, faceapi, pfld

    @classmethod
    def load(cls, device: torch.device | str = "cpu") -> "Committee":
        """Load the shipped weights onto a device.

        Raises:
            WeightsError: the weights are missing or damaged.
        """
        return cls(load_face_mesh()[0].to(device), load_landmarks68()[0].to(device), load_pfld()[0].to(device))

    def read(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], guides: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[CommitteeReading]:
        """Read one face of each photo, on the device of the networks.

        Args:
            photos: sRGB, of any sizes.
            guides: rough 68 points of each face, pixels; errors up to a hundredth of the face's size do not matter.
        """
        parts = range(0, len(guides), BATCH)
        return [r for k in parts for r in self._batch(photos[k : k + BATCH], guides[k : k + BATCH])]

    @torch.inference_mode()
    def _batch(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], guides: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[CommitteeReading]:
        frames = [EyeFrame.of(guide) for guide in guides]
        device = next(self._mesh.parameters()).device
        presence: list[float] = []

        def mesh(images: Float[Tensor, "_ 3 S S"]) -> Float[Tensor, "_ N 2"]:
            points, logits = self._mesh(images / 255)
            presence.extend(logits.cpu().view(2, -1).mean(0).tolist())
            return points[..., :2]

        def read(
            name: str, side: int, net: Callable[[Tensor], Tensor], mirror: np.ndarray
        ) -> Float[np.ndarray, "F N 2"]:
            crops = [frame.crop(side, _MARGIN[name]) for frame in frames]
            pictures = np.stack([warp(rgb, crop, side) for rgb, crop in zip(photos, crops, strict=True)])
            plain = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().to(device)
            both = torch.cat([plain, plain.flip(-1)]).contiguous(memory_format=torch.channels_last)
            own, mirrored = np.split(net(both).cpu().numpy(), 2)
            back = (mirrored * [-1.0, 1.0] + [float(side), 0.0])[:, mirror]
            means = (own.astype(np.float64) + back) / 2
            return np.stack([apply(inverse(crop), mean) for crop, mean in zip(crops, means, strict=True)])

        found = read("mediapipe", face_mesh_net.INPUT_SIDE, mesh, MIRROR478)
        faceapi = read("faceapi", landmarks68_net.INPUT_SIDE, self._faceapi, MIRROR68)
        pfld = read("pfld", pfld_net.INPUT_SIDE, lambda x: self._pfld(x / 255), MIRROR68)
        return [
            CommitteeReading(
                found[k], presence[k], np.stack([found[k, TO_68], faceapi[k], pfld[k]]), np.asarray(guide, np.float64)
            )
            for k, guide in enumerate(guides)
        ]
