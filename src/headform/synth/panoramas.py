"""Panoramas as light and as background: suns that cast shadows, harmonics of the rest, and a view through the camera.

P panoramas, Y x X pixels of one, S side of the picture, N suns. Radiance is linear RGB. A panorama is equirectangular, row 0
straight up. The camera frame is x right, y down, z forward; `heading` (radians) is the azimuth that the camera looks at.
"""

import typing
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Float32

from headform.kernels.jit import njit
from headform.synth.appearance import load_appearance

_SUNS = 3
_LOBE_DEGREES = 11.0  # angular radius of what counts as one sun
_FAINT = 0.04  # share of the panorama's irradiance below which a bright spot stays in the harmonics
_BASIS_NORM = np.array([0.282095, *[0.488603] * 3, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
"""Factors of the polynomials 1, y, z, x, xy, yz, 3z2-1, xz, x2-y2 in orthonormal real spherical harmonics."""
_COSINE = np.array([1.0, *[2 / 3] * 3, *[1 / 4] * 5])
"""Irradiance over pi from radiance, per band (Ramamoorthi and Hanrahan 2001, "An Efficient Representation for Irradiance
Environment Maps")."""


@dataclass(frozen=True)
class Environment:
    """One panorama, taken apart.

    Attributes:
        radiance: The whole panorama.
        rest: The panorama without its suns.
        sun_directions: Unit vectors, x to the right of azimuth 0, y up, z along azimuth 0.
        sun_colors: Irradiance over pi on a surface that faces the sun.
    """

    radiance: Float32[np.ndarray, "Y X 3"]
    rest: Float32[np.ndarray, "Y X 3"]
    sun_directions: Float[np.ndarray, "N 3"]
    sun_colors: Float[np.ndarray, "N 3"]


def take_apart(radiance: Float32[np.ndarray, "Y X 3"]) -> Environment:
    """Split a panorama into at most three suns and the rest."""
    rows, columns = radiance.shape[:2]
    direction, solid = _directions(rows, columns)
    rest = radiance.astype(np.float64)
    total = (rest.mean(-1) * solid).sum()
    directions, colors = [], []
    for _ in range(_SUNS):
        light = rest.mean(-1)
        peak = direction.reshape(-1, 3)[light.argmax()]
        lobe = direction @ peak > np.cos(np.radians(_LOBE_DEGREES))
        around = (direction @ peak > np.cos(np.radians(2 * _LOBE_DEGREES))) & ~lobe
        usual = np.median(rest[around], axis=0)
        extra = np.maximum(rest - usual, 0) * lobe[..., None] * solid[..., None]
        energy = extra.sum((0, 1))
        if energy.mean() < _FAINT * total:
            break
        at = (direction * extra.mean(-1)[..., None]).sum((0, 1))
        directions.append(at / np.linalg.norm(at))
        colors.append(energy / np.pi)
        rest = np.where(lobe[..., None], np.minimum(rest, usual), rest)
    return Environment(
        radiance.astype(np.float32),
        rest.astype(np.float32),
        np.array(directions).reshape(-1, 3),
        np.array(colors).reshape(-1, 3),
    )


@cache
def load_environments() -> list[Environment]:
    """Take the panoramas that ship apart; kept."""
    return [take_apart(p.astype(np.float32)) for p in load_appearance().panoramas.values()]


def _directions(rows: int, columns: int) -> tuple[Float[np.ndarray, "Y X 3"], Float[np.ndarray, "Y X"]]:
    """Return the direction of each pixel (x right of azimuth 0, y up, z along it) and its solid angle."""
    up = np.pi / 2 - (np.arange(rows) + 0.5) / rows * np.pi
    azimuth = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    cos = np.cos(up)[:, None]
    direction = np.stack(
        [np.sin(azimuth) * cos, np.broadcast_to(np.sin(up)[:, None], (rows, columns)), np.cos(azimuth) * cos], -1
    )
    return direction, np.broadcast_to(cos * (np.pi / rows) * (2 * np.pi / columns), (rows, columns))


def camera_rotation(heading: float, pitch: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from a panorama's directions to the frame of a camera that looks along `heading`, `pitch` radians up."""
    c, s = np.cos(heading), np.sin(heading)
    level = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])  # heading onto z
    flip = np.diag([1.0, -1.0, 1.0])  # y down
    c, s = np.cos(pitch), np.sin(pitch)
    tilt = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
    return np.asarray(tilt @ flip @ level)


def ambient_of(environment: Environment, rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "9 3"]:
    """Project the rest on the nine polynomials of irradiance over pi, camera frame."""
    rest = environment.rest[::4, ::4]  # harmonics of the second degree see no detail
    direction, solid = _directions(*rest.shape[:2])
    x, y, z = np.moveaxis(direction @ rotation.T, -1, 0)
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    moments = np.einsum("byx,yxc,yx->bc", basis, rest, solid)
    return np.asarray(moments * (_COSINE * _BASIS_NORM**2)[:, None])


def view(
    environment: Environment,
    rotation: Float[np.ndarray, "3 3"],
    to_raster: Float[np.ndarray, "2 3"],
    side: int,
) -> Float32[np.ndarray, "S S 3"]:
    """Render the panorama behind the person: radiance of each pixel of the picture.

    Args:
        environment: The panorama.
        rotation: Rotation from its directions to the camera frame.
        to_raster: Similarity from the normalized image plane to the raster of 2S pixels.
        side: Side S of the picture.
    """
    inverse = np.linalg.inv(to_raster[:, :2])
    out = np.empty((side, side, 3), np.float32)
    _view(environment.radiance, rotation.T.copy(), inverse, to_raster[:, 2].copy(), out)
    return out


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def _view(radiance, back, inverse, shift, out):
    """Sample the panorama at every pixel; smooth weights, since a panorama is coarser than the picture."""
    rows, columns = radiance.shape[0], radiance.shape[1]
    side = out.shape[0]
    for row in range(side):
        for column in range(side):
            u, v = 2 * column + 1 - shift[0], 2 * row + 1 - shift[1]
            x = inverse[0, 0] * u + inverse[0, 1] * v
            y = inverse[1, 0] * u + inverse[1, 1] * v
            dx = back[0, 0] * x + back[0, 1] * y + back[0, 2]
            dy = back[1, 0] * x + back[1, 1] * y + back[1, 2]
            dz = back[2, 0] * x + back[2, 1] * y + back[2, 2]
            up = np.arctan2(dy, (dx * dx + dz * dz) ** 0.5)
            azimuth = np.arctan2(dx, dz)
            r = (0.5 - up / np.pi) * rows - 0.5
            c = azimuth / (2 * np.pi) * columns - 0.5
            r = min(max(r, 0.0), rows - 1.001)
            i = int(r)
            j = int(np.floor(c))
            a, b = r - i, c - j
            a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
            for n in range(3):
                top = radiance[i, j % columns, n] * (1 - b) + radiance[i, (j + 1) % columns, n] * b
                low = radiance[i + 1, j % columns, n] * (1 - b) + radiance[i + 1, (j + 1) % columns, n] * b
                out[row, column, n] = top * (1 - a) + low * a
