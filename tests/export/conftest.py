"""A small sampled head and a made reconstruction, for the tests of everything that writes files."""

import numpy as np
import pytest
import torch

from headform.export.morph_targets import ARKIT_NAMES
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler
from headform.heads.linear import PARTS, LinearHead
from headform.nets.detection.face import Face
from headform.pipeline.reconstruction import Reconstruction

RINGS, SECTORS = 14, 20


def _ball(rings: int, sectors: int, tile: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An open ball along y: vertices, faces, texture coordinates in column `tile`, their faces."""
    angle = np.linspace(0.05, 0.9, rings) * np.pi
    turn = np.arange(sectors) / sectors * 2 * np.pi + np.pi  # the seam is at the back
    y = np.cos(angle)[:, None] * np.ones(sectors)
    x, z = np.sin(angle)[:, None] * np.sin(turn), np.sin(angle)[:, None] * np.cos(turn)
    vertices = np.stack([x, y, z], -1).reshape(-1, 3)
    u, v = np.meshgrid(np.linspace(0.02, 0.31, sectors + 1) + tile / 3, np.linspace(0.95, 0.05, rings))
    uv = np.stack([u, v], -1).reshape(-1, 2)
    faces, uv_faces = [], []
    for i in range(rings - 1):
        for j in range(sectors):
            a, b = i * sectors + j, i * sectors + (j + 1) % sectors
            faces += [[a, a + sectors, b], [b, a + sectors, b + sectors]]
            p = i * (sectors + 1) + j
            uv_faces += [[p, p + sectors + 1, p + 1], [p + 1, p + sectors + 1, p + sectors + 2]]
    return vertices, np.array(faces), uv, np.array(uv_faces)


def make_head() -> LinearHead:
    """An egg of 280 vertices with two eyeballs, 4 identity modes and ARKit's first 51 shapes."""
    parts, faces, uvs, uv_faces, labels = [], [], [], [], []
    for tile, (name, rings, sectors, radius, center) in enumerate(
        (
            ("face", RINGS, SECTORS, (0.07, 0.1, 0.08), (0.0, 0.0, 0.0)),
            ("eye_right", 6, 8, (0.012,) * 3, (-0.03, 0.02, 0.066)),
            ("eye_left", 6, 8, (0.012,) * 3, (0.03, 0.02, 0.066)),
        )
    ):
        vertices, triangles, uv, uv_triangles = _ball(rings, sectors, tile)
        faces.append(triangles + sum(map(len, parts)))
        uv_faces.append(uv_triangles + sum(map(len, uvs)))
        parts.append(vertices * radius + center)
        uvs.append(uv)
        labels.append(np.full(len(vertices), PARTS.index(name)))
    mean, part = np.concatenate(parts), np.concatenate(labels)
    rng = np.random.default_rng(3)
    skin = part == 0
    names = ARKIT_NAMES[:-1]
    expression = np.zeros((len(names), len(mean), 3))
    for shape in expression:
        middle = mean[skin & (mean[:, 2] > 0)][rng.integers(0, 60)]
        bump = np.exp(-((mean - middle) ** 2).sum(1) / 0.02**2) * skin
        shape[bump > 0.05] = (bump[:, None] * rng.normal(0, 0.004, 3))[bump > 0.05]
    landmark = rng.choice(np.flatnonzero(skin & (mean[:, 2] > 0)), 68)

    def real(values: object) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.float32)

    def whole(values: object) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.int64)

    count = len(mean)
    return LinearHead(
        name="egg",
        sha256="ab" * 32,
        license="a test's own egg",
        mean=real(mean),
        identity=real(rng.normal(0, 0.001, (4, 1, 3)) * np.ones((4, count, 3))),
        expression=real(expression),
        expression_names=names,
        faces=whole(np.concatenate(faces)),
        mirror=whole(np.arange(count)),
        part=torch.as_tensor(part, dtype=torch.uint8),
        regions={"face": torch.as_tensor(skin)},
        uv=real(np.concatenate(uvs)),
        uv_faces=whole(np.concatenate(uv_faces)),
        landmark_vertices=whole(np.repeat(landmark[:, None], 3, 1)),
        landmark_weights=real(np.tile([1.0, 0, 0], (68, 1))),
        landmark_offset=torch.zeros(68, 3),
        contour=whole(landmark[:17, None]),
        now7=whole(landmark[:7]),
        dense=whole(landmark),
        dense_mirror=whole(np.arange(68)),
        albedo_mean=torch.full((count, 3), 0.4),
        albedo=torch.zeros(2, count, 3),
        neck_weight=torch.ones(count),
        neck_pivot=real([0.0, -0.08, -0.02]),
    )


@pytest.fixture(scope="session")
def egg() -> LinearHead:
    return make_head()


@pytest.fixture(scope="session")
def texture() -> np.ndarray:
    return make_texture()


def make_texture() -> np.ndarray:
    """Red grows to the right, green downwards; (64, 64, 3) uint8."""
    ramp = np.linspace(20, 235, 64).astype(np.uint8)
    red, green = np.meshgrid(ramp, ramp)
    return np.stack([red, green, np.full_like(red, 90)], -1)


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    return make_photo()


def make_photo() -> np.ndarray:
    """A gray photo, 240 high and 320 wide."""
    rows = np.linspace(60, 200, 240).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(rows[:, None, None], (240, 320, 3)))


@pytest.fixture(scope="session")
def result(egg: LinearHead, texture: np.ndarray, photo: np.ndarray) -> Reconstruction:
    return make_result(egg, texture, photo)


def make_result(egg: LinearHead, texture: np.ndarray, photo: np.ndarray) -> Reconstruction:
    """A reconstruction of nobody: a turned, smiling egg."""
    identity = np.array([1.0, -1.0, 0.5, 0.0])
    expression = np.zeros(51)
    expression[[ARKIT_NAMES.index("jawOpen"), ARKIT_NAMES.index("mouthSmileLeft")]] = 0.5, 0.8
    codes = torch.as_tensor(identity).float(), torch.as_tensor(expression).float()
    neutral = egg.vertices(codes[0])
    vertices = egg.vertices(*codes)
    frontal = PerspectiveCamera.frontal(600.0, (320, 240), 0.7)
    camera = frontal.turned(rotation_from_euler(0.2, 0.1, 0.0), np.zeros(3))
    points = camera.project(egg.landmarks(vertices).numpy())[:, :2]
    return Reconstruction(
        head=egg,
        photo=photo,
        photo_name="nobody.jpg",
        image_size=(320, 240),
        face=Face(box=np.array([90.0, 40.0, 230.0, 210.0]), points5=points[:5].copy(), score=0.99),
        points68=points,
        dense=points.copy(),
        dense_sigma=np.full(68, 1.5),
        confidence=0.9,
        status="ok",
        reasons=(),
        identity=identity,
        expression=expression,
        gaze=np.array([0.2, -0.1]),
        albedo_code=np.zeros(2),
        light=np.vstack([np.full((1, 3), 3.5449), np.zeros((8, 3))]),
        camera=camera,
        vertices=vertices.numpy(),
        neutral=neutral.numpy(),
        texture=texture,
        albedo_texture=texture[::-1].copy(),
        seam_gradient=0.01,
        timings={"detect": 0.1, "fit": 0.02},
    )
