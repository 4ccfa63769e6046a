"""Plans of the compiled convolution: orders, groups of rows, and rings that hold what is still needed."""

import numpy as np
import pytest
from scipy.sparse.csgraph import reverse_cuthill_mckee

from headform.graph._wave_plan import STRIP, make_plan
from headform.kernels.simd_rows import ROWS
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, closed, flat, pieces

PLANS = {**MESHES, "large": flat(1500, 1), "sphere": closed(1000), "many": pieces()}


def matrix_of(name):
    return scaled_laplacian(*PLANS[name]).tocsr()


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_holds_the_operator(name):
    matrix = matrix_of(name)
    count = matrix.shape[0]
    plan = make_plan(matrix, 4)
    order = plan.order[:count]
    np.testing.assert_array_equal(np.sort(order), np.arange(count))
    np.testing.assert_array_equal(plan.doubled, 2 * plan.values)
    for places, ring in ((plan.places, plan.ring), (plan.short_places, plan.short_ring)):
        assert ring % STRIP == 0
        found = np.zeros((count, count))
        for group in range(len(plan.starts) - 1):
            for entry in range(plan.starts[group], plan.starts[group + 1]):
                for r in range(ROWS):
                    row, value = group * ROWS + r, plan.values[entry * ROWS + r]
                    if not value:
                        continue
                    place = places[entry * ROWS + r] // 64  # the nearest row of this place: rings hold no other
                    column = min(range(place, count, ring), key=lambda each, row=row: abs(each - row))
                    found[order[row], order[column]] += value
        np.testing.assert_allclose(found, matrix.toarray(), rtol=1e-6)


@pytest.mark.parametrize("terms", [1, 2, 3, 6])
@pytest.mark.parametrize("name", PLANS)
def test_rings_hold_what_later_terms_need(name, terms):
    """Walk through the strips as the kernels do, and look at what each step reads."""
    matrix = matrix_of(name)
    plan, count = make_plan(matrix, terms), matrix.shape[0]
    near = matrix[plan.order[:count]][:, plan.order[:count]].tocoo()
    strips = -(-count // STRIP)
    reads = [np.unique(near.col[near.row // STRIP == t] // STRIP) for t in range(strips)]
    long, short = (np.full((terms, ring // STRIP), -1) for ring in (plan.ring, plan.short_ring))
    fronts = [0] * terms
    for front in range(1, strips + 1):
        for k in range(terms):
            while fronts[k] < (front if k == 0 else strips):
                t = fronts[k]
                if k > 0 and plan.reach[t] > fronts[k - 1]:
                    break
                for ring in (long, short):
                    size = ring.shape[1]
                    if k > 0:
                        assert all(ring[k - 1, each % size] == each for each in reads[t])
                    if k > 1:
                        assert ring[k - 2, t % size] == t
                    ring[k, t % size] = t
                fronts[k] += 1
                if k == terms - 1:
                    assert all(each == t for each in long[:, t % long.shape[1]])
    assert fronts == [strips] * terms


def test_an_order_is_never_wider_than_cuthill_and_mckees() -> None:
    for name in ("large", "sphere"):
        matrix = matrix_of(name)
        count = matrix.shape[0]

        def distance(order, matrix=matrix):
            near = matrix[order][:, order].tocoo()
            return int(np.abs(near.row // STRIP - near.col // STRIP).max())

        theirs = np.asarray(reverse_cuthill_mckee(matrix, symmetric_mode=True))
        assert distance(make_plan(matrix, 2).order[:count]) <= distance(theirs)
