"""Compiled shading of the head's pixels: skin from a texture map, brows, stubble, eyes.

V head vertices, W vertices of the whole opaque mesh, F triangles, S side of the picture, R = 2S side of the raster,
T side of a texture. Colors are linear RGB; "block" means the 2 x 2 samples of one pixel.

The interpolated attributes of the skin lie in one array `attributes` (V, 17), columns by the names below.
"""

import typing

import numpy as np

from headform.geometry import face_classes as classes
from headform.kernels.jit import njit
from headform.synth._raster_kernels import texel, weights_at

(
    LIGHT, _, _,  # irradiance over pi
    SHINE, _, _,  # specular radiance
    TINT, _, _,  # factor of the texture
    MIX,  # share of the second texture
    GROWTH,  # density of facial or scalp hair that is painted, 0..1
    LIP,  # membership of the vermilion, 0..1
    BROW_ALONG,  # 0 at the outer end of the brow, 1 at the inner end
    BROW_ABOVE,  # cm above the brow's bone
    BROW_SIDE,  # 0 the subject's right brow, 1 the left; far from both 9
    EYE_LIGHT,  # share of the light that the lids let through to an eyeball
    SCALP,  # density of the roots of the scalp's hair, 0..1
) = range(17)  # fmt: skip
ATTRIBUTES = 17

SKIN_MATERIAL, EYE_MATERIAL, COLOR_MATERIAL = 0, 1, 2
"""Materials of triangles: skin texture, eyeball, plain color per vertex."""
_BROW_PIXEL = 0.35  # opacity of a brow from which the pixel is labeled so
_SMOOTH_STEP = 0.004  # meters of depth over a block of samples up to which it shows one smooth surface
_LEAST_GROWTH = 0.004  # density of hair from which it is painted
_HAIRY = 0.4  # density of roots from which the pixel is hair, strands or not
_BROWS, _HAIR, _LIPS, _SKIN = classes.BROWS, classes.HAIR, classes.LIPS, classes.SKIN


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def _skin_sample(
    f, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble, brow_maps, brows, paint, at, out,
):  # fmt: skip
    """Shade one sample of skin; `out` (3,) receives the radiance, `at` (17,) is scratch; return the class of the pixel."""
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    a, b, c = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
    u = w0 * uv[a, 0] + w1 * uv[b, 0] + w2 * uv[c, 0]
    v = w0 * uv[a, 1] + w1 * uv[b, 1] + w2 * uv[c, 1]
    for n in range(ATTRIBUTES):
        at[n] = w0 * attributes[i, n] + w1 * attributes[j, n] + w2 * attributes[k, n]
    mix, growth, lip = at[MIX], at[GROWTH], at[LIP]
    hair = zero
    label = _SKIN
    if lip > half:
        label = _LIPS
    elif at[SCALP] > np.float32(_HAIRY):
        label = _HAIR
    if growth > np.float32(_LEAST_GROWTH):
        # single hairs are finer than a pixel: the tile varies their density, and decides at the borders of the growth
        rows = stubble.shape[0]
        grain = np.float32(stubble[np.int32(v * paint[6]) % rows, np.int32(u * paint[6]) % rows]) * np.float32(1 / 255)
        edge = min(one, max(zero, growth * np.float32(2.2) - np.float32(0.6) * grain))
        hair = min(one, edge * growth * (np.float32(0.62) + np.float32(0.55) * grain))
    side = attributes[i, BROW_SIDE]
    if side < np.float32(2) and side == attributes[j, BROW_SIDE] and side == attributes[k, BROW_SIDE]:
        s = int(side)
        alpha, across = _brow_opacity(at[BROW_ALONG], at[BROW_ABOVE], s, brows, brow_maps)
        hair = max(hair, alpha)
        if abs(across) < np.float32(0.6) and alpha > np.float32(0.02) and brows[s, 6] > np.float32(_BROW_PIXEL):
            label = _BROWS
    lip_paint = lip * paint[3]
    red, green, blue = texel(first, u, v)
    if mix > np.float32(0.004):
        r, g, b = texel(second, u, v)
        red += (r - red) * mix
        green += (g - green) * mix
        blue += (b - blue) * mix
    gloss = one - np.float32(0.7) * hair
    for n in range(3):
        color = (red if n == 0 else green if n == 1 else blue) * at[TINT + n]
        color += (paint[n] - color) * lip_paint
        color += (paint[7 + n] - color) * hair
        out[n] = color * at[LIGHT + n] + at[SHINE + n] * gloss
    return label


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def _brow_opacity(along, above, s, brows, brow_maps):
    """Opacity of the brow of side s at brow coordinates, and the height there in half heights of the brow.

    brows (2, 8): outer end, inner end, lift, slant, arch, half height, opacity, map.
    """
    zero, half, one, edge = np.float32(0), np.float32(0.5), np.float32(1), np.float32(1.001)
    t = (along - brows[s, 0]) / (brows[s, 1] - brows[s, 0])
    if t <= zero or t >= one:
        return zero, one
    bend = along - np.float32(0.45)
    spine = brows[s, 2] + brows[s, 3] * (along - half) + brows[s, 4] * (one - np.float32(4) * bend * bend)
    across = (above - spine) / brows[s, 5]
    if across <= -one or across >= one:
        return zero, one
    m = int(brows[s, 7])
    rows, columns = np.float32(brow_maps.shape[1]), np.float32(brow_maps.shape[2])
    x = min(max(t * columns - half, zero), columns - edge)
    y = min(max((half - half * across) * rows - half, zero), rows - edge)
    p, q = np.int32(x), np.int32(y)
    g, h = x - np.float32(p), y - np.float32(q)
    a00, a01 = np.float32(brow_maps[m, q, p]), np.float32(brow_maps[m, q, p + 1])
    a10, a11 = np.float32(brow_maps[m, q + 1, p]), np.float32(brow_maps[m, q + 1, p + 1])
    upper, lower = a00 + g * (a01 - a00), a10 + g * (a11 - a10)
    return (upper + h * (lower - upper)) * (brows[s, 6] * np.float32(1 / 255)), across


