"""Faces of the Basel model as the regressor of Deng et al. (2019) reads them in a photo.

V vertices, K identity and E expression coefficients, A albedo modes; codes of 257 numbers, laid out as
`heads.coefficients.BASEL_FRONT`.

The published frame has y up and z toward the camera, decimeters. With R = Rz Ry Rx of the three angles a vertex v moves
to R v + t; the camera stands at (0, 0, 10) and looks along -z, with a focal length of 1015 pixels and the principal point
in the middle of the crop. Light multiplies the color as it is displayed (sRGB), by nine harmonics of the turned normals;
the first coefficient counts from 0.8. Here light and albedo are linear, so the light is fitted anew: on a skin of the
person's mean color it gives what the published one gives, best where the normals look at the camera.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8

from headform.errors import FaceError, UsageError
from headform.fit.photometric import PhotometricFit
from headform.geometry.camera import FRONTAL, PerspectiveCamera
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.coefficients import BASEL_FRONT, layout_of
from headform.heads.linear import LinearHead
from headform.images.transfer import linear_from_srgb, srgb_from_linear
from headform.nets.basel_alignment import aligned_crop, alignment, alignment_points
from headform.nets.basel_regressor_net import SIDE, BaselRegressor
from headform.pipeline.reconstruction import Reconstruction
from headform.registration.expression_range import decoded
from headform.registration.photo_points import PhotoShape

FOCAL = 1015.0
"""Focal length in pixels of the crop."""
DISTANCE_DM = 10.0
"""Distance of the camera from the origin of the published frame, decimeters."""
_M = 0.1
"""Meters per decimeter."""
_AMBIENT = 0.8
"""What the first coefficient of the light counts from."""
_NEAREST_M = 0.1
"""Least depth of a vertex, meters."""
_DIRECTIONS = 2000
"""Normals at which the light is fitted, spread evenly over the sphere."""
_LEAST_COLOR = 0.01
"""Least linear value of a skin that light is fitted on."""
_AWAY = 0.05
"""Weight of normals that look away from the camera, which the photo does not show."""


@dataclass(frozen=True, eq=False)
class RegressedFace:
    """Reading of one face.

    Attributes:
        code: The code as the network gave it.
        shape: Coefficients and camera of the photo.
        lit: Linear light over normals in the camera frame, and albedo coefficients.
    """

    code: Float64[np.ndarray, "257"]
    shape: PhotoShape
    lit: PhotometricFit


class FaceRegressor:
    """Regressor together with the head model whose coefficients it gives."""

    def __init__(self, net: BaselRegressor, head: LinearHead) -> None:
        """Check that the head has the network's coefficients.

        Raises:
            UsageError: ``regressor_head``: another model, or other numbers of coefficients.
        """
        if layout_of(head) is not BASEL_FRONT:
            sizes = f"{len(head.identity)} + {len(head.expression)} + {len(head.albedo)} coefficients"
            what = f"{head.name} is a {head.provenance.kind} model of {sizes}, the regressor's Basel front has 80 + 64 + 80"
            raise UsageError(
                "regressor_head", what, head.name, "convert BFM_model_front.mat with headform heads convert"
            )
        self.net, self.head = net, head

    @torch.inference_mode()
    def read(self, rgb: UInt8[np.ndarray, "H W 3"], points68: Float[np.ndarray, "68 2"]) -> RegressedFace:
        """Read one face of a photo.

        Args:
            rgb: The photo, sRGB.
            points68: Its landmarks, pixels.

        Raises:
            FaceError: ``points_invalid``; ``regressor_lost``: the code is not finite, or puts the face behind the camera.
        """
        matrix = alignment(alignment_points(points68))
        crop = aligned_crop(rgb, matrix)[None]
        code = self.net(crop.to(next(self.net.parameters()).device))[0].double().cpu().numpy()
        return regressed_face(code, self.head, matrix)

    def coarse(self, result: Reconstruction) -> Reconstruction:
        """Replace head, coefficients, camera and light of a result by what the network reads in its photo; no textures.

        Args:
            result: Result of any head, of which face, landmarks and masks are kept.

        Raises:
            FaceError: those of `read`.
        """
        found = self.read(result.photo, result.points68)
        shape, still = found.shape, np.zeros(len(found.shape.expression))
        return replace(
            result,
            head=self.head,
            dense=np.zeros((0, 2)),
            dense_sigma=np.zeros(0),
            identity=shape.identity,
            expression=shape.expression,
            gaze=np.zeros(0),
            albedo_code=found.lit.albedo_code,
            light=found.lit.light,
            camera=shape.camera,
            vertices=np.asarray(decoded(self.head, shape.identity, shape.expression), np.float32),
            neutral=np.asarray(decoded(self.head, shape.identity, still), np.float32),
            texture=None,
            albedo_texture=None,
            refined_albedo=None,
            colors=None,
            pose={},
            evidence=None,
        )


def regressed_face(
    code: Float64[np.ndarray, "257"], head: LinearHead, matrix: Float[np.ndarray, "2 3"]
) -> RegressedFace:
    """Take a code apart, for a head whose frame is the published one in meters.

    Args:
        code: Code of `BASEL_FRONT`.
        head: The Basel front.
        matrix: Scale and shift from photo pixels to those of the crop.

    Raises:
        FaceError: ``regressor_lost``.
    """
    parts = {name: part.numpy() for name, part in BASEL_FRONT.split(torch.from_numpy(code)).values.items()}
    camera = code_camera(parts["angles"], parts["translation"], matrix)
    vertices = decoded(head, parts["identity"], parts["expression"])
    depth = camera.to_camera(vertices)[:, 2]
    if not (np.isfinite(code).all() and depth.min() > _NEAREST_M):
        what = f"the regressor puts a vertex {depth.min():.2f} m from the camera" if np.isfinite(code).all() else ""
        what = what or "the regressor's code is not finite"
        raise FaceError("regressor_lost", what, "", "check the weights, or leave --regressor out")
    skin = head.albedo_of(torch.from_numpy(parts["texture"]).to(head.albedo)).double().mean(0).numpy()
    light = linear_light(parts["light"], skin)
    shape = PhotoShape(parts["identity"], parts["expression"], camera, math.nan, math.nan)
    return RegressedFace(code, shape, PhotometricFit(light, parts["texture"], math.nan))


def code_camera(
    angles: Float[np.ndarray, "3"], translation: Float[np.ndarray, "3"], matrix: Float[np.ndarray, "2 3"]
) -> PerspectiveCamera:
    """Return the camera of the photo.

    Args:
        angles: About x, y and z, radians.
        translation: Decimeters.
        matrix: Scale and shift from photo pixels to those of the crop.
    """
    intrinsics = np.array([[FOCAL, 0.0, SIDE / 2], [0.0, FOCAL, SIDE / 2], [0.0, 0.0, 1.0]])
    to_photo = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    away = np.array([0.0, 0.0, DISTANCE_DM])
    return PerspectiveCamera(
        to_photo @ intrinsics,
        FRONTAL @ code_rotation(angles),
        _M * (FRONTAL @ np.asarray(translation, np.float64) + away),
    )


def code_rotation(angles: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Return R = Rz Ry Rx, which turns column vectors."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def displayed_shading(normals: Float[np.ndarray, "N 3"], light: Float[np.ndarray, "27"]) -> Float64[np.ndarray, "N 3"]:
    """Return what the published light multiplies displayed colors by.

    Args:
        normals: Unit vectors, y up and z toward the camera.
        light: 27 coefficients of the code: nine of red, of green, of blue.
    """
    gamma = np.asarray(light, np.float64).reshape(3, 9).T.copy()
    gamma[0] += _AMBIENT
    # the published products a c of the irradiance's and the harmonics' constants
    first = math.pi / math.sqrt(4 * math.pi)
    second = 2 * math.pi / math.sqrt(3) * math.sqrt(3) / math.sqrt(4 * math.pi)
    third = 2 * math.pi / math.sqrt(8) * 3 * math.sqrt(5) / math.sqrt(12 * math.pi)
    x, y, z = np.asarray(normals, np.float64).T
    basis = [
        np.full_like(x, first), -second * y, second * z, -second * x, third * x * y, -third * y * z,
        third / (2 * math.sqrt(3)) * (3 * z * z - 1), -third * x * z, third / 2 * (x * x - y * y),
    ]  # fmt: skip
    return np.asarray(np.stack(basis, axis=-1) @ gamma)


def linear_light(light: Float[np.ndarray, "27"], color: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "9 3"]:
    """Return the light that shades linear colors as the published one shades displayed ones.

    Args:
        light: 27 coefficients of the code.
        color: Linear RGB of a skin on which both agree.
    """
    own = torch.from_numpy(np.clip(np.asarray(color, np.float64), _LEAST_COLOR, 1.0))
    normals = _sphere(_DIRECTIONS)
    shaded = srgb_from_linear(own) * torch.from_numpy(displayed_shading(normals, light))
    wanted = (linear_from_srgb(shaded) / own).numpy()
    weight = np.sqrt(np.where(normals[:, 2] > 0, normals[:, 2], _AWAY))[:, None]
    basis = sh_basis(normals @ FRONTAL.T)
    return np.asarray(np.linalg.lstsq(weight * basis, weight * wanted, rcond=None)[0])


def _sphere(count: int) -> Float64[np.ndarray, "N 3"]:
    """Return unit vectors on a spiral, spread evenly."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - z * z)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), z])
