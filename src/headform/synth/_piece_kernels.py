"""Compiled drawing of pieces: opaque ones with a texture, and those that something behind shows through.

W vertices of all opaque meshes, P vertices of the piece, F triangles, R side of the raster, H x L texels. Linear RGB.
"""

import typing

import numpy as np

from headform.kernels.jit import njit
from headform.synth._raster_kernels import linear_of, texel, weights_at


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def shade_textured(index, points, faces, begin, end, stop, diffuse, shine, uv, at, texture, label, radiance, shown):
    """Shade the samples whose triangle lies in [begin, end): an opaque textured piece.

    diffuse, shine (W, 3) per vertex; uv (P, 2) of the piece's own vertices, which have the numbers from `at` to `stop` in
    the whole mesh.
    """
    half, border = np.float32(0.5), np.float32(index.shape[0])
    left, right, top, bottom = border, np.float32(0), border, np.float32(0)
    for i in range(at, stop):
        left, right = min(left, points[i, 0]), max(right, points[i, 0])
        top, bottom = min(top, points[i, 1]), max(bottom, points[i, 1])
    left, top = int(max(left, np.float32(0))), int(max(top, np.float32(0)))
    right, bottom = int(min(right + np.float32(1), border)), int(min(bottom + np.float32(1), border))
    for row in range(top, bottom):
        y = np.float32(row) + half
        for column in range(left, right):
            f = index[row, column]
            if f < begin or f >= end:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            w0, w1, w2 = weights_at(points, faces, f, np.float32(column) + half, y)
            p, q, r = i - at, j - at, k - at
            u = w0 * uv[p, 0] + w1 * uv[q, 0] + w2 * uv[r, 0]
            v = w0 * uv[p, 1] + w1 * uv[q, 1] + w2 * uv[r, 1]
            red, green, blue = texel(texture, u, v)
            for n in range(3):
                own = red if n == 0 else green if n == 1 else blue
                light = w0 * diffuse[i, n] + w1 * diffuse[j, n] + w2 * diffuse[k, n]
                gleam = w0 * shine[i, n] + w1 * shine[j, n] + w2 * shine[k, n]
                radiance[row, column, n] = own * light + gleam
            shown[row, column] = label


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def _span(left, right, w, a, r):
    """Narrow the columns left..right to those where w + a * (column - left), a weight, is not negative; r is 1 / a."""
    if a > np.float32(0):
        if w < np.float32(0):
            steps = -w * r
            return left + int(min(steps, np.float32(1 << 20)) + np.float32(0.9999)), right
    elif a < np.float32(0):
        steps = -w * r
        if steps < np.float32(0):
            return left, left - 1
        return left, min(right, left + int(min(steps, np.float32(1 << 20))))
    elif w < np.float32(0):
        return left, left - 1
    return left, right


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def blend_piece(points, faces, order, color, uv, texture, opacity, label, near, depth, radiance, shown, through):
    """Draw triangles in the given order over the picture where nothing opaque lies before them.

    points (P, 3) raster pixels and depth; color (P, 3) radiance, multiplied by texture (H, L, 4), opacity in the last
    channel; depth (R, R): read, and written where a triangle hides what is behind it; through (R, R): transparency of
    what was drawn since the class of the sample changed last, read and written.
    """
    side = depth.shape[0]
    rows, columns = np.float32(texture.shape[0]), np.float32(texture.shape[1])
    zero, half, one, edge = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1.001)
    byte, near, nothing = np.float32(1 / 255), np.float32(near), np.float32(0.01)
    opacity = np.float32(opacity) * byte
    for position in range(order.shape[0]):
        f = order[position]
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        if not (z0 > near and z1 > near and z2 > near):
            continue
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        left = max(0, int(min(x0, x1, x2) + half))
        right = min(side - 1, int(max(x0, x1, x2) - half))
        top = max(0, int(min(y0, y1, y2) + half))
        bottom = min(side - 1, int(max(y0, y1, y2) - half))
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if right < left or bottom < top or abs(area) < np.float32(1e-9):
            continue
        inverse = one / area
        # weights grow linearly over the picture, and so does everything interpolated with them
        a1, b1 = (y2 - y0) * inverse, (x0 - x2) * inverse
        a2, b2 = (y0 - y1) * inverse, (x1 - x0) * inverse
        a0 = -a1 - a2
        r0 = one / a0 if a0 != zero else zero
        r1 = one / a1 if a1 != zero else zero
        r2 = one / a2 if a2 != zero else zero
        dz1, dz2 = z1 - z0, z2 - z0
        u0, v0 = uv[i, 0] * columns - half, (one - uv[i, 1]) * rows - half
        du1, du2 = (uv[j, 0] - uv[i, 0]) * columns, (uv[k, 0] - uv[i, 0]) * columns
        dv1, dv2 = (uv[i, 1] - uv[j, 1]) * rows, (uv[i, 1] - uv[k, 1]) * rows
        for row in range(top, bottom + 1):
            dx, dy = np.float32(left) + half - x0, np.float32(row) + half - y0
            s1, s2 = a1 * dx + b1 * dy, a2 * dx + b2 * dy
            s0 = one - s1 - s2
            first, last = left, right
            low, high = _span(left, right, s1, a1, r1)
            first, last = max(first, low), min(last, high)
            low, high = _span(left, right, s2, a2, r2)
            first, last = max(first, low), min(last, high)
            low, high = _span(left, right, s0, a0, r0)
            first, last = max(first, low), min(last, high)
            for column in range(first, last + 1):
                step = np.float32(column - left)
                w1, w2 = s1 + a1 * step, s2 + a2 * step
                z = z0 + w1 * dz1 + w2 * dz2
                if z > depth[row, column]:
                    continue
                tx = min(max(u0 + w1 * du1 + w2 * du2, zero), columns - edge)
                ty = min(max(v0 + w1 * dv1 + w2 * dv2, zero), rows - edge)
                p, q = np.int32(tx), np.int32(ty)
                g, h = tx - np.float32(p), ty - np.float32(q)
                a00, a01 = np.float32(texture[q, p, 3]), np.float32(texture[q, p + 1, 3])
                a10, a11 = np.float32(texture[q + 1, p, 3]), np.float32(texture[q + 1, p + 1, 3])
                upper, lower = a00 + g * (a01 - a00), a10 + g * (a11 - a10)
                alpha = (upper + h * (lower - upper)) * opacity
                if alpha < nothing:
                    continue
                p, q = np.int32(tx + half), np.int32(ty + half)
                w0 = one - w1 - w2
                for n in range(3):
                    own = linear_of(np.float32(texture[q, p, n]) * byte)
                    light = w0 * color[i, n] + w1 * color[j, n] + w2 * color[k, n]
                    radiance[row, column, n] += alpha * (own * light - radiance[row, column, n])
                if alpha > np.float32(0.6):
                    depth[row, column] = z  # hides what is drawn later and lies behind
                if label >= 0:
                    rest = through[row, column] * (one - alpha)
                    if rest < half:
                        shown[row, column] = label
                        rest = one
                    through[row, column] = rest


@njit(borrowed=True, nogil=True)
@typing.no_type_check
def lets_through(texture, step, opaque):
    """Look for texels of (H, L, 4), every `step`-th, that are less opaque than `opaque`."""
    for row in range(0, texture.shape[0], step):
        for column in range(0, texture.shape[1], step):
            if texture[row, column, 3] < opaque:
                return True
    return False
