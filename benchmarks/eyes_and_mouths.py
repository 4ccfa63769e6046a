"""Eyes, blinks and mouths of reconstructed photos in one sheet, with the committee and without it, to be looked at.

Run:

    python -m benchmarks.eyes_and_mouths PHOTO... -o SHEET.png [--landmarks FILE]

A row for each photo and each way: the eyes in the photo, on the textured head, and on the head blinking; the mouth in the
photo, on the textured head, and in clay. With `--landmarks`, a network such as a student's is a third way. Prints how far
the head's inner lips stand apart, in millimeters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from PIL import Image, ImageDraw

from headform import Reconstruction, Reconstructor
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import INNER_LIP_PAIRS, OUTER_LIPS
from headform.io.atomic import write_bytes
from headform.io.image_bytes import png
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw

SIDE = 300
GROUND = 236.0


@dataclass(frozen=True)
class Arguments:
    """Which photos, and where the sheet goes."""

    photos: tyro.conf.Positional[tuple[Path, ...]]
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    landmarks: Path | None = None


def main(arguments: Arguments) -> None:
    """Reconstruct, draw, write."""
    ways = {
        "committee": Reconstructor.load(),
        "own network alone": Reconstructor.load(landmarks_net="own"),
    }
    if arguments.landmarks is not None:
        ways["given network"] = Reconstructor.load(dense=arguments.landmarks, landmarks_net="own")
    rows = []
    print("| photo | landmarks | inner lips mm | confidence |\n|---|---|---|---|")
    for photo in arguments.photos:
        for way, reconstructor in ways.items():
            result = reconstructor.reconstruct(photo)[0]
            gaps = " ".join(f"{gap:.2f}" for gap in lip_gaps(result))
            print(f"| {photo.stem} | {way} | {gaps} | {result.confidence:.2f} |", flush=True)
            row = Image.fromarray(draw_row(result))
            ImageDraw.Draw(row).text((4, 4), f"{photo.stem}, {way}", fill=(255, 0, 0))
            rows.append(np.asarray(row))
    write_bytes(arguments.out, png(np.concatenate(rows)))


def lip_gaps(result: Reconstruction) -> list[float]:
    """How far the three pairs of inner lip points stand apart on the head, millimeters."""
    marks = result.vertices[result.head.dense.numpy()[:68]]
    return [1000 * float(marks[a, 1] - marks[b, 1]) for a, b in INNER_LIP_PAIRS]


def draw_row(result: Reconstruction) -> np.ndarray:
    """Six tiles of one result."""
    points = result.points68
    eyes = points[36:48].mean(0), 0.7 * float(np.ptp(points[36:48, 0]))
    mouth = points[OUTER_LIPS].mean(0), 0.8 * float(np.ptp(points[OUTER_LIPS, 0]))
    head = result.head

    def look(vertices: np.ndarray, window: tuple[np.ndarray, float], clay: bool = False) -> np.ndarray:
        uv, uv_faces = head.uv.numpy(), head.uv_faces.numpy()
        mesh = TriangleMesh(vertices, head.faces.numpy(), uv=uv, uv_faces=uv_faces, texture=result.texture)
        camera = _window_camera(result.camera, *window)
        return draw(mesh, camera, (SIDE, SIDE), Look(clay=clay)).over(GROUND)

    tiles = [
        _photo_window(result.photo, *eyes),
        look(result.vertices, eyes),
        look(blinking(result), eyes),
        _photo_window(result.photo, *mouth),
        look(result.vertices, mouth),
        look(result.vertices, mouth, clay=True),
    ]
    return np.concatenate(tiles, 1)


def blinking(result: Reconstruction) -> np.ndarray:
    """The head of a result with both eyes shut, as a slider at 1 shuts them."""
    names = result.head.expression_names
    weights = torch.from_numpy(result.expression).float().clone()
    for index, name in enumerate(names):
        if name.startswith("eye"):
            weights[index] = 1.0 if name.startswith("eyeBlink") else 0.0
    return result.head.vertices(torch.from_numpy(result.identity).float(), weights).numpy()


def _photo_window(rgb: np.ndarray, middle: np.ndarray, half: float) -> np.ndarray:
    unit = 2 * half / SIDE
    data = (unit, 0.0, float(middle[0] - half), 0.0, unit, float(middle[1] - half))
    picture = Image.fromarray(rgb)
    return np.asarray(picture.transform((SIDE, SIDE), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC))


def _window_camera(camera: PerspectiveCamera, middle: np.ndarray, half: float) -> PerspectiveCamera:
    scale = SIDE / (2 * half)
    k = camera.K.copy()
    k[:2] *= scale
    k[:2, 2] -= (middle - half) * scale
    return PerspectiveCamera(k, camera.R, camera.t)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
