"""Decoders of an encoder's codes: from coefficients to the meshes, landmarks and colors that losses are measured on.

B heads, V vertices, N coefficients.

Posed heads look at the camera: x to the subject's left, y up, z toward it, as `geometry.camera.WeakPerspectiveCameras`
expects.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import UsageError
from headform.geometry.landmarks68 import JAW, five_points
from headform.geometry.rotation import rotation_from_rotvec
from headform.heads.coefficients import FLAME, FLAME_SHAPE, OPEN_ENCODER, CoefficientLayout, Coefficients
from headform.heads.flame import FlameHead
from headform.heads.jaw_outline import outline_shift
from headform.heads.linear import LinearHead

_AMBIENT = 3.2
"""Mean code's light, first coefficient of each color: with its constant of 0.28 a white surface appears at 0.9."""


@dataclass(frozen=True, eq=False)
class DecodedHeads:
    """Heads of a batch of codes, meters.

    Attributes:
        shape: neutral heads, identity alone, in the head frame: what registered scans are compared with.
        posed: heads with expression and pose.
        landmarks68: the 68 points of the posed heads in the annotators' convention, the averted jaw on the visible outline;
            NaN where the head defines none.
        albedo: linear RGB at the vertices; None where the head has no colors.
    """

    shape: Float[Tensor, "B V 3"]
    posed: Float[Tensor, "B V 3"]
    landmarks68: Float[Tensor, "B 68 3"]
    albedo: Float[Tensor, "B V 3"] | None


class OpenDecoder(nn.Module):
    """Decoder of `OPEN_ENCODER` codes on the open head, or on another with the same numbers of modes."""

    def __init__(self, head: LinearHead) -> None:
        super().__init__()
        self.head, self.layout = head, OPEN_ENCODER

    def decode(self, code: Coefficients) -> DecodedHeads:
        """Decode a batch of codes; differentiable."""
        shape = self.head.vertices(code["identity"])
        turn = rotation_from_rotvec(code["pose"])
        moved = self.head.vertices(code["identity"], code["expression"])
        posed, points = moved @ turn.mT, self.head.landmarks(moved) @ turn.mT
        if self.head.has_field("contour"):
            yaw = torch.atan2(turn[..., 0, 2], turn[..., 2, 2])
            outline = posed[..., self.head.contour, :2]
            shift = outline_shift(points[..., JAW, :2], outline, turn[..., :2, 0], yaw)
            points = points + nn.functional.pad(shift, (0, 1, 0, points.shape[-2] - JAW.stop))
        albedo = self.head.albedo_of(code["texture"]) if self.head.has_field("albedo_mean") else None
        return DecodedHeads(shape, posed, points, albedo)

    def shape(self, identity: Float[Tensor, "B K"]) -> Float[Tensor, "B V 3"]:
        """Decode neutral heads."""
        return self.head.vertices(identity)


class FlameDecoder(nn.Module):
    """Decoder of the 486 numbers of Xu et al. (2024) on FLAME, or of the shape alone; modes that a head lacks are ignored.

    Args:
        head: FLAME.
        layout: `FLAME`, or `FLAME_SHAPE`.
    """

    def __init__(self, head: FlameHead, layout: CoefficientLayout = FLAME) -> None:
        super().__init__()
        self.head, self.layout = head, layout

    def decode(self, code: Coefficients) -> DecodedHeads:
        """Decode a batch of whole codes; differentiable.

        Raises:
            InputError: ``code_layout`` for codes of shape alone.
        """
        head = self.head
        shape = self.shape(code["shape"])
        pose = head.decode(code)
        points = head.landmarks2d(pose) if head.has_field("contour_vertices") else head.landmarks(pose.vertices)
        albedo = head.albedo_of(code["texture"][..., : len(head.albedo)]) if head.has_field("albedo_mean") else None
        return DecodedHeads(shape, pose.vertices, points, albedo)

    def shape(self, identity: Float[Tensor, "B K"]) -> Float[Tensor, "B V 3"]:
        """Decode neutral heads."""
        return self.head.vertices(identity[..., : len(self.head.identity)])


CodeDecoder = OpenDecoder | FlameDecoder
"""Decoder of the codes of one layout."""


def decoder_of(head: LinearHead, layout: str | None = None) -> CodeDecoder:
    """Return the decoder of a head's codes.

    Args:
        head: FLAME, or a head with the open head's numbers of modes.
        layout: Name of the layout of the codes; by default that of whole codes.

    Raises:
        UsageError: ``head_unsupported`` for another head, or for codes of another one.
    """
    own = (FLAME, FLAME_SHAPE) if isinstance(head, FlameHead) else (OPEN_ENCODER,)
    chosen = own[0] if layout is None else next((each for each in own if each.name == layout), None)
    if chosen is None:
        what = f"codes of the layout {layout} are not {head.name}'s"
        raise UsageError("head_unsupported", what, "face encoder", f"use one of {', '.join(each.name for each in own)}")
    if isinstance(head, FlameHead):
        return FlameDecoder(head, chosen)
    sizes = {"identity": len(head.identity), "expression": len(head.expression), "texture": len(head.albedo)}
    parts = dict(OPEN_ENCODER.parts)
    if all(parts[name] == count for name, count in sizes.items()):
        return OpenDecoder(head)
    counts = ", ".join(f"{count} of {name}" for name, count in sizes.items())
    what = f"the modes of {head.name} are {counts}"
    raise UsageError("head_unsupported", what, "face encoder", "use the open head, or FLAME")


def mean_code(decoder: CodeDecoder, points5: Float[Tensor, "5 2"]) -> Float[Tensor, " N"]:
    """Return the code that training begins at: the mean head, frontal, in the middle of the crop, under an even light.

    A code of shape alone begins at the mean head.

    Args:
        decoder: Decoder of the code.
        points5: (5, 2) places of eyes, nose tip and corners of the mouth in an aligned crop, NDC.

    Raises:
        WeightsError: ``head_lacks`` for a head without landmarks.
    """
    head = decoder.head
    code = decoder.layout.zeros()
    if "camera" not in code.values:
        return code.pack()
    values = dict(code.values)
    marks = torch.from_numpy(five_points(head.landmarks(head.mean).cpu().numpy())[:, :2])
    target = points5.double().cpu() * torch.tensor([1.0, -1.0], dtype=torch.float64)  # y up, as in the head frame
    away, wanted = marks - marks.mean(0), target - target.mean(0)
    scale = (away * wanted).sum() / away.square().sum()
    shift = target.mean(0) / scale - marks.mean(0)
    values["camera"] = torch.stack([scale, *shift]).float()
    light = torch.zeros(9, 3)
    light[0] = _AMBIENT
    values["light"] = light.flatten()
    return Coefficients(decoder.layout, values).pack()
