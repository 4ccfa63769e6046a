"""The student: one network of all landmarks of a face, which is to replace the committee.

B batch, N dense points, E expressions, M side of the mask, S side of the crop, H W pixels of a level. Crop coordinates run
from -1 (left or top edge) to 1.

Heads are kept apart: points of the surface with a variance each, as `DenseNet` has them, with expression, rotation, gaze
and skin mask; the annotators' 68 points, which are no points of the surface; openings of lids and lips; visibility of each
point.

Two choices are left to the configuration. The 68 points are the means of heat maps at a quarter of the resolution (Sun et
al. 2018, "Integral Human Pose Regression") or regressed. With `zoom` the same convolutions read three windows of the full
crop again, on the eyes and the mouth, which then place their points and openings, while the first pass sees a smaller copy.

Input: a loose crop (`nets.crop_geometry`), RGB, sRGB values 0 to 255: the crop of `DenseNet`, which the face finder places
from a detector's box, turned upright only where the head is rolled by more than 15 degrees. A crop leveled by the eyes would
need landmarks first, of a face that this network is to confirm.
"""

import copy
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headform.errors import UsageError, check_choice
from headform.geometry.landmarks68 import EYE_CLOSURE_PAIRS, INNER_LIP_PAIRS
from headform.nets._blocks import standardize
from headform.nets.landmarks.dense_net import DenseOutput
from headform.nets.landmarks.student_blocks import BlockKind, Pyramid, Stage, Unit
from headform.nets.landmarks.student_windows import (
    EYE_POINTS,
    LEFT_EYE_POINTS,
    MOUTH_POINTS,
    cut_windows,
    into_crop,
    window_centers,
)

OPENING_PAIRS = (*EYE_CLOSURE_PAIRS, *INNER_LIP_PAIRS)
"""Upper and lower points of the seven openings: two of each eye, three of the lips."""
LIDS = len(EYE_CLOSURE_PAIRS)
OPENING_MIRROR = (3, 2, 1, 0, 6, 5, 4)
"""The opening on the other side of each."""
Landmarks68 = Literal["heatmap", "regression"]

_LEAST_SIZE = 0.5
"""Least size of a face in crop coordinates by which openings are divided; 1.3 is usual."""
_VARIANCE = (-9.5, 2.0)  # limits of a log variance, crop coordinates squared
_LANES = 8
"""Divisor of numbers of channels: with others gradients of oneDNN's convolutions (3.12, AVX2) write past their memory."""
_STRIDES = 32
_START = 0.1
"""Factor on the initial weights of the point heads, whose biases are points already."""


