"""Plan of the compiled convolution of one graph: an order of its rows, and the rings of rows that suffice.

V vertices, N entries, S strips.
"""

import os
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np
from jaxtyping import Float32, Int32
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from headform.graph.laplacian import ScaledLaplacian

STRIP = 64
"""Number of rows processed at a time."""
_CACHED = 64
_plans: "OrderedDict[tuple[str, int], WavePlan]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, eq=False)
class WavePlan:
    """Plan for one graph and one number of Chebyshev terms.

    Attributes:
        terms: K.
        num_vertices: V.
        ring: rows per ring.
        order: the vertex in each row; neighbors get rows near each other (Cuthill and McKee 1969, reversed), and within
            a strip rows are sorted by their number of entries.
        starts: first entry of each row; rows have an even number of entries, filled up with zeros.
        positions: byte of each entry's row within a ring.
        values: entries.
        reach: one past the last strip that any strip up to this one has entries in.
    """

    terms: int
    num_vertices: int
    ring: int
    order: Int32[np.ndarray, " V"]
    starts: Int32[np.ndarray, " V1"]
    positions: Int32[np.ndarray, " N"]
    values: Float32[np.ndarray, " N"]
    reach: Int32[np.ndarray, " S"]


def plan_of(lap: ScaledLaplacian, terms: int) -> WavePlan:
    """Return the plan of a graph; the last few are cached by the content of the graph."""
    key = (lap.digest, terms)
    with _lock:
        if key in _plans:
            _plans.move_to_end(key)
            return _plans[key]
    plan = make_plan(lap.to_scipy(), terms)
    with _lock:
        _plans[key] = plan
        while len(_plans) > _CACHED:
            _plans.popitem(last=False)
    return plan


def _renew_lock() -> None:
    """Replace the lock in a forked child, which must not wait for a thread of its parent."""
    global _lock
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def make_plan(matrix: csr_matrix, terms: int) -> WavePlan:
    """Order the rows, cut them into strips, and find the length of the rings."""
    count = matrix.shape[0]
    order = np.asarray(reverse_cuthill_mckee(matrix, symmetric_mode=True), np.int64)
    # rows of equal length follow each other within a strip: the processor predicts the end of the inner loop
    order = order[np.lexsort((np.diff(matrix.indptr)[order], np.arange(count) // STRIP))]
    near = matrix[order][:, order].tocsr()
    near.sort_indices()
    starts, columns, values = _even_rows(near)
    strips = -(-count // STRIP)
    rows = np.repeat(np.arange(count), np.diff(starts))
    reach = np.arange(1, strips + 1)
    low = np.arange(strips)
    np.maximum.at(reach, rows // STRIP, columns // STRIP + 1)
    np.minimum.at(low, rows // STRIP, columns // STRIP)
    reach = np.maximum.accumulate(reach)
    low = np.minimum.accumulate(low[::-1])[::-1]
    front = np.arange(1, strips + 1)  # strip of the signal that the last term needs to finish each strip
    for _ in range(terms - 1):
        front = reach[front - 1]
    ring = STRIP * int((front - low).max(initial=1))
    return WavePlan(
        terms,
        count,
        ring,
        order.astype(np.int32),
        starts.astype(np.int32),
        ((columns % ring) * 64).astype(np.int32),
        values.astype(np.float32),
        reach.astype(np.int32),
    )


def _even_rows(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row pointers, columns and values with a zero entry added to every row of odd length."""
    lengths = np.diff(matrix.indptr)
    odd = lengths % 2 == 1
    starts = np.concatenate([[0], np.cumsum(lengths + odd)])
    columns = np.repeat(np.arange(matrix.shape[0]), lengths + odd)  # a row may point to itself
    values = np.zeros(starts[-1])
    rows = np.repeat(np.arange(matrix.shape[0]), lengths)
    places = np.arange(matrix.nnz) - matrix.indptr[:-1][rows] + starts[:-1][rows]
    columns[places], values[places] = matrix.indices, matrix.data
    return starts, columns, values
