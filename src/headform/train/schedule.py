"""The learning rate of each step, as a factor on the highest rate.

With s the step, counted from 0, and p the share of the run that is done:

    cosine       floor + (1 - floor) (1 + cos(pi p)) / 2      Loshchilov and Hutter 2017 (SGDR), eq. 5, one period
    exponential  gamma ^ floor(s / every)                     tf.train.exponential_decay, staircase=True
    constant     1

each times min(1, (s + 1) / warmup). A pure function: there is no state to save.
"""

import math

from headform.train.config import ScheduleConfig


def lr_factor(config: ScheduleConfig, step: int, done: float) -> float:
    """What the highest rate is multiplied by.

    Args:
        config: Which schedule.
        step: Counted from 0.
        done: Share of the run before this step, of its steps or of its minutes; above 1 counts
            as 1. Only the cosine asks.
    """
    factor = 1.0
    if config.kind == "cosine":
        bow = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        factor = config.floor + (1 - config.floor) * bow
    elif config.kind == "exponential":
        factor = config.gamma ** math.floor(step / config.every)
    return factor * min(1.0, (step + 1) / max(1, config.warmup))
