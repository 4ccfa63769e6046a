"""Perspective cameras: from points of the head frame in meters to pixels and depth.

Letters: N points, B batch, K intrinsics (3, 3).

Convention (OpenCV): `X_cam = R @ X + t` with x right, y down, z forward; `pixel = (K @ X_cam) / z`.
Pixel coordinates have their origin at the top-left corner of the image, so the first pixel's center
is (0.5, 0.5). A head that looks straight into the camera (y up, z out of the face) has R = diag(1,
-1, -1) and t = (0, 0, distance).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

FRONTAL = np.diag([1.0, -1.0, -1.0])
"""(3, 3): camera from head of a head that looks straight into the camera."""


@dataclass(frozen=True)
class PerspectiveCamera:
    """A pinhole camera without lens distortion.

    Attributes:
        K: (3, 3) float64 intrinsics in pixels, last row (0, 0, 1).
        R: (3, 3) float64 rotation, camera from head.
        t: (3,) float64 translation, camera from head, meters.
    """

    K: Float64[np.ndarray, "3 3"]
    R: Float64[np.ndarray, "3 3"]
    t: Float64[np.ndarray, "3"]

    @classmethod
    def frontal(cls, focal_px: float, size: tuple[int, int], distance: float) -> "PerspectiveCamera":
        """Look straight at a head whose origin lies on the optical axis.

        Args:
            focal_px: focal length in pixels.
            size: (width, height) of the image; the principal point is its center.
            distance: meters from the camera to the head's origin.
        """
        width, height = size
        return cls(
            K=np.array([[focal_px, 0.0, width / 2], [0.0, focal_px, height / 2], [0.0, 0.0, 1.0]]),
            R=FRONTAL.copy(),
            t=np.array([0.0, 0.0, distance]),
        )

    def to_camera(self, points: Float[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
        """Points of the head frame in the camera frame, (N, 3) float64 meters."""
        return np.asarray(points @ self.R.T + self.t, np.float64)

    def project(self, points: Float[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
        """Project points of the head frame.

        Args:
            points: (N, 3) meters, head frame.

        Returns:
            (N, 3) float64: x and y in pixels and depth in meters along the optical axis. Points at
            or behind the camera keep their depth (<= 0) and have NaN pixels, which the rasterizers
            leave out.
        """
        camera = self.to_camera(points)
        z = camera[:, 2:]
        homogeneous = camera @ self.K.T
        pixels = np.divide(homogeneous[:, :2], z, out=np.full((len(camera), 2), np.nan), where=z > 0)
        return np.concatenate([pixels, z], axis=1)

    def unproject(self, points_px: Float[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
        """Back from [x_px, y_px, depth] to the head frame in meters; the inverse of `project`."""
        pixels = np.asarray(points_px, np.float64)
        homogeneous = np.concatenate([pixels[:, :2], np.ones((len(pixels), 1))], axis=1)
        camera = (homogeneous @ np.linalg.inv(self.K).T) * pixels[:, 2:]
        return np.asarray((camera - self.t) @ self.R, np.float64)

    @property
    def center(self) -> Float64[np.ndarray, "3"]:
        """The camera's position in the head frame, meters."""
        return np.asarray(-self.R.T @ self.t, np.float64)

    def resized(self, factor: float) -> "PerspectiveCamera":
        """The camera of the same image scaled by `factor`; exact: the origin is the corner."""
        return PerspectiveCamera(np.diag([factor, factor, 1.0]) @ self.K, self.R, self.t)

    def cropped(self, left: float, top: float) -> "PerspectiveCamera":
        """The camera of a crop whose top-left corner is at (left, top) pixels of this image."""
        shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        return PerspectiveCamera(shift @ self.K, self.R, self.t)

    def turned(self, rotation: Float[np.ndarray, "3 3"], about: Float[np.ndarray, "3"]) -> "PerspectiveCamera":
        """The camera that sees the head turned in place.

        Args:
            rotation: (3, 3) rotation of the head in its own frame.
            about: (3,) fixed point of the turn, meters, head frame.
        """
        R = self.R @ np.asarray(rotation, np.float64)
        t = self.t + (self.R - R) @ np.asarray(about, np.float64)
        return PerspectiveCamera(self.K, R, t)


