"""Learning-rate schedules, as a factor on the highest rate.

With s the step, counted from 0, and p the share of the run that is done:

    cosine       floor + (1 - floor) (1 + cos(pi p)) / 2      Loshchilov and Hutter 2017 (SGDR), eq. 5, one period
    exponential  gamma ^ floor(s / every)                     tf.train.exponential_decay, staircase=True
    constant     1

each times min(1, (s + 1) / warmup). The factor is a pure function of s and p, so no state has to be saved.
"""

import math

from headform.train.config import ScheduleConfig


def lr_factor(config: ScheduleConfig, step: int, done: float) -> float:
    """Compute the factor on the highest learning rate.

    Args:
        config: Schedule.
        step: Step number, counted from 0.
        done: Fraction of the run done before this step, in steps or minutes; values above 1 count
            as 1. Used by the cosine only.
    """
    factor = 1.0
    if config.kind == "cosine":
        bow = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        factor = config.floor + (1 - config.floor) * bow
    elif config.kind == "exponential":
        factor = config.gamma ** math.floor(step / config.every)
    return factor * min(1.0, (step + 1) / max(1, config.warmup))
