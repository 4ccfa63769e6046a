"""Texture models on a map of the made FLAME, as their publishers write them, of any resolution."""

from pathlib import Path

import numpy as np

from tests.heads.flame_file import HEAD_VERTICES, FlameModel

SKIN = np.array([0.75, 0.55, 0.45])
"""Mean RGB of every made texture."""


def texture_map(model: FlameModel) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (T, 2) and triangles (F, 3): a cylinder, cut open at the back, and two small squares for the eyes.

    Vertices of triangles across the cut have a second place, at the far side.
    """
    x, y, z = model.v_template.T
    around = np.arctan2(x, z) / (2 * np.pi) + 0.5
    height = (y - y.min()) / (y.max() - y.min())
    uv = np.stack([0.03 + 0.8 * around, 0.02 + 0.9 * height], 1)
    count = len(x)
    for start, stop, side in ((HEAD_VERTICES, 4477, 0.0), (4477, count, 0.5)):
        ball = model.v_template[start:stop]
        ball = (ball - ball.min(0)) / (ball.max(0) - ball.min(0))
        uv[start:stop] = np.stack([0.92 + 0.06 * ball[:, 0], 0.05 + side + 0.3 * ball[:, 1]], 1)
    faces = model.f.astype(np.int64)
    over = (np.ptp(around[faces], axis=1) > 0.5) & (faces < HEAD_VERTICES).all(1)
    low = over[:, None] & (around[faces] < 0.5)
    copied = np.unique(faces[low])
    number = np.zeros(count, np.int64)
    number[copied] = count + np.arange(len(copied))
    return np.concatenate([uv, uv[copied] + [0.8, 0.0]]), np.where(low, number[faces], faces)


def picture(size: int, modes: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """RGB in [0, 1], row 0 at the top: a slope of skin color, and smooth modes (size, size, 3, modes)."""
    rng = np.random.default_rng(seed)
    down, across = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size), indexing="ij")
    mean = SKIN + 0.1 * (across[..., None] - 0.5) * [1, 0.5, 0.2] - 0.1 * (down[..., None] - 0.5)
    wave = np.sin(across[..., None] * rng.uniform(1, 9, modes) + down[..., None] * rng.uniform(1, 9, modes))
    return mean, 0.05 * wave[:, :, None, :] * rng.normal(0, 1, (3, modes))


def write_flame_texture(path: Path, model: FlameModel, size: int = 32, modes: int = 200) -> Path:
    """`FLAME_texture.npz`: BGR, 0 to 255."""
    mean, basis = picture(size, modes)
    vt, ft = texture_map(model)
    np.savez(
        path,
        mean=255 * mean[..., ::-1],
        tex_dir=255 * basis[:, :, ::-1],
        vt=vt,
        ft=ft.astype(np.uint32),
    )
    return path


def write_albedo_mm(path: Path, model: FlameModel, size: int = 32, modes: int = 145, *, bgr: bool = True) -> Path:
    """`albedoModel2020_FLAME_albedoPart.npz`: linear, diffuse and specular."""
    order = slice(None, None, -1 if bgr else 1)
    mean, basis = picture(size, modes)
    spec, shine = picture(size, modes, seed=4)
    vt, ft = texture_map(model)
    np.savez(
        path,
        MU=mean[..., order],
        PC=basis[:, :, order],
        specMU=spec[..., order],
        specPC=shine[:, :, order],
        vt=vt,
        ft=ft,
    )
    return path


def write_bfm_albedo(path: Path, size: int = 32, modes: int = 199) -> Path:
    """`FLAME_albedo_from_BFM.npz`: BGR, 0 to 1, flat, no map."""
    mean, basis = picture(size, modes)
    flat = np.ascontiguousarray(mean[..., ::-1]).reshape(-1)
    np.savez(path, MU=flat, PC=np.ascontiguousarray(basis[:, :, ::-1]).reshape(flat.size, modes))
    return path
