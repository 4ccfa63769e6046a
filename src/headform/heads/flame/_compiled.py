"""Decoding of FLAME heads by the CPU kernels: float32, forward and backward, independent of the number of threads.

M items, V vertices, J joints.

Forward, no number depends on how the work is cut; backward, it is cut by M and V alone, and partial sums are added in the
order of the parts. Nothing of the size of the vertices is written but the result and, where a gradient is wanted, the
vertices before skinning. A second derivative goes through the reference.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from threading import local
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from headform.heads.flame._joints_kernel import joints_backward, joints_forward
from headform.heads.flame._panel_kernel import (
    CODES,
    FEW,
    ITEMS,
    MANY,
    ROWS,
    scratch_floats,
    skinning_backward,
    skinning_forward,
)
from headform.heads.flame._plan import FlamePlan, aligned
from headform.heads.flame.code import (
    EXPRESSION,
    IDENTITY,
    TRANSLATION,
    FlameCode,
    joined,
    pack,
)
from headform.kernels.functorch import transformed
from headform.kernels.threads import run_all

Decoded = tuple[Tensor, Tensor]
_PADDED = -(-ITEMS // ROWS) * ROWS  # rows of a full block of items: whole groups
_LANES = 48  # floats of a panel
_own = local()


def decode_compiled(
    plan: FlamePlan,
    reference: Callable[..., Decoded],
    identity: Float32[Tensor, "M I"] | None,
    expression: Float32[Tensor, "M E"] | None,
    translation: Float32[Tensor, "M 3"] | None,
    turns: Sequence[Float32[Tensor, "M 3"] | None],
) -> tuple[Float32[Tensor, "M V 3"], Float32[Tensor, "M J 3"]]:
    """Decode vertices and joints of posed heads; an input that is None counts as zero at no cost.

    Args:
        plan: plan of the head.
        reference: the same function in plain torch, for second derivatives.
        identity: coefficients, as many as there are modes or fewer.
        expression: likewise.
        translation: meters.
        turns: axis-angle of each joint relative to its parent.
    """
    inputs = (identity, expression, translation, *turns)
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in inputs):
        return _Decoding.apply(plan, reference, *inputs)  # type: ignore[no-any-return, no-untyped-call]
    vertices, joints, *_ = _forward(plan, pack(plan, inputs), keep=False)
    return vertices, joints


class _Decoding(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, plan: FlamePlan, reference: Callable[..., Decoded], *inputs: Tensor | None) -> Decoded:
        ctx.set_materialize_grads(False)
        ctx.plan, ctx.reference, ctx.code = plan, reference, pack(plan, inputs)
        vertices, joints, *kept = _forward(plan, ctx.code, keep=True)
        ctx.save_for_backward(*kept, *inputs)
        return vertices, joints

    @staticmethod
    def backward(ctx: Any, grad_vertices: Tensor | None, grad_joints: Tensor | None) -> tuple[Tensor | None, ...]:
        shaped, movements, frames, *inputs = ctx.saved_tensors
        wants, grads = ctx.needs_input_grad[2:], (grad_vertices, grad_joints)
        graph_wanted = torch.is_grad_enabled()
        if graph_wanted or any(g is not None and transformed(g) for g in grads):
            with torch.enable_grad():
                found = _differentiable(ctx.reference, inputs, grads, wants)
        else:
            kept = (shaped, movements, frames)
            found = _backward(ctx.plan, ctx.code, kept, grads, wants)
        return (None, None, *found)


def _forward(plan: FlamePlan, code: FlameCode, *, keep: bool) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Compute vertices and joints; and for backward, vertices before skinning, movements and frames of the joints."""
    items, joints = code.turns.shape[:2]
    panels, layout = len(plan.mean), code.layout
    vertices, placed = torch.empty(items, plan.count, 3), torch.empty(items, joints, 3)
    movements = torch.empty(items, joints, 12)
    frames = torch.empty(items, joints, 24, dtype=torch.float64)
    blocks = _blocks(items)
    shaped = torch.empty(_rows(items) if keep else 0, panels, _LANES)

    def place(first: int, count: int) -> None:
        joints_forward(
            first, first + count, code.numbers, layout.modes, plan.rest_mean, plan.rest_basis, code.turns,
            layout.features, plan.parents, code.shifts, frames.numpy(), movements.numpy(), placed.numpy(),
        )  # fmt: skip

    run_all(place, blocks)
    packed = [_side_by_side(code.numbers[first : first + count]) for first, count in blocks]
    givens = [
        (movements[first].data_ptr(), code.shifts[first].ctypes.data, vertices[first].data_ptr()) for first, _ in blocks
    ]
    codes = [array.ctypes.data for array in packed]

    def pose(block: int, first_panel: int, last_panel: int) -> None:
        count = blocks[block][1]
        moves, shifts, out = givens[block]
        scratch = _scratch(_LANES * (1 + (0 if keep else _rows(count))))
        target = shaped.data_ptr() + block * _PADDED * panels * 4 * _LANES
        skinning_forward(
            first_panel, last_panel, plan.count, count, codes[block], layout.columns, layout.segments, *plan.rows,
            plan.start, *plan.weights, joints, moves, shifts, target if keep else scratch + 4 * _LANES,
            4 * _LANES * (panels if keep else 1), 4 * _LANES if keep else 0, scratch, out,
        )  # fmt: skip

    parts = torch.get_num_threads() if items <= FEW else 16
    ranges = _ranges(panels, parts, items)
    run_all(pose, [(b, *span) for span in ranges for b in range(len(blocks))])
    return vertices, placed, shaped, movements, frames


