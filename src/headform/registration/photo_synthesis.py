"""Analysis by synthesis: coefficients, pose, light and colors of a head, so that its rendering looks like the photo.

V vertices of the face, F its triangles, N points, K coefficients (identity, then expression), A albedo modes, h w pixels.

The face is rendered over a small copy of the photo by `render.render_batch`, and the negative log posterior

    strength / (3 M)  sum_pixels huber((rendered - photo) / (noise * mean color))  +  the points' robust distances
    +  1/2 |(c - c0) / s|^2  +  1/2 |albedo code|^2  +  1/2 |(light - light0) / s_light|^2

over the M pixels that show the face's skin is lowered by Adam from what the points gave (c0). What raises it is thrown away:
the best state of all is taken. Gradients flow inside outlines alone, as everywhere here.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from PIL import Image
from torch import Tensor

from headform.fit.fitted_photo import FittedPhoto
from headform.fit.head_points import PointModel
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras, project
from headform.geometry.rotation import rotation_from_rotvec
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads.linear import LinearHead
from headform.images.transfer import linear_from_srgb
from headform.render.renderer import render_batch

_SIDE = 112
"""Longer side of the face in the small copy of the photo, pixels."""
_MARGIN = 0.05
"""Width of the photo around the face, in units of its size."""
_STRENGTH, _NOISE, _HUBER = 300.0, 0.1, 1.5
"""Number of independent color samples of all pixels together, standard deviation of one relative to the mean color, and
residual in its units beyond which pixels are down-weighted, as in `fit.photometric`."""
_OUTLIER = 3.0
"""Width of the points' robustifier, in standard deviations."""
_LIGHT_SIGMA = 0.05
"""Standard deviation of the light about what `fit.photometric` found, relative to `AMBIENT`."""
_TURN_SIGMA, _SHIFT_SIGMA = 0.02, 0.003
"""Scale of a step of the pose, radians and meters (at half a meter), to which Adam's steps are relative."""
_RATE = 0.05
"""Adam's rate, in standard deviations of each unknown."""


@dataclass(frozen=True, eq=False)
class SynthesisStart:
    """State to begin at, and its standard deviations.

    Attributes:
        coefficients: c0.
        sigma: s, standard deviation of each coefficient about c0.
        lower: Least value of each coefficient.
        upper: Greatest.
        camera: Camera of the photo.
        light: light0.
        albedo_code: Colors.
    """

    coefficients: Float64[np.ndarray, " K"]
    sigma: Float64[np.ndarray, " K"]
    lower: Float64[np.ndarray, " K"]
    upper: Float64[np.ndarray, " K"]
    camera: PerspectiveCamera
    light: Float64[np.ndarray, "9 3"]
    albedo_code: Float64[np.ndarray, " A"]


@dataclass(frozen=True, eq=False)
class Synthesis:
    """State at the end.

    Attributes:
        coefficients: Identity, then expression.
        camera: Camera of the photo.
        light: Shading coefficients.
        albedo_code: Colors.
        before: Root mean square color error of the pixels at the beginning, relative to their mean color.
        after: The same at the end.
    """

    coefficients: Float64[np.ndarray, " K"]
    camera: PerspectiveCamera
    light: Float64[np.ndarray, "9 3"]
    albedo_code: Float64[np.ndarray, " A"]
    before: float
    after: float


class FaceRows:
    """Part of a head that is rendered, gathered once per head."""

    def __init__(self, head: LinearHead, rows: Int[np.ndarray, " V"], basis: Float[Tensor, "K V 3"]) -> None:
        """Gather.

        Args:
            head: Head model, with linear albedo.
            rows: Vertices of the face.
            basis: Displacement per coefficient of these vertices.
        """
        place = np.full(len(head.mean), -1, np.int64)
        place[rows] = np.arange(len(rows))
        faces = place[head.faces.numpy()]
        self.faces = torch.from_numpy(np.ascontiguousarray(faces[(faces >= 0).all(axis=1)]))
        self.mean = head.mean[rows].float()
        self.rows = rows
        self.basis = basis.float().contiguous()
        self.modes = head.albedo[:, rows].float()

    def with_fixed(self, code: Float[np.ndarray, " K"], fixed: Bool[np.ndarray, " K"]) -> "FaceRows":
        """Return the face with some coefficients added to its mean for good; the basis holds the others."""
        out = copy(self)
        mask = torch.from_numpy(fixed)
        out.mean = self.mean + torch.einsum("k,kvc->vc", torch.from_numpy(code[fixed]).float(), self.basis[mask])
        out.basis = self.basis[~mask]
        return out


