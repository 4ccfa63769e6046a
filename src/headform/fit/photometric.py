"""Light and skin color from the photo, by robust Gauss-Newton at the visible vertices.

V vertices, N samples, A albedo modes.

A sample of color c (linear RGB), albedo a = mean + modes . code and shading s = sh_basis(n) . light
has the residual c - a s. The minimized function is, with Huber weights,

    strength / N  sum |c - a s|^2 / (noise * mean c)^2  +  |code|^2  +  the light's prior

Bright skin in dim light and dark skin in bright light look alike. `fit.exposure` tells them apart: the mean of the shading
over the samples is held at the exposure that it finds, in every channel. The constant term of the light is drawn to a part
of it, the higher bands to zero.

The modes know beards, brows and lips. Where nothing of the face is seen, outside the picture or under a cover, nor its
mirror image, they would be guessed from the rest: hair at the picture's edge grew a beard on the chin below it. There
the albedo is
drawn to the mean skin in the tone of what is seen, by one more term: with u over the unseen skin, bars for means over the
samples and r = (modes_u - mean_u / mean_bar modes_bar) . code,

    strength / N_u  sum |r / (noise * mean_bar)|^2

and the strength of the samples and the light's higher bands are narrowed to their share of the face: a gradient over the
forehead is not to be continued down to the chin.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.linalg import cho_factor, cho_solve

from headform.fit.exposure import LightGauges, exposure_of
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photo_patch import PhotoPatch, cut_patch, sample_points_kernel
from headform.fit.plain_skin import face_skin
from headform.geometry.spherical_harmonics import AMBIENT, sh_basis
from headform.heads.linear import LinearHead
from headform.kernels.blas_threads import one_blas_thread
from headform.render.visibility import visible_points

AMBIENT_SHARE = 0.85
"""Constant term of the light as a part of the light on the face's front, which lamps and windows face."""


@dataclass(frozen=True)
class PhotometricPriors:
    """Priors of light and skin.

    Attributes:
        strength: Effective number of independent samples of all vertices together.
        noise: Standard deviation of a sample, relative to the mean color.
        exposure_sigma: Standard deviation of the light's constant term, relative to the exposure.
        held_sigma: Standard deviation of the mean shading of the samples about the exposure, relative to it.
        tint_sigma: Standard deviation of each channel's constant term about their mean.
        band_sigma: Standard deviations of the coefficients of bands 1 and 2, relative to `AMBIENT`.
        band_tint: Standard deviation of each channel's about their mean, as a part of `band_sigma`: the side of the
            head that the photo does not show must not take on a tint.
        huber: Residual, in units of `noise`, beyond which samples are down-weighted.
    """

    strength: float = 300.0
    noise: float = 0.1
    exposure_sigma: float = 0.2
    held_sigma: float = 0.02
    tint_sigma: float = 0.06
    band_sigma: tuple[float, float] = (0.5, 0.2)
    band_tint: float = 0.15
    huber: float = 1.5


LIGHT_RESOLUTION = 220
"""Extent of the head, pixels along its longer axis, to which a larger photo is downsampled: light is smooth."""


@dataclass(frozen=True)
class PhotometricFit:
    """Light and skin that explain the photo.

    Attributes:
        light: (9, 3) float64 shading coefficients over normals in the camera frame, linear RGB.
        albedo_code: (A,) float64 albedo coefficients, standard deviations.
        residual_rms: Root mean square color error of the samples, relative to their mean color;
            NaN without samples.
    """

    light: Float64[np.ndarray, "9 3"]
    albedo_code: Float64[np.ndarray, " A"]
    residual_rms: float


