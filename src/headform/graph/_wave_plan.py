"""Plan of the compiled convolution of one graph: an order of its rows, and the rings of rows that suffice.

V vertices, G groups of rows, N entries with those that fill groups up, S strips.
"""

import os
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from jaxtyping import Float32, Int32
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, reverse_cuthill_mckee

from headform.graph.laplacian import ScaledLaplacian
from headform.kernels.simd import BYTES
from headform.kernels.simd_rows import ROWS

STRIP = 64
"""Number of rows processed at a time, a multiple of `ROWS`."""
_STARTS = 4
"""Rows from which an order of a part of the graph is tried: further ones changed the open head's by less than 6 %."""
_CACHED = 64
_plans: "OrderedDict[tuple[str, int], WavePlan]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, eq=False)
class WavePlan:
    """Plan for one graph and one number of Chebyshev terms.

    Rows are taken in groups of `kernels.simd_rows.ROWS`, which have equally many entries each, filled up with zeros.

    Attributes:
        terms: K.
        num_vertices: V.
        ring: rows per ring where every term stays until the last one is there.
        short_ring: rows per ring where a term stays until the two that follow it are there.
        order: the vertex in each row; neighbors get rows near each other (Cuthill and McKee 1969), and within a strip
            rows are sorted by their number of entries; then two strips of zeros, which may be read.
        starts: entries that one row of each group has, summed over the groups before it.
        places: byte of each entry's row within a ring, group by group, entry by entry, row by row.
        short_places: the same within a short ring.
        values: entries, in the same order.
        doubled: twice the entries.
        reach: one past the last strip that any strip up to this one has entries in.
    """

    terms: int
    num_vertices: int
    ring: int
    short_ring: int
    order: Int32[np.ndarray, " W"]
    starts: Int32[np.ndarray, " G1"]
    places: Int32[np.ndarray, " N"]
    short_places: Int32[np.ndarray, " N"]
    values: Float32[np.ndarray, " N"]
    doubled: Float32[np.ndarray, " N"]
    reach: Int32[np.ndarray, " S"]

    def addresses(self, *, short: bool) -> tuple[int, ...]:
        """Return the addresses of `order`, `starts`, `places` (or `short_places`), `values`, `doubled` and `reach`."""
        return self._addresses[short]

    @cached_property
    def _addresses(self) -> list[tuple[int, ...]]:
        arrays = [
            (self.order, self.starts, places, self.values, self.doubled, self.reach)
            for places in (self.places, self.short_places)
        ]
        return [tuple(each.ctypes.data for each in some) for some in arrays]


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
    order = _near_order(matrix)
    # rows of equal length follow each other within a strip: few entries are filled up, the end of a loop is predicted
    order = order[np.lexsort((np.diff(matrix.indptr)[order], np.arange(count) // STRIP))]
    near = matrix[order][:, order].tocsr()
    near.sort_indices()
    starts, columns, values = _grouped(near)
    strips = -(-count // STRIP)
    rows = np.repeat(np.arange(count), np.diff(near.indptr))
    reach = np.arange(1, strips + 1)
    low = np.arange(strips)
    np.maximum.at(reach, rows // STRIP, near.indices // STRIP + 1)
    np.minimum.at(low, rows // STRIP, near.indices // STRIP)
    reach = np.maximum.accumulate(reach)
    low = np.minimum.accumulate(low[::-1])[::-1]
    ring, short_ring = _rings(reach, low, terms)
    return WavePlan(
        terms,
        count,
        ring,
        short_ring,
        np.concatenate([order, np.zeros(2 * STRIP, np.int64)]).astype(np.int32),
        starts.astype(np.int32),
        ((columns % ring) * BYTES).astype(np.int32),
        ((columns % short_ring) * BYTES).astype(np.int32),
        values.astype(np.float32),
        (2 * values).astype(np.float32),
        reach.astype(np.int32),
    )


def _near_order(matrix: csr_matrix) -> np.ndarray:
    """Order the rows so that neighbors are near: breadth first, for each part of the graph from the best of a few starts.

    Starts are the first row of the reversed Cuthill-McKee order and, again and again, the row found last (George and Liu
    1979); the greatest distance between neighbors is compared, which the lengths of the rings follow.
    """
    order = np.asarray(reverse_cuthill_mckee(matrix, symmetric_mode=True), np.int64)
    _, part = connected_components(matrix, directed=False)
    sizes = np.bincount(part)
    for label in np.flatnonzero(sizes > STRIP):  # others fit in two strips however they are ordered
        places = np.flatnonzero(part[order] == label)
        rows = order[places]
        block = matrix[rows][:, rows].tocsr()
        found = [np.arange(len(rows))]
        for _ in range(_STARTS):
            found.append(breadth_first_order(block, found[-1][-1], directed=False, return_predecessors=False))
        order[places] = rows[min(found, key=lambda each: _bandwidth(block, each))]
    return order


def _bandwidth(matrix: csr_matrix, order: np.ndarray) -> int:
    """Return the greatest distance between neighbors in an order of the rows."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(np.arange(len(order)), np.diff(matrix.indptr))
    return int(np.abs(place[rows] - place[matrix.indices]).max(initial=0))


def _rings(reach: np.ndarray, low: np.ndarray, terms: int) -> tuple[int, int]:
    """Return the rows that rings must have where terms stay until the last one is there, and until the next two are.

    Args:
        reach: (S,) one past the last strip that any strip up to this one has entries in.
        low: (S,) the first strip that this or any later strip has entries in.
        terms: K.
    """
    strips = len(reach)
    fronts = [np.arange(1, strips + 1)]  # strips that are done, by term, each time that one of term 0 is
    for _ in range(terms - 1):
        fronts.append(np.searchsorted(reach, fronts[-1], side="right"))
    before = [np.concatenate([[0], front[:-1]]) for front in fronts]  # what a term finds done of those that follow it
    low = np.append(low, strips)
    # what the last term reads of the one before it must stay while the first of all comes in
    ring = int((fronts[0] - np.minimum(before[-1], low[before[-1]])).max())
    short = 1
    for k in range(terms - 1):
        needed = low[before[k + 1]]
        if k + 2 < terms:  # the term after the next subtracts this one
            needed = np.minimum(needed, before[k + 2])
        short = max(short, int((fronts[k] - needed).max()))
    return STRIP * ring, STRIP * short


def _grouped(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts, columns and values of rows in groups, as `WavePlan` has them."""
    count, groups = matrix.shape[0], -(-matrix.shape[0] // ROWS)
    lengths = np.zeros(groups * ROWS, np.int64)
    lengths[:count] = np.diff(matrix.indptr)
    entries = lengths.reshape(groups, ROWS).max(axis=1)
    starts = np.concatenate([[0], np.cumsum(entries)])
    # what is filled up points to the row itself, so that a NaN spreads no further
    own = np.arange(groups * ROWS).reshape(groups, ROWS)
    columns = np.repeat(own, entries, axis=0).ravel()
    values = np.zeros(len(columns))
    rows = np.repeat(np.arange(count), np.diff(matrix.indptr))
    entry = np.arange(matrix.nnz) - matrix.indptr[:-1][rows]
    places = (starts[rows // ROWS] + entry) * ROWS + rows % ROWS
    columns[places], values[places] = matrix.indices, matrix.data
    return starts, columns, values
