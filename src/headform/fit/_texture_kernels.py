"""Compiled inner loops of the texture baker.

V vertices, F faces, C covered texels, S side of the texture, h w patch pixels, H W pixels of
the depth buffer.
"""

import typing

import numpy as np
import torch

from headform.fit._pixel_albedo import FUSED, matt, unfolded
from headform.images.sampling import bilinear_rgb32, inner_rgb32, inner_value32
from headform.images.transfer import srgb_from_linear
from headform.kernels.jit import njit
from headform.render.visibility import TOLERANCE, is_seen

PLAIN_COLUMNS = 6
"""Columns per vertex that every texel takes: 0-2 shading, 3-5 fill albedo."""
COLUMNS = 14
"""Columns per vertex that texels in the photo take: 0-2 patch pixel and depth, 3 facing, 4-7 the same of the mirror vertex,
8-10 factor from the photo color of the mirror image to albedo here, 11 share of the photo's detail that is kept, 12 share of
that which folds make, 13 share of hair."""

_DARKEST_BYTE = np.float32(2.0**-13)
"""Linear light that is black as a byte, as everything below it is."""
_DROPPED = np.uint32(13)
"""Bits of a float's fraction that encoding leaves out; the ten that remain tell a twentieth of a level at white."""
_FIRST = _DARKEST_BYTE.view(np.uint32) >> _DROPPED
_KEYS = np.arange(_FIRST, (np.float32(1).view(np.uint32) >> _DROPPED) + 1, dtype=np.uint32)
_MIDDLES = ((_KEYS << _DROPPED) | np.uint32(1 << 12)).view(np.float32)  # of all numbers of a key
_SRGB = srgb_from_linear(torch.from_numpy(np.minimum(_MIDDLES.astype(np.float64), 1.0))).numpy()
_ENCODE = np.floor(_SRGB * 255 + 0.5).astype(np.uint8)

_DARK, _LIT = np.float32(0.15), np.float32(0.4)
"""Shading, relative to the front's, between which a photo is trusted as albedo."""
_BRIGHT, _BURNT = np.float32(0.75), np.float32(0.97)
"""Darkest channel of a pixel between which it is trusted no more: it shows a highlight, not skin."""
_BRIGHTER, _SHINY = np.float32(1.2), np.float32(1.7)
"""Brightness relative to the skin around, without light, between which a pixel is trusted no more likewise: a highlight, or
the harmonics are darker than the light was."""


