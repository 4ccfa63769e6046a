"""Panoramas: nothing of their light is lost when they are taken apart, and they are seen where they shine from."""

import numpy as np
import pytest

from headform.synth.panoramas import Environment, ambient_of, camera_rotation, load_environments, take_apart, view


def sky(*, sun: tuple[int, int] | None = None) -> np.ndarray:
    """Make a gray panorama, with a sun of one pixel."""
    radiance = np.full((32, 64, 3), 0.5, np.float32)
    if sun is not None:
        radiance[sun] = [900.0, 800.0, 600.0]
    return radiance


def irradiance(environment: Environment, rotation: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Evaluate irradiance over pi on a surface, camera frame: harmonics and suns."""
    x, y, z = normal
    basis = np.array([1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    total = basis @ ambient_of(environment, rotation)
    for direction, color in zip(environment.sun_directions @ rotation.T, environment.sun_colors, strict=True):
        total = total + color * max(float(direction @ normal), 0)
    return total


def integrated(radiance: np.ndarray, rotation: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Integrate the panorama over the hemisphere of a normal, pixel by pixel, over pi."""
    rows, columns = radiance.shape[:2]
    total = np.zeros(3)
    for row in range(rows):
        up = np.pi / 2 - (row + 0.5) / rows * np.pi
        for column in range(columns):
            azimuth = (column + 0.5) / columns * 2 * np.pi
            direction = np.array([np.sin(azimuth) * np.cos(up), np.sin(up), np.cos(azimuth) * np.cos(up)])
            cosine = max(float(rotation @ direction @ normal), 0)
            total += radiance[row, column] * cosine * np.cos(up) * np.pi / rows * 2 * np.pi / columns
    return total / np.pi


def test_a_uniform_sky_lights_every_side_alike() -> None:
    environment = take_apart(sky())
    assert len(environment.sun_directions) == 0
    for normal in np.eye(3):
        np.testing.assert_allclose(irradiance(environment, np.eye(3), normal), 0.5, rtol=0.02)


def test_suns_and_harmonics_together_are_the_integral() -> None:
    rng = np.random.default_rng(0)
    smooth = sky(sun=(9, 20))
    smooth[:16] *= 2.0  # brighter above
    environment = take_apart(smooth)
    assert len(environment.sun_directions) == 1
    rotation = camera_rotation(0.7, 0.2)
    for _ in range(5):
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        np.testing.assert_allclose(
            irradiance(environment, rotation, normal), integrated(smooth, rotation, normal), atol=0.12, rtol=0.06
        )


def test_the_camera_sees_what_lies_at_its_heading() -> None:
    radiance = sky()
    radiance[14:18, 22:26] = [5.0, 0.0, 0.0]  # on the horizon, at azimuth 24 / 64 of a turn
    environment = take_apart(radiance)
    heading = 24 / 64 * 2 * np.pi
    to_raster = np.array([[60.0, 0, 32], [0, 60, 32]])
    ahead = view(environment, camera_rotation(heading, 0.0), to_raster, 32)
    assert ahead[16, 16, 0] > 4
    assert ahead[16, 16, 1] < 0.2
    behind = view(environment, camera_rotation(heading + np.pi, 0.0), to_raster, 32)
    np.testing.assert_allclose(behind, 0.5, atol=1e-5)
    # turned to the right of it, the spot moves to the left of the picture; tilted up, it moves down
    left = view(environment, camera_rotation(heading + 0.3, 0.0), to_raster, 32)[16, :, 1].argmin()
    below = view(environment, camera_rotation(heading, 0.3), to_raster, 32)[:, 16, 1].argmin()
    assert left < 14
    assert below > 18


def test_the_shipped_ones_keep_their_energy() -> None:
    environments = load_environments()
    assert len(environments) >= 10
    for environment in environments:
        rows, columns = environment.radiance.shape[:2]
        solid = np.cos(np.pi / 2 - (np.arange(rows) + 0.5) / rows * np.pi) * np.pi / rows * 2 * np.pi / columns
        whole = (environment.radiance * solid[:, None, None]).sum((0, 1))
        parts = (environment.rest * solid[:, None, None]).sum((0, 1)) + np.pi * environment.sun_colors.sum(0)
        np.testing.assert_allclose(parts, whole, rtol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(environment.sun_directions, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("heading", [0.0, 1.0, 4.0])
def test_the_rotation_keeps_up_up(heading: float) -> None:
    rotation = camera_rotation(heading, 0.0)
    np.testing.assert_allclose(rotation @ [0, 1, 0], [0, -1, 0], atol=1e-12)  # y points down in a camera
    np.testing.assert_allclose(rotation @ [np.sin(heading), 0, np.cos(heading)], [0, 0, 1], atol=1e-12)
