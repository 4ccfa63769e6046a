"""Compiled: the vertices of FLAME heads, panel by panel of sixteen (`heads.flame_plan`), forward and backward.

Forward, a panel of the basis is multiplied by the codes of all items while it is in cache, and skinned at once. Backward,
the gradient goes through the skinning panel by panel; then sixteen items are laid side by side and multiply the panel.

Arguments are addresses (integers; float32 unless said) and counts; nothing is checked here. M items; J joints.
"""

import typing

from llvmlite import binding

from headform.kernels.jit import njit
from headform.kernels.simd import (
    add,
    copy_float,
    int32_at,
    load,
    multiply_add,
    spread,
    store,
    zeros,
)
from headform.kernels.simd_tiles import (
    load_triples,
    multiply,
    product_of,
    store_float,
    store_triples,
    total,
    transpose_tile,
)

WIDE = bool(binding.get_host_cpu_features().get("avx512f"))
"""Whether the processor has thirty-two registers of sixteen floats, so that tiles may be larger."""
ROWS = 8 if WIDE else 6
"""Items whose codes lie side by side (all but when there is one)."""
CODES = 6
"""Rows of the basis taken at a time on the way back."""
ITEMS = 64
"""Items that a task takes, at most."""
PANEL = 192
"""Bytes of a panel."""
MOVEMENT = 48
"""Bytes of the movement of a joint."""
CHUNK = 20
"""Panels on the way back between two sums over vertices."""
FEW = 4
"""Items that are not laid side by side on the way back, at most: there the basis takes longer to read than to multiply."""

MANY = 4 if WIDE else 1
"""Sixteens of items taken at once on the way back, where there are as many."""


