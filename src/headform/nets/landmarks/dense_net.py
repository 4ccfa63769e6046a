"""The dense landmark network: points with a variance each, expression, pose, gaze and skin mask.

B batch, N dense points, E expressions, M side of the mask.

A plain residual network. Points are regressed directly, each with a log variance trained by the Gaussian negative
log-likelihood, as in Wood et al., "3D Face Reconstruction with Dense Landmarks" (ECCV 2022).

Source: trained here on synthetic faces (`headform train landmarks`), MIT. Input: a 128-pixel loose crop
(`nets.crop_geometry`), RGB, sRGB values 0 to 255. Output: `DenseOutput`, in the frame of the crop.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.nets._blocks import conv_norm, stage, standardize

INPUT_SIDE = 128
MASK_SIDE = 64


@dataclass(frozen=True)
class DenseNetConfig:
    """Sizes of the network; saved with its weights."""

    points: int = 336
    expressions: int = 51
    channels: tuple[int, int, int, int] = (32, 64, 112, 192)
    depths: tuple[int, int, int, int] = (1, 2, 2, 1)
    hidden: int = 512

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


@dataclass(frozen=True)
class DenseOutput:
    """Raw outputs of `DenseNet`."""

    points: Float[Tensor, "B N 2"]  # crop coordinates, -1 left/top edge to 1 right/bottom edge
    log_variance: Float[Tensor, "B N"]  # of either coordinate, in the same units squared
    expression: Float[Tensor, "B E"]  # blendshape weights, 0 to 1
    rotation6: Float[Tensor, "B 6"]  # first two columns of camera-from-head, see `geometry.rotation.rotation_from_6d`
    gaze: Float[Tensor, "B 2"]  # yaw to the subject's left, pitch up, radians
    mask_logits: Float[Tensor, "B M M"]  # of the head's own surface, over the crop


class DenseNet(nn.Module):
    """Dense landmarks of loose crops."""

    def __init__(self, config: DenseNetConfig) -> None:
        super().__init__()
        self.config = config
        c, d = config.channels, config.depths
        self.stem = nn.Sequential(nn.PixelUnshuffle(4), conv_norm(48, c[0]), nn.ReLU())
        self.stage1 = stage(c[0], c[0], depth=d[0], stride=1)  # 32 x 32
        self.stage2 = stage(c[0], c[1], depth=d[1], stride=2)  # 16 x 16
        self.stage3 = stage(c[1], c[2], depth=d[2], stride=2)  # 8 x 8
        self.stage4 = stage(c[2], c[3], depth=d[3], stride=2)  # 4 x 4
        self.hidden = nn.Linear(c[3] * 16, config.hidden)
        self.point_head = nn.Linear(config.hidden, config.points * 2)
        self.variance_head = nn.Linear(config.hidden, config.points)
        self.other_head = nn.Linear(config.hidden, config.expressions + 6 + 2)
        self.mask_up = nn.Sequential(nn.Conv2d(c[2], 64, 1), nn.PixelShuffle(2))
        self.mask_side = nn.Conv2d(c[1], 16, 1)
        self.mask_head = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 16, 3, padding=1),
            nn.PixelShuffle(4),
        )
        nn.init.zeros_(self.variance_head.weight)
        nn.init.constant_(self.variance_head.bias, -3.0)

    def forward(self, images: Float[Tensor, "B 3 128 128"]) -> DenseOutput:
        """Predict all labels of each crop."""
        x = self.stage2(self.stage1(self.stem(standardize(images))))  # (B, c1, 16, 16)
        y = self.stage3(x)  # (B, c2, 8, 8)
        z = torch.relu(self.hidden(self.stage4(y).flatten(1)))  # (B, hidden)
        mask = self.mask_head(torch.cat([self.mask_up(y), self.mask_side(x)], 1))  # (B, 1, 64, 64)
        other = self.other_head(z).float()
        e = self.config.expressions
        return DenseOutput(
            points=self.point_head(z).float().unflatten(1, (-1, 2)),
            log_variance=self.variance_head(z).float().clamp(-9.5, 2.0),
            expression=other[:, :e],
            rotation6=other[:, e : e + 6],
            gaze=other[:, e + 6 :],
            mask_logits=mask[:, 0].float(),
        )
