"""Compiled ELU(x + past + bias) of one signal, in one pass over memory.

V vertices, C channels. Nothing is checked here.
"""

import typing

from headform.kernels.jit import njit
from headform.kernels.simd import add, load, store
from headform.kernels.simd_exp import elu


@njit(cache=True, nogil=True)
@typing.no_type_check
def biased_elu(x, past, bias, period, out, count):
    """Write ELU(x + past + bias) of consecutive floats, all by address.

    Args:
        x: count floats.
        past: as many; 0 for none.
        bias: period floats, those of the channels again and again; the float numbered i is added to each whose number is i
            plus a multiple of the period.
        period: a multiple of sixteen and of the channels.
        out: count floats, written.
        count: a multiple of sixteen.
    """
    offset = 0
    for at in range(0, 4 * count, 64):
        value = load(x + at)
        if past != 0:
            value = add(value, load(past + at))
        store(out + at, elu(add(value, load(bias + offset))))
        offset += 64
        if offset == 4 * period:
            offset = 0