@njit(borrowed=True, forceinline=True, nogil=True, fastmath=True)
@typing.no_type_check
def _eye_sample(f, w0, w1, w2, faces, attributes, local, eye_of, eyes, looks, pictures, lamps, lamp_rgb, out):
    """Shade one sample of an eyeball; `out` (3,) receives the radiance.

    local (V, 3): position on the eyeball, cm from its center, looking along +z. eyes (2, 3, 3): camera from eye.
    looks (2, 8): iris radius cm, pupil radius cm, iris radius and pupil radius in the picture (shares of its half side),
    sclera level, iris level, highlight strength, cosine of the lamps' angular radius.
    """
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    e = eye_of[i]
    x = w0 * local[i, 0] + w1 * local[j, 0] + w2 * local[k, 0]
    y = w0 * local[i, 1] + w1 * local[j, 1] + w2 * local[k, 1]
    z = w0 * local[i, 2] + w1 * local[j, 2] + w2 * local[k, 2]
    rho = (x * x + y * y) ** 0.5 + 1e-9
    iris, pupil = looks[e, 0], looks[e, 1]
    shown_iris, shown_pupil = looks[e, 2], looks[e, 3]
    # radius in the picture: pupil to pupil, limbus to limbus, the sclera stretched over the rest of the ball
    if rho < pupil:
        r = rho / pupil * shown_pupil
    elif rho < iris:
        r = shown_pupil + (rho - pupil) / (iris - pupil) * (shown_iris - shown_pupil)
    else:
        r = shown_iris + (rho - iris) / (1.3 - iris) * (0.93 - shown_iris)
    if z < 0:
        r = 0.93
    r = min(r, 0.93)
    u = 0.5 + 0.5 * r * x / rho
    v = 0.5 + 0.5 * r * y / rho
    level = looks[e, 4] if rho > iris else looks[e, 5]
    edge = 1.0
    if z > 0 and abs(rho - iris) < 0.05:
        edge = 0.72 + 0.28 * abs(rho - iris) / 0.05  # the limbus is dark and soft
    # normal of the cornea: a smaller ball set forward
    nx, ny, nz = x, y, z
    if z > 0 and rho < iris * 1.12:
        nz = z - 0.45
    r0 = 1.0 / (nx * nx + ny * ny + nz * nz + 1e-9) ** 0.5
    nx, ny, nz = nx * r0, ny * r0, nz * r0
    m = eyes[e]
    cx = m[0, 0] * nx + m[0, 1] * ny + m[0, 2] * nz
    cy = m[1, 0] * nx + m[1, 1] * ny + m[1, 2] * nz
    cz = m[2, 0] * nx + m[2, 1] * ny + m[2, 2] * nz
    # mirror direction of the view (0, 0, 1)
    rx, ry, rz = -2 * cz * cx, -2 * cz * cy, 1 - 2 * cz * cz
    red, green, blue = texel(pictures[e], u, v)
    for n in range(3):
        color = (red if n == 0 else green if n == 1 else blue) * level * edge
        light = w0 * attributes[i, LIGHT + n] + w1 * attributes[j, LIGHT + n] + w2 * attributes[k, LIGHT + n]
        out[n] = color * light
    shade = w0 * attributes[i, EYE_LIGHT] + w1 * attributes[j, EYE_LIGHT] + w2 * attributes[k, EYE_LIGHT]
    for q in range(lamps.shape[0]):
        cosine = rx * lamps[q, 0] + ry * lamps[q, 1] + rz * lamps[q, 2]
        start = looks[e, 7]
        gleam = min(1.0, max(0.0, (cosine - start) / ((1.0 - start) * 0.35)))
        if gleam > 0:
            for n in range(3):
                out[n] += gleam * looks[e, 6] * lamp_rgb[q, n] * shade