def fit_light_and_albedo(
    photo: FittedPhoto,
    *,
    gauges: LightGauges | None = None,
    priors: PhotometricPriors | None = None,
    patch: PhotoPatch | None = None,
    max_samples: int = 1500,
    iterations: int = 6,
) -> PhotometricFit:
    """Fit spherical-harmonic light and the albedo code to the visible skin of the face.

    Args:
        photo: Photo and fitted head. Samples whose skin mask is below 0.5 are left out; where the head's albedo basis is
            zero, light alone is fitted.
        gauges: Colors of teeth and eyes in the photo, which tell how bright the light is.
        priors: Widths of the priors.
        patch: `light_patch` of the photo, where it is cut already.
        max_samples: Largest number of samples; more visible vertices are subsampled evenly.
        iterations: Number of Gauss-Newton steps.

    Returns:
        The fit; white light of strength 1 and the mean skin where fewer than 30 vertices are seen.
    """
    priors = priors or PhotometricPriors()
    head, camera = photo.head, photo.camera
    patch, normals = patch or light_patch(photo), photo.normals
    chosen = np.flatnonzero(_lit_skin(head, camera.to_camera(photo.vertices), normals, patch))
    modes = head.albedo.numpy()
    light = np.zeros((9, 3))
    light[0] = AMBIENT
    code = np.zeros(len(modes))
    if len(chosen) < 30:
        return PhotometricFit(light, code, float("nan"))
    lost, known = np.flatnonzero(_unknown_skin(photo, chosen)), len(chosen)
    chosen = chosen[:: -(-len(chosen) // max_samples)]
    color = np.zeros((len(chosen), 3), np.float32)
    sample_points_kernel(patch.linear, patch.projected[chosen], color)
    samples = _Samples(
        color=color.astype(np.float64),
        basis=sh_basis(normals[chosen]),
        mean=head.albedo_mean.numpy()[chosen].astype(np.float64),
        modes=np.ascontiguousarray(modes[:, chosen].transpose(2, 1, 0)),
    )
    exposure = exposure_of(np.median(samples.color, axis=0), gauges) if modes.any() else None
    if not len(lost):
        with one_blas_thread():
            return _solve(samples, light, code, priors, iterations, exposure)
    unseen = _plain_skin(head, lost, samples, priors)
    share = known / (known + len(lost))
    narrow = priors.band_sigma[0] * share, priors.band_sigma[1] * share
    weaker = replace(priors, strength=priors.strength * share, band_sigma=narrow)
    with one_blas_thread():
        return _solve(samples, light, code, weaker, iterations, exposure, unseen)


def light_patch(photo: FittedPhoto) -> PhotoPatch:
    """Cut the part of a photo that shows the head, at the resolution at which light is fitted."""
    return cut_patch(photo, resolution=LIGHT_RESOLUTION, least_buffer=240)


def _unknown_skin(photo: FittedPhoto, seen: Int64[np.ndarray, " N"]) -> Bool[np.ndarray, " V"]:
    """Mask the face's skin that lies outside the picture or under a cover, unless its mirror image is among those seen."""
    known = np.zeros(len(photo.vertices), bool)
    known[seen] = True
    mirror = photo.head.mirror.numpy()
    return np.asarray(face_skin(photo.head) & photo.lost_vertices() & ~(known[mirror] if len(mirror) else known))


def _plain_skin(
    head: LinearHead, lost: Int64[np.ndarray, " U"], samples: "_Samples", priors: PhotometricPriors
) -> Float64[np.ndarray, "A A"]:
    """Return the precision of the albedo code that draws unseen skin to the mean skin in the tone of the samples."""
    mean, modes = head.albedo_mean.numpy()[lost].astype(np.float64), head.albedo.numpy()[:, lost].astype(np.float64)
    tone = samples.mean.mean(axis=0)
    common = mean * (samples.modes.mean(axis=1).T[:, None] / tone)
    flat = ((modes - common) / (tone * priors.noise)).reshape(len(modes), mean.size)
    return np.asarray(flat @ flat.T * (priors.strength / (3 * len(lost))))


def _lit_skin(
    head: LinearHead,
    in_camera: Float64[np.ndarray, "V 3"],
    normals: Float64[np.ndarray, "V 3"],
    patch: PhotoPatch,
) -> Bool[np.ndarray, " V"]:
    """Mask the vertices of the face's skin that are visible, face the camera and lie inside the skin mask."""
    skin = face_skin(head)
    toward = -(normals * in_camera).sum(axis=1) / np.linalg.norm(in_camera, axis=1)
    candidates = np.flatnonzero(skin & (toward > 0.2) & np.isfinite(patch.projected).all(axis=1))
    points = patch.buffer_points()
    kept = visible_points(points[candidates], points, head.faces.numpy(), patch.fragments)
    candidates = candidates[kept]
    pixel = patch.projected[candidates, :2].astype(np.int64)
    candidates = candidates[patch.mask[pixel[:, 1], pixel[:, 0]] >= 0.5]
    out = np.zeros(len(skin), dtype=bool)
    out[candidates] = True
    return out


@dataclass(frozen=True)
class _Samples:
    """Sampled colors and their predictors; see the module docstring."""

    color: Float64[np.ndarray, "N 3"]
    basis: Float64[np.ndarray, "N 9"]
    mean: Float64[np.ndarray, "N 3"]
    modes: Float32[np.ndarray, "3 N A"]


def _solve(
    samples: _Samples,
    light: Float64[np.ndarray, "9 3"],
    code: Float64[np.ndarray, " A"],
    priors: PhotometricPriors,
    iterations: int,
    exposure: Float64[np.ndarray, "3"] | None,
    unseen: Float64[np.ndarray, "A A"] | None = None,
) -> PhotometricFit:
    """Solve for light and code jointly: alternating converges slowly along their common brightness.

    `exposure` is the mean shading of the samples, None where the albedo is fixed and tells it; `unseen` a further precision
    of the code, about zero, beside the unit normal's.
    """
    count, num = len(samples.color), 27 + len(code)
    level = float(samples.color.mean()) + 1e-4
    root = np.sqrt(priors.strength / (3 * count)) / (priors.noise * level)
    prior_mean, prior_matrix = _light_prior(priors, np.ones(3) if exposure is None else exposure)
    if exposure is None:  # start at the observed brightness, with the mean skin
        light = light * (samples.color.mean(axis=0) / samples.mean.mean(axis=0)).mean()
    else:
        light = light * exposure
    average = samples.basis.mean(axis=0)
    for _ in range(iterations):
        albedo = samples.mean + (samples.modes @ code.astype(np.float32)).T
        shading = samples.basis @ light
        residual = samples.color - albedo * shading
        size = np.abs(residual) / (priors.noise * level)
        weight = root * np.sqrt(np.minimum(1.0, priors.huber / np.maximum(size, 1e-9)))
        hessian, gradient = np.zeros((num, num)), np.zeros(num)
        for c in range(3):
            # single precision: the products are most of the work, and Gauss-Newton mends what their rounding misses
            lit, colored = (weight[:, c] * shading[:, c]).astype(np.float32), weight[:, c] * albedo[:, c]
            rows = np.empty((count, 9 + len(code)), np.float32)
            np.multiply(colored[:, None], samples.basis, out=rows[:, :9], casting="same_kind")
            np.multiply(lit[:, None], samples.modes[c], out=rows[:, 9:])
            where = np.r_[9 * c : 9 * c + 9, 27:num]
            hessian[np.ix_(where, where)] += rows.T @ rows
            gradient[where] += rows.T @ (weight[:, c] * residual[:, c]).astype(np.float32)
        flat = light.T.reshape(-1)
        hessian[:27, :27] += prior_matrix
        gradient[:27] -= prior_matrix @ (flat - prior_mean)
        if exposure is not None:
            for c, strength in enumerate(1 / (priors.held_sigma * exposure) ** 2):
                own = slice(9 * c, 9 * c + 9)
                hessian[own, own] += strength * np.outer(average, average)
                gradient[own] += strength * average * (exposure[c] - average @ light[:, c])
        hessian[range(27, num), range(27, num)] += 1.0
        gradient[27:] -= code
        if unseen is not None:
            hessian[27:, 27:] += unseen
            gradient[27:] -= unseen @ code
        step = cho_solve(cho_factor(hessian), gradient)
        light = (flat + step[:27]).reshape(3, 9).T
        code = np.clip(code + step[27:], -3.0, 3.0)
    shaded = (samples.mean + (samples.modes @ code.astype(np.float32)).T) * (samples.basis @ light)
    rms = float(np.sqrt(np.mean((samples.color - shaded) ** 2)) / level)
    return PhotometricFit(light, code, rms)


def _light_prior(
    priors: PhotometricPriors, exposure: Float64[np.ndarray, "3"]
) -> tuple[Float64[np.ndarray, "27"], Float64[np.ndarray, "27 27"]]:
    """Compute mean and precision matrix of the light, channel by channel."""
    mean, precision = np.zeros((3, 9)), np.zeros((3, 9, 3, 9))
    mean[:, 0] = AMBIENT * AMBIENT_SHARE * exposure
    average = np.full((3, 3), 1 / 3)

    def channel_precision(common: float, apart: float) -> Float64[np.ndarray, "3 3"]:
        """Return the precision of three channels whose mean and differences have these standard deviations."""
        return np.asarray(average / (3 * common**2) + (np.eye(3) - average) / apart**2)

    precision[:, 0, :, 0] = channel_precision(priors.exposure_sigma * AMBIENT, priors.tint_sigma * AMBIENT)
    for sigma, entries in zip(priors.band_sigma, (range(1, 4), range(4, 9)), strict=True):
        for k in entries:
            precision[:, k, :, k] = channel_precision(sigma * AMBIENT, priors.band_tint * sigma * AMBIENT)
    return mean.reshape(-1), precision.reshape(27, 27)
