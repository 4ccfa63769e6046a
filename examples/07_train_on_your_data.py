"""A network of your own on the trainer: from a rendered picture to identity coefficients.

    python examples/07_train_on_your_data.py -o training.png --run run --steps 600 [--resume]

The module owns a head, which is frozen: it stays out of checkpoint and average. Replace `pictures` by your data. `--resume`
goes on from the checkpoint, to the bit. Critic and generator would be two phases of a step, each with its own optimizer:
`TrainerConfig(phases=(PhaseConfig("critic", ("critic.*",), repeats=5), PhaseConfig("generator", ("generator.*",))))`.
The picture shows heads that were not trained on and, below, what the network reads from their pictures, darkest 6 mm off.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from headform import heads
from headform.geometry import PerspectiveCamera, PerspectiveCameras
from headform.heads import cut
from headform.losses import vertex_loss
from headform.render import render_batch
from headform.train import Losses, OptimizerConfig, ScheduleConfig, Step, Trainer, TrainerConfig
from headform.viz import draw_errors

MODES, SIDE = 10, 48


class Regressor(nn.Module):
    """A picture to identity coefficients, and to the vertices that they stand for: (B, 3, S, S) to (B, V, 3) meters."""

    def __init__(self) -> None:
        super().__init__()
        head = heads.load_open()
        near = (head.mean - head.mean[head.now7].mean(dim=0)).norm(dim=1) < 0.09  # meters about the middle of the face
        self.head = cut(head, torch.nonzero(near)[:, 0].numpy())  # a module: moves with its owner
        first, second = nn.Conv2d(3, 16, 5, stride=4, padding=2), nn.Conv2d(16, 64, 3, stride=2, padding=1)
        self.features = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.Flatten())
        self.readout = nn.Linear(64 * (SIDE // 8) ** 2, MODES)

    def forward(self, images: Tensor) -> Tensor:
        """Decode what was read."""
        return self.head.vertices(self.readout(self.features(images)))


def pictures(head: heads.LinearHead, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
    """Draw heads and render their normals: (B, 3, SIDE, SIDE) and (B, V, 3)."""
    vertices = head.vertices(torch.from_numpy(rng.normal(size=(count, MODES))).float())
    cameras = PerspectiveCameras.of(*[PerspectiveCamera.frontal(4.6 * SIDE, (SIDE, SIDE), 1.2)] * count)
    return render_batch(vertices, head.faces, cameras, (SIDE, SIDE)).normals, vertices


def losses_of(net: nn.Module, step: Step) -> Losses:
    """Compute the losses of a batch; all chance comes from the step, so that a resumed run is the same run."""
    images, vertices = pictures(net.head, step.rng, step.count)
    return {"total": 1000 * vertex_loss(net(images), vertices)}  # millimeters


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-o", "--out", type=Path, default=Path("07_train_on_your_data.png"), help="the picture")
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--run", type=Path, default=Path(tempfile.mkdtemp()), help="folder of the run")
parser.add_argument("--resume", action="store_true")
options = parser.parse_args()
adam = OptimizerConfig(lr=2e-3, weight_decay=0.0)
config = TrainerConfig(options.steps, None, 8, adam, ScheduleConfig(warmup=10), ema_decay=0.95, log_every=50)
torch.manual_seed(0)  # of the first weights
trainer = Trainer(Regressor(), config, options.run, metadata={}, resume=options.resume, frozen=("head.*",))
trainer.run(losses_of, log_fn=print)
net = trainer.averaged_module()

with torch.no_grad():
    images, vertices = pictures(net.head, np.random.default_rng(1), 4)
    predicted = net(images)
    errors = 1000 * (predicted - vertices).norm(dim=-1)
print(f"{errors.mean():.2f} mm on heads that were not trained on")
shown, colors = torch.cat([vertices, predicted]).numpy(), torch.cat([0 * errors, errors]).numpy()
faces = net.head.faces.numpy()
tiles = [draw_errors(x, faces, e, 6.0, yaw=0.5, side=240) for x, e in zip(shown, colors, strict=True)]
Image.fromarray(np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])])).save(options.out)
