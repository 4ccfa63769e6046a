"""Crops of faces that recognition networks expect: a similarity of five points, colors and range.

B faces, H W pixels of a photo, S side of a crop. Pixel coordinates have their origin at the top-left corner of the
picture, the crop's as well.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from headform.errors import FaceError, check_choice
from headform.geometry.similarity import fit_similarity
from headform.images.transfer import LUMA_REC601
from headform.images.warp import warp
from headform.nets.recognition.dlib_resnet_net import SIDE as DLIB_SIDE
from headform.nets.recognition.inception_resnet_v1_net import SIDE as FACENET_SIDE
from headform.nets.recognition.light_cnn_net import SIDE as LIGHT_CNN_SIDE

# Eyes, nose, corners of the mouth in insightface's published alignment. Its origin is the center of the first pixel.
_ARCFACE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)


@dataclass(frozen=True)
class CropSpec:
    """Input of a recognition network.

    Attributes:
        side: Side of the square crop, pixels.
        points: (5, 2) eyes, nose tip and corners of the mouth in the crop, pixels; of each pair the one that is left in
            the picture first.
        channels: Order of the colors; ``gray`` is one channel, the luma of Rec. 601.
        offset: Value subtracted from the values 0 to 255, one for all or one per channel in the order of `channels`.
        divisor: Divisor of the difference, likewise.
    """

    side: int
    points: Float[np.ndarray, "5 2"]
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    offset: tuple[float, ...] = (127.5,)
    divisor: tuple[float, ...] = (127.5,)

    def __post_init__(self) -> None:
        check_choice(self.channels, ("rgb", "bgr", "gray"), "channels")

    def crop(self, rgb: UInt8[np.ndarray, "H W 3"], points5: Float[np.ndarray, "5 2"]) -> UInt8[np.ndarray, "S S 3"]:
        """Cut a face out of a photo by the best similarity of the five points, without aliasing.

        Args:
            rgb: The photo.
            points5: (5, 2) pixels, in the order of `points`.

        Raises:
            FaceError: `points_invalid` when the points are not finite or all in one place.
        """
        try:
            fitted = fit_similarity(points5, self.points)
        except ValueError as error:
            what = f"the five face points do not define a crop: {error}"
            raise FaceError("points_invalid", what) from error
        return warp(rgb, np.asarray(fitted.matrix()[:2]), self.side)

    def values(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[Tensor, "B C S S"]:
        """Convert RGB crops to the network's input."""
        return self.encode(torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float())

    def encode(self, crops: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B C S S"]:
        """Convert RGB crops with values from 0 to 255 to the network's input; differentiable."""
        if self.channels == "gray":
            crops = (crops * crops.new_tensor(LUMA_REC601)[:, None, None]).sum(1, keepdim=True)
        elif self.channels == "bgr":
            crops = crops.flip(1)
        offset, divisor = crops.new_tensor(self.offset), crops.new_tensor(self.divisor)
        return (crops - offset[:, None, None]) / divisor[:, None, None]


def arcface_points(side: int = 112) -> Float[np.ndarray, "5 2"]:
    """Return the five points of insightface's 112-pixel crop, scaled to a crop of another size."""
    return (_ARCFACE_112 + 0.5) * (side / 112)


def eye_mouth_points(side: int, eyes: float, mouth: float) -> Float[np.ndarray, "5 2"]:
    """Return five points placed so that the middles of the eyes and of the mouth lie at given heights, centered.

    Args:
        side: Side of the crop, pixels.
        eyes: Distance of the middle of the eyes from the top, pixels.
        mouth: Distance of the middle of the mouth from the top, pixels.
    """
    base = _ARCFACE_112
    # the middles of two eyes and two corners: two points fix a similarity
    found = np.stack([base[:2].mean(0), base[3:].mean(0)])
    wanted = np.array([[side / 2, eyes], [side / 2, mouth]])
    return fit_similarity(found, wanted).apply(base)


ARCFACE = CropSpec(112, arcface_points())
"""RGB, (x − 127.5) / 127.5: ArcFace of insightface, face.evoLVe, and most 112-pixel ONNX files."""
IMAGENET_112 = replace(ARCFACE, offset=(123.675, 116.28, 103.53), divisor=(58.395, 57.12, 57.375))
"""The same crop with ImageNet's mean and deviation: MobileFaceNet of foamliu."""

# FaceNet was trained on squares about a detector's box instead, stretched (MTCNN's box and a margin of 44 pixels at 182,
# of which 160 are shown). This is the unstretched square that shows as much: in pixels of ArcFace's crop MTCNN's box is 75
# wide, 109 high, its middle at (57, 64), in the median of 40 photos; the mean side is widened by 182 / 138 and narrowed by
# 160 / 182.
_FACENET_SQUARE = 107.0
FACENET = CropSpec(
    FACENET_SIDE,
    (arcface_points() - np.array([57.0, 64.0])) * (FACENET_SIDE / _FACENET_SQUARE) + FACENET_SIDE / 2,
    divisor=(128.0,),
)
"""RGB, (x − 127.5) / 128."""
LIGHT_CNN = CropSpec(LIGHT_CNN_SIDE, eye_mouth_points(LIGHT_CNN_SIDE, eyes=40.0, mouth=88.0), "gray", (0.0,), (255.0,))
"""Gray, x / 255; the published alignment puts the middles of the eyes and the mouth 40 and 88 pixels from the top."""

# dlib's mean shape of the 68 points, in the square of their box: middles of the six points of each eye, tip of the nose,
# corners of the mouth. Its crop leaves a quarter of that square on every side; its origin is the center of the first pixel.
_DLIB_SHAPE = np.array([[0.2255, 0.2160], [0.7547, 0.2160], [0.4901, 0.5156], [0.2541, 0.7802], [0.7261, 0.7802]])
DLIB = CropSpec(
    DLIB_SIDE,
    (_DLIB_SHAPE + 0.25) / 1.5 * DLIB_SIDE + 0.5,
    offset=(122.782, 117.001, 104.298),
    divisor=(256.0,),
)
"""RGB minus dlib's means, over 256."""
