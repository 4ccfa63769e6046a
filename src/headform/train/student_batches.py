"""Inputs and targets of the student: rows cut, varied and mirrored, labels in the network's own units.

B batch, N dense points, E expressions, S side of the crop, T side of the mask.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headform.geometry.landmarks68 import MIRROR68
from headform.heads.linear import LinearHead
from headform.heads.mirror import ROTATION_SIGNS, mirrored_expressions
from headform.images.transfer import LUMA_REC601
from headform.nets.landmarks.student_net import OPENING_MIRROR, StudentNetConfig
from headform.train.augment import cut_windows, paste_patches, random_windows, vary_color
from headform.train.student_config import PICTURE_SHARE, VariationConfig
from headform.train.student_rows import Rows, tensor_of

_GRAY = np.array(LUMA_REC601, np.float32)
_FLIP = np.array([-1, 1], np.float32)


@dataclass(frozen=True)
class StudentTargets:
    """Labels with their weights; points in crop coordinates, see `student_rows` for the rest."""

    points: Float[Tensor, "B N 2"]
    points_weight: Float[Tensor, "B N"]
    points68: Float[Tensor, "B 68 2"]
    weight68: Float[Tensor, "B 68"]
    openings: Float[Tensor, "B 7"]
    openings_weight: Float[Tensor, "B 7"]
    down: Float[Tensor, "B 2"]
    size: Float[Tensor, " B"]  # crop coordinates
    visible: Float[Tensor, "B N"]
    visible_weight: Float[Tensor, "B N"]
    expression: Float[Tensor, "B E"]
    rotation: Float[Tensor, "B 3 3"]
    gaze: Float[Tensor, "B 2"]
    fit_weight: Float[Tensor, " B"]
    mask: Float[Tensor, "B T T"]
    mask_weight: Float[Tensor, "B T T"]

    def to(self, device: torch.device) -> "StudentTargets":
        """Move all labels to a device."""
        return StudentTargets(*(getattr(self, each.name).to(device) for each in fields(self)))


class StudentBatches:
    """Conversion of rows to inputs and targets.

    Args:
        head: Head model of the dense points and expressions.
        net: Sizes of the network.
        variation: Variation of the pictures.
    """

    def __init__(self, head: LinearHead, net: StudentNetConfig, variation: VariationConfig) -> None:
        self._net, self._variation = net, variation
        self._mirror = head.dense_mirror.numpy()
        self._expressions = mirrored_expressions(head.expression_names)

    def __call__(self, rows: Rows, rng: np.random.Generator | None) -> tuple[Float[Tensor, "B 3 S S"], StudentTargets]:
        """Convert and vary rows; without `rng`, cut the middle window unvaried."""
        count, side = len(rows["images"]), self._net.side
        slack = round(side * PICTURE_SHARE) - side
        even = slack // 4 * 2
        corners = np.full((count, 2), even) if rng is None else random_windows(rng, count, slack // 2) * 2
        rows = rows | {
            "images": cut_windows(rows["images"], corners, side),
            "skin": _cut(rows["skin"], corners // 2, side // 2),
            "skin_weight": _cut(rows["skin_weight"], corners // 2, side // 2),
            "points": (rows["points"] - corners[:, None]) * (2 / side) - 1,
            "points68": (rows["points68"] - corners[:, None]) * (2 / side) - 1,
            "size": rows["size"] * (2 / side),
        }
        if rng is not None:
            rows = self._varied(rows, rng)
        pictures = torch.from_numpy(np.ascontiguousarray(rows["images"], np.float32)).permute(
            0, 3, 1, 2
        )  # channels last in memory
        return pictures, self._targets(rows)

    def _varied(self, rows: Rows, rng: np.random.Generator) -> Rows:
        count = len(rows["images"])
        pixels = vary_color(rng, rows["images"])
        gray = rng.random(count) < self._variation.gray_rate
        pixels[gray] = (pixels[gray] @ _GRAY)[..., None]
        paste_patches(rng, pixels, self._variation.patch_rate)
        flip = rng.random(count) < 0.5
        mirrored = self.mirrored({name: value[flip] for name, value in (rows | {"images": pixels}).items()})
        out = {name: np.array(value) for name, value in (rows | {"images": pixels}).items()}
        for name, value in mirrored.items():
            out[name][flip] = value
        return out

    def mirrored(self, rows: Rows) -> Rows:
        """Return rows of the mirrored pictures; points in crop coordinates."""
        other = list(OPENING_MIRROR)
        return {
            "images": rows["images"][:, :, ::-1],
            "points": rows["points"][:, self._mirror] * _FLIP,
            "points_weight": rows["points_weight"][:, self._mirror],
            "points68": rows["points68"][:, MIRROR68] * _FLIP,
            "weight68": rows["weight68"][:, MIRROR68],
            "openings": rows["openings"][:, other],
            "openings_weight": rows["openings_weight"][:, other],
            "down": rows["down"] * _FLIP,
            "size": rows["size"],
            "visible": rows["visible"][:, self._mirror],
            "visible_weight": rows["visible_weight"][:, self._mirror],
            "skin": rows["skin"][:, :, ::-1],
            "skin_weight": rows["skin_weight"][:, :, ::-1],
            "expression": rows["expression"][:, self._expressions],
            "gaze": rows["gaze"] * _FLIP,
            "rotation": rows["rotation"] * ROTATION_SIGNS,
            "fit_weight": rows["fit_weight"],
        }

    def _targets(self, rows: Rows) -> StudentTargets:
        side = self._net.mask_side
        known, skin = tensor_of(rows["skin_weight"]), tensor_of(rows["skin"])
        weight = functional.adaptive_avg_pool2d(known, side)
        # the mean over what is known: a cell at the border of the lips is not half skin
        mask = functional.adaptive_avg_pool2d(skin * known, side) / weight.clamp_min(1e-6)
        named = {name: tensor_of(rows[name]) for name in rows if name not in ("images", "skin", "skin_weight")}
        return StudentTargets(**named, mask=mask, mask_weight=weight)


def _cut(values: Float[np.ndarray, "B P P"], corners: np.ndarray, side: int) -> Float[np.ndarray, "B S S"]:
    return np.stack([each[y : y + side, x : x + side] for each, (x, y) in zip(values, corners, strict=True)])