def synthesize(
    face: FaceRows,
    photo: FittedPhoto,
    model: PointModel,
    points: Float[np.ndarray, "N 2"],
    sigma: Float[np.ndarray, " N"],
    start: SynthesisStart,
    *,
    rounds: int = 40,
) -> Synthesis:
    """Lower the posterior of the module docstring.

    Args:
        face: The head's face.
        photo: Photo with its masks, the head's vertices at the start, and the colors of its mean.
        model: Rows of the head at the points.
        points: Points of the networks, pixels.
        sigma: Their standard deviations, pixels, inflated; infinite where a point is not used.
        start: See `SynthesisStart`.
        rounds: Number of renderings.
    """
    problem = _Problem(face, photo, model, points, sigma, start)
    unknowns = [torch.zeros_like(s, requires_grad=True) for s in problem.scales]
    solver = torch.optim.Adam(unknowns, lr=_RATE, betas=(0.9, 0.98))
    best = (float("inf"), [u.detach().clone() for u in unknowns], float("nan"))
    before = float("nan")
    for k in range(rounds + 1):
        solver.zero_grad()
        total, error = problem.cost(unknowns)
        before = float(error) if k == 0 else before
        if float(total.detach()) < best[0]:
            best = float(total.detach()), [u.detach().clone() for u in unknowns], float(error)
        if k == rounds:
            break
        total.backward()  # type: ignore[no-untyped-call]
        solver.step()
        problem.clamp(unknowns)
    return problem.result(best[1], before, best[2])


