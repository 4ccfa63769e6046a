"""Expression coefficients of a head model as a fit to a photo sees them: bounds, prior, and FLAME's jaw as one of them.

V vertices, E expressions, L expressions with the jaw.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64

from headform.heads.coefficients import layout_of
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead

_COMPONENT_SIGMA, _WEIGHT_SIGMA, _JAW_SIGMA = 1.0, 0.25, 0.15
"""Standard deviation of the prior of a component (in its own), of a weighted shape, and of the jaw, radians."""
_JAW_RANGE = (-0.03, 0.6)
"""Angles of the jaw, radians: a mouth opens by 35 degrees at most."""
_LEAST_JAW = 0.1
"""Least angle over which the motion of the jaw is taken as linear, radians."""
_COMPONENT_BOUND = 3.0


@dataclass(frozen=True, eq=False)
class ExpressionRange:
    """Bounds and prior of the expression coefficients.

    Attributes:
        lower: Least value of each.
        upper: Greatest.
        sigma: Standard deviation of each about 0.
        jaw: True if the last one is the pitch of FLAME's jaw, radians.
    """

    lower: Float64[np.ndarray, " L"]
    upper: Float64[np.ndarray, " L"]
    sigma: Float64[np.ndarray, " L"]
    jaw: bool

    @classmethod
    def of(cls, head: LinearHead) -> "ExpressionRange":
        """Bounds of a head: components within 3 standard deviations, weighted shapes in [0, 1]."""
        count, jaw = len(head.expression), isinstance(head, FlameHead)
        if "expression" in layout_of(head).gaussian:
            low, high, sigma = -_COMPONENT_BOUND, _COMPONENT_BOUND, _COMPONENT_SIGMA
        else:
            low, high, sigma = 0.0, 1.0, _WEIGHT_SIGMA
        more = (_JAW_RANGE[0], _JAW_RANGE[1], _JAW_SIGMA) if jaw else None
        rows = [np.full(count, value) if more is None else np.append(np.full(count, value), more[k])
                for k, value in enumerate((low, high, sigma))]  # fmt: skip
        return cls(rows[0], rows[1], rows[2], jaw)


def jaw_chord(head: FlameHead, jaw: float = 0.0) -> Float64[np.ndarray, "V 3"]:
    """Displacement of the mean head per radian of the jaw's pitch, along the chord to the angle `jaw`, or to 0.1."""
    angle = max(abs(jaw), _LEAST_JAW)
    turn = head.mean.new_tensor([angle, 0.0, 0.0])
    opened = head.pose(jaw=turn).vertices.reshape(head.mean.shape)
    return np.asarray((opened.double() - head.mean.double()).numpy() / angle, np.float64)


def decoded(
    head: LinearHead, identity: Float[np.ndarray, " K"], expression: Float[np.ndarray, " L"]
) -> Float32[np.ndarray, "V 3"]:
    """Decode coefficients exactly: FLAME's jaw, if it is among them, turns."""
    code, extra = torch.from_numpy(identity).to(head.mean), torch.from_numpy(np.asarray(expression)).to(head.mean)
    count = len(head.expression)
    if isinstance(head, FlameHead) and len(expression) > count:
        turn = torch.stack([extra[-1], extra.new_zeros(()), extra.new_zeros(())])
        return head.pose(code, extra[:count], jaw=turn).vertices.reshape(head.mean.shape).numpy()
    return head.vertices(code, extra).numpy()
