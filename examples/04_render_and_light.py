"""The differentiable renderer: one head under two lights, and a light recovered from a picture by gradient descent.

    python examples/04_render_and_light.py -o light.png

From left to right: the head under a first light; under a second, which is the target; the guess before and after the
optimization; ten times the difference that is left. Gradients reach vertices, camera, texture and albedo in the same way.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from headform import heads
from headform.geometry import AMBIENT, PerspectiveCamera, PerspectiveCameras
from headform.losses import pixel_loss
from headform.render import RenderOutput, render_batch

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-o", "--out", type=Path, default=Path("04_render_and_light.png"), help="the picture")
parser.add_argument("--side", type=int, default=200, help="pixels of one head")
parser.add_argument("--steps", type=int, default=60, help="steps of the optimizer")
options = parser.parse_args()

side = options.side
head = heads.load_open()
camera = PerspectiveCameras.of(PerspectiveCamera.frontal(3.6 * side, (side, side), 1.2))


def draw(light: torch.Tensor) -> RenderOutput:
    """Render the mean head, linear colors; the light has one batch entry per picture."""
    vertices = head.mean.expand(len(light), -1, -1)
    many = PerspectiveCameras(*(t.expand(len(light), *t.shape[1:]) for t in (camera.K, camera.R, camera.t)))
    return render_batch(vertices, head.faces, many, (side, side), attributes=head.mean_albedo[None], light=light)


def directed(x: float, y: float, z: float, color: tuple[float, float, float]) -> torch.Tensor:
    """Return (9, 3) coefficients of a soft light from a direction: x right, y down, z forward."""
    light = torch.zeros(9, 3)
    light[0] = 0.6 * AMBIENT
    light[[3, 1, 2]] = 1.1 * torch.tensor([x, y, z])[:, None]
    return light * torch.tensor(color)


lights = torch.stack([directed(-0.8, -0.4, -0.4, (1.0, 0.95, 0.85)), directed(0.8, -0.2, -0.3, (0.7, 0.9, 1.2))])
with torch.no_grad():
    both = draw(lights)
target = both.rgb[1:]
target = target + 0.01 * torch.randn(target.shape, generator=torch.Generator().manual_seed(0))

light = torch.zeros(1, 9, 3)
light[:, 0] = AMBIENT  # constant light, which leaves the albedo as it is
start = draw(light).rgb
light.requires_grad_()
optimizer = torch.optim.Adam([light], lr=0.1)
for step in range(options.steps):
    drawn = draw(light)
    loss = pixel_loss(drawn.rgb, target, drawn.alpha)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0 or step == options.steps - 1:
        print(f"step {step}: mean distance of linear colors {loss.item():.4f}")

with torch.no_grad():
    found = draw(light)
    panels = [both.rgb[:1], both.rgb[1:], start, found.rgb, 10 * (found.rgb - both.rgb[1:]).abs()]
    sheet = torch.cat(panels, dim=3).clamp(0, 1) ** (1 / 2.2) + 0.93 * (1 - found.alpha.repeat(1, 1, 1, 5))
Image.fromarray((255 * sheet[0]).round().byte().permute(1, 2, 0).numpy()).save(options.out)
print(options.out)
