"""Compiled inner loops of the degradations: light, blurs, noise, smear.

S T sides of the picture, K taps. Pictures are float32.
"""

import typing

import numpy as np

from headform.kernels.jit import njit


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def to_light(picture, table, gain, center, falloff, out):
    """Linear light 0..1 of sRGB values 0..255.

    picture (S, T, 3); table (16 * 255 + 2,) linear light of steps of a sixteenth; gain (3,); center (2,) x y and falloff
    of the vignetting, light lost at half a diagonal from it; out (S, T, 3) written. Everything float32.
    """
    rows, columns = picture.shape[0], picture.shape[1]
    one, most, steps = np.float32(1), np.float32(255), np.float32(16)
    reach = np.float32(2.0 / (rows * rows + columns * columns) ** 0.5)
    for y in range(rows):
        v = (np.float32(y) - center[1]) * reach
        for x in range(columns):
            u = (np.float32(x) - center[0]) * reach
            keep = one - falloff * min(u * u + v * v, one)
            for c in range(3):
                at = min(max(picture[y, x, c], np.float32(0)), most) * steps
                out[y, x, c] = table[np.int32(at)] * gain[c] * keep


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def desaturate(picture, luma, factor, out):
    """Multiply differences from gray; picture, out (S, T, 3), luma (3,)."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            r, g, b = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
            gray = r * luma[0] + g * luma[1] + b * luma[2]
            out[y, x, 0] = gray + (r - gray) * factor
            out[y, x, 1] = gray + (g - gray) * factor
            out[y, x, 2] = gray + (b - gray) * factor


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def to_bytes(picture, out):
    """Clip values (N,) to 0..255 and cut what follows the point; out (N,) uint8 written."""
    zero, most = np.float32(0), np.float32(255)
    for i in range(picture.shape[0]):
        out[i] = np.uint8(min(max(np.float32(picture[i]), zero), most))


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def spread(picture, rows, columns, weights, out):
    """Convolve with a few taps; the edge continues outward.

    picture (S, 3 T), pixel by pixel; rows, columns (K,) whole offsets in pixels; weights (K,); out (S, 3 T) written.
    """
    high, wide = picture.shape[0], picture.shape[1]
    for y in range(high):
        target = out[y]
        target[:] = 0
        for k in range(rows.shape[0]):
            source = picture[min(max(y + rows[k], 0), high - 1)]
            shift, w = 3 * columns[k], weights[k]
            low, end = min(max(0, -shift), wide), max(min(wide, wide - shift), 0)
            if low < end:
                inner, moved = target[low:end], source[low + shift : end + shift]
                for i in range(inner.shape[0]):
                    inner[i] += w * moved[i]
            for i in range(low):
                target[i] += w * source[i % 3]
            for i in range(end, wide):
                target[i] += w * source[wide - 3 + i % 3]


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def expose(light, normal, starts, shot, read, common, channel, coarse, table, out):
    """Add the noise of a sensor and apply a tone curve; 0..255.

    light (S, T, 3) linear, 1 is white; normal (N,) standard normal numbers, of which a row of the picture takes those
    from starts (S,) on; shot, read standard deviations; common, channel (3,) shares of noise that all channels have and of
    their own; coarse (P, Q, 3) noise interpolated over the picture; table (n,) output for equal steps of the root of the
    light, the last for white; out (S, T, 3) written. Everything float32.
    """
    rows, columns = light.shape[0], light.shape[1]
    scale = np.float32(table.shape[0] - 1)
    down = np.float32((coarse.shape[0] - 1) / rows)
    across = np.float32((coarse.shape[1] - 1) / columns)
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    line = np.zeros((coarse.shape[1], 3), np.float32)
    for y in range(rows):
        py = np.float32(y) * down
        j = min(int(py), coarse.shape[0] - 2)
        fy = py - np.float32(j)
        for i in range(coarse.shape[1]):
            for c in range(3):
                line[i, c] = coarse[j, i, c] + fy * (coarse[j + 1, i, c] - coarse[j, i, c])
        own = normal[starts[y] : starts[y] + 3 * columns]
        shared = normal[starts[y] + 3 * columns : starts[y] + 4 * columns]
        for x in range(columns):
            px = np.float32(x) * across
            i = min(int(px), coarse.shape[1] - 2)
            fx = px - np.float32(i)
            for c in range(3):
                value = max(light[y, x, c], zero)
                value += (read + shot * np.sqrt(value)) * (common * shared[x] + channel[c] * own[3 * x + c])
                value += line[i, c] + fx * (line[i + 1, c] - line[i, c])
                out[y, x, c] = table[np.int32(np.sqrt(min(max(value, zero), one)) * scale + half)]


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def smear(picture, step, tolerance, out):
    """Average each pixel with those like it among its eight neighbors at a distance; edges stay.

    picture (S, T, 3) 0..255; step pixels to the neighbors; tolerance difference that halves a neighbor's weight; out.
    """
    rows, columns = picture.shape[0], picture.shape[1]
    one = np.float32(1)
    scale = one / (tolerance * tolerance)
    for y in range(rows):
        for x in range(columns):
            r, g, b = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
            sr, sg, sb, weights = r, g, b, one
            for dy in (-step, 0, step):
                v = min(max(y + dy, 0), rows - 1)
                for dx in (-step, 0, step):
                    u = min(max(x + dx, 0), columns - 1)
                    pr, pg, pb = picture[v, u, 0], picture[v, u, 1], picture[v, u, 2]
                    far = (pr - r) * (pr - r) + (pg - g) * (pg - g) + (pb - b) * (pb - b)
                    w = one / (one + far * scale)
                    sr += w * pr
                    sg += w * pg
                    sb += w * pb
                    weights += w
            out[y, x, 0] = sr / weights
            out[y, x, 1] = sg / weights
            out[y, x, 2] = sb / weights


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def shift_channels(picture, shifts, out):
    """Move each channel by a part of a pixel; picture, out (S, T, 3), shifts (3, 2) x y."""
    rows, columns = picture.shape[0], picture.shape[1]
    for c in range(3):
        for y in range(rows):
            py = min(max(y - shifts[c, 1], 0.0), rows - 1.0)
            j = min(int(py), rows - 2)
            fy = py - j
            for x in range(columns):
                px = min(max(x - shifts[c, 0], 0.0), columns - 1.0)
                i = min(int(px), columns - 2)
                fx = px - i
                top = picture[j, i, c] + fx * (picture[j, i + 1, c] - picture[j, i, c])
                low = picture[j + 1, i, c] + fx * (picture[j + 1, i + 1, c] - picture[j + 1, i, c])
                out[y, x, c] = top + fy * (low - top)


@njit(cache=True, nogil=True, fastmath=True)
@typing.no_type_check
def halftone(picture, waves, softness, strength, out):
    """Replace shades by dots whose size they decide, one screen for each channel's ink.

    picture (S, T, 3) 0..255; waves (3, 2) phase per pixel of a channel's screen, across and down; softness share of the
    range over which a dot's edge runs; strength share of the dots in the result; out (S, T, 3) written.
    """
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            for c in range(3):
                a = waves[c, 0] * x + waves[c, 1] * y
                b = waves[c, 0] * y - waves[c, 1] * x
                # parabolas instead of cosines: between -1 and 1, and as round
                a = a - int(a)
                a = a + 1.0 if a < 0 else a
                b = b - int(b)
                b = b + 1.0 if b < 0 else b
                threshold = 0.5 + (a * (1 - a) * 4 - 0.667 + b * (1 - b) * 4 - 0.667) * 0.375
                value = picture[y, x, c]
                dot = (value / 255.0 - threshold) / softness + 0.5
                out[y, x, c] = value + strength * (255.0 * min(max(dot, 0.0), 1.0) - value)
