"""Hard photos made from plain ones: dimmed and noisy, with a small face, or with glasses and masks drawn over the face.

H W of the photo.
"""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from headform.images.transfer import LINEAR_FROM_SRGB8, srgb_from_linear
from headform.mesh.normals import vertex_normals
from headform.pipeline.reconstruction import Reconstruction
from headform.render.light import shade
from headform.render.rasterize import rasterize
from headform.synth.piece import Piece, Wearer
from headform.synth.randomization import GlassesRandomization, OccluderRandomization
from headform.synth.wear.fitting import Fitting, HeadPlaces
from headform.synth.wear.glasses import glasses
from headform.synth.wear.masks import mask
from headform.synth.wear.skull import Skull, SkullPlaces

EXPOSURE = 1 / 24
"""Light of a dim photo over that of the plain one."""
FULL_WELL, READ_NOISE = 1500.0, 2.0
"""Electrons of a white pixel of the plain photo, and the standard deviation of those that reading it adds: a phone's."""
FINE = 2
"""Samples per pixel along either axis of what is drawn over a photo."""
SKIN = (0.45, 0.3, 0.24)


def dimmed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the photo (H, W, 3) as a phone takes it with 1/24 of the light: dark, with the noise of few electrons."""
    electrons = rng.poisson(LINEAR_FROM_SRGB8[rgb] * FULL_WELL * EXPOSURE) + rng.normal(0, READ_NOISE, rgb.shape)
    return encoded(np.clip(electrons / FULL_WELL, 0, 1))


def shrunk(rgb: np.ndarray, points: np.ndarray, height: float) -> np.ndarray:
    """Return the photo (H, W, 3) scaled so that its 68 points are `height` pixels high."""
    scale = height / float(np.ptp(points[:, 1]))
    size = [max(1, round(length * scale)) for length in rgb.shape[1::-1]]
    return np.asarray(Image.fromarray(rgb).resize((size[0], size[1]), Image.Resampling.BOX))


def with_sunglasses(result: Reconstruction, rng: np.random.Generator) -> np.ndarray:
    """Return the photo (H, W, 3) of a result with dark glasses before the eyes."""
    places = HeadPlaces(result.head)
    config = replace(GlassesRandomization(), sunglasses_rate=1.0, low_rate=0.0)
    return worn(result, glasses(rng, Fitting(places, wearer_of(result)), config))


def with_mask(result: Reconstruction, rng: np.random.Generator) -> np.ndarray:
    """Return the photo (H, W, 3) of a result with a mask over mouth and nose."""
    places = HeadPlaces(result.head)
    config = replace(OccluderRandomization(), nose_free_rate=0.0, chin_rate=0.0)
    return worn(result, mask(rng, Skull(SkullPlaces(places), Fitting(places, wearer_of(result))), config))


def wearer_of(result: Reconstruction) -> Wearer:
    """Return the head of a result as that of a synthetic person."""
    marks = result.vertices[result.head.dense.numpy()[:68]]
    return Wearer(result.vertices, marks.astype(np.float32), 0.0, 0.0, SKIN)


def worn(result: Reconstruction, pieces: list[Piece]) -> np.ndarray:
    """Draw pieces over the photo of a result, in the light that it found there; its head hides what is behind it."""
    picture = result.photo.astype(np.float64)
    height, width = picture.shape[:2]
    head = result.head.faces.numpy()
    for piece in pieces:
        vertices = np.concatenate([result.vertices, piece.vertices])
        faces = np.concatenate([head, piece.faces + len(result.vertices)])
        points = result.camera.resized(float(FINE)).project(vertices)
        found = rasterize(points, faces, height * FINE, width * FINE)
        seen = found.face_index >= len(head)
        corners, weights = piece.faces[found.face_index[seen] - len(head)], found.barycentric[seen][..., None]
        color, opacity = appearance(piece, corners, weights)
        normals = (vertex_normals(piece.vertices, piece.faces)[corners] * weights).sum(1) @ result.camera.R.T
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        normals = np.where(normals[:, 2:] > 0, -normals, normals)  # both sides are drawn, the seen one faces the camera
        lit = shade(torch.from_numpy(color), torch.from_numpy(normals), torch.from_numpy(result.light)).numpy()
        layer = np.zeros((*seen.shape, 4))
        layer[seen] = np.column_stack([encoded(np.clip(lit, 0, 1)) * opacity[:, None], opacity])
        layer = layer.reshape(height, FINE, width, FINE, 4).mean((1, 3))
        picture = picture * (1 - layer[..., 3:]) + layer[..., :3]
    return np.clip(picture.round(), 0, 255).astype(np.uint8)


def appearance(piece: Piece, corners: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return linear RGB (N, 3) and opacity (N,) of samples of a piece."""
    color = (piece.albedo[corners] * weights).sum(1).astype(np.float64)
    opacity = np.full(len(color), piece.opacity)
    if piece.texture is not None and piece.uv is not None:
        rows, columns = piece.texture.shape[:2]
        u, v = (piece.uv[corners] * weights).sum(1).T
        x = np.clip((u * columns).astype(int), 0, columns - 1)
        y = np.clip(((1 - v) * rows).astype(int), 0, rows - 1)
        texel = piece.texture[y, x]
        color, opacity = color * LINEAR_FROM_SRGB8[texel[:, :3]], opacity * texel[:, 3] / 255
    return color, opacity


def encoded(linear: np.ndarray) -> np.ndarray:
    """Return linear RGB in [0, 1] as sRGB bytes."""
    return (srgb_from_linear(torch.from_numpy(np.asarray(linear, np.float64))).numpy() * 255).round().astype(np.uint8)
