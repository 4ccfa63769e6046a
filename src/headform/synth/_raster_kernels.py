"""Compiled rasterization and development: nearest triangles, weights at a sample, texels, tone, classes of pixels.

W vertices, F triangles, S side of the picture, R = 2S side of the raster, T side of a texture.
"""

import typing

import numpy as np

from headform.kernels.jit import njit


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def rasterize_nearest(points, faces, culled, near, index, depth):
    """Find the nearest triangle of each sample: index (R, R), -1 where there is none, and depth (R, R), written.

    points (W, 3) raster pixels and depth; of the first `culled` faces only the fronts are drawn, of others both sides.
    Unlike `render.rasterize` it works in single precision and keeps no weights: a picture is no measurement.
    """
    index[:] = -1
    depth[:] = 0  # reciprocal until all triangles are drawn: it grows linearly over the picture
    zero, half, one, slack = np.float32(0), np.float32(0.5), np.float32(1), np.float32(-1e-6)
    side = index.shape[0]
    border, near = np.float32(side), np.float32(near)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < np.float32(1e-9) or (f < culled and area >= zero):
            continue
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        if not (z0 > near and z1 > near and z2 > near):
            continue
        left, right = min(x0, x1, x2), max(x0, x1, x2)
        top, bottom = min(y0, y1, y2), max(y0, y1, y2)
        if right < zero or bottom < zero or left > border or top > border:
            continue
        first, last = max(0, int(left + half)), min(side - 1, int(right - half))
        above, below = max(0, int(top + half)), min(side - 1, int(bottom - half))
        if last < first or below < above:
            continue
        inverse = one / area
        # weights of the second and third corner grow linearly over the picture, and so does 1 / depth
        a1, b1 = (y2 - y0) * inverse, (x0 - x2) * inverse
        a2, b2 = (y0 - y1) * inverse, (x1 - x0) * inverse
        q0 = one / z0
        d1, d2 = one / z1 - q0, one / z2 - q0
        dx = np.float32(first) + half - x0
        for row in range(above, below + 1):
            dy = np.float32(row) + half - y0
            w1, w2 = a1 * dx + b1 * dy, a2 * dx + b2 * dy
            for column in range(first, last + 1):
                # without branches, which no processor could predict
                q, known = q0 + w1 * d1 + w2 * d2, depth[row, column]
                nearer = (min(w1, w2, one - w1 - w2) >= slack) & (q > known)
                depth[row, column] = q if nearer else known
                index[row, column] = f if nearer else index[row, column]
                w1 += a1
                w2 += a2
    for row in range(side):
        for column in range(side):
            q = depth[row, column]
            depth[row, column] = one / q if q > zero else np.float32(1e9)


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def weights_at(points, faces, f, x, y):
    """Perspective-correct weights of a triangle's corners at a raster position, within 0..1."""
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    x0, y0 = points[i, 0], points[i, 1]
    x1, y1 = points[j, 0], points[j, 1]
    x2, y2 = points[k, 0], points[k, 1]
    x, y = np.float32(x), np.float32(y)
    one, zero = np.float32(1), np.float32(0)
    inverse = one / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
    w1 = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inverse
    w2 = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inverse
    w1 = min(max(w1, zero), one)
    w2 = min(max(w2, zero), one - w1)
    v0, v1, v2 = (one - w1 - w2) / points[i, 2], w1 / points[j, 2], w2 / points[k, 2]
    total = one / (v0 + v1 + v2)
    return v0 * total, v1 * total, v2 * total


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def linear_of(x):
    """Linear value of an sRGB value in 0..1, by a cubic that errs by at most 0.002."""
    return x * (x * (x * np.float32(0.305306) + np.float32(0.682171)) + np.float32(0.0125229))


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def texel(texture, u, v):
    """Bilinear sample of an sRGB texture, as linear red, green and blue; origin of u, v bottom-left."""
    # single texels are read one by one here and elsewhere: rows of arrays would be counted, atomically, as references
    zero, half, one, edge = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1.001)
    height, width = np.float32(texture.shape[0]), np.float32(texture.shape[1])
    x = min(max(u * width - half, zero), width - edge)
    y = min(max((one - v) * height - half, zero), height - edge)
    i, j = np.int32(x), np.int32(y)
    a, b = x - np.float32(i), y - np.float32(j)
    scale = np.float32(1 / 255)
    w01, w11 = a * (one - b) * scale, a * b * scale
    w00, w10 = (one - b) * scale - w01, b * scale - w11
    red = (
        np.float32(texture[j, i, 0]) * w00 + np.float32(texture[j, i + 1, 0]) * w01
        + np.float32(texture[j + 1, i, 0]) * w10 + np.float32(texture[j + 1, i + 1, 0]) * w11
    )  # fmt: skip
    green = (
        np.float32(texture[j, i, 1]) * w00 + np.float32(texture[j, i + 1, 1]) * w01
        + np.float32(texture[j + 1, i, 1]) * w10 + np.float32(texture[j + 1, i + 1, 1]) * w11
    )  # fmt: skip
    blue = (
        np.float32(texture[j, i, 2]) * w00 + np.float32(texture[j, i + 1, 2]) * w01
        + np.float32(texture[j + 1, i, 2]) * w10 + np.float32(texture[j + 1, i + 1, 2]) * w11
    )  # fmt: skip
    return linear_of(red), linear_of(green), linear_of(blue)


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def develop(radiance, exposure, tone, steps, picture):
    """Average 2 x 2 samples and apply exposure and tone curve: picture (S, S, 3) sRGB, 0..255, written.

    tone (M,): sRGB 0..1 for linear values n / `steps`.
    """
    side = picture.shape[0]
    last = np.float32(tone.shape[0] - 1.001)
    scale = np.float32(0.25) * exposure * steps
    white = np.float32(255)
    for row in range(side):
        for column in range(side):
            for n in range(3):
                total = (
                    radiance[2 * row, 2 * column, n] + radiance[2 * row, 2 * column + 1, n]
                    + radiance[2 * row + 1, 2 * column, n] + radiance[2 * row + 1, 2 * column + 1, n]
                )  # fmt: skip
                at = min(max(total * scale, np.float32(0)), last)
                whole = np.int32(at)
                part = at - np.float32(whole)
                low = tone[whole]
                picture[row, column, n] = white * (low + part * (tone[whole + 1] - low))


@njit(borrowed=True, nogil=True)
@typing.no_type_check
def count_classes(shown, head, classes_out, share):
    """Choose the class of each pixel by majority, and the share of its samples that show the head.

    head (C,) bool: classes that are the head itself; classes_out (S, S) uint8 and share (S, S) uint8, 0..255, written.
    """
    side = classes_out.shape[0]
    for row in range(side):
        for column in range(side):
            a, b = shown[2 * row, 2 * column], shown[2 * row, 2 * column + 1]
            c, d = shown[2 * row + 1, 2 * column], shown[2 * row + 1, 2 * column + 1]
            if a == b and a == c and a == d:
                classes_out[row, column] = a
                share[row, column] = 255 if head[a] else 0
                continue
            # the first of those with most votes
            best = a
            if a != b and a != c and a != d and (b == c or b == d or c == d):
                best = b if b == c or b == d else c
            classes_out[row, column] = best
            own = np.int64(head[a]) + np.int64(head[b]) + np.int64(head[c]) + np.int64(head[d])
            share[row, column] = own * 255 // 4
