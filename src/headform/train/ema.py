"""Exponential moving average of a network's weights, which are the ones exported.

    a <- k a + (1 - k) w,  k = min(decay, (1 + n) / (10 + n)) after n steps

so that the initial weights are forgotten quickly (tf.train.ExponentialMovingAverage, num_updates).
"""

from collections.abc import Mapping

import torch
from torch import Tensor


class WeightEma:
    """Average of floating tensors; integers and booleans are copied.

    Args:
        state: Initial average by name.
        decay: k after many steps.

    Attributes:
        tensors: Average by name.
    """

    def __init__(self, state: Mapping[str, Tensor], decay: float) -> None:
        self._decay = decay
        self.tensors = {k: v.detach().clone() for k, v in state.items()}

    @torch.no_grad()
    def update(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Update the average with the weights after a step, `steps` being the number of steps before it."""
        keep = min(self._decay, (1 + steps) / (10 + steps))
        for key, average in self.tensors.items():
            value = state[key]
            if value.is_floating_point():
                average.lerp_(value, 1 - keep)
            else:
                average.copy_(value)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a saved average; names and shapes must match the initial ones."""
        for key, value in self.tensors.items():
            value.copy_(tensors[key])
