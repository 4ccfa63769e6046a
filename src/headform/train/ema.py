"""The exponential moving average of a network's weights, which is what is used in the end.

    a <- k a + (1 - k) w,  k = min(keep, (1 + n) / (10 + n)) after n steps

so that the average forgets the first weights quickly (tf.train.ExponentialMovingAverage, num_updates).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """Follows a module's floating state; integers and booleans are copied.

    Args:
        module: Whose weights now are the first average.
        keep: k after many steps.
    """

    def __init__(self, module: nn.Module, keep: float) -> None:
        self.keep = keep
        self.tensors = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, steps: int) -> None:
        """Take in the weights after a step, `steps` of which came before it."""
        keep = min(self.keep, (1 + steps) / (10 + steps))
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                self.tensors[key].lerp_(value, 1 - keep)
            else:
                self.tensors[key].copy_(value)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take a saved average's values; the names and shapes must be those of the module."""
        for key, value in self.tensors.items():
            value.copy_(tensors[key])
