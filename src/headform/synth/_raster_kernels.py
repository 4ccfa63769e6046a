"""Compiled rasterization and development: nearest triangles, weights at a sample, texels, tone, classes of pixels.

W vertices, F triangles, S side of the picture, R = 2S side of the raster, T side of a texture.
"""

import typing

import numpy as np

from headform.kernels.jit import njit


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def rasterize_nearest(points, faces, culled, near, index, depth):
    """Find the nearest triangle of each sample: index (R, R), -1 where there is none, and depth (R, R), written.

    points (W, 3) raster pixels and depth; of the first `culled` faces only the fronts are drawn, of others both sides.
    Unlike `render.rasterize` it works in single precision and keeps no weights: a picture is no measurement.
    """
    index[:] = -1
    depth[:] = 1e9
    side = index.shape[0]
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        if not (z0 > near and z1 > near and z2 > near):
            continue
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if abs(area) < 1e-9 or (f < culled and area >= 0):
            continue
        left, right = min(x0, x1, x2), max(x0, x1, x2)
        top, bottom = min(y0, y1, y2), max(y0, y1, y2)
        if right < 0 or bottom < 0 or left > side or top > side:
            continue
        first, last = max(0, int(left + 0.5)), min(side - 1, int(right - 0.5))
        inverse = np.float32(1.0) / area
        # weights of the second and third corner grow linearly over the picture, and so does 1 / depth
        a1, b1 = (y2 - y0) * inverse, (x0 - x2) * inverse
        a2, b2 = (y0 - y1) * inverse, (x1 - x0) * inverse
        q0, q1, q2 = 1 / z0, 1 / z1, 1 / z2
        for row in range(max(0, int(top + 0.5)), min(side - 1, int(bottom - 0.5)) + 1):
            dy = row + np.float32(0.5) - y0
            dx = first + np.float32(0.5) - x0
            w1, w2 = a1 * dx + b1 * dy, a2 * dx + b2 * dy
            for column in range(first, last + 1):
                if w1 >= -1e-6 and w2 >= -1e-6 and w1 + w2 <= 1.000001:
                    z = 1 / (q0 + w1 * (q1 - q0) + w2 * (q2 - q0))
                    if z < depth[row, column]:
                        depth[row, column] = z
                        index[row, column] = f
                w1 += a1
                w2 += a2


@njit(cache=True, nogil=True, fastmath=True)
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


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def linear_of(x):
    """Linear value of an sRGB value in 0..1, by a cubic that errs by at most 0.002."""
    return x * (x * (x * np.float32(0.305306) + np.float32(0.682171)) + np.float32(0.0125229))


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def texel(texture, u, v):
    """Bilinear sample of an sRGB texture, as linear red, green and blue; origin of u, v bottom-left."""
    height, width = texture.shape[0], texture.shape[1]
    x = np.float32(u * width - np.float32(0.5))
    y = np.float32((np.float32(1) - v) * height - np.float32(0.5))
    x = min(max(x, np.float32(0)), np.float32(width - 1.001))
    y = min(max(y, np.float32(0)), np.float32(height - 1.001))
    i, j = int(x), int(y)
    a, b = np.float32(x - i), np.float32(y - j)
    w00, w01 = (np.float32(1) - a) * (np.float32(1) - b), a * (np.float32(1) - b)
    w10, w11 = (np.float32(1) - a) * b, a * b
    scale = np.float32(1 / 255)
    t00, t01, t10, t11 = texture[j, i], texture[j, i + 1], texture[j + 1, i], texture[j + 1, i + 1]
    return (
        linear_of((t00[0] * w00 + t01[0] * w01 + t10[0] * w10 + t11[0] * w11) * scale),
        linear_of((t00[1] * w00 + t01[1] * w01 + t10[1] * w10 + t11[1] * w11) * scale),
        linear_of((t00[2] * w00 + t01[2] * w01 + t10[2] * w10 + t11[2] * w11) * scale),
    )


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def develop(radiance, exposure, tone, steps, picture):
    """Average 2 x 2 samples and apply exposure and tone curve: picture (S, S, 3) sRGB, 0..255, written.

    tone (M,): sRGB 0..1 for linear values n / `steps`.
    """
    side = picture.shape[0]
    last = tone.shape[0] - 1
    for row in range(side):
        for column in range(side):
            for n in range(3):
                total = (
                    radiance[2 * row, 2 * column, n] + radiance[2 * row, 2 * column + 1, n]
                    + radiance[2 * row + 1, 2 * column, n] + radiance[2 * row + 1, 2 * column + 1, n]
                )  # fmt: skip
                at = min(max(total * 0.25 * exposure * steps, 0.0), last - 0.001)
                whole = int(at)
                part = at - whole
                picture[row, column, n] = 255.0 * (tone[whole] * (1 - part) + tone[whole + 1] * part)


@njit(cache=True, nogil=True)
@typing.no_type_check
def count_classes(shown, head, classes_out, share):
    """Choose the class of each pixel by majority, and the share of its samples that show the head.

    head (C,) bool: classes that are the head itself; classes_out (S, S) uint8 and share (S, S) uint8, 0..255, written.
    """
    side = classes_out.shape[0]
    for row in range(side):
        for column in range(side):
            best, most, own = 0, 0, 0
            for a in range(4):
                kind = shown[2 * row + a // 2, 2 * column + a % 2]
                own += head[kind]
                votes = 0
                for b in range(4):
                    if shown[2 * row + b // 2, 2 * column + b % 2] == kind:
                        votes += 1
                if votes > most:
                    best, most = kind, votes
            classes_out[row, column] = best
            share[row, column] = own * 255 // 4
