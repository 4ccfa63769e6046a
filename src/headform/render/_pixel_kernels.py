"""Compiled loops over the seen pixels of one picture: weights, blending, and their gradients.

V vertices, A attribute rows, F faces, N seen pixels, C channels. Nothing is checked here. Sums run in the order of
the pixels, so results do not depend on threads.
"""

import typing

import numpy as np

from headform.geometry.spherical_harmonics import C0, C1, C2, C20, C22
from headform.kernels.jit import njit

TINY = 1e-12
"""Shortest length that a normal is divided by, as in `torch.nn.functional.normalize`."""


@njit(cache=True, nogil=True, error_model="numpy")
@typing.no_type_check
def barycentric_forward(points, faces, face, pixel, width, perspective, weights):
    """Weights (N, 3) of the corners of `face` (N,) at the centers of `pixel` (N,), written; points (V, 3)."""
    for n in range(face.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        x = pixel[n] % width + 0.5
        y = pixel[n] // width + 0.5
        x0, y0 = points[a, 0] - x, points[a, 1] - y
        x1, y1 = points[b, 0] - x, points[b, 1] - y
        x2, y2 = points[c, 0] - x, points[c, 1] - y
        w0 = x1 * y2 - x2 * y1
        w1 = x2 * y0 - x0 * y2
        w2 = x0 * y1 - x1 * y0
        if perspective:
            w0 /= points[a, 2]
            w1 /= points[b, 2]
            w2 /= points[c, 2]
        total = w0 + w1 + w2
        weights[n, 0] = w0 / total
        weights[n, 1] = w1 / total
        weights[n, 2] = w2 / total


@njit(cache=True, nogil=True, error_model="numpy")
@typing.no_type_check
def barycentric_backward(points, faces, face, pixel, width, perspective, grad, grad_points):
    """Add the gradient of `barycentric_forward` with respect to its points; grad (N, 3), grad_points (V, 3)."""
    for n in range(face.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        x = pixel[n] % width + 0.5
        y = pixel[n] // width + 0.5
        x0, y0 = points[a, 0] - x, points[a, 1] - y
        x1, y1 = points[b, 0] - x, points[b, 1] - y
        x2, y2 = points[c, 0] - x, points[c, 1] - y
        e0 = x1 * y2 - x2 * y1
        e1 = x2 * y0 - x0 * y2
        e2 = x0 * y1 - x1 * y0
        i0, i1, i2 = 1.0, 1.0, 1.0
        if perspective:
            i0, i1, i2 = 1.0 / points[a, 2], 1.0 / points[b, 2], 1.0 / points[c, 2]
        total = e0 * i0 + e1 * i1 + e2 * i2
        # b_k = w_k / sum w: dL/dw_k = (g_k - g.b) / sum w
        mean = (grad[n, 0] * e0 * i0 + grad[n, 1] * e1 * i1 + grad[n, 2] * e2 * i2) / total
        g0 = (grad[n, 0] - mean) / total
        g1 = (grad[n, 1] - mean) / total
        g2 = (grad[n, 2] - mean) / total
        if perspective:  # w_k = e_k / z_k
            grad_points[a, 2] -= g0 * e0 * i0 * i0
            grad_points[b, 2] -= g1 * e1 * i1 * i1
            grad_points[c, 2] -= g2 * e2 * i2 * i2
            g0 *= i0
            g1 *= i1
            g2 *= i2
        grad_points[a, 0] += g2 * y1 - g1 * y2
        grad_points[a, 1] += g1 * x2 - g2 * x1
        grad_points[b, 0] += g0 * y2 - g2 * y0
        grad_points[b, 1] += g2 * x0 - g0 * x2
        grad_points[c, 0] += g1 * y0 - g0 * y1
        grad_points[c, 1] += g0 * x1 - g1 * x0


@njit(cache=True, nogil=True)
@typing.no_type_check
def blend_forward(attributes, faces, face, weights, out):
    """Blend attributes (A, C) of the corners of `face` (N,) by weights (N, 3) into out (N, C)."""
    channels = attributes.shape[1]
    for n in range(face.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        w0, w1, w2 = weights[n, 0], weights[n, 1], weights[n, 2]
        for k in range(channels):
            out[n, k] = w0 * attributes[a, k] + w1 * attributes[b, k] + w2 * attributes[c, k]


@njit(cache=True, nogil=True)
@typing.no_type_check
def blend_backward(attributes, faces, face, weights, grad, grad_attributes, grad_weights):
    """Add the gradients of `blend_forward` to grad_attributes (A, C), write those of the weights; grad (N, C)."""
    channels = attributes.shape[1]
    for n in range(face.shape[0]):
        a, b, c = faces[face[n], 0], faces[face[n], 1], faces[face[n], 2]
        w0, w1, w2 = weights[n, 0], weights[n, 1], weights[n, 2]
        d0 = attributes.dtype.type(0.0)
        d1 = d0
        d2 = d0
        for k in range(channels):
            g = grad[n, k]
            grad_attributes[a, k] += w0 * g
            grad_attributes[b, k] += w1 * g
            grad_attributes[c, k] += w2 * g
            d0 += attributes[a, k] * g
            d1 += attributes[b, k] * g
            d2 += attributes[c, k] * g
        grad_weights[n, 0] = d0
        grad_weights[n, 1] = d1
        grad_weights[n, 2] = d2


@njit(cache=True, nogil=True)
@typing.no_type_check
def normals_forward(vertices, faces, normals, lengths):
    """Area-weighted vertex normals: normals (V, 3) zeros, then unit vectors; lengths (V,) of the sums, written."""
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        wx, wy, wz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        x, y, z = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for k in (a, b, c):
            normals[k, 0] += x
            normals[k, 1] += y
            normals[k, 2] += z
    for v in range(normals.shape[0]):
        length = (normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) ** 0.5
        lengths[v] = length
        if length > 0.0:
            for k in range(3):
                normals[v, k] /= length


@njit(cache=True, nogil=True)
@typing.no_type_check
def normals_backward(vertices, faces, normals, lengths, grad, grad_sums, grad_vertices):
    """Add the gradient of `normals_forward` to grad_vertices (V, 3); grad_sums (V, 3) is scratch, grad (V, 3)."""
    for v in range(normals.shape[0]):
        if lengths[v] > 0.0:
            along = grad[v, 0] * normals[v, 0] + grad[v, 1] * normals[v, 1] + grad[v, 2] * normals[v, 2]
            for k in range(3):
                grad_sums[v, k] = (grad[v, k] - along * normals[v, k]) / lengths[v]
        else:
            for k in range(3):
                grad_sums[v, k] = 0.0
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x = grad_sums[a, 0] + grad_sums[b, 0] + grad_sums[c, 0]
        y = grad_sums[a, 1] + grad_sums[b, 1] + grad_sums[c, 1]
        z = grad_sums[a, 2] + grad_sums[b, 2] + grad_sums[c, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        wx, wy, wz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        # n = u x w: dL/du = w x g, dL/dw = g x u
        bx, by, bz = wy * z - wz * y, wz * x - wx * z, wx * y - wy * x
        cx, cy, cz = y * uz - z * uy, z * ux - x * uz, x * uy - y * ux
        grad_vertices[b, 0] += bx
        grad_vertices[b, 1] += by
        grad_vertices[b, 2] += bz
        grad_vertices[c, 0] += cx
        grad_vertices[c, 1] += cy
        grad_vertices[c, 2] += cz
        grad_vertices[a, 0] -= bx + cx
        grad_vertices[a, 1] -= by + cy
        grad_vertices[a, 2] -= bz + cz


@njit(cache=True, nogil=True)
@typing.no_type_check
def shade_forward(albedo, normals, light, unit, out):
    """Matt shading: unit (N, 3) from normals (N, 3) of any length, out (N, C) = albedo max(sh(unit) . light, 0)."""
    basis = np.empty(9)
    for n in range(albedo.shape[0]):
        x, y, z = normals[n, 0], normals[n, 1], normals[n, 2]
        length = max((x * x + y * y + z * z) ** 0.5, TINY)
        x, y, z = x / length, y / length, z / length
        unit[n, 0], unit[n, 1], unit[n, 2] = x, y, z
        _basis(x, y, z, basis)
        for c in range(albedo.shape[1]):
            total = 0.0
            for k in range(9):
                total += basis[k] * light[k, c]
            out[n, c] = albedo[n, c] * max(total, 0.0)


@njit(cache=True, nogil=True)
@typing.no_type_check
def shade_backward(albedo, normals, light, grad, grad_unit, grad_albedo, grad_normals, grad_light):
    """Write grad_albedo (N, C) and grad_normals (N, 3), add to grad_light (9, C) float64."""
    basis = np.empty(9)
    pulled = np.empty(9)
    for n in range(albedo.shape[0]):
        x, y, z = normals[n, 0], normals[n, 1], normals[n, 2]
        length = max((x * x + y * y + z * z) ** 0.5, TINY)
        x, y, z = x / length, y / length, z / length
        _basis(x, y, z, basis)
        pulled[:] = 0.0
        for c in range(albedo.shape[1]):
            total = 0.0
            for k in range(9):
                total += basis[k] * light[k, c]
            grad_albedo[n, c] = grad[n, c] * max(total, 0.0)
            if total > 0.0:
                g = grad[n, c] * albedo[n, c]
                for k in range(9):
                    grad_light[k, c] += basis[k] * g
                    pulled[k] += light[k, c] * g
        gx = grad_unit[n, 0] + C1 * pulled[3] + C2 * (y * pulled[4] + z * pulled[7]) + 2 * C22 * x * pulled[8]
        gy = grad_unit[n, 1] + C1 * pulled[1] + C2 * (x * pulled[4] + z * pulled[5]) - 2 * C22 * y * pulled[8]
        gz = grad_unit[n, 2] + C1 * pulled[2] + C2 * (y * pulled[5] + x * pulled[7]) + 6 * C20 * z * pulled[6]
        along = gx * x + gy * y + gz * z
        grad_normals[n, 0] = (gx - along * x) / length
        grad_normals[n, 1] = (gy - along * y) / length
        grad_normals[n, 2] = (gz - along * z) / length


@njit(cache=True, nogil=True, inline="always")
@typing.no_type_check
def _basis(x, y, z, basis):
    """`geometry.spherical_harmonics.sh_basis` at one unit vector, written into (9,)."""
    basis[0] = C0
    basis[1] = C1 * y
    basis[2] = C1 * z
    basis[3] = C1 * x
    basis[4] = C2 * x * y
    basis[5] = C2 * y * z
    basis[6] = C20 * (3 * z * z - 1)
    basis[7] = C2 * x * z
    basis[8] = C22 * (x * x - y * y)
