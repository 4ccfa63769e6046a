"""Inputs of a FLAME head packed into one matrix with a row per item, and the basis row of each column.

M items, J joints, C numbers per item: the given coefficients, then 9 pose features of each rotated joint.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from headform.heads.flame._plan import FlamePlan

IDENTITY, EXPRESSION, TRANSLATION, FIRST_TURN = range(4)
"""Order of the inputs; one per joint follows from `FIRST_TURN` on."""


@dataclass(frozen=True)
class Part:
    """Range of columns of the code filled by one input, and its range of rows of the basis.

    Attributes:
        source: index of the input.
        column: first column.
        row: first row of the basis.
        length: number of columns.
    """

    source: int
    column: int
    row: int
    length: int


@dataclass(frozen=True, eq=False)
class Layout:
    """Columns of the packed inputs, for given widths.

    Attributes:
        columns: number C of columns.
        parts: inputs and their columns, in order.
        turned: True if any joint has a rotation.
        features: first column of the pose features of each joint, -1 where there are none.
        modes: column and row of the basis of each coefficient.
        segments: column, row and length of the parts, neighbors joined; (0, 0, 0) if there are none.
    """

    columns: int
    parts: tuple[Part, ...]
    turned: bool
    features: Int64[np.ndarray, " J"]
    modes: Int64[np.ndarray, "N 2"]
    segments: Int64[np.ndarray, "S 3"]


@dataclass(frozen=True, eq=False)
class FlameCode:
    """Packed inputs of one call.

    Attributes:
        layout: layout of `numbers`.
        numbers: coefficients; the columns of pose features are not filled yet.
        turns: axis-angle rotation of each joint, radians.
        shifts: translation of each item, meters.
    """

    layout: Layout
    numbers: Float32[np.ndarray, "M C"]
    turns: Float64[np.ndarray, "M J 3"]
    shifts: Float32[np.ndarray, "M 3"]


def pack(plan: FlamePlan, inputs: Sequence[Tensor | None]) -> FlameCode:
    """Pack inputs with the same number of rows; an input that is None takes no columns."""
    arrays = [None if t is None else t.detach().numpy() for t in inputs]
    widths = tuple(-1 if array is None else array.shape[1] for array in arrays)
    modes, rows = len(plan.rest_basis), plan.basis.shape[1]
    layout = layout_of(widths, (0, plan.identities, modes), rows > modes)
    items = next((len(array) for array in arrays if array is not None), 1)
    numbers = np.empty((items, layout.columns), np.float32)
    turns = np.zeros((items, len(arrays) - FIRST_TURN, 3))
    shifts = np.zeros((items, 3), np.float32)
    for part in layout.parts:
        if part.source < FIRST_TURN:
            numbers[:, part.column : part.column + part.length] = arrays[part.source]
    for joint, turn in enumerate(arrays[FIRST_TURN:]):
        if turn is not None:
            turns[:, joint] = turn
    if arrays[TRANSLATION] is not None:
        shifts[:] = arrays[TRANSLATION]
    return FlameCode(layout, numbers, turns, shifts)


@lru_cache(maxsize=64)
def layout_of(widths: tuple[int, ...], rows: tuple[int, int, int], corrected: bool) -> Layout:
    """Compute the columns of the inputs.

    Args:
        widths: number of columns of each input; -1 for None.
        rows: first rows of identity, expression and pose correctives in the basis.
        corrected: True if the head has pose correctives.
    """
    wanted = [
        (IDENTITY, rows[0], max(0, widths[IDENTITY])),
        (EXPRESSION, rows[1], max(0, widths[EXPRESSION])),
    ]
    turning = [joint for joint, width in enumerate(widths[FIRST_TURN:]) if width >= 0]
    if corrected:
        wanted += [(FIRST_TURN + j, rows[2] + 9 * (j - 1), 9) for j in turning if j > 0]
    parts, column = [], 0
    for source, row, length in wanted:
        if length:
            parts.append(Part(source, column, row, length))
        column += length
    features = np.full(len(widths) - FIRST_TURN, -1)
    modes = []
    for part in parts:
        if part.source < FIRST_TURN:
            modes += [(part.column + k, part.row + k) for k in range(part.length)]
        else:
            features[part.source - FIRST_TURN] = part.column
    segments = [(p.column, p.row, p.length) for p in joined(parts, range(len(widths)))]
    return Layout(
        columns=column,
        parts=tuple(parts),
        turned=bool(turning),
        features=features,
        modes=np.array(modes, np.int64).reshape(-1, 2),
        segments=np.array(segments or [(0, 0, 0)], np.int64),
    )


def joined(parts: Sequence[Part], sources: Container[int]) -> list[Part]:
    """Return the parts of some inputs, with parts adjacent in both code and basis merged."""
    found: list[Part] = []
    for part in parts:
        if part.source not in sources:
            continue
        last = found[-1] if found else None
        if last and (last.column + last.length, last.row + last.length) == (part.column, part.row):
            found[-1] = Part(last.source, last.column, last.row, last.length + part.length)
        else:
            found.append(part)
    return found
