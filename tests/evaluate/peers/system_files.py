"""Trees with the names that public systems give their files, around small heads of the open model."""

from pathlib import Path

import numpy as np

from headform.evaluate.peers.systems import FLAME
from headform.geometry.landmarks68 import NOW7
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from tests.evaluate.now.made_tree import IMAGES
from tests.evaluate.scan.faces import head_of

NAMES = tuple(IMAGES[:4])
"""Images of one subject."""
COUNT = 900
SMALL = 1700
"""Vertices in place of the 43,867 of PRNet."""


def padded(number: int, count: int, rows: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction `number` in millimeters with `count` vertices: unused ones behind, its landmarks at `rows`."""
    surface, landmarks = head_of(0, count=COUNT, spread=0.6, noise=0.2 + 1e-3 * number)
    vertices = np.repeat(surface.vertices[:1], count, axis=0)
    free = np.setdiff1d(np.arange(count), rows)[: len(surface.vertices)]
    vertices[free] = surface.vertices
    if rows:
        vertices[list(rows)] = landmarks
    return vertices, free[surface.faces], landmarks


def as_68(landmarks: np.ndarray) -> np.ndarray:
    """The seven among 68 points whose others lie on the right eye, too."""
    points = np.repeat(landmarks[:1], 68, axis=0)
    points[list(NOW7)] = landmarks
    return points


def write(path: Path, vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mesh = TriangleMesh(vertices, faces)
    if path.suffix == ".ply":
        ply.write(path, mesh, encoding="binary_little_endian")
    elif colors is None:
        obj.write(path, mesh)
    else:
        rows = [
            f"v {' '.join(map(repr, v.tolist()))} {' '.join(map(str, c))}"
            for v, c in zip(vertices, colors, strict=True)
        ]
        path.write_text("\n".join(rows + [f"f {' '.join(map(str, f + 1))}" for f in faces]) + "\n")


def mica(folder: Path) -> None:
    for number, name in enumerate(NAMES):
        vertices, faces, landmarks = padded(number, FLAME)
        write(folder / name / "mesh.ply", vertices, faces)
        if number == 0:
            write(folder / name / "mesh.obj", vertices, faces)
        np.save(folder / name / "kpt7.npy", landmarks)
        np.save(folder / name / "kpt68.npy", as_68(landmarks))
        np.save(folder / name / "identity.npy", np.zeros(300))


def prnet(folder: Path, *, height: int = 640) -> None:
    """On the photo: x to its right, y up in the mesh and down in the points, colors, and a turned head."""
    turn = np.array([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    for number, name in enumerate(NAMES[:2]):
        vertices, faces, landmarks = padded(number, SMALL)
        place = lambda p: 2.5 * p @ turn.T + [300.0, 350.0, 90.0]  # noqa: E731
        base = folder / name.replace("/", "_")
        write(base.with_suffix(".obj"), place(vertices), faces, np.full((len(vertices), 3), 0.5))
        down = as_68(place(landmarks)) * [1, -1, 1] + [0, height - 1, 0]
        np.savetxt(f"{base}_kpt.txt", down)
        np.savetxt(f"{base}_pose.txt", np.zeros((1, 3)))


def deca(folder: Path, *, subjects: bool = True) -> None:
    """Each photo in a folder of its own; points in the crop's frame, which are not on the mesh."""
    for number, name in enumerate(NAMES):
        vertices, faces, landmarks = padded(number, FLAME)
        stem = name.rsplit("/", 1)[1]
        base = folder / (name if subjects else stem)
        write(base / f"{stem}.obj", vertices / 1000, faces)
        if number == 0:
            write(base / f"{stem}_detail.obj", vertices / 1000, faces)
        np.savetxt(base / f"{stem}_kpt3d.txt", as_68(landmarks) * 7 / 1000 + 0.3)
        np.savetxt(base / f"{stem}_kpt2d.txt", as_68(landmarks)[:, :2])
