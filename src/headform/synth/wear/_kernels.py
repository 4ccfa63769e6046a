"""Compiled kernels of the surfaces on which pieces lie; the callers check shapes."""

import typing
from math import cos, floor, sin, sqrt

from headform.kernels.jit import njit


@njit(cache=True, nogil=True)
@typing.no_type_check
def sample_surface(grid, normals, columns, rows, offset, out):
    """Bilinear points of a surface that is closed around, moved along its normals.

    grid and normals (T, C, 3) float32; columns and rows (N,) float64, in cells; offset (N,) or (1,) float64, meters; out
    (N, 3) float64, written.
    """
    last, around = grid.shape[0] - 2, grid.shape[1]
    for n in range(out.shape[0]):
        i = min(max(floor(rows[n]), 0), last)
        u = min(max(rows[n] - i, 0.0), 1.0)
        j = floor(columns[n])
        v = columns[n] - j
        left, right = j % around, (j + 1) % around
        move = offset[n % offset.shape[0]]
        a, b, c, d = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
        for k in range(3):
            point = a * grid[i, left, k] + b * grid[i, right, k] + c * grid[i + 1, left, k] + d * grid[i + 1, right, k]
            if move != 0.0:
                point += move * (
                    a * normals[i, left, k]
                    + b * normals[i, right, k]
                    + c * normals[i + 1, left, k]
                    + d * normals[i + 1, right, k]
                )
            out[n, k] = point


@njit(cache=True, nogil=True)
@typing.no_type_check
def sample_radial(grid, center, columns, rows, offset, out):
    """Bilinear points of such a surface, moved away from a center (3,); arguments as in `sample_surface`."""
    last, around = grid.shape[0] - 2, grid.shape[1]
    for n in range(out.shape[0]):
        i = min(max(floor(rows[n]), 0), last)
        u = min(max(rows[n] - i, 0.0), 1.0)
        j = floor(columns[n])
        v = columns[n] - j
        left, right = j % around, (j + 1) % around
        a, b, c, d = (1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v
        square = 0.0
        for k in range(3):
            out[n, k] = (
                a * grid[i, left, k] + b * grid[i, right, k] + c * grid[i + 1, left, k] + d * grid[i + 1, right, k]
            )
            square += (out[n, k] - center[k]) ** 2
        away = offset[n % offset.shape[0]] / max(sqrt(square), 1e-9)
        for k in range(3):
            out[n, k] += (out[n, k] - center[k]) * away


@njit(cache=True, nogil=True)
@typing.no_type_check
def turn_points(points, pivot, yaw, pitch, share, out):
    """Rotate points (N, 3) about a pivot (3,) by a share (N,) or (1,) of pitch, then yaw; out (N, 3) float32, written."""
    for n in range(points.shape[0]):
        part = share[n % share.shape[0]]
        cy, sy, cp, sp = cos(part * yaw), sin(part * yaw), cos(part * pitch), sin(part * pitch)
        x, y, z = points[n, 0] - pivot[0], points[n, 1] - pivot[1], points[n, 2] - pivot[2]
        y, z = cp * y - sp * z, sp * y + cp * z
        out[n, 0] = cy * x + sy * z + pivot[0]
        out[n, 1] = y + pivot[1]
        out[n, 2] = cy * z - sy * x + pivot[2]


@njit(cache=True, nogil=True)
@typing.no_type_check
def fit_surface(common, vertex, mean, vertices, hold, shoulder, width, raised, out):
    """Move a common surface with the vertices of a person.

    common, mean and out (T, C, 3) float32; vertex (T, C); vertices (V, 3) float32; hold and shoulder (T, 1) float32: how far
    each row follows its vertices and the factor `width` and rise `raised` of the shoulders.
    """
    for i in range(common.shape[0]):
        wide, up = 1 + (width - 1) * shoulder[i, 0], raised * shoulder[i, 0]
        for j in range(common.shape[1]):
            at = vertex[i, j]
            for k in range(3):
                out[i, j, k] = common[i, j, k] + (vertices[at, k] - mean[i, j, k]) * hold[i, 0]
            out[i, j, 0] *= wide
            out[i, j, 1] += up


@njit(cache=True, nogil=True)
@typing.no_type_check
def surface_normals(grid, out):
    """Unit normals of a surface that is closed around, outward where columns run to the left seen from above; (T, C, 3)."""
    last, around = grid.shape[0] - 1, grid.shape[1]
    for i in range(grid.shape[0]):
        above, below = max(i - 1, 0), min(i + 1, last)
        for j in range(around):
            left, right = (j - 1) % around, (j + 1) % around
            ax, ay, az = (
                grid[below, j, 0] - grid[above, j, 0],
                grid[below, j, 1] - grid[above, j, 1],
                grid[below, j, 2] - grid[above, j, 2],
            )
            bx, by, bz = (
                grid[i, right, 0] - grid[i, left, 0],
                grid[i, right, 1] - grid[i, left, 1],
                grid[i, right, 2] - grid[i, left, 2],
            )
            nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            size = 1.0 / max(sqrt(nx * nx + ny * ny + nz * nz), 1e-12)
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = nx * size, ny * size, nz * size