def scratch_floats(items: int, joints: int, rows: int) -> int:
    """Length of the scratch of `skinning_backward`."""
    pulled, totals = (items, items * rows) if items <= FEW else (16 * -(-items // 16), 0)
    return 48 * (1 + 64 + CHUNK * pulled) + 16 * (12 * joints + 3 + totals)


_SPAN = 3 if WIDE else 1
_forward = product_of(ROWS, _SPAN, 4, 4 * ROWS, PANEL)
_forward_one = product_of(1, 3, 4, 4, PANEL)
_back_few = product_of(CODES, 1, PANEL, 4, 64)
_back_many = product_of(CODES, MANY, PANEL, 4, 64 * MANY)


@njit(cache=True, nogil=True)
@typing.no_type_check
def skinning_forward(
    first, last, count, items, codes, columns, segments, basis, rows, mean, starts, movers, shares, joints,
    movements, shifts, shaped, item_stride, panel_stride, spare, out
):  # fmt: skip
    """Panels `first` to `last` of the vertices of `items` heads.

    Args:
        first: first panel.
        last: one past the last.
        count: vertices.
        items: M.
        codes: (groups, columns, ROWS), the codes of `ROWS` items side by side; (columns,) where there is one item.
        columns: of `codes`.
        segments: array (n, 3), n > 0: from this column of the codes and this row of the basis on, so many.
        basis: (panels, rows, 48).
        rows: of `basis`.
        mean: (panels, 48).
        starts: int32, first entry of each panel.
        movers: int32, joint of each entry.
        shares: (entries, 16).
        joints: J.
        movements: (M, J, 12).
        shifts: (M, 3), added in the end.
        shaped: written: vertices before they are skinned, 48 floats per panel and item; groups are written whole.
        item_stride: bytes from item to item of `shaped`.
        panel_stride: bytes from panel to panel of `shaped`; 0 to keep none.
        spare: 48 floats, overwritten.
        out: (M, count, 3), written.
    """
    for panel in range(first, last):
        basis_here, here = basis + panel * rows * PANEL, shaped + panel * panel_stride
        if items == 1:
            start = mean + panel * PANEL
            for s in range(len(segments)):
                column, row = codes + 4 * segments[s, 0], basis_here + PANEL * segments[s, 1]
                _forward_one(column, row, segments[s, 2], start, 0, here, 0)
                start = here
        else:
            for span in range(0, PANEL, 64 * _SPAN):
                for group in range(-(-items // ROWS)):
                    target = here + group * ROWS * item_stride + span
                    start, stride = mean + panel * PANEL + span, 0
                    for s in range(len(segments)):
                        column = codes + 4 * ROWS * (group * columns + segments[s, 0])
                        row = basis_here + PANEL * segments[s, 1] + span
                        _forward(column, row, segments[s, 2], start, stride, target, item_stride)
                        start, stride = target, item_stride
        left = count - panel * 16
        for m in range(items):
            target = out + 12 * (m * count + panel * 16)
            _skin(
                here + m * item_stride, panel, starts, movers, shares, movements + m * joints * MOVEMENT,
                shifts + 12 * m, target if left >= 16 else spare
            )  # fmt: skip
            if left < 16:
                for i in range(3 * left):
                    copy_float(spare + 4 * i, target + 4 * i)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _skin(shaped, panel, starts, movers, shares, movements, shift, out):
    a0, a1, a2, a3 = zeros(), zeros(), zeros(), zeros()
    b0, b1, b2, b3 = zeros(), zeros(), zeros(), zeros()
    c0, c1, c2, c3 = zeros(), zeros(), zeros(), zeros()
    for entry in range(int32_at(starts + 4 * panel), int32_at(starts + 4 * panel + 4)):
        move = movements + MOVEMENT * int32_at(movers + 4 * entry)
        share = load(shares + 64 * entry)
        a0 = multiply_add(spread(move), share, a0)
        a1 = multiply_add(spread(move + 4), share, a1)
        a2 = multiply_add(spread(move + 8), share, a2)
        a3 = multiply_add(spread(move + 12), share, a3)
        b0 = multiply_add(spread(move + 16), share, b0)
        b1 = multiply_add(spread(move + 20), share, b1)
        b2 = multiply_add(spread(move + 24), share, b2)
        b3 = multiply_add(spread(move + 28), share, b3)
        c0 = multiply_add(spread(move + 32), share, c0)
        c1 = multiply_add(spread(move + 36), share, c1)
        c2 = multiply_add(spread(move + 40), share, c2)
        c3 = multiply_add(spread(move + 44), share, c3)
    x, y, z = load(shaped), load(shaped + 64), load(shaped + 128)
    store_triples(
        out,
        add(multiply_add(a0, x, multiply_add(a1, y, multiply_add(a2, z, a3))), spread(shift)),
        add(multiply_add(b0, x, multiply_add(b1, y, multiply_add(b2, z, b3))), spread(shift + 4)),
        add(multiply_add(c0, x, multiply_add(c1, y, multiply_add(c2, z, c3))), spread(shift + 8)),
    )


@njit(cache=True, nogil=True)
@typing.no_type_check
def skinning_backward(
    first, last, count, items, grads, shaped, item_stride, panel_stride, starts, movers, shares, joints, movements,
    moving, segments, basis, rows, out_rows, scratch, grad_codes, grad_movements, grad_shifts
):  # fmt: skip
    """The way back through panels `first` to `last`; arguments as of `skinning_forward`, and below.

    Args:
        first: first panel.
        last: one past the last.
        count: vertices.
        items: M.
        grads: (M, count, 3), of the vertices.
        shaped: as `skinning_forward` left it.
        item_stride: as there.
        panel_stride: as there.
        starts: as there.
        movers: as there.
        shares: as there.
        joints: as there.
        movements: as there.
        moving: whether the gradient of the movements is wanted.
        segments: array (n, 3): to this row of `grad_codes`, from this row of the basis on, so many; may be empty.
        basis: as there; `flame_plan.SPILL` rows follow the last.
        rows: as there.
        out_rows: rows of `grad_codes`; each segment has room for a multiple of `CODES`.
        scratch: `scratch_floats(M, J, out_rows)` floats, overwritten.
        grad_codes: written: (M, out_rows) of up to `FEW` items; of more than 48, where `MANY` is 4, added to:
            (out_rows, 64); else added to: (groups, out_rows, 16).
        grad_movements: array (M, J, 12), float64, added to.
        grad_shifts: array (M, 3), float64, added to.
    """
    spare, aside = scratch, scratch + PANEL
    sums = aside + 64 * PANEL
    pulled = sums + 64 * (12 * joints + 3)
    few = items <= FEW
    groups = -(-items // 16)
    totals = pulled + (items if few else 16 * groups) * CHUNK * PANEL
    if few:
        for i in range(items * out_rows):
            store(totals + 64 * i, zeros())
    else:
        for i in range(3 * items * CHUNK, 3 * 16 * groups * CHUNK):
            store(pulled + 64 * i, zeros())
    for chunk in range(first, last, CHUNK):
        end = min(last, chunk + CHUNK)
        for m in range(items):
            for i in range(12 * joints + 3):
                store(sums + 64 * i, zeros())
            for panel in range(chunk, end):
                source, left = grads + 12 * (m * count + panel * 16), count - panel * 16
                if left < 16:
                    for i in range(3):
                        store(spare + 64 * i, zeros())
                    for i in range(3 * left):
                        copy_float(source + 4 * i, spare + 4 * i)
                    source = spare
                _pull_skin(
                    source, shaped + m * item_stride + panel * panel_stride, panel, starts, movers, shares, joints,
                    movements + m * joints * MOVEMENT, moving, sums, pulled + (m * CHUNK + panel - chunk) * PANEL
                )  # fmt: skip
            if moving:
                for i in range(12 * joints):
                    grad_movements[m, i // 12, i % 12] += total(load(sums + 64 * i))
            for i in range(3):
                grad_shifts[m, i] += total(load(sums + 64 * (12 * joints + i)))
        for panel in range(chunk, end):
            here, source = basis + panel * rows * PANEL, pulled + (panel - chunk) * PANEL
            if few:
                _few_codes_backward(items, segments, here, source, totals, 64 * out_rows)
            else:
                _codes_backward(groups, segments, here, source, aside, grad_codes, 64 * out_rows)
    if few:
        for i in range(items * out_rows):
            store_float(grad_codes + 4 * i, total(load(totals + 64 * i)))


@njit(cache=True, nogil=True)
@typing.no_type_check
def _few_codes_backward(items, segments, basis, pulled, totals, stride):
    """One panel, item by item: sixteen vertices are summed up in the end."""
    for s in range(len(segments)):
        for m in range(items):
            source = pulled + m * CHUNK * PANEL
            x, y, z = load(source), load(source + 64), load(source + 128)
            at, row = totals + m * stride + 64 * segments[s, 0], basis + PANEL * segments[s, 1]
            for _ in range(segments[s, 2]):
                store(at, _three(load(row), x, load(row + 64), y, load(row + 128), z, load(at)))
                at += 64
                row += PANEL


@njit(cache=True, nogil=True)
@typing.no_type_check
def _codes_backward(groups, segments, basis, pulled, aside, grad_codes, stride):
    """One panel, sixteen items side by side or sixty-four."""
    together = MANY if groups == MANY else 1
    width = 64 * together
    for group in range(0, groups, together):
        for one in range(together):
            tile = pulled + 16 * (group + one) * CHUNK * PANEL
            for axis in range(3):
                target = aside + 16 * axis * width + 64 * one
                transpose_tile(tile + 64 * axis, CHUNK * PANEL, target, width)
        for s in range(len(segments)):
            row = basis + PANEL * segments[s, 1]
            at = grad_codes + group * stride + width * segments[s, 0]
            for _ in range(0, segments[s, 2], CODES):
                if together > 1:
                    _back_many(row, aside, 48, at, width, at, width)
                else:
                    _back_few(row, aside, 48, at, width, at, width)
                row += CODES * PANEL
                at += CODES * width


@njit(cache=True, nogil=True)
@typing.no_type_check
def _pull_skin(source, shaped, panel, starts, movers, shares, joints, movements, moving, sums, out):
    dx, dy, dz = load_triples(source)
    shift = sums + 64 * 12 * joints
    store(shift, add(load(shift), dx))
    store(shift + 64, add(load(shift + 64), dy))
    store(shift + 128, add(load(shift + 128), dz))
    x, y, z = load(shaped), load(shaped + 64), load(shaped + 128)
    px, py, pz = zeros(), zeros(), zeros()
    for entry in range(int32_at(starts + 4 * panel), int32_at(starts + 4 * panel + 4)):
        joint = int32_at(movers + 4 * entry)
        move, share = movements + MOVEMENT * joint, load(shares + 64 * entry)
        wx, wy, wz = multiply(share, dx), multiply(share, dy), multiply(share, dz)
        px = _three(spread(move), wx, spread(move + 16), wy, spread(move + 32), wz, px)
        py = _three(spread(move + 4), wx, spread(move + 20), wy, spread(move + 36), wz, py)
        pz = _three(spread(move + 8), wx, spread(move + 24), wy, spread(move + 40), wz, pz)
        if moving:
            sum_ = sums + 64 * 12 * joint
            _add_row(sum_, wx, x, y, z)
            _add_row(sum_ + 256, wy, x, y, z)
            _add_row(sum_ + 512, wz, x, y, z)
    store(out, px)
    store(out + 64, py)
    store(out + 128, pz)


@njit(nogil=True)
@typing.no_type_check
def _three(a, x, b, y, c, z, more):
    return multiply_add(a, x, multiply_add(b, y, multiply_add(c, z, more)))


@njit(nogil=True)
@typing.no_type_check
def _add_row(sum_, w, x, y, z):
    store(sum_, multiply_add(w, x, load(sum_)))
    store(sum_ + 64, multiply_add(w, y, load(sum_ + 64)))
    store(sum_ + 128, multiply_add(w, z, load(sum_ + 128)))
    store(sum_ + 192, add(w, load(sum_ + 192)))
