"""A graph network of your own on a mesh: a denoiser of Chebyshev convolutions over two levels, trained in seconds.

    python examples/05_graph_network_on_a_mesh.py -o denoiser.png

The mesh is the face of the open head; the data are faces of its identity modes with noise. From left to right: a face that
was not trained on, the same with noise, what the network makes of it; the distances of both, darkest 4 mm.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from headform import heads
from headform.graph import ChebConv, GraphLevels
from headform.heads import cut
from headform.mesh import build_hierarchy
from headform.viz import draw_errors

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-o", "--out", type=Path, default=Path("05_graph_network_on_a_mesh.png"), help="the picture")
parser.add_argument("--steps", type=int, default=120, help="steps of the optimizer")
options = parser.parse_args()


class Denoiser(nn.Module):
    """Filter on the fine mesh, pool, filter on the coarse one, unpool, add what the first filter kept."""

    def __init__(self, levels: GraphLevels, width: int = 32) -> None:
        super().__init__()
        self.levels = levels  # Laplacians and resampling: buffers, no parameters
        self.encode = ChebConv(3, width, num_terms=4, rectify=True)
        self.middle = ChebConv(width, width, num_terms=4, rectify=True)
        self.decode = ChebConv(2 * width, 3, num_terms=4)

    def forward(self, x: Tensor) -> Tensor:
        """Denoise (B, V, 3) displacements."""
        fine, coarse = self.levels.laplacians
        kept = self.encode(x, fine)
        middle = self.middle(self.levels.down[0](kept), coarse)
        return self.decode(torch.cat([kept, self.levels.up[0](middle)], dim=-1), fine)


torch.manual_seed(0)
whole = heads.load_open()
near = (whole.mean - whole.mean[whole.now7].mean(dim=0)).norm(dim=1) < 0.09  # meters about the middle of the face
face = cut(whole, torch.nonzero(whole.regions["face"] & near)[:, 0].numpy())
hierarchy = build_hierarchy(face.mean.numpy(), face.faces.numpy(), factors=(4,), rule="symmetric")
levels = GraphLevels.from_hierarchy(hierarchy)
network = Denoiser(levels)
optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
spread = float((face.vertices(torch.randn(32, 100)) - face.mean).std())  # meters; the network sees numbers near 1


def samples(count: int) -> tuple[Tensor, Tensor]:
    """Draw random faces, and the same with 1.5 mm of noise: displacements from the mean face in units of their spread."""
    clean = (face.vertices(torch.randn(count, len(face.identity))) - face.mean) / spread
    return clean, clean + 0.0015 / spread * torch.randn_like(clean)


for _ in range(options.steps):
    clean, noisy = samples(4)
    loss = (network(noisy) - clean).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    clean, noisy = samples(1)
    shown = [face.mean + spread * x[0] for x in (clean, noisy, network(noisy))]
distances = [1000 * (x - shown[0]).norm(dim=-1).numpy() for x in shown]
print(f"mean distance {distances[1].mean():.2f} mm with noise, {distances[2].mean():.2f} mm without")
tiles = [(0, 0), (1, 0), (2, 0), (1, 1), (2, 1)]  # which face, and whether its distances are shown
pictures = [
    draw_errors(shown[k].numpy(), hierarchy.faces[0], distances[k] * d, 4.0, yaw=0.5, side=240) for k, d in tiles
]
Image.fromarray(np.concatenate(pictures, axis=1)).save(options.out)