@dataclass(frozen=True)
class StudentNetConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        points: Dense points N.
        expressions: Expressions E.
        side: Side S of the crop, pixels.
        first_side: Side of the copy that the first pass sees; a multiple of 32, at most `side`.
        block: Kind of the blocks, see `student_blocks.Block`.
        channels: Channels at 1/4, 1/8, 1/16 and 1/32 of the resolution; multiples of 8.
        depths: Blocks there.
        expansion: Expansion of inverted blocks.
        pyramid: Channels of the merged features at 1/4; a multiple of 8.
        squeeze: Channels at 1/32 that reach the hidden layer.
        hidden: Units of the hidden layer.
        landmarks68: Annotators' points as means of heat maps, or regressed.
        zoom: Read the windows on eyes and mouth.
        window_side: Side W of the windows, pixels; a multiple of 16.
        window_share: Side of a window over that of the crop.
        window_hidden: Units of the hidden layer of a window.
    """

    points: int = 336
    expressions: int = 51
    side: int = 256
    first_side: int = 192
    block: BlockKind = "plain"
    channels: tuple[int, int, int, int] = (24, 48, 96, 160)
    depths: tuple[int, int, int, int] = (1, 2, 2, 1)
    expansion: int = 3
    pyramid: int = 40
    squeeze: int = 64
    hidden: int = 384
    landmarks68: Landmarks68 = "heatmap"
    zoom: bool = True
    window_side: int = 96
    window_share: float = 0.375
    window_hidden: int = 128

    def __post_init__(self) -> None:
        check_choice(self.landmarks68, get_args(Landmarks68), "landmarks68")
        check_choice(self.block, get_args(BlockKind), "block")
        uneven = self.first_side % _STRIDES or self.window_side % (_STRIDES // 2)
        if uneven or not 0 < self.first_side <= self.side or not 0 < self.window_share <= 1:
            what = f"sides {self.side}, {self.first_side}, {self.window_side} and share {self.window_share} do not fit"
            advice = "use a first_side that is a multiple of 32 and at most side, and windows of a multiple of 16"
            raise UsageError("config_invalid", what, "StudentNetConfig", advice)
        if any(count % _LANES for count in (*self.channels, self.pyramid)):
            what = f"channels {self.channels} and pyramid {self.pyramid} are not all multiples of {_LANES}"
            raise UsageError("config_invalid", what, "StudentNetConfig", f"use multiples of {_LANES}")

    @property
    def mask_side(self) -> int:
        """Side M of the skin mask."""
        return self.first_side // 2

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


@dataclass(frozen=True)
class StudentOutput(DenseOutput):
    """Raw outputs of `StudentNet`: those of the dense network, and what follows."""

    points68: Float[Tensor, "B 68 2"]  # annotators' points, crop coordinates
    log_variance68: Float[Tensor, "B 68"]
    first68: Float[Tensor, "B 68 2"]  # the same by the first pass alone
    openings: Float[Tensor, "B 7"]  # of `OPENING_PAIRS`, in face sizes, lower below upper
    log_variance_openings: Float[Tensor, "B 7"]
    visible_logits: Float[Tensor, "B N"]


class StudentNet(nn.Module):
    """All landmarks of loose crops."""

    def __init__(self, config: StudentNetConfig) -> None:
        super().__init__()
        self.config = config
        c, d = config.channels, config.depths
        views = 2 if config.zoom else 1
        self.stem = Unit(48, c[0], views)
        self.stages = nn.ModuleList(
            Stage(config.block, a, b, views, depth=depth, stride=stride, expansion=config.expansion)
            for a, b, depth, stride in zip((c[0], *c[:2]), c[:3], d[:3], (1, 2, 2), strict=True)
        )
        heat = config.landmarks68 == "heatmap"
        self.pyramid = Pyramid(c[:3], config.pyramid, views if heat else 1)
        self.last = Stage(config.block, c[2], c[3], 1, depth=d[3], stride=2, expansion=config.expansion)
        self.squeeze = Unit(c[3], config.squeeze, 1, kernel=1)
        cells = (config.first_side // 32) ** 2
        self.hidden = nn.Linear(config.squeeze * cells, config.hidden)
        self.point_head = nn.Linear(config.hidden, config.points * 2)
        self.variance_head = nn.Linear(config.hidden, config.points + 68 + len(OPENING_PAIRS))
        self.visible_head = nn.Linear(config.hidden, config.points)
        self.other_head = nn.Linear(config.hidden, config.expressions + 6 + 2)
        self.mask_head = nn.Sequential(nn.Conv2d(config.pyramid, 4, 1), nn.PixelShuffle(2))
        self.heat_head = nn.Conv2d(config.pyramid, 68, 1) if heat else None
        self.head68 = None if heat else nn.Linear(config.hidden, 68 * 2)
        lids, lips = 2, len(INNER_LIP_PAIRS)
        self.opening_head = None if config.zoom else nn.Linear(config.hidden, 2 * lids + lips)
        if config.zoom:
            narrow = config.window_hidden
            small = 32
            self.window_squeeze = Unit(c[2], small, 1, kernel=1)
            self.window_hidden = nn.Linear(small * (config.window_side // 16) ** 2, narrow)
            self.eye_head = nn.Linear(narrow, lids + (0 if heat else 2 * len(EYE_POINTS)))
            self.mouth_head = nn.Linear(narrow, lips + (0 if heat else 2 * len(MOUTH_POINTS)))
        nn.init.zeros_(self.variance_head.weight)
        nn.init.constant_(self.variance_head.bias, -3.0)

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> StudentOutput:
        """Predict all labels of each crop."""
        pictures = standardize(images)
        first = pictures
        if self.config.first_side != self.config.side:
            first = reduced(pictures, self.config.first_side)
        levels = self.levels(first, 0)
        merged = self.pyramid(*levels, 0)
        squeezed = self.squeeze(self.last(levels[2], 0), 0)
        with torch.autocast(images.device.type, enabled=False):  # 8 bits would round coordinates to half a pixel
            z = torch.relu(self.hidden(squeezed.float().flatten(1)))
            logs = self.variance_head(z).clamp(*_VARIANCE)
            other = self.other_head(z)
            first68 = self.head68(z).unflatten(1, (68, 2)) if self.head68 is not None else self.read68(merged)
            direct = self.opening_head(z) if self.opening_head is not None else None
            points, visible = self.point_head(z).unflatten(1, (-1, 2)), self.visible_head(z)
        points68, openings = (first68, direct) if direct is not None else self._zoomed(pictures, first68)
        e, n = self.config.expressions, self.config.points
        return StudentOutput(
            points=points,
            log_variance=logs[:, :n],
            expression=other[:, :e],
            rotation6=other[:, e : e + 6],
            gaze=other[:, e + 6 :],
            mask_logits=self.mask_head(merged)[:, 0].float(),
            points68=points68,
            log_variance68=logs[:, n : n + 68],
            first68=first68,
            openings=openings / face_size(first68.detach())[:, None],
            log_variance_openings=logs[:, n + 68 :],
            visible_logits=visible,
        )

    def start_at(self, points: Float[Tensor, "N 2"]) -> None:
        """Begin a training with the same surface points for every crop, in crop coordinates, rather than with noise."""
        with torch.no_grad():
            self.point_head.bias.copy_(points.flatten())
            self.point_head.weight.mul_(_START)
            if self.head68 is not None:
                self.head68.bias.copy_(points[:68].flatten())
                self.head68.weight.mul_(_START)

    def levels(
        self, pictures: Float[Tensor, "B 3 H W"], view: int
    ) -> tuple[Float[Tensor, "B _ _ _"], Float[Tensor, "B _ _ _"], Float[Tensor, "B _ _ _"]]:
        """Compute the features at 1/4, 1/8 and 1/16 of standardized pictures in the view 0 (faces) or 1 (windows)."""
        quarter = self.stages[0](self.stem(functional.pixel_unshuffle(pictures, 4), view), view)
        eighth = self.stages[1](quarter, view)
        return quarter, eighth, self.stages[2](eighth, view)

    def read68(self, merged: Float[Tensor, "B _ H W"]) -> Float[Tensor, "B 68 2"]:
        """Return the means of the heat maps, in the coordinates of the picture that was read; only with ``heatmap``."""
        if self.heat_head is None:
            raise UsageError("config_invalid", "the network has no heat maps", "StudentNet", "use landmarks68=heatmap")
        weights = self.heat_head(merged.float()).flatten(2).softmax(2).unflatten(2, merged.shape[2:])
        x, y = (_middles(count, weights) for count in (weights.shape[3], weights.shape[2]))
        return torch.stack([(weights.sum(2) * x).sum(2), (weights.sum(3) * y).sum(2)], 2)

    def folded(self) -> "StudentNet":
        """Return a copy for inference whose normalizations are merged into the convolutions."""
        twin = copy.deepcopy(self).eval()
        for module in twin.modules():
            if isinstance(module, Unit):
                module.fold()
        return twin

    def _zoomed(
        self, pictures: Float[Tensor, "B 3 S S"], first68: Float[Tensor, "B 68 2"]
    ) -> tuple[Float[Tensor, "B 68 2"], Float[Tensor, "B 7"]]:
        """Read the windows; return all 68 points and the openings, in crop coordinates."""
        side, share = self.config.window_side, self.config.window_share
        right, left, mouth = window_centers(first68.detach())
        cuts = [
            cut_windows(pictures, right, share, side),
            cut_windows(pictures, left, share, side, mirrored=True),
            cut_windows(pictures, mouth, share, side),
        ]
        windows = torch.cat(cuts).contiguous(memory_format=torch.channels_last)
        levels = self.levels(windows, 1)
        squeezed = self.window_squeeze(levels[2], 0)
        count = len(pictures)
        merged = self.pyramid(*levels, 1) if self.heat_head is not None else None
        with torch.autocast(pictures.device.type, enabled=False):
            z = torch.relu(self.window_hidden(squeezed.float().flatten(1)))
            eyes, lips = self.eye_head(z[: 2 * count]), self.mouth_head(z[2 * count :])
            half, pairs = LIDS // 2, len(INNER_LIP_PAIRS)
            if merged is not None:
                local = self.read68(merged)
                eye_places, mouth_places = local[: 2 * count, EYE_POINTS], local[2 * count :, MOUTH_POINTS]
            else:
                eye_places, mouth_places = eyes[:, half:].unflatten(1, (-1, 2)), lips[:, pairs:].unflatten(1, (-1, 2))
        points = first68.clone()
        points[:, EYE_POINTS] = into_crop(eye_places[:count], right, share)
        points[:, LEFT_EYE_POINTS] = into_crop(eye_places[count:], left, share, mirrored=True)
        points[:, MOUTH_POINTS] = into_crop(mouth_places, mouth, share)
        # the left eye's openings in the order of its mirror image
        openings = torch.cat([eyes[:count, :half], eyes[count:, :half].flip(1), lips[:, :pairs]], 1)
        return points, openings * share


def face_size(points68: Float[Tensor, "B 68 2"]) -> Float[Tensor, " B"]:
    """Return the square root of the area of the box of 68 points, in crop coordinates, at least 0.5."""
    extent = points68.amax(1) - points68.amin(1)
    return extent.prod(1).clamp_min(_LEAST_SIZE**2).sqrt()


def reduced(pictures: Float[Tensor, "B 3 S S"], side: int) -> Float[Tensor, "B 3 T T"]:
    """Resample crops to a smaller side: by means over blocks where the sides allow it, else bilinearly."""
    factor, rest = divmod(pictures.shape[-1], side)
    if rest == 0:
        return functional.avg_pool2d(pictures, factor)
    return functional.interpolate(pictures, (side, side), mode="bilinear", align_corners=False)


def _middles(count: int, like: Tensor) -> Float[Tensor, " K"]:
    """Return the middles of `count` cells in crop coordinates."""
    return (torch.arange(count, device=like.device, dtype=like.dtype) * 2 + 1) / count - 1