@njit(borrowed=True, nogil=True, fastmath=True)
@typing.no_type_check
def shade_head(
    index, depth, points, faces, head_faces, material, label, attributes, color, uv, uv_faces,
    first, second, stubble, brow_maps, brows, paint,
    local, eye_of, eyes, looks, pictures, lamps, lamp_rgb,
    radiance, shown, at, out, other,
):  # fmt: skip
    """Shade every sample that shows the head, or a piece without texture.

    index, depth (R, R): the raster; points (W, 3) raster pixels and depth; faces (F, 3), the first
    `head_faces` the head's; material, label (F,); attributes (V, 17); color (W, 3) radiance of plainly
    colored vertices; first, second (T, T, 3) skin textures;
    paint (10,): lip color, lip opacity, -, -, texels of the stubble over the atlas, hair color.
    radiance (R, R, 3) and shown (R, R), the class, are written where something is seen; at (17,),
    out and other (3,) are scratch.
    """
    side = index.shape[0]
    half, one, step = np.float32(0.5), np.float32(1), np.float32(_SMOOTH_STEP)
    for row in range(0, side, 2):
        for column in range(0, side, 2):
            f = index[row, column]
            g, h, e = index[row, column + 1], index[row + 1, column], index[row + 1, column + 1]
            if f < 0 and g < 0 and h < 0 and e < 0:
                continue
            x, y = np.float32(column), np.float32(row)
            inner = (
                f >= 0 and g >= 0 and h >= 0 and e >= 0
                and f < head_faces and g < head_faces and h < head_faces and e < head_faces
                and material[f] == 0 and material[g] == 0 and material[h] == 0 and material[e] == 0
            )  # fmt: skip
            if inner:
                # a block within the skin is shaded once; at a fold or in a beard twice, and all share the light
                smooth = (f == g and f == h and f == e) or (
                    attributes[faces[f, 0], GROWTH] < np.float32(_LEAST_GROWTH)  # hair is finer than a block
                    and abs(depth[row, column] - depth[row + 1, column + 1]) < step
                    and abs(depth[row, column + 1] - depth[row + 1, column]) < step
                )
                if smooth:
                    w0, w1, w2 = weights_at(points, faces, f, x + one, y + one)
                    kind = _skin_sample(
                        f, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble,
                        brow_maps, brows, paint, at, out,
                    )  # fmt: skip
                    kind = kind if kind != _SKIN else label[f]
                    last = kind
                else:
                    w0, w1, w2 = weights_at(points, faces, f, x + half, y + half)
                    kind = _skin_sample(
                        f, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble,
                        brow_maps, brows, paint, at, out,
                    )  # fmt: skip
                    kind = kind if kind != _SKIN else label[f]
                    w0, w1, w2 = weights_at(points, faces, e, x + half + one, y + half + one)
                    last = _skin_sample(
                        e, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble,
                        brow_maps, brows, paint, at, other,
                    )  # fmt: skip
                    last = last if last != _SKIN else label[e]
                    for n in range(3):
                        out[n] = half * (out[n] + other[n])
                for dr in range(2):
                    for dc in range(2):
                        for n in range(3):
                            radiance[row + dr, column + dc, n] = out[n]
                        shown[row + dr, column + dc] = kind if dr == 0 else last
                continue
            for dr in range(2):
                for dc in range(2):
                    f = index[row + dr, column + dc]
                    if f < 0 or material[f] > COLOR_MATERIAL:
                        continue
                    w0, w1, w2 = weights_at(points, faces, f, x + np.float32(dc) + half, y + np.float32(dr) + half)
                    kind = label[f]
                    if material[f] == SKIN_MATERIAL:
                        found = _skin_sample(
                            f, w0, w1, w2, faces, attributes, uv, uv_faces, first, second, stubble,
                            brow_maps, brows, paint, at, out,
                        )  # fmt: skip
                        kind = found if found != _SKIN else kind
                    elif material[f] == EYE_MATERIAL:
                        _eye_sample(
                            f, w0, w1, w2, faces, attributes, local, eye_of, eyes, looks, pictures, lamps,
                            lamp_rgb, out,
                        )  # fmt: skip
                    else:
                        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
                        for n in range(3):
                            out[n] = w0 * color[i, n] + w1 * color[j, n] + w2 * color[k, n]
                    for n in range(3):
                        radiance[row + dr, column + dc, n] = out[n]
                    shown[row + dr, column + dc] = kind
