"""What a FLAME head is given, as one matrix: a row of numbers per item, and to which rows of the basis they belong.

M items, J joints, C numbers per item: the coefficients that are given, then 9 pose features of each joint that turns.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from headform.heads.flame_plan import FlamePlan

IDENTITY, EXPRESSION, TRANSLATION, FIRST_TURN = range(4)
"""Order of the inputs; one per joint follows from `FIRST_TURN` on."""


@dataclass(frozen=True)
class Part:
    """Columns of the code that one input fills and that successive rows of the basis belong to.

    Attributes:
        source: number of the input.
        column: first column.
        row: first row of the basis.
        length: how many.
    """

    source: int
    column: int
    row: int
    length: int


@dataclass(frozen=True, eq=False)
class FlameCode:
    """The inputs of one call.

    Attributes:
        numbers: coefficients; the columns of pose features are still empty.
        parts: what lies where, in order.
        turns: axis-angle of each joint.
        turned: whether any joint is given a rotation.
        features: first column of the pose features of each joint, -1 where there are none.
        shifts: metres.
        modes: column and row of the basis of each coefficient.
    """

    numbers: Float32[np.ndarray, "M C"]
    parts: tuple[Part, ...]
    turns: Float64[np.ndarray, "M J 3"]
    turned: bool
    features: Int64[np.ndarray, " J"]
    shifts: Float32[np.ndarray, "M 3"]
    modes: Int64[np.ndarray, "N 2"]


def pack(plan: FlamePlan, inputs: Sequence[Tensor | None]) -> FlameCode:
    """Gather inputs that have the same number of rows; an input that is None takes no column."""
    arrays = [None if t is None else t.detach().numpy() for t in inputs]
    turns = arrays[FIRST_TURN:]
    items = next((len(array) for array in arrays if array is not None), 1)
    correctives = plan.basis.shape[1] > len(plan.rest_basis)
    wanted = [(IDENTITY, 0, _width(arrays[IDENTITY]))]
    wanted += [(EXPRESSION, plan.identities, _width(arrays[EXPRESSION]))]
    for joint, turn in enumerate(turns):
        if turn is not None and joint and correctives:
            wanted += [(FIRST_TURN + joint, len(plan.rest_basis) + 9 * (joint - 1), 9)]
    parts, column = [], 0
    for source, row, length in wanted:
        if length:
            parts.append(Part(source, column, row, length))
        column += length
    numbers = np.empty((items, column), np.float32)
    angles = np.zeros((items, len(turns), 3))
    features = np.full(len(turns), -1)
    modes = [np.zeros((0, 2), np.int64)]
    for part in parts:
        if part.source < FIRST_TURN:
            numbers[:, part.column : part.column + part.length] = arrays[part.source]
            modes.append(np.arange(part.length)[:, None] + (part.column, part.row))
        else:
            features[part.source - FIRST_TURN] = part.column
    for joint, turn in enumerate(turns):
        if turn is not None:
            angles[:, joint] = turn
    shifts = np.zeros((items, 3), np.float32)
    if arrays[TRANSLATION] is not None:
        shifts[:] = arrays[TRANSLATION]
    return FlameCode(
        numbers=numbers,
        parts=tuple(parts),
        turns=angles,
        turned=any(turn is not None for turn in turns),
        features=features,
        shifts=shifts,
        modes=np.concatenate(modes),
    )


def _width(array: Float32[np.ndarray, "M C"] | None) -> int:
    return 0 if array is None else array.shape[1]


def joined(parts: Sequence[Part], sources: Container[int]) -> list[Part]:
    """The parts of some inputs, as few as possible: neighbours in code and basis become one."""
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
