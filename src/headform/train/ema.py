"""Exponential moving average of a network's weights, which is what is used in the end.

    a <- k a + (1 - k) w,  k = min(decay, (1 + n) / (10 + n)) after n steps

so that the average forgets the first weights quickly (tf.train.ExponentialMovingAverage, num_updates).
"""

from collections.abc import Mapping

import torch
from torch import Tensor


class WeightEma:
    """Average of floating tensors; integers and booleans are copied.

    Args:
        state: The first average, by name.
        decay: k after many steps.

    Attributes:
        tensors: The average by name.
    """

    def __init__(self, state: Mapping[str, Tensor], decay: float) -> None:
        self._decay = decay
        self.tensors = {k: v.detach().clone() for k, v in state.items()}

    @torch.no_grad()
    def update(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Take in the weights after a step, `steps` of which came before it."""
        keep = min(self._decay, (1 + steps) / (10 + steps))
        for key, average in self.tensors.items():
            value = state[key]
            if value.is_floating_point():
                average.lerp_(value, 1 - keep)
            else:
                average.copy_(value)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take a saved average's values; names and shapes must be those of the first."""
        for key, value in self.tensors.items():
            value.copy_(tensors[key])
