"""Compiled drawing of pieces: opaque ones with a texture, and those that something behind shows through.

W vertices of all opaque meshes, P vertices of the piece, F triangles, R side of the raster, H x L texels. Linear RGB.
"""

import typing

import numpy as np

from headform.kernels.jit import njit
from headform.synth._raster_kernels import linear_of, texel, weights_at


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def shade_textured(index, points, faces, begin, end, box, diffuse, shine, uv, at, texture, label, radiance, shown):
    """Shade the samples whose triangle lies in [begin, end): an opaque textured piece.

    box (4,): rows and columns that hold it; diffuse, shine (W, 3) per vertex; uv (P, 2) of the piece's own vertices, whose
    first has the number `at` in the whole mesh.
    """
    for row in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            f = index[row, column]
            if f < begin or f >= end:
                continue
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            w0, w1, w2 = weights_at(points, faces, f, column + 0.5, row + 0.5)
            u = w0 * uv[i - at, 0] + w1 * uv[j - at, 0] + w2 * uv[k - at, 0]
            v = w0 * uv[i - at, 1] + w1 * uv[j - at, 1] + w2 * uv[k - at, 1]
            red, green, blue = texel(texture, u, v)
            for n in range(3):
                own = red if n == 0 else green if n == 1 else blue
                light = w0 * diffuse[i, n] + w1 * diffuse[j, n] + w2 * diffuse[k, n]
                gleam = w0 * shine[i, n] + w1 * shine[j, n] + w2 * shine[k, n]
                radiance[row, column, n] = own * light + gleam
            shown[row, column] = label


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def blend_piece(
    points, faces, order, diffuse, shine, uv, texture, opacity, label, near, depth, radiance, shown, through
):
    """Draw triangles in the given order over the picture where nothing opaque lies before them.

    points (P, 3) raster pixels and depth; diffuse, shine (P, 3) radiance; texture (H, L, 4), opacity in the last channel;
    depth (R, R): read, and written where a triangle hides what is behind it; through (R, R): transparency of what was
    drawn since the class of the sample changed last, read and written.
    """
    side = depth.shape[0]
    rows, columns = texture.shape[0], texture.shape[1]
    for position in range(order.shape[0]):
        f = order[position]
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        if not (points[i, 2] > near and points[j, 2] > near and points[k, 2] > near):
            continue
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        left = max(0, int(min(x0, x1, x2) + 0.5))
        right = min(side - 1, int(max(x0, x1, x2) - 0.5))
        top = max(0, int(min(y0, y1, y2) + 0.5))
        bottom = min(side - 1, int(max(y0, y1, y2) - 0.5))
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if right < left or bottom < top or abs(area) < 1e-9:
            continue
        inverse = 1.0 / area
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inverse
                w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inverse
                w0 = 1.0 - w1 - w2
                if w0 < 0 or w1 < 0 or w2 < 0:
                    continue
                z = w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2]
                if z > depth[row, column]:
                    continue
                u = w0 * uv[i, 0] + w1 * uv[j, 0] + w2 * uv[k, 0]
                v = w0 * uv[i, 1] + w1 * uv[j, 1] + w2 * uv[k, 1]
                tx = min(max(u * columns - 0.5, 0.0), columns - 1.001)
                ty = min(max((1.0 - v) * rows - 0.5, 0.0), rows - 1.001)
                p, q = int(tx), int(ty)
                g, h = tx - p, ty - q
                alpha = (texture[q, p, 3] * (1 - g) + texture[q, p + 1, 3] * g) * (1 - h)
                alpha += (texture[q + 1, p, 3] * (1 - g) + texture[q + 1, p + 1, 3] * g) * h
                alpha *= opacity * (1.0 / 255.0)
                if alpha < 0.01:
                    continue
                p, q = int(tx + 0.5), int(ty + 0.5)
                for n in range(3):
                    own = linear_of(texture[q, p, n] * np.float32(1 / 255))
                    light = w0 * diffuse[i, n] + w1 * diffuse[j, n] + w2 * diffuse[k, n]
                    gleam = w0 * shine[i, n] + w1 * shine[j, n] + w2 * shine[k, n]
                    radiance[row, column, n] += alpha * (own * light + own * gleam - radiance[row, column, n])
                if alpha > 0.6:
                    depth[row, column] = z  # hides what is drawn later and lies behind
                if label >= 0:
                    through[row, column] *= 1.0 - alpha
                    if through[row, column] < 0.5:
                        shown[row, column] = label
                        through[row, column] = 1.0
