"""Compiled inner loops of the texture baker.

Letters: V vertices, F faces, C covered texels, S side of the texture, h w patch pixels, H W pixels of
the depth buffer.
"""

import typing

import numpy as np
from numba import njit

from headform.fit.photo_patch import bilinear, bilinear_scalar
from headform.render.visibility import TOLERANCE, is_seen

COLUMNS = 20
"""Per vertex: 0-2 patch pixel and depth, 3 facing, 4-7 the same of the mirror vertex, 8-10 shading,
11-13 shading of the mirror vertex, 14-16 albedo to fill with, 17-19 log gain of the mirror image."""

_LEVELS = 4096
_LINEAR = (np.arange(_LEVELS + 1) / _LEVELS) ** 2  # indexed by the square root: even in darkness
_SRGB = np.where(_LINEAR <= 0.0031308, 12.92 * _LINEAR, 1.055 * _LINEAR ** (1 / 2.4) - 0.055)
_ENCODE = np.floor(_SRGB * 255 + 0.5).astype(np.uint8)

_DARK, _LIT = 0.2, 0.5  # of the mean shading: between them the photo is trusted as an albedo


@njit(cache=True, nogil=True)
@typing.no_type_check
def _photo_weight(x, y, z, facing, faces, points, face_index, mask, nearness, scale):
    """The photo's share at patch pixel (x, y), depth z."""
    if facing <= 0.0 or not (0.5 <= x <= mask.shape[1] - 0.5 and 0.5 <= y <= mask.shape[0] - 0.5):
        return np.float32(0)
    skin = (bilinear_scalar(mask, x, y) - 0.45) / 0.4
    if skin <= 0.0:
        return np.float32(0)
    inside = bilinear_scalar(nearness, x * scale, y * scale)
    if inside <= 0.0:
        return np.float32(0)
    if not is_seen(x * scale, y * scale, z, points, faces, face_index, TOLERANCE):
        return np.float32(0)
    skin = min(skin, np.float32(1))
    return np.float32(facing * inside * skin * skin * (3 - 2 * skin))


@njit(cache=True, nogil=True)
@typing.no_type_check
def observe_kernel(
    projected, facing, faces, points, face_index, linear, mask, nearness, scale, colour, weight
):
    """Photo colour (V, 3) and weight (V,) of every vertex; the colour is the mean of 3 x 3 pixels."""
    total = np.zeros(3, np.float32)
    one = np.zeros(3, np.float32)
    for v in range(projected.shape[0]):
        x, y, z = projected[v, 0], projected[v, 1], projected[v, 2]
        weight[v] = _photo_weight(
            x, y, z, facing[v], faces, points, face_index, mask, nearness, scale
        )
        if weight[v] > 0:
            total[:] = 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    bilinear(linear, x + dx, y + dy, one)
                    total += one
            colour[v] = total / np.float32(9)


@njit(cache=True, nogil=True)
@typing.no_type_check
def compose_kernel(
    first, last, texel_face, barycentric, faces, field, points, face_index, linear, mask, nearness,
    scale, albedo, trusted, shading, share,
):  # fmt: skip
    """Compose texels first to last: albedo, albedo to trust without light, shading (C, 3), share (C,).

    field (V, COLUMNS) is interpolated linearly: pixels too, which over a face of a few millimetres
    differs from the perspective by less than a hundredth of a pixel.
    """
    row = np.empty(20, np.float32)
    here = np.empty(3, np.float32)
    there = np.empty(3, np.float32)
    for n in range(first, last):
        f = texel_face[n]
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        wa, wb, wc = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        for k in range(20):
            row[k] = wa * field[a, k] + wb * field[b, k] + wc * field[c, k]
        own = _photo_weight(
            row[0], row[1], row[2], row[3], faces, points, face_index, mask, nearness, scale
        )
        across = np.float32(0)
        if own < 1.0:
            across = _photo_weight(
                row[4], row[5], row[6], row[7], faces, points, face_index, mask, nearness, scale
            )
        if own > 0:
            bilinear(linear, row[0], row[1], here)
        if across > 0:
            bilinear(linear, row[4], row[5], there)
        lit = (row[8] + row[9] + row[10]) / np.float32(3)
        for k in range(3):
            colour = row[14 + k]
            if across > 0:
                image = there[k] / row[11 + k] * np.exp(row[17 + k])
                colour += across * (image - colour)
            plain = colour
            if own > 0:
                photo = here[k] / row[8 + k]
                colour += own * (photo - colour)
                light = min(max((lit - _DARK) / (_LIT - _DARK), np.float32(0)), np.float32(1))
                plain += own * light * (photo - plain)
            albedo[n, k] = colour
            trusted[n, k] = min(plain, np.float32(1))
            shading[n, k] = row[8 + k]
        share[n] = own


@njit(cache=True, nogil=True)
@typing.no_type_check
def encode_kernel(first, last, texels, albedo, shading, rgb):
    """sRGB bytes of albedo times shading for texels first to last, into rgb (S * S, 3)."""
    for n in range(first, last):
        for k in range(3):
            value = albedo[n, k] * shading[n, k]
            value = min(max(value, np.float32(0)), np.float32(1))
            rgb[texels[n], k] = _ENCODE[int(value**0.5 * _LEVELS + 0.5)]


@njit(cache=True, nogil=True)
@typing.no_type_check
def spread_gutter_kernel(gutter, source, rgb):
    """Copy chart colours into the gutter, rgb (S * S, 3)."""
    for n in range(gutter.shape[0]):
        for k in range(3):
            rgb[gutter[n], k] = rgb[source[n], k]


@njit(cache=True, nogil=True)
@typing.no_type_check
def seam_kernel(rgb, weight):
    """Ratio of colour steps across weight one half to those 4 to 8 texels beside it; -1: no chart."""
    size = rgb.shape[0]
    across = 0.0
    beside = 0.0
    pairs = 0
    beside_pairs = 0
    for r in range(size - 1):
        for c in range(size - 1):
            for axis in range(2):
                dr, dc = axis, 1 - axis
                here, there = weight[r, c], weight[r + dr, c + dc]
                if (here >= 0.5) == (there >= 0.5) or here < 0.0 or there < 0.0:
                    continue
                pairs += 1
                for k in range(3):
                    across += abs(int(rgb[r, c, k]) - int(rgb[r + dr, c + dc, k]))
                for offset in (-8, -7, -6, -5, -4, 4, 5, 6, 7, 8):
                    rr, cc = r + offset * dr, c + offset * dc
                    if rr < 0 or cc < 0 or rr + dr >= size or cc + dc >= size:
                        continue
                    if weight[rr, cc] < 0.0 or weight[rr + dr, cc + dc] < 0.0:
                        continue
                    beside_pairs += 1
                    for k in range(3):
                        beside += abs(int(rgb[rr, cc, k]) - int(rgb[rr + dr, cc + dc, k]))
    if pairs == 0 or beside_pairs == 0 or beside == 0.0:
        return 1.0
    return (across / pairs) / (beside / beside_pairs)
