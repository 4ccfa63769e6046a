"""Compiled conjugate gradients of `fit._mesh_diffusion`.

V rows, C channels, K patches. Channels are rows of memory, so that every loop works on as many
numbers at once as the processor can.
"""

import typing

import numpy as np

from headform.kernels.jit import njit


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _product(slots, more, diagonal, smoothness, x, out):
    """Compute out = (diagonal + smoothness L) x, x (V,); slots (8, V) and more (N, 2) are those of `VertexGraph`."""
    a, b, c, d, e, f, g, h = slots[0], slots[1], slots[2], slots[3], slots[4], slots[5], slots[6], slots[7]
    for v in range(x.shape[0]):
        total = x[a[v]] + x[b[v]] + x[c[v]] + x[d[v]] + x[e[v]] + x[f[v]] + x[g[v]] + x[h[v]]
        out[v] = diagonal[v] * x[v] + smoothness * (np.float32(8) * x[v] - total)
    for n in range(more.shape[0]):
        out[more[n, 0]] += smoothness * (x[more[n, 0]] - x[more[n, 1]])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _dot(a, b):
    total = np.float32(0)
    for v in range(a.shape[0]):
        total += a[v] * b[v]
    return total


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _add_scaled(x, factor, y):
    """Add factor y to x (V,) in place."""
    for v in range(x.shape[0]):
        x[v] += factor * y[v]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _solve_patches(lower, x):
    """Solve lower lowerᵀ x = x in place, x (K,), lower (K, K)."""
    count = x.shape[0]
    for i in range(count):
        x[i] = (x[i] - _dot(lower[i, :i], x[:i])) / lower[i, i]
    for i in range(count - 1, -1, -1):
        x[i] /= lower[i, i]
        _add_scaled(x[:i], -x[i], lower[i, :i])


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _precondition(first, lower, inverse, r, coarse, z):
    """Compute z from the residual r (V,): by the diagonal, and by the system of the patches; coarse (K,) is scratch."""
    for k in range(coarse.shape[0]):
        total = np.float32(0)
        for v in range(first[k], first[k + 1]):
            total += r[v]
        coarse[k] = total
    _solve_patches(lower, coarse)
    for k in range(coarse.shape[0]):
        common = coarse[k]
        for v in range(first[k], first[k + 1]):
            z[v] = inverse[v] * r[v] + common


@njit(cache=True, nogil=True, error_model="numpy")
@typing.no_type_check
def conjugate_gradients(
    slots, more, first, lower, degree, diagonal, smoothness, right, x, tolerance, max_iterations
):  # fmt: skip
    """Solve (diagonal + smoothness L) x = right for every channel by itself, x (C, V) in place.

    slots, more, first, degree: of the `VertexGraph`; lower (K, K): Cholesky factor of the system of its patches.
    """
    channels, count = x.shape
    inverse = np.empty(count, np.float32)
    for v in range(count):
        inverse[v] = np.float32(1) / (diagonal[v] + smoothness * degree[v])
    r = np.empty(count, np.float32)
    z = np.empty(count, np.float32)
    q = np.empty(count, np.float32)
    coarse = np.empty(lower.shape[0], np.float32)
    for c in range(channels):
        goal = 0.0
        for v in range(count):
            goal += inverse[v] * right[c, v] * right[c, v]
        goal = goal * tolerance * tolerance + 1e-12
        _product(slots, more, diagonal, smoothness, x[c], q)
        for v in range(count):
            r[v] = right[c, v] - q[v]
        _precondition(first, lower, inverse, r, coarse, z)
        p = z.copy()
        rz = _dot(r, z)
        for _ in range(max_iterations):
            if rz <= goal:
                break
            _product(slots, more, diagonal, smoothness, p, q)
            pq = _dot(p, q)
            if not pq > 0:
                break
            step = rz / pq
            _add_scaled(x[c], step, p)
            _add_scaled(r, -step, q)
            _precondition(first, lower, inverse, r, coarse, z)
            fresh = _dot(r, z)
            ratio = fresh / rz
            rz = fresh
            for v in range(count):
                p[v] = z[v] + ratio * p[v]


@njit(cache=True, nogil=True, error_model="numpy")
@typing.no_type_check
def average(slots, more, where, x, steps):
    """Replace x (C, V), `steps` times and in place, by the mean over each masked row and its masked neighbors."""
    near, count = slots.copy(), np.ones(x.shape[1], np.float32)
    for k in range(slots.shape[0]):
        for v in range(slots.shape[1]):
            if where[v] and where[slots[k, v]]:
                count[v] += np.float32(slots[k, v] != v)
            else:
                near[k, v] = v
    for k in range(more.shape[0]):
        if where[more[k, 0]] and where[more[k, 1]]:
            count[more[k, 0]] += np.float32(1)
    away = np.empty(x.shape[1], np.float32)
    for _ in range(steps):
        for c in range(x.shape[0]):
            _sum_of_neighbors(near, more, where, x[c], away)
            for v in range(x.shape[1]):
                x[c, v] += away[v] / count[v]


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
@typing.no_type_check
def _sum_of_neighbors(near, more, where, x, out):
    """Sum the differences to masked neighbors, x (V,); a slot of `near` without one holds the row itself."""
    a, b, c, d, e, f, g, h = near[0], near[1], near[2], near[3], near[4], near[5], near[6], near[7]
    for v in range(x.shape[0]):
        total = x[a[v]] + x[b[v]] + x[c[v]] + x[d[v]] + x[e[v]] + x[f[v]] + x[g[v]] + x[h[v]]
        out[v] = total - np.float32(8) * x[v]
    for n in range(more.shape[0]):
        if where[more[n, 0]] and where[more[n, 1]]:
            out[more[n, 0]] += x[more[n, 1]] - x[more[n, 0]]


@njit(cache=True, nogil=True)
@typing.no_type_check
def arrange(order, known, weight, pull, rest, diagonal, right, x):
    """Write diagonal (V,), right-hand sides (C, V) and first guesses x (C, V) in the rows of a graph.

    order (V,): vertex of each row; known, rest (V, C), weight, pull (V,): as of `diffuse`, by vertex.
    """
    for row in range(order.shape[0]):
        v = order[row]
        diagonal[row] = weight[v] + pull[v]
        for c in range(known.shape[1]):
            right[c, row] = weight[v] * known[v, c] + pull[v] * rest[v, c]
            x[c, row] = known[v, c] if weight[v] > 0.05 else rest[v, c]


@njit(cache=True, nogil=True)
@typing.no_type_check
def put_back(order, x, out):
    """Write out (V, C), by vertex, from rows x (C, V)."""
    for row in range(order.shape[0]):
        for c in range(x.shape[0]):
            out[order[row], c] = x[c, row]