def _backward(
    plan: FlamePlan,
    code: FlameCode,
    kept: tuple[Tensor, Tensor, Tensor],
    grads: tuple[Tensor | None, Tensor | None],
    wants: Sequence[bool],
) -> list[Tensor | None]:
    """Compute the gradients of the inputs that require them."""
    shaped, movements, frames = kept
    items, joints = code.turns.shape[:2]
    panels, layout = len(plan.mean), code.layout
    wanted = {source for source, want in enumerate(wants) if want}
    moving = layout.turned and wanted != {TRANSLATION}
    parts, rows = joined(layout.parts, wanted), [0]
    for part in parts:
        rows.append(rows[-1] + -(-part.length // CODES) * CODES)
    segments = np.array([(r, p.row, p.length) for r, p in zip(rows, parts, strict=False)])
    segments = segments.reshape(-1, 3).astype(np.int64)
    blocks = _blocks(items)
    ranges = _ranges(panels, 4 if items <= FEW else 16, items) if grads[0] is not None else []
    lanes = items if items <= FEW else 16 * -(-min(items, ITEMS) // 16)
    codes = np.zeros((len(ranges), len(blocks), rows[-1] * lanes), np.float32)
    moves = np.zeros((len(ranges), items, joints, 12))
    shifts = np.zeros((len(ranges), items, 3))
    given = torch.zeros(0) if grads[0] is None else grads[0].detach().contiguous()

    def pull(number: int, block: int) -> None:
        first, count = blocks[block]
        inside = slice(first, first + count)
        skinning_backward(
            *ranges[number], plan.count, count, given.data_ptr() + 12 * plan.count * first,
            shaped.data_ptr() + block * _PADDED * panels * 4 * _LANES, 4 * _LANES * panels, 4 * _LANES, *plan.weights,
            joints, movements.data_ptr() + 48 * joints * first, moving, segments, *plan.rows, rows[-1],
            _scratch(scratch_floats(count, joints, rows[-1])), codes[number, block].ctypes.data,
            moves[number, inside], shifts[number, inside],
        )  # fmt: skip

    run_all(pull, [(n, b) for n in range(len(ranges)) for b in range(len(blocks))])
    grad_code = np.zeros(code.numbers.shape)
    for (first, count), sums in zip(blocks, codes.sum(0), strict=True):
        matrix = _by_item(sums, rows[-1], count)
        for row, part in zip(rows, parts, strict=False):
            columns = slice(part.column, part.column + part.length)
            grad_code[first : first + count, columns] = matrix[:, row : row + part.length]
    grad_placed = np.zeros((items, joints, 3))
    if grads[1] is not None:
        grad_placed[:] = grads[1].detach().numpy()
    grad_turns, grad_moves = np.zeros(code.turns.shape), moves.sum(0)

    def pull_place(first: int, count: int) -> None:
        joints_backward(
            first, first + count, layout.modes, plan.rest_basis, code.turns, layout.features, plan.parents,
            frames.numpy(), grad_moves, grad_placed, grad_code, grad_turns,
        )  # fmt: skip

    if wanted != {TRANSLATION} and (moving or grads[1] is not None):
        run_all(pull_place, blocks)
    own = {p.source: grad_code[:, p.column : p.column + p.length] for p in layout.parts}
    found = [own.get(IDENTITY), own.get(EXPRESSION), shifts.sum(0) + grad_placed.sum(1)]
    found += list(grad_turns.transpose(1, 0, 2))
    nothing = np.zeros((items, 0))  # stands for an input without columns
    return [
        torch.from_numpy((nothing if grad is None else grad).astype(np.float32)) if want else None
        for grad, want in zip(found, wants, strict=True)
    ]


def _differentiable(
    reference: Callable[..., Decoded],
    inputs: Sequence[Tensor | None],
    grads: tuple[Tensor | None, Tensor | None],
    wants: Sequence[bool],
) -> list[Tensor | None]:
    """Compute the gradients as expressions of torch."""
    identity, expression, translation, *turns = inputs
    results = reference(identity, expression, translation, turns)
    wanted = [t for t, want in zip(inputs, wants, strict=True) if t is not None and want]
    pairs = [(y, g) for y, g in zip(results, grads, strict=True) if g is not None]
    pairs = [(y, g) for y, g in pairs if y.requires_grad]
    if not pairs:
        return [None] * len(wants)
    given, passed = zip(*pairs, strict=True)
    found = torch.autograd.grad(given, wanted, passed, create_graph=True, allow_unused=True)
    rest = iter(found)
    return [next(rest) if want else None for want in wants]


def _blocks(items: int) -> list[tuple[int, int]]:
    """Return first item and number of items of each block."""
    return [(first, min(ITEMS, items - first)) for first in range(0, items, ITEMS)]


def _rows(items: int) -> int:
    """Return the number of rows after padding to whole groups of items; a single item is not padded."""
    full, rest = divmod(items, ITEMS)
    return full * _PADDED + (rest if rest < 2 else -(-rest // ROWS) * ROWS)


def _ranges(panels: int, parts: int, items: int) -> list[tuple[int, int]]:
    """Return the bounds of ranges of panels, so that blocks of items times ranges are about `parts` tasks."""
    count = max(1, parts // max(1, len(_blocks(items))))
    cuts = [panels * k // count for k in range(count + 1)]
    return list(pairwise(cuts))


def _side_by_side(numbers: Float32[np.ndarray, "M C"]) -> Float32[np.ndarray, "..."]:
    """Reorder the code by groups of `ROWS` items, with their numbers for one row of the basis adjacent."""
    if len(numbers) == 1:
        return np.ascontiguousarray(numbers)
    groups, columns = -(-len(numbers) // ROWS), numbers.shape[1]
    padded = np.zeros((groups * ROWS, columns), np.float32)
    padded[: len(numbers)] = numbers
    return np.ascontiguousarray(padded.reshape(groups, ROWS, columns).transpose(0, 2, 1))


def _by_item(sums: Float32[np.ndarray, " n"], rows: int, items: int) -> Float32[np.ndarray, "M rows"]:
    """Reorder the gradient of the code from the layout of `skinning_backward` to a row per item."""
    if items <= FEW:
        return sums[: items * rows].reshape(items, rows)
    groups = -(-items // 16)
    together = MANY if groups == MANY else 1
    sums = sums[: groups * 16 * rows].reshape(groups // together, rows, 16 * together)
    return sums.transpose(0, 2, 1).reshape(16 * groups, rows)[:items]


def _scratch(floats: int) -> int:
    """Return the address of a buffer of so many floats, owned by this thread until its next call."""
    if getattr(_own, "floats", -1) < floats:
        _own.memory, _own.floats = aligned((floats,)), floats
        _own.address = _own.memory.ctypes.data
    return _own.address  # type: ignore[no-any-return]
