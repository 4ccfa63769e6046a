"""A network of your own on the trainer: from a rendered picture to identity coefficients.

    python examples/07_train_on_your_data.py -o training.png --run run --steps 600 [--resume] [--two-phases]

The module owns a head, which is frozen: it stays out of checkpoint and average. Replace `pictures` by your data. With
`--resume` a run goes on from its checkpoint, to the bit. `--two-phases` trains features and read-out in turn, each with an
optimizer of its own, as one does with a critic and a generator. Rows of the picture: heads that were not trained on, and
what the network makes of their pictures, darker where it is farther away (white 0, darkest 6 mm).
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from headform import heads
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras
from headform.heads.sub_mesh import cut
from headform.losses import vertex_loss
from headform.render.renderer import render_batch
from headform.train.config import OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig
from headform.train.trainer import Losses, Step, Trainer
from headform.viz.mesh_error_picture import draw_errors

MODES, SIDE = 10, 48


class Regressor(nn.Module):
    """A picture to identity coefficients, and to the vertices that they stand for."""

    def __init__(self) -> None:
        super().__init__()
        whole = heads.load_open()
        near = (whole.mean - whole.mean[whole.now7].mean(dim=0)).norm(dim=1) < 0.09  # meters
        self.head = cut(
            whole, torch.nonzero(whole.regions["face"] & near)[:, 0].numpy()
        )  # a module: moves with its owner
        widths = ((3, 16), (16, 32), (32, 64))
        layers = [layer for a, b in widths for layer in (nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU())]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.readout = nn.Linear(64 * (SIDE // 8) ** 2, MODES)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, V, 3) meters."""
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
parser.add_argument("--steps", type=int, default=150)
parser.add_argument("--run", type=Path, help="folder of the run; a temporary one by default")
parser.add_argument("--resume", action="store_true")
parser.add_argument("--two-phases", action="store_true")
options = parser.parse_args()
adam, schedule = OptimizerConfig(lr=2e-3, weight_decay=0.0), ScheduleConfig(warmup=10)
phases = (
    PhaseConfig("features", ("features.*",)),
    PhaseConfig("readout", ("readout.*",), OptimizerConfig("sgd", 1e-3)),
)
config = TrainerConfig(options.steps, batch=8, log_every=50, optimizer=adam, schedule=schedule, ema_decay=0.95,
                       phases=phases if options.two_phases else ())  # fmt: skip
folder = options.run or Path(tempfile.mkdtemp())
torch.manual_seed(0)
trainer = Trainer(Regressor(), config, folder, metadata={}, resume=options.resume, frozen=("head.*",))
trainer.run(losses_of, log_fn=print)
net = trainer.averaged_module()

with torch.no_grad():
    images, vertices = pictures(net.head, np.random.default_rng(1), 4)
    predicted = net(images)
errors = 1000 * (predicted - vertices).norm(dim=-1).numpy()
print(f"{errors.mean():.2f} mm on heads that were not trained on; ", end="")
print(f"the mean head: {1000 * float((net.head.mean - vertices).norm(dim=-1).mean()):.2f} mm")
faces = net.head.faces.numpy()
rows = [(vertices, 0 * errors), (predicted, errors)]
tiles = [[draw_errors(x.numpy(), faces, e, 6.0, yaw=0.5, side=240) for x, e in zip(*row, strict=True)] for row in rows]
Image.fromarray(np.block([[[tile] for tile in row] for row in tiles])).save(options.out)
