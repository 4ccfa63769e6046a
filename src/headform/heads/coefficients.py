"""Coefficient codes of head models: one vector of named parts. No other module knows an offset.

B batch dimensions, N length of a code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Float
from torch import Tensor

from headform.errors import InputError
from headform.heads.linear import LinearHead


@dataclass(frozen=True)
class CoefficientLayout:
    """Names and lengths of the parts of a code, in order.

    Attributes:
        name: Name of the layout.
        parts: Name and length of each part.
        gaussian: Parts in units of standard deviations: independent, of mean 0 and variance 1 among people.
    """

    name: str
    parts: tuple[tuple[str, int], ...]
    gaussian: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Length N of a whole code."""
        return sum(length for _, length in self.parts)

    @property
    def slices(self) -> dict[str, slice]:
        """Slice of each part within a code."""
        ends = list(accumulate(length for _, length in self.parts))
        return {name: slice(end - length, end) for (name, length), end in zip(self.parts, ends, strict=True)}

    def split(self, code: Float[Tensor, "*B N"]) -> "Coefficients":
        """Split a code into its parts (views, no copies).

        Raises:
            InputError: ``code_length``.
        """
        if code.shape[-1] != self.size:
            raise InputError(
                "code_length",
                f"a code of {code.shape[-1]} numbers, expected {self.size}",
                f"layout {self.name}",
                "use the layout that the code was packed with",
            )
        return Coefficients(self, {name: code[..., at] for name, at in self.slices.items()})

    def zeros(self, *batch: int) -> "Coefficients":
        """Return zeros: the mean head without pose."""
        return self.split(torch.zeros(*batch, self.size))

    def sample(self, *batch: int, generator: torch.Generator | None = None) -> "Coefficients":
        """Sample the model's prior: the `gaussian` parts are drawn, all others are zero."""
        drawn = self.zeros(*batch)
        values = {
            name: torch.randn(part.shape, generator=generator) if name in self.gaussian else part
            for name, part in drawn.values.items()
        }
        return Coefficients(self, values)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """A code by parts; see `CoefficientLayout`. Read a part as ``coefficients["identity"]``."""

    layout: CoefficientLayout
    values: Mapping[str, Float[Tensor, "..."]]

    def __post_init__(self) -> None:
        for name, length in self.layout.parts:
            if name not in self.values or self.values[name].shape[-1:] != (length,):
                found = tuple(self.values[name].shape) if name in self.values else "nothing"
                raise InputError(
                    "code_part",
                    f"{name} is {found}, expected {length} numbers",
                    f"layout {self.layout.name}",
                    "give every part of the layout at its length",
                )
        unknown = set(self.values) - {name for name, _ in self.layout.parts}
        if unknown:
            raise InputError("code_part", f"unknown parts {sorted(unknown)}", f"layout {self.layout.name}")

    def __getitem__(self, name: str) -> Float[Tensor, "..."]:
        return self.values[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.layout.parts)

    def pack(self) -> Float[Tensor, "*B N"]:
        """Concatenate the parts to one code; parts without batch dimensions are repeated."""
        batch = torch.broadcast_shapes(*(self.values[name].shape[:-1] for name in self))
        parts = [self.values[name].expand(*batch, length) for name, length in self.layout.parts]
        return torch.cat(parts, dim=-1)

    def neg_log_prior(self) -> dict[str, Float[Tensor, "*B"]]:
        """Return -log of the Gaussian prior of each `gaussian` part, without its constant: half the sum of squares.

        The regularizers of shape, expression and texture in DECA (Feng et al. 2021, section 4.2) and in Deng et al. (2019,
        eq. 4), before their weights.
        """
        return {name: self.values[name].square().sum(-1) / 2 for name in self.layout.gaussian}


OPEN = CoefficientLayout(
    "open",
    (
        ("identity", 100),
        ("expression", 51),
        ("pose", 13),
        ("texture", 50),
        ("camera", 3),
        ("light", 27),
    ),
    gaussian=("identity", "texture"),
)
"""Pose: rotation vector camera from head 3, translation 3 (meters), neck 3, gaze yaw and pitch of right and left eye.
Camera: focal length and principal point, pixels. Light: nine coefficients of red, then green, then blue (3 x 9), while the
codes of encoders have three colors for each of nine coefficients (9 x 3)."""

FLAME = CoefficientLayout(
    "flame",
    (
        ("shape", 300),
        ("pose", 6),
        ("expression", 100),
        ("texture", 50),
        ("camera", 3),
        ("light", 27),
    ),
    gaussian=("shape", "expression", "texture"),
)
"""The 486 numbers of Xu et al. (2024): pose is global rotation and jaw, camera is weak perspective, light is nine
coefficients of three colors each (9 x 3), as DECA has it."""

FLAME_SHAPE = CoefficientLayout("flame-shape", (("shape", 300),), gaussian=("shape",))
"""The 300 numbers of MICA (Zielonka et al. 2022): the shape part of a FLAME code alone."""

OPEN_ENCODER = CoefficientLayout(
    "open-encoder",
    (
        ("identity", 100),
        ("pose", 3),
        ("expression", 51),
        ("texture", 50),
        ("camera", 3),
        ("light", 27),
    ),
    gaussian=("identity", "texture"),
)
"""Code that the face encoder of Xu et al. (2024) predicts on the open head: pose is the head's rotation vector (the jaw is
moved by expressions), camera is weak perspective, light is laid out as in `FLAME`: 9 x 3, not `OPEN`'s 3 x 9."""

BASEL_FRONT = CoefficientLayout(
    "basel-front",
    (
        ("identity", 80),
        ("expression", 64),
        ("texture", 80),
        ("angles", 3),
        ("light", 27),
        ("translation", 3),
    ),
    gaussian=("identity", "expression", "texture"),
)
"""The 257 numbers of Deng et al. (2019), which Lin et al. (2020) use."""

_NAMED_SHAPES = ("open", "surrey", "ict", "facewarehouse", "facescape")
"""Kinds whose expressions are weighted shapes, not components in standard deviations."""


def layout_of(head: LinearHead) -> CoefficientLayout:
    """Return the layout of a head's codes: a published one of the same sizes, else identity, expression and texture."""
    kind = head.provenance.kind
    sizes = (len(head.identity), len(head.expression), len(head.albedo))
    if kind == "open" and sizes == (100, 51, 50):
        return OPEN
    if kind == "flame" and sizes[:2] == (300, 100):
        return FLAME
    if kind == "deep3d" and sizes == (80, 64, 80):
        return BASEL_FRONT
    parts = zip(("identity", "expression", "texture"), sizes, strict=True)
    gaussian = ("identity", "texture") if kind in _NAMED_SHAPES else ("identity", "expression", "texture")
    return CoefficientLayout(kind, tuple(parts), gaussian)
