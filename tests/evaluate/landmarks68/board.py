"""A flat, colored board as the result of a reconstruction, written as `headform reconstruct` writes one.

The board stands upright in front of the camera, so that it covers a known rectangle of the photo.
"""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from headform.export import _wavefront as wavefront
from headform.export import parameters
from headform.io.mesh.triangle_mesh import TriangleMesh

SIZE = (64, 48)
LEFT, TOP, RIGHT, BOTTOM = 12.0, 10.0, 44.0, 42.0
"""What the board covers, pixels."""
FOCAL, DISTANCE = 100.0, 1.0


def png(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")
    return out.getvalue()


def points68(box: tuple[float, float, float, float]) -> np.ndarray:
    """A jaw, brows, nose, eyes and mouth within a rectangle, well inside it."""
    left, top, right, bottom = box
    unit = np.zeros((68, 2))
    turn = np.linspace(0, np.pi, 17)
    unit[:17] = np.stack([0.5 - 0.45 * np.cos(turn), 0.4 + 0.5 * np.sin(turn)], 1)
    unit[17:27] = np.stack([np.linspace(0.1, 0.9, 10), np.full(10, 0.15)], 1)
    unit[27:36] = np.stack([np.full(9, 0.5), np.linspace(0.3, 0.6, 9)], 1)
    unit[36:42], unit[42:48] = (0.3, 0.35), (0.7, 0.35)
    unit[48:] = np.stack([np.linspace(0.35, 0.65, 20), np.full(20, 0.75)], 1)
    return unit * [right - left, bottom - top] + [left, top]


def write_board(
    folder: Path,
    texture: np.ndarray,
    *,
    box: tuple[float, float, float, float] = (LEFT, TOP, RIGHT, BOTTOM),
    light: np.ndarray | None = None,
    size: tuple[int, int] = SIZE,
) -> None:
    """parameters.npz, head.obj, head.mtl, texture.png."""
    folder.mkdir(parents=True, exist_ok=True)
    left, top, right, bottom = box
    corners = np.array([(left, top), (left, bottom), (right, bottom), (right, top)])
    center = np.array(size) / 2
    plane = (corners - center) * DISTANCE / FOCAL
    # camera x right, y down, z forward; head y up, z toward the camera
    vertices = np.column_stack([plane[:, 0], -plane[:, 1], np.zeros(4)]).astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uv = np.array([(0.0, 1.0), (0.0, 0.0), (1.0, 0.0), (1.0, 1.0)])
    values = {
        "vertices": vertices,
        "K": np.array([[FOCAL, 0, center[0]], [0, FOCAL, center[1]], [0, 0, 1.0]]),
        "R": np.diag([1.0, -1.0, -1.0]),
        "t": np.array([0.0, 0.0, DISTANCE]),
        "light": (np.zeros((9, 3)) if light is None else light).astype(np.float32),
        "landmarks68": points68(box).astype(np.float32),
        "image_size": np.array(size, np.int32),
    }
    mesh = TriangleMesh(vertices.astype(float), faces, uv=uv, uv_faces=faces)
    files = wavefront.encode(mesh) | {
        "parameters.npz": parameters.encode(values),
        "texture.png": png(texture),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)


def write_manifest(folder: Path, *entries: tuple[str, list[str]]) -> None:
    """One line per photo and the folders of its faces; without any it failed."""
    lines = [
        {
            "input": photo,
            "status": "ok" if faces else "failed",
            "faces": [{"folder": name, "status": "ok", "confidence": 0.9, "reasons": []} for name in faces],
            "notes": [],
            "error": None if faces else {"code": "no_face", "message": "no face", "exit_code": 4},
            "seconds": 1.0,
        }
        for photo, faces in entries
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "manifest.jsonl").write_text(text)