class _Problem:
    """Function to minimize over unknowns in units of their scales: coefficients, turn, shift, light, albedo code."""

    def __init__(
        self,
        face: FaceRows,
        photo: FittedPhoto,
        model: PointModel,
        points: Float[np.ndarray, "N 2"],
        sigma: Float[np.ndarray, " N"],
        start: SynthesisStart,
    ) -> None:
        self.face, self.start = face, start
        self.camera, self.image, self.mask = _small_copy(photo, face.rows)
        self.size = self.image.shape[2], self.image.shape[1]
        self.level = float((self.image * self.mask).sum() / (3 * self.mask.sum()).clamp(min=1)) + 1e-4
        self.albedo = photo.head.albedo_mean[face.rows].float()
        used = np.isfinite(sigma)
        self.points, self.sigma = torch.from_numpy(points[used]), torch.from_numpy(sigma[used])
        self.point_mean = torch.from_numpy(model.mean[used])
        self.point_basis = torch.from_numpy(model.basis[:, used]).permute(1, 0, 2)
        self.zero = torch.from_numpy(start.coefficients)
        depth = float(start.camera.t[2])
        self.scales = [
            torch.from_numpy(start.sigma).float(),
            torch.full((3,), _TURN_SIGMA),
            torch.full((3,), _SHIFT_SIGMA * depth / 0.5),
            torch.full((9, 3), _LIGHT_SIGMA * AMBIENT),
            torch.ones(len(start.albedo_code)),
        ]

    def state(self, unknowns: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Coefficients, rotation, translation, light and albedo code."""
        code, turn, shift, light, albedo = (u * s for u, s in zip(unknowns, self.scales, strict=True))
        start = self.start
        rotation = rotation_from_rotvec(turn) @ torch.from_numpy(start.camera.R).float()
        return (
            self.zero.float() + code,
            rotation,
            torch.from_numpy(start.camera.t).float() + shift,
            torch.from_numpy(start.light).float() + light,
            torch.from_numpy(np.asarray(start.albedo_code)).float() + albedo,
        )

    def cost(self, unknowns: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Negative log posterior, and the relative color error."""
        code, rotation, translation, light, albedo = self.state(unknowns)
        face = self.face
        vertices = torch.addmm(face.mean.flatten(), code[None], face.basis.flatten(1)).view(1, -1, 3)
        colors = self.albedo + torch.einsum("k,kvc->vc", albedo, face.modes)
        intrinsics = torch.from_numpy(self.camera.K).float()[None]
        cameras = PerspectiveCameras(intrinsics, rotation[None], translation[None])
        drawn = render_batch(
            vertices, face.faces, cameras, self.size, attributes=colors[None], light=light[None], cull_back=True
        )
        weight = self.mask[None] * drawn.alpha
        residual = (drawn.rgb - self.image[None]) / (_NOISE * self.level)
        size = residual.abs()
        robust = torch.where(size < _HUBER, 0.5 * size.square(), _HUBER * (size - 0.5 * _HUBER))
        seen = weight.sum().clamp(min=1.0)
        total = _STRENGTH * (weight * robust).sum() / (3 * seen)
        places = project(
            (self.point_mean + self.point_basis @ code.double())[None],
            torch.from_numpy(self.start.camera.K)[None],
            rotation.double()[None],
            translation.double()[None],
        )[0, :, :2]
        square = (places - self.points).square().sum(-1) / self.sigma**2
        total = total + 0.5 * _OUTLIER**2 * torch.log1p(square / _OUTLIER**2).sum().float()
        away = [unknowns[0], unknowns[3]]
        total = total + 0.5 * sum(a.square().sum() for a in away) + 0.5 * albedo.square().sum()
        error = (weight * (drawn.rgb - self.image[None]).square()).sum() / (3 * seen)
        return total, error.detach().sqrt() / self.level

    def clamp(self, unknowns: list[Tensor]) -> None:
        """Keep the coefficients within their bounds."""
        with torch.no_grad():
            low, high = (
                (torch.from_numpy(b) - self.zero).float() / self.scales[0] for b in (self.start.lower, self.start.upper)
            )
            unknowns[0].copy_(torch.minimum(torch.maximum(unknowns[0], low), high))

    def result(self, unknowns: list[Tensor], before: float, after: float) -> Synthesis:
        """Convert to arrays."""
        code, rotation, translation, light, albedo = (v.double().numpy() for v in self.state(unknowns))
        u, _, vt = np.linalg.svd(rotation)
        camera = PerspectiveCamera(self.start.camera.K, u @ vt, translation)
        return Synthesis(code, camera, light, albedo, before, after)


def _small_copy(
    photo: FittedPhoto, rows: Int[np.ndarray, " V"]
) -> tuple[PerspectiveCamera, Float[Tensor, "3 h w"], Float[Tensor, "1 h w"]]:
    """Cut out the face and reduce it: camera of the copy, linear RGB, mask of the skin."""
    height, width = photo.rgb.shape[:2]
    seen = photo.camera.project(photo.vertices[rows])[:, :2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = _MARGIN * float((high - low).max())
    left, top = np.clip(np.floor(low - margin), 0, [width - 2, height - 2])
    right, bottom = np.clip(np.ceil(high + margin), [left + 2, top + 2], [width, height])
    factor = min(1.0, _SIDE / max(right - left, bottom - top))
    size = max(2, round((right - left) * factor)), max(2, round((bottom - top) * factor))
    box = (float(left), float(top), float(right), float(bottom))
    rgb = np.asarray(Image.fromarray(photo.rgb).resize(size, Image.Resampling.BOX, box=box), np.float32) / 255
    skin = np.ones((height, width), np.float32) if photo.skin_mask is None else photo.skin_mask.astype(np.float32)
    mask = np.asarray(Image.fromarray(skin).resize(size, Image.Resampling.BOX, box=box), np.float32)
    scale = np.diag([size[0] / (right - left), size[1] / (bottom - top), 1.0])
    cropped = photo.camera.cropped(float(left), float(top))
    camera = PerspectiveCamera(scale @ cropped.K, cropped.R, cropped.t)
    image = linear_from_srgb(torch.from_numpy(rgb.copy())).permute(2, 0, 1).contiguous()
    return camera, image, torch.from_numpy((mask > 0.5).astype(np.float32))[None]
