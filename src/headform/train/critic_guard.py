"""Guard against a critic that diverges.

A critic whose gradient has norm 1 scores a photo at most as much above its rendering as the two are apart:

    mean D(x) - mean D(x') <= mean ||x - x'||_2      (Kantorovich and Rubinstein; pairs bound the transport's cost)

The quotient of both sides is watched. Far above 1 the penalty has lost its hold, and the generator's gradient is worthless.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import ResourceError

LIMIT = 10.0
"""Quotient from which a step of the critic counts as diverging: ten times the slope that the penalty asks for."""
PATIENCE = 500
"""Steps of the critic in a row that may diverge before the run stops."""


class CriticGuard(nn.Module):
    """Counter of diverging steps; a buffer, so that a resumed run goes on with it."""

    alarms: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("alarms", torch.zeros((), dtype=torch.int64))

    @property
    def paused(self) -> bool:
        """Tell whether the critic's last step diverged, so that its score is to be left out of the generator's loss."""
        return bool(self.alarms > 0)

    def check(self, quotient: float, where: str) -> None:
        """Note the quotient of a step of the critic.

        Args:
            quotient: See the module docstring; NaN or infinity counts as diverging.
            where: Run folder, for the message.

        Raises:
            ResourceError: `critic_diverged` after `PATIENCE` diverging steps in a row.
        """
        if abs(quotient) <= LIMIT:
            self.alarms.zero_()
            return
        self.alarms += 1
        if int(self.alarms) > PATIENCE:
            what = f"the critic diverges since {PATIENCE} steps: its scores differ {quotient:.3g} times as much as pictures"
            fix = "lower its learning rate, use --critic-norm none, or train without it (--critic-steps 0)"
            raise ResourceError("critic_diverged", what, where, fix)


def score_quotient(
    real: Float[Tensor, "B *item"],
    fake: Float[Tensor, "B *item"],
    real_score: Float[Tensor, " B"],
    fake_score: Float[Tensor, " B"],
) -> Float[Tensor, ""]:
    """Compute how far scores of photos and renderings are apart over how far the pictures are, in pairs."""
    apart = (real - fake).detach().flatten(1).norm(dim=1).mean()
    return (real_score - fake_score).detach().mean() / apart.clamp(min=1e-6)