@njit(cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def _photo_weight(x, y, z, face, layer, facing, layers, faces, points, face_index, mask, nearness, scale):
    """Return the weight of the photo at patch pixel (x, y) and depth z, on a given face; 0 where it does not show it.

    layer: 1 on eyeballs, 0 elsewhere; layers (F,): the same for the visible faces. Lids lie so close to
    the eyeball that depth alone does not separate them.
    """
    if facing <= 0.0 or not (0.5 <= x <= mask.shape[1] - 0.5 and 0.5 <= y <= mask.shape[0] - 0.5):
        return np.float32(0)
    skin = (inner_value32(mask, x, y) - np.float32(0.45)) / np.float32(0.4)
    if skin <= 0.0:
        return np.float32(0)
    inside = inner_value32(nearness, x * scale, y * scale)
    if inside <= 0.0:
        return np.float32(0)
    shown = face_index[np.uint32(y * scale), np.uint32(x * scale)]
    if shown < 0 or layers[np.uint32(shown)] != layer:
        return np.float32(0)
    if shown != face:
        if not is_seen(x * scale, y * scale, z, points, faces, face_index, TOLERANCE):
            return np.float32(0)
    skin = min(skin, np.float32(1))
    return np.float32(min(facing * inside * skin * skin * (3 - 2 * skin), 1.0))


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def observe_kernel(
    projected, layer, facing, layers, faces, points, face_index, linear, mask, nearness, scale,
    color, weight,
):  # fmt: skip
    """Sample photo color (V, 3), the mean of 3 x 3 pixels added to zeros, and weight (V,) at vertices."""
    for v in range(projected.shape[0]):
        x, y, z = projected[v, 0], projected[v, 1], projected[v, 2]
        weight[v] = _photo_weight(
            np.float32(x),
            np.float32(y),
            z,
            -1,
            layer[v],
            facing[v],
            layers,
            faces,
            points,
            face_index,
            mask,
            nearness,
            scale,
        )
        if weight[v] > 0:
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    one = bilinear_rgb32(linear, x + dx, y + dy)
                    for k in range(3):
                        color[v, k] += one[k] / np.float32(9)


@njit(cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def _encoded(value):
    """Encode linear light as an sRGB byte, looked up by the first bits of the number: a square root takes longer."""
    value = np.float32(value)
    value = value if value > _DARKEST_BYTE else _DARKEST_BYTE  # what is no number, too, which has no place in the table
    value = value if value < np.float32(1) else np.float32(1)
    return _ENCODE[(np.float32(value).view(np.uint32) >> _DROPPED) - _FIRST]


@njit(fastmath=FUSED, cache=True, nogil=True, borrowed=True, forceinline=True)
@typing.no_type_check
def _three(field, column, i, j, m, wa, wb, wc):
    """Interpolate three columns of a face."""
    return (
        wa * field[i, column] + wb * field[j, column] + wc * field[m, column],
        wa * field[i, column + 1] + wb * field[j, column + 1] + wc * field[m, column + 1],
        wa * field[i, column + 2] + wb * field[j, column + 2] + wc * field[m, column + 2],
    )


@njit(cache=True, nogil=True, borrowed=True, error_model="numpy")
@typing.no_type_check
def seen_kernel(
    first, last, rows, texel_face, barycentric, layers, faces, field, points, face_index, linear, mask, nearness, scale,
    own, across, here, there,
):  # fmt: skip
    """Read the photo and its mirror image at texels rows[first:last], as `fit.seen_texels` has them.

    Args:
        first: first of the rows.
        last: one past the last.
        rows: (N,) numbers of covered texels.
        texel_face: (C,) faces of the covered texels.
        barycentric: (C, 3) weights of the corners.
        layers: (F,) 1 on eyeballs, 0 elsewhere.
        faces: (F, 3) vertices.
        field: (V, 8) patch pixel and depth, facing, and the same of the mirror vertex; interpolated linearly, which over a
            face of a few millimeters differs from perspective interpolation by less than a hundredth of a pixel.
        points: (V, 3) vertices in pixels of the depth buffer.
        face_index: (H, W) depth buffer.
        linear: (h, w, 3) photo.
        mask: (h, w) skin.
        nearness: (H, W) trust.
        scale: pixels of the depth buffer per pixel of the photo.
        own: (N,) weight of the photo, written where it is above 0.
        across: (N,) that of the mirror image, but for how it faces, likewise; not where `own` is 1.
        here: (N, 3) color of the photo, written where its weight is above 0.
        there: (N, 3) color of the mirror image, likewise.
    """
    for s in range(first, last):
        n = np.uint32(rows[s])
        f = np.uint32(texel_face[n])
        i, j, m = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        wa, wb, wc = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        weight = np.float32(0)
        facing = wa * field[i, 3] + wb * field[j, 3] + wc * field[m, 3]
        if facing > 0:
            x, y, z = _three(field, 0, i, j, m, wa, wb, wc)
            weight = _photo_weight(
                x, y, z, np.int64(f), layers[f], facing, layers, faces, points, face_index, mask, nearness, scale,
            )  # fmt: skip
            if weight > 0:
                own[s] = weight
                here[s, 0], here[s, 1], here[s, 2] = inner_rgb32(linear, x, y)
        if weight < 1:
            facing = wa * field[i, 7] + wb * field[j, 7] + wc * field[m, 7]
            if facing > 0:
                x, y, z = _three(field, 4, i, j, m, wa, wb, wc)
                weight = _photo_weight(
                    x, y, z, -1, layers[f], np.float32(1), layers, faces, points, face_index, mask, nearness, scale,
                )  # fmt: skip
                if weight > 0:
                    across[s] = weight
                    there[s, 0], there[s, 1], there[s, 2] = inner_rgb32(linear, x, y)


@njit(fastmath=FUSED, cache=True, nogil=True, borrowed=True, error_model="numpy")
@typing.no_type_check
def compose_kernel(
    first, last, texels, texel_face, barycentric, faces, plain_field, field, seen, rows, own_weight, across_weight,
    own_color, across_color, level, broad, block, leftover, kept, trusted, share,
):  # fmt: skip
    """Compose covered texels first to last, and encode them as sRGB bytes.

    `level` is the mean shading on the front.

    plain_field (V, PLAIN_COLUMNS) and field (V, COLUMNS) are interpolated linearly.

    Args:
        first: first covered texel.
        last: covered texel after the last.
        texels: (C,) their places in the texture.
        texel_face: (C,) their faces.
        barycentric: (C, 3) weights of the corners.
        faces: (F, 3) vertices.
        plain_field: (V, PLAIN_COLUMNS), by itself: its rows are all that most texels need of memory.
        field: (V, COLUMNS), see `COLUMNS`.
        seen: number of rows below `first`.
        rows: (N,) numbers of the covered texels that the photo may show, ascending, and what `seen_kernel` read there.
        own_weight: (N,) weight of the photo.
        across_weight: (N,) weight of the mirror image, but for how it faces.
        own_color: (N, 3) color of the photo.
        across_color: (N, 3) color of the mirror image.
        level: mean shading on the front.
        broad: (h / block, w / block, 3) photo without its finest detail.
        block: pixels of the photo per pixel of `broad`.
        leftover: (3,) bytes of texels that no face covers; those from texel `first` up to texel `last` are written too.
        kept: (S * S, 3) texture in the light of the photo, written.
        trusted: (S * S, 3) texture without light, without what was too dark or too bright to divide, folds of the
            expression, and detail that ends where the photo does, written.
        share: (S * S,) weight of the photo, -1 where no face covers a texel, written.
    """
    at = np.int64(texels[first]) if first > 0 else 0
    for n in range(first, last + 1):
        beyond = texels[n] if n < texels.shape[0] else share.shape[0]
        while at < beyond:
            for k in range(3):
                kept[at, k] = trusted[at, k] = leftover[k]
            share[at] = np.float32(-1)
            at += 1
        if n == last:
            break
        at += 1
        texel = np.uint32(texels[n])
        f = np.uint32(texel_face[n])
        i, j, m = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        wa, wb, wc = barycentric[n, 0], barycentric[n, 1], barycentric[n, 2]
        shading = _three(plain_field, 0, i, j, m, wa, wb, wc)
        fill = _three(plain_field, 3, i, j, m, wa, wb, wc)
        own = across = np.float32(0)
        if seen < rows.shape[0] and rows[seen] == n:
            own, across = own_weight[seen], across_weight[seen]
            if across > 0:
                across *= max(wa * field[i, 7] + wb * field[j, 7] + wc * field[m, 7], np.float32(0))
            seen += 1
        share[texel] = own
        if own <= 0 and across <= 0:  # most texels
            for k in range(3):
                kept[texel, k] = _encoded(fill[k] * shading[k])
                trusted[texel, k] = _encoded(fill[k])
            continue
        none = np.float32(0)
        here = there = around_here = around_there = gain = (none, none, none)
        detail = wa * field[i, 11] + wb * field[j, 11] + wc * field[m, 11]
        folds = wa * field[i, 12] + wb * field[j, 12] + wc * field[m, 12]
        if own > 0:
            here = (own_color[seen - 1, 0], own_color[seen - 1, 1], own_color[seen - 1, 2])
            if folds > 0:
                x = wa * field[i, 0] + wb * field[j, 0] + wc * field[m, 0]
                y = wa * field[i, 1] + wb * field[j, 1] + wc * field[m, 1]
                around_here = bilinear_rgb32(broad, x / block, y / block)
        if across > 0:
            there = (across_color[seen - 1, 0], across_color[seen - 1, 1], across_color[seen - 1, 2])
            gain = _three(field, 8, i, j, m, wa, wb, wc)  # divided by shading, of the mirror vertices
            if folds > 0:
                x = wa * field[i, 4] + wb * field[j, 4] + wc * field[m, 4]
                y = wa * field[i, 5] + wb * field[j, 5] + wc * field[m, 5]
                around_there = bilinear_rgb32(broad, x / block, y / block)
        light = np.float32(0)
        matt_here = matt_there = fill
        hair = wa * field[i, 13] + wb * field[j, 13] + wc * field[m, 13]
        if across > 0:
            matt_there = matt(there[0] * gain[0], there[1] * gain[1], there[2] * gain[2], fill, hair)
        if own > 0:
            matt_here = matt(here[0] / shading[0], here[1] / shading[1], here[2] / shading[2], fill, hair)
            light = (shading[0] + shading[1] + shading[2]) / np.float32(3)
            light = min(max((light / level - _DARK) / (_LIT - _DARK), np.float32(0)), np.float32(1))
            bright = min(here[0], here[1], here[2])
            light *= min(max((_BURNT - bright) / (_BURNT - _BRIGHT), np.float32(0)), np.float32(1))
            shine = here[1] / (shading[1] * max(fill[1], np.float32(1e-3)))
            light *= min(max((_SHINY - shine) / (_SHINY - _BRIGHTER), np.float32(0)), np.float32(1))
        for k in range(3):
            color = plain = fill[k]
            if across > 0:
                photo = there[k] * gain[k]
                color += across * (photo - color)
                photo = unfolded(matt_there[k], fill[k], there[k], around_there[k], folds)
                plain += detail * across * (photo - plain)
            if own > 0:
                photo = here[k] / shading[k]
                color += own * (photo - color)
                photo = unfolded(matt_here[k], fill[k], here[k], around_here[k], folds)
                photo = fill[k] + detail * (photo - fill[k])
                plain += own * light * (photo - plain)
            kept[texel, k] = _encoded(color * shading[k])
            trusted[texel, k] = _encoded(plain)


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def paint_kernel(first, last, rows, colors, texels, texel_face, barycentric, faces, plain_field, kept, trusted):
    """Paint albedos (N, 3) at covered texels rows[first:last], rows (N,); the rest as in `compose_kernel`."""
    for number in range(first, last):
        n = np.uint32(rows[number])
        f, texel = np.uint32(texel_face[n]), np.uint32(texels[n])
        i, j, m = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        shading = _three(plain_field, 0, i, j, m, barycentric[n, 0], barycentric[n, 1], barycentric[n, 2])
        for k in range(3):
            kept[texel, k] = _encoded(colors[number, k] * shading[k])
            trusted[texel, k] = _encoded(colors[number, k])


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def spread_gutter_kernel(gutter, source, rgb):
    """Copy chart colors into the gutter, rgb (S * S, 3)."""
    for n in range(gutter.shape[0]):
        to, of = np.uint32(gutter[n]), np.uint32(source[n])
        for k in range(3):
            rgb[to, k] = rgb[of, k]


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def seam_kernel(first, last, weight, kept, trusted, sums):
    """Add up color steps across the border (weight 0.5) and 4 to 8 texels away, of two textures (S, S, 3).

    weight (S, S): -1 where there is no chart. sums (6,): pairs of texels across the border of rows first to last, pairs
    beside it, steps of kept and trusted across it, and of both beside it; added to.
    """
    size = weight.shape[0]
    for r in range(first, min(last, size - 1)):
        for c in range(size - 1):
            for axis in range(2):
                dr, dc = axis, 1 - axis
                here, there = weight[r, c], weight[r + dr, c + dc]
                if (here >= 0.5) == (there >= 0.5) or here < 0.0 or there < 0.0:
                    continue
                sums[0] += 1
                for k in range(3):
                    sums[2] += abs(np.int64(kept[r, c, k]) - np.int64(kept[r + dr, c + dc, k]))
                    sums[3] += abs(np.int64(trusted[r, c, k]) - np.int64(trusted[r + dr, c + dc, k]))
                for offset in (-8, -7, -6, -5, -4, 4, 5, 6, 7, 8):
                    rr, cc = r + offset * dr, c + offset * dc
                    if rr < 0 or cc < 0 or rr + dr >= size or cc + dc >= size:
                        continue
                    if weight[rr, cc] < 0.0 or weight[rr + dr, cc + dc] < 0.0:
                        continue
                    sums[1] += 1
                    for k in range(3):
                        sums[4] += abs(np.int64(kept[rr, cc, k]) - np.int64(kept[rr + dr, cc + dc, k]))
                        sums[5] += abs(np.int64(trusted[rr, cc, k]) - np.int64(trusted[rr + dr, cc + dc, k]))
