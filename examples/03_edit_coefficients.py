"""Coefficients of the open head: identity, expression, albedo, gaze and neck, decoded and drawn as one batch.

    python examples/03_edit_coefficients.py -o coefficients.png
    python examples/03_edit_coefficients.py --person out/me/parameters.npz

First row: the head and four changes of identity and albedo. Second row: expressions, gaze and neck. With `--person` the
head of a photo that `headform reconstruct` has read is edited in place of the mean head.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from headform import heads
from headform.geometry import AMBIENT, PerspectiveCamera, PerspectiveCameras, rotation_from_euler
from headform.render import render_batch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--person", type=Path, help="parameters.npz of a reconstruction")
parser.add_argument("-o", "--out", type=Path, default=Path("03_edit_coefficients.png"), help="the picture")
parser.add_argument("--side", type=int, default=240, help="pixels of one head")
options = parser.parse_args()

head = heads.load_open()
identity = torch.zeros(10, len(head.identity))  # standard deviations; a row per head
albedo = torch.zeros(10, len(head.albedo))  # standard deviations
expression = torch.zeros(10, len(head.expression))  # 0 to 1, named
if options.person is not None:
    with np.load(options.person) as stored:
        identity += torch.from_numpy(stored["identity"])
        albedo += torch.from_numpy(stored["albedo"])


def express(row: int, **weights: float) -> None:
    """Set expression weights of a head by their ARKit names."""
    for name, weight in weights.items():
        expression[row, head.expression_names.index(name)] = weight


identity[1, 0] += 2.5
identity[2, 1] += 2.5
identity[3, :20] += torch.randn(20, generator=torch.Generator().manual_seed(4))
albedo[3, :10] += torch.randn(10, generator=torch.Generator().manual_seed(9))
albedo[4, 0] += 2.0
express(5, mouthSmileLeft=0.9, mouthSmileRight=0.9, cheekSquintLeft=0.6, cheekSquintRight=0.6)
express(6, jawOpen=0.7, browInnerUp=0.8, eyeWideLeft=0.8, eyeWideRight=0.8)
express(7, eyeBlinkLeft=1.0, mouthLeft=0.6)  # left is the subject's

vertices = head.vertices(identity, expression)
zero = torch.zeros(())
look = rotation_from_euler(torch.tensor(0.45), zero, zero)  # to the subject's left
vertices[8] = head.rotate_eyes(vertices[8], look, look)
vertices[9] = head.rotate_neck(vertices[9], rotation_from_euler(torch.tensor(0.6), torch.tensor(0.15), zero))

light = torch.zeros(1, 9, 3)
light[:, 0], light[:, 1], light[:, 2], light[:, 3] = 0.65 * AMBIENT, -0.45, -0.6, -0.35  # above, in front, to the left
side = 2 * options.side  # two samples per pixel along either axis, averaged below
camera = PerspectiveCamera.frontal(focal_px=4.5 * side, size=(side, side), distance=1.2).cropped(0.0, -0.09 * side)
drawn = render_batch(
    vertices,
    head.faces,
    PerspectiveCameras.of(*[camera] * 10),
    (side, side),
    attributes=head.albedo_of(albedo),
    light=light,
    srgb=True,
)
pictures = avg_pool2d(drawn.rgb + 0.93 * (1 - drawn.alpha), 2)  # (10, 3, S, S) on light gray
rows = [torch.cat(list(row), dim=2) for row in pictures.split(5)]
sheet = (255 * torch.cat(rows, dim=1)).round().byte().permute(1, 2, 0)
Image.fromarray(sheet.numpy()).save(options.out)
print(options.out)
