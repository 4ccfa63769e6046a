"""Light and skin from pictures whose light and skin are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photometric import (
    PhotometricPriors,
    _light_prior,
    _Samples,
    _solve,
    fit_light_and_albedo,
)
from headform.geometry.spherical_harmonics import AMBIENT, sh_basis
from headform.heads.linear import LinearHead
from headform.mesh.normals import vertex_normals

from .scenes import AMBIENT_LIGHT, camera_at, mean_vertices, photograph


def lit_scene(
    head: LinearHead, code: np.ndarray, light: np.ndarray, yaw: float = 20
) -> tuple[np.ndarray, object, np.ndarray]:
    vertices, camera = mean_vertices(head), camera_at(head, yaw)
    albedo = head.albedo_of(torch.from_numpy(code).float()).numpy().clip(0.01, 1)
    normals = vertex_normals(vertices, head.faces.numpy()) @ camera.R.T
    shading = np.maximum(sh_basis(normals) @ light, 0.0)
    return vertices, camera, photograph(head, vertices, camera, albedo * shading)


def made_light(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    light = AMBIENT_LIGHT * 0.9
    light[1:4] = rng.normal(0, 0.4, (3, 1))
    light[4:] = rng.normal(0, 0.1, (5, 1))
    return light


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_explains_the_picture_and_finds_the_shape_of_the_light(head: LinearHead, seed: int) -> None:
    code = np.random.default_rng(seed).normal(0, 0.5, len(head.albedo))
    light = made_light(seed)
    vertices, camera, photo = lit_scene(head, code, light)
    fit = fit_light_and_albedo(FittedPhoto(head, vertices, camera, photo))
    assert fit.residual_rms < 0.06
    normals = vertex_normals(vertices, head.faces.numpy()) @ camera.R.T
    seen = normals[:, 2] < -0.5
    ours, truth = (sh_basis(normals[seen]) @ x for x in (fit.light, light))
    ours, truth = ours / ours.mean(), truth / truth.mean()  # brightness is the prior's
    assert np.sqrt(np.mean((ours - truth) ** 2)) < 0.12
    assert 0.6 < fit.light[0].mean() / AMBIENT < 1.5


def test_what_the_mask_excludes_does_not_count(head: LinearHead) -> None:
    light = made_light(4)
    vertices, camera, photo = lit_scene(head, np.zeros(len(head.albedo)), light)
    clean = fit_light_and_albedo(FittedPhoto(head, vertices, camera, photo))
    mask = np.ones(photo.shape[:2], np.float32)
    mask[150:] = 0
    spoiled = photo.copy()
    spoiled[153:] = [0, 255, 0]
    fit = fit_light_and_albedo(FittedPhoto(head, vertices, camera, spoiled, mask))
    assert fit.residual_rms < 0.09
    assert np.abs(fit.light[0] / clean.light[0] - 1).max() < 0.25


def test_a_head_without_albedo_modes_is_fitted_with_light_alone(head: LinearHead) -> None:
    flat = replace(head, albedo=torch.zeros_like(head.albedo), albedo_mean=torch.full_like(head.mean, 0.4))
    light = made_light(5)
    vertices, camera, photo = lit_scene(flat, np.zeros(len(head.albedo)), light)
    fit = fit_light_and_albedo(FittedPhoto(flat, vertices, camera, photo))
    assert (fit.albedo_code == 0).all()
    assert fit.residual_rms < 0.05


def test_nothing_seen_gives_white_light(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 180)
    fit = fit_light_and_albedo(FittedPhoto(head, vertices, camera, np.zeros((320, 320, 3), np.uint8)))
    np.testing.assert_array_equal(fit.light, AMBIENT_LIGHT)
    assert np.isnan(fit.residual_rms)


def test_the_minimum_is_scipys() -> None:
    rng = np.random.default_rng(6)
    normals = rng.normal(size=(80, 3)) - [0, 0, 1.5]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    mean, modes = rng.uniform(0.2, 0.5, (80, 3)), rng.normal(0, 0.05, (3, 80, 4))
    truth = made_light(7)
    albedo = mean + (modes @ rng.normal(size=4)).T
    color = albedo * (sh_basis(normals) @ truth) + rng.normal(0, 0.01, (80, 3))
    priors = PhotometricPriors(huber=1e9)
    samples = _Samples(color, sh_basis(normals), mean, modes.astype(np.float32))
    exposure = np.array([1.2, 1.1, 0.9])
    fit = _solve(samples, AMBIENT_LIGHT.copy(), np.zeros(4), priors, 40, exposure)
    prior_mean, precision = _light_prior(priors, exposure)
    root = np.linalg.cholesky(precision).T
    level = color.mean() + 1e-4

    def residuals(x: np.ndarray) -> np.ndarray:
        light = x[:27].reshape(3, 9).T
        error = color - (mean + (modes @ x[27:]).T) * (sh_basis(normals) @ light)
        scaled = error * np.sqrt(priors.strength / 240) / (priors.noise * level)
        held = ((sh_basis(normals) @ light).mean(axis=0) - exposure) / (priors.held_sigma * exposure)
        return np.concatenate([scaled.ravel(), root @ (x[:27] - prior_mean), held, x[27:]])

    oracle = least_squares(residuals, np.concatenate([AMBIENT_LIGHT.T.ravel(), np.zeros(4)]),
                           xtol=1e-13, ftol=1e-13, gtol=1e-12)  # fmt: skip
    ours = np.concatenate([fit.light.T.ravel(), fit.albedo_code])
    np.testing.assert_allclose(ours, oracle.x, atol=2e-3)
