"""Memory layout of a FLAME head for the CPU kernel: bases in panels of sixteen vertices, joints as a basis of their own.

V vertices, J joints, N modes (identity, then expression), P pose correctives, K = N + P rows, S panels, W entries.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from headform.kernels.simd import BYTES, WIDTH

SPILL = 16
"""Padding rows past the last that a kernel may read; their values are not used."""
_plans: "WeakKeyDictionary[Any, tuple[list[Any], tuple[int, ...], FlamePlan]]" = WeakKeyDictionary()
_lock = Lock()


@dataclass(frozen=True, eq=False)
class FlamePlan:
    """Arrays of one head, laid out for the kernel.

    Attributes:
        count: V.
        identities: rows of `basis` that are identity modes.
        basis: per panel and row, the x of sixteen vertices, then their y, then their z; 0 past the last vertex.
        mean: mean shape in the same layout, meters.
        starts: first entry of each panel in `movers` and `shares`.
        movers: index of a joint that moves the panel.
        shares: skinning weight of that joint at each vertex of the panel.
        rest_mean: joint positions of the mean shape, meters.
        rest_basis: displacement of the joints per unit of each mode, meters.
        parents: parent of each joint, -1 for the root.
    """

    count: int
    identities: int
    basis: Float32[np.ndarray, "S K 48"]
    mean: Float32[np.ndarray, "S 48"]
    starts: Int32[np.ndarray, " S1"]
    movers: Int32[np.ndarray, " W"]
    shares: Float32[np.ndarray, "W 16"]
    rest_mean: Float64[np.ndarray, " J3"]
    rest_basis: Float64[np.ndarray, "N J3"]
    parents: Int64[np.ndarray, " J"]

    @cached_property
    def weights(self) -> tuple[int, int, int]:
        """Addresses of `starts`, `movers` and `shares`."""
        return self.starts.ctypes.data, self.movers.ctypes.data, self.shares.ctypes.data

    @cached_property
    def rows(self) -> tuple[int, int]:
        """Address of `basis`, and its rows K."""
        return self.basis.ctypes.data, self.basis.shape[1]

    @cached_property
    def start(self) -> int:
        """Address of `mean`."""
        return self.mean.ctypes.data


def plan_of(head: Any) -> FlamePlan:
    """Return the plan of a `heads.flame.FlameHead` in single precision on the CPU.

    It is built on first use, is as large as the head's bases, is kept as long as the head, and is rebuilt after in-place
    changes of the head's tensors. Changes that torch does not count go unnoticed: those through `.data`, and those of
    tensors created in inference mode.
    """
    tensors = [
        head.mean, head.identity, head.expression, head.pose_correctives, head.joint_regressor, head.skinning
    ]  # fmt: skip
    versions = tuple(0 if t.is_inference() else t._version for t in tensors)
    with _lock:
        known = _plans.get(head)
        # a head that was moved holds other tensors, one that was written to tensors of another version
        same = known is not None and all(a is b for a, b in zip(known[0], tensors, strict=True))
        if known is None or not same or known[1] != versions:
            arrays = [t.detach().numpy() for t in tensors]
            known = tensors, versions, make_plan(*arrays, parents=head.parents)
            _plans[head] = known
        return known[2]


def make_plan(
    mean: Float32[np.ndarray, "V 3"],
    identity: Float32[np.ndarray, "I V 3"],
    expression: Float32[np.ndarray, "E V 3"],
    correctives: Float32[np.ndarray, "P V 3"],
    regressor: Float32[np.ndarray, "J V"],
    skinning: Float32[np.ndarray, "V J"],
    *,
    parents: Sequence[int],
) -> FlamePlan:
    """Arrange a head; arguments as the fields of `heads.flame.FlameHead`."""
    count, panels = len(mean), -(-len(mean) // WIDTH)
    blocks = [identity, expression, correctives]
    modes = [0, *accumulate(len(block) for block in blocks)]
    rows = aligned((panels * modes[-1] + SPILL, 3 * WIDTH))[:-SPILL]
    basis = rows.reshape(panels, modes[-1], 3 * WIDTH)
    for first, last, block in zip(modes, modes[1:], blocks, strict=False):
        _fill(basis[:, first:last], block)
    mean_panels = aligned((panels, 3 * WIDTH))
    _fill(mean_panels[:, None], mean[None])
    weights = np.zeros((panels, WIDTH, skinning.shape[1]), np.float32)
    weights.reshape(-1, skinning.shape[1])[:count] = skinning
    panel, mover = np.nonzero((weights != 0).any(1))
    shares = aligned((len(panel), WIDTH))
    shares[:] = weights[panel, :, mover]
    sparse = [(np.flatnonzero(row), row[row != 0].astype(np.float64)) for row in regressor]
    rest_basis = np.concatenate([_regressed(sparse, block) for block in blocks[:2]])
    return FlamePlan(
        count=count,
        identities=len(identity),
        basis=basis,
        mean=mean_panels,
        starts=np.searchsorted(panel, np.arange(panels + 1)).astype(np.int32),
        movers=mover.astype(np.int32),
        shares=shares,
        rest_mean=_regressed(sparse, mean[None])[0],
        rest_basis=rest_basis,
        parents=np.array(parents, np.int64),
    )


def aligned(shape: tuple[int, ...]) -> Float32[np.ndarray, "..."]:
    """Return zeros aligned to the width of a SIMD register."""
    size = prod(shape)
    memory = np.zeros(size + WIDTH, np.float32)
    first = -memory.ctypes.data % BYTES // 4
    return memory[first : first + size].reshape(shape)


def _fill(panels: Float32[np.ndarray, "S N 48"], vectors: Float32[np.ndarray, "N V 3"]) -> None:
    """Write vectors at vertices into panels, without an intermediate copy."""
    shaped = panels.reshape(*panels.shape[:2], 3, WIDTH)
    whole = vectors.shape[1] // WIDTH
    most = vectors[:, : whole * WIDTH].reshape(len(vectors), whole, WIDTH, 3)
    shaped[:whole] = most.transpose(1, 0, 3, 2)
    rest = vectors[:, whole * WIDTH :]
    if rest.shape[1]:
        shaped[whole, :, :, : rest.shape[1]] = rest.transpose(0, 2, 1)


def _regressed(
    sparse: Sequence[tuple[Int64[np.ndarray, "_"], Float64[np.ndarray, "_"]]],
    vectors: Float32[np.ndarray, "N V 3"],
) -> Float64[np.ndarray, "N J3"]:
    """Apply a sparse joint regressor to vectors at the vertices, in double precision."""
    parts = [np.einsum("v,nvc->nc", values, vectors[:, at]) for at, values in sparse]
    return np.concatenate(parts, axis=1).astype(np.float64, copy=False)


def _renew_lock() -> None:
    """Replace the lock in a forked child, which must not wait for a thread of its parent."""
    global _lock
    _lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