def project(
    points: Float[Tensor, "*B N 3"],
    K: Float[Tensor, "*#B 3 3"],
    R: Float[Tensor, "*#B 3 3"],
    t: Float[Tensor, "*#B 3"],
) -> Float[Tensor, "*B N 3"]:
    """Project points with perspective cameras; differentiable in every argument.

    Args:
        points: (*B, N, 3) meters, head frame.
        K: (*B, 3, 3) intrinsics in pixels, last row (0, 0, 1).
        R: (*B, 3, 3) rotations, camera from head.
        t: (*B, 3) translations, meters.

    Returns:
        (*B, N, 3): x and y in pixels and depth in meters. At or behind the camera the pixels are
        NaN.
    """
    camera = points @ R.mT + t[..., None, :]
    z = camera[..., 2:]
    in_front = z > 0
    homogeneous = camera @ K.mT
    pixels = homogeneous[..., :2] / torch.where(in_front, z, torch.ones_like(z))
    pixels = torch.where(in_front, pixels, torch.full_like(pixels, torch.nan))
    return torch.cat([pixels, z], dim=-1)


def ndc_from_pixels(pixels: Float[Tensor, "*B 2"], size: tuple[int, int]) -> Float[Tensor, "*B 2"]:
    """Convert pixels to normalized device coordinates: x right, y DOWN, -1 and 1 at the outer edges of the picture.

    That is the frame of `torch.nn.functional.grid_sample` with ``align_corners=False`` and of DECA's landmarks.

    Args:
        pixels: (*B, 2) origin at the top-left corner, so that the first pixel's center is (0.5, 0.5).
        size: (width, height).
    """
    return 2 * pixels / pixels.new_tensor(size) - 1


def pixels_from_ndc(ndc: Float[Tensor, "*B 2"], size: tuple[int, int]) -> Float[Tensor, "*B 2"]:
    """Convert normalized device coordinates to pixels; the inverse of `ndc_from_pixels`."""
    return (ndc + 1) * ndc.new_tensor(size) / 2


@dataclass(frozen=True, eq=False)
class PerspectiveCameras:
    """A batch of pinhole cameras as tensors; see the module docstring for the convention.

    Attributes:
        K: (B, 3, 3) intrinsics in pixels.
        R: (B, 3, 3) camera from head.
        t: (B, 3) meters, camera from head.
    """

    K: Float[Tensor, "B 3 3"]
    R: Float[Tensor, "B 3 3"]
    t: Float[Tensor, "B 3"]
    perspective: ClassVar[bool] = True

    @classmethod
    def of(cls, *cameras: PerspectiveCamera, dtype: torch.dtype = torch.float32) -> "PerspectiveCameras":
        """Stack cameras."""
        K, R, t = (torch.from_numpy(np.stack([getattr(c, name) for c in cameras])).to(dtype) for name in "KRt")
        return cls(K, R, t)

    def project(self, points: Float[Tensor, "B N 3"], size: tuple[int, int]) -> Float[Tensor, "B N 3"]:
        """Project to pixel x, pixel y and depth in meters; `size` has no part in it."""
        return project(points, self.K, self.R, self.t)

    def rotate(self, directions: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Turn directions of the head frame into the camera frame."""
        return directions @ self.R.mT


@dataclass(frozen=True, eq=False)
class WeakPerspectiveCameras:
    """A batch of scaled parallel projections, as DECA has them (Feng et al. 2021; its code ``[s, tx, ty]``).

    `ndc = (s (x + tx), -s (y + ty))`, y down (`ndc_from_pixels`). The head looks at the camera: camera x right, y down and z
    forward are the head's x, -y and -z.

    Attributes:
        scale: (B,) NDC units per meter.
        shift: (B, 2) meters, added to x and y of the head frame.
    """

    scale: Float[Tensor, " B"]
    shift: Float[Tensor, "B 2"]
    perspective: ClassVar[bool] = False

    @classmethod
    def from_code(cls, code: Float[Tensor, "B 3"]) -> "WeakPerspectiveCameras":
        """Read scale and shift from the three camera numbers of a FLAME code."""
        return cls(code[:, 0], code[:, 1:])

    def project(self, points: Float[Tensor, "B N 3"], size: tuple[int, int]) -> Float[Tensor, "B N 3"]:
        """Project to pixel x, pixel y and a depth in NDC units that grows away from the camera and may be negative."""
        scale = self.scale[:, None, None]
        ndc = scale * (points[..., :2] + self.shift[:, None]) * points.new_tensor([1.0, -1.0])
        return torch.cat([pixels_from_ndc(ndc, size), -scale * points[..., 2:]], dim=-1)

    def rotate(self, directions: Float[Tensor, "B N 3"]) -> Float[Tensor, "B N 3"]:
        """Turn directions of the head frame into the camera frame."""
        return directions * directions.new_tensor([1.0, -1.0, -1.0])


Cameras = PerspectiveCameras | WeakPerspectiveCameras
