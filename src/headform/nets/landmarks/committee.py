"""The committee: third-party landmark networks, each on its own crop around rough landmarks of a face.

MediaPipe's face mesh (478 surface points), face-api's and PFLD's 68 points. Every network runs on each
crop and its mirror image, and both outputs are averaged. Pixel coordinates have their origin at the top-left corner of the
photo.
"""

from collections.abc import Callable
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
    def load(cls) -> "Committee":
        """Load the shipped weights.

        Raises:
            WeightsError: the weights are missing or damaged.
        """
        return cls(load_face_mesh()[0], load_landmarks68()[0], load_pfld()[0])

    @torch.inference_mode()
    def read(self, rgb: UInt8[np.ndarray, "H W 3"], guide: Float[np.ndarray, "68 2"]) -> CommitteeReading:
        """Read one face.

        Args:
            rgb: the photo, sRGB.
            guide: rough 68 points, pixels; errors up to a hundredth of the face's size do not matter.
        """
        frame = EyeFrame.of(guide)
        logits: list[float] = []

        def mesh(images: Float[Tensor, "2 3 S S"]) -> Float[Tensor, "2 N 2"]:
            points, presence = self._mesh(images / 255)
            logits.append(float(presence.mean()))
            return points[..., :2]

        def read(
            name: str,
            side: int,
            net: Callable[[Tensor], Tensor],
            mirror: np.ndarray,
        ) -> Float[np.ndarray, "N 2"]:
            crop = frame.crop(side, _MARGIN[name])
            picture = torch.from_numpy(warp(rgb, crop, side)).permute(2, 0, 1)[None].float()
            both = torch.cat([picture, picture.flip(-1)])
            plain, mirrored = net(both.contiguous(memory_format=torch.channels_last)).numpy()
            mirrored = (mirrored * [-1.0, 1.0] + [float(side), 0.0])[mirror]
            return apply(inverse(crop), (plain.astype(np.float64) + mirrored) / 2)

        found = read("mediapipe", face_mesh_net.INPUT_SIDE, mesh, MIRROR478)
        faceapi = read("faceapi", landmarks68_net.INPUT_SIDE, self._faceapi, MIRROR68)
        pfld = read("pfld", pfld_net.INPUT_SIDE, lambda x: self._pfld(x / 255), MIRROR68)
        return CommitteeReading(
            found, logits[0], np.stack([found[TO_68], faceapi, pfld]), np.asarray(guide, np.float64)
        )
