"""A bounding volume hierarchy: a binary tree of axis-aligned boxes over items that each have a box.

N items, M nodes. Every node halves its items at the median of their centers along the box's longest side, so the depth is
at most log2 N even where centers coincide.
"""

import typing

import numpy as np

from headform.kernels.jit import njit

_LEAF = 4  # items per leaf


@njit(cache=True, nogil=True)
@typing.no_type_check
def build_tree(lows, highs):
    """Build the tree.

    Args:
        lows: (N, 3) float64 lower corner of each item's box, N at least 1.
        highs: (N, 3) float64 upper corners.

    Returns:
        order (N,) int64 of the items; child (M, 2) int64, the two nodes below each, or, in a leaf, ``-begin - 1`` and
        ``end`` of its slice of `order`; low, high (M, 3) float64 corners of the nodes' boxes. Node 0 is the root.
    """
    count = len(lows)
    order = np.arange(count)
    room = 4 * (count // _LEAF + 1) + 1
    child = np.zeros((room, 2), np.int64)
    low, high = np.zeros((room, 3)), np.zeros((room, 3))
    todo = [(0, 0, count)]  # node, slice of `order`
    used = 1
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
        centers = lows[here, axis] + highs[here, axis]
        order[begin:end] = here[np.argsort(centers, kind="mergesort")]
        half = (begin + end) // 2
        child[node, 0], child[node, 1] = used, used + 1
        todo.append((used, begin, half))
        todo.append((used + 1, half, end))
        used += 2
    return order, child[:used], low[:used], high[:used]
