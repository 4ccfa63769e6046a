"""A binary tree of axis-parallel boxes over things that each fill a box.

N things, M nodes. Every node halves its things at the median of their middles along the box's longest side, so the
depth is at most log2 N and equal middles do no harm.
"""

import typing

import numpy as np
from numba import njit

_LEAF = 4  # things per leaf


@njit(cache=True, nogil=True)
@typing.no_type_check
def grow(lows, highs):
    """The tree.

    Args:
        lows: (N, 3) float64 lower corner of each thing's box, N at least 1.
        highs: (N, 3) float64 upper corners.

    Returns:
        order (N,) int64 of the things; child (M, 2) int64, the two nodes below each, or, in a leaf, ``-begin - 1`` and
        ``end`` of its slice of `order`; low, high (M, 3) float64 corners of the nodes' boxes. Node 0 is the root.
    """
    count = len(lows)
    order = np.arange(count)
    room = 4 * (count // _LEAF + 1) + 1
    child = np.zeros((room, 2), np.int64)
    low, high = np.zeros((room, 3)), np.zeros((room, 3))
    todo = [(0, 0, count)]  # node, slice of `order`
    made = 1
    while len(todo) > 0:
        node, begin, end = todo.pop()
        for k in range(3):
            low[node, k], high[node, k] = np.inf, -np.inf
            for j in range(begin, end):
                low[node, k] = min(low[node, k], lows[order[j], k])
                high[node, k] = max(high[node, k], highs[order[j], k])
        if end - begin <= _LEAF:
            child[node, 0], child[node, 1] = -begin - 1, end
            continue
        axis = np.argmax(high[node] - low[node])
        here = order[begin:end].copy()
        middles = lows[here, axis] + highs[here, axis]
        order[begin:end] = here[np.argsort(middles, kind="mergesort")]
        half = (begin + end) // 2
        child[node, 0], child[node, 1] = made, made + 1
        todo.append((made, begin, half))
        todo.append((made + 1, half, end))
        made += 2
    return order, child[:made], low[:made], high[:made]
