"""Pictures of the open head made for these tests, independently of the code under test."""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler
from headform.heads.linear import LinearHead
from headform.render.rasterize import rasterize

MAGENTA = (255, 0, 255)
AMBIENT_LIGHT = np.zeros((9, 3))
AMBIENT_LIGHT[0] = np.sqrt(4 * np.pi)


def camera_at(head: LinearHead, yaw: float, size: int = 320) -> PerspectiveCamera:
    middle = head.mean.numpy().mean(axis=0).astype(np.float64)
    frontal = PerspectiveCamera.frontal(1.5 * size, (size, size), 0.6)
    return frontal.turned(rotation_from_euler(np.radians(yaw), 0.0, 0.0), middle)


def encode(linear: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    x = np.clip(linear, 0, 1)
    srgb = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return (srgb * 255 + 0.5).astype(np.uint8)


def photograph(
    head: LinearHead,
    vertices: Float[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    color: Float[np.ndarray, "V 3"],
    size: int = 320,
    supersample: int = 3,
) -> UInt8[np.ndarray, "H W 3"]:
    """Linear vertex colors, box-filtered in linear light, magenta elsewhere."""
    side = size * supersample
    faces = head.faces.numpy()
    seen = rasterize(camera.resized(float(supersample)).project(vertices), faces, side, side)
    rgb = (color[faces[seen.face_index]] * seen.barycentric[..., None]).sum(2)
    rgb[seen.face_index < 0] = np.array(MAGENTA) / 255
    blocks = rgb.reshape(size, supersample, size, supersample, 3)
    return encode(blocks.mean(axis=(1, 3)))


def waves(positions: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3"]:
    """A colorful, not mirror-symmetric pattern over space, linear RGB within 0.2 to 0.6."""
    phase = positions.astype(np.float64) @ np.array([[90, 20, 0], [30, 80, 40], [10, -50, 70]])
    return 0.4 + 0.2 * np.sin(phase + [0, 2, 4])


def mean_vertices(head: LinearHead) -> np.ndarray:
    with torch.no_grad():
        return head.vertices().numpy()
