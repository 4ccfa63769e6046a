"""A ring of synthetic faces on disk that generator processes fill while a trainer draws from it.

N capacity, S side of the pictures, P dense points, K identity modes, E expressions.

The ring is a folder of memory-mapped arrays, one row per synthetic face; each worker owns a slice of the rows and overwrites
its oldest. What a worker makes depends on the seed, its number and its batch count only.
"""

import os
import time
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Int

from headform.errors import ResourceError
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.synth.generator import Generator, SyntheticBatch, View
from headform.synth.randomization import RandomizationConfig

RESUMABLE_FIELDS = ("config.pool.workers", "config.workers", "config.first_faces")
"""Of a stage's configuration: what a resumed run may be given anew."""

_BATCH = 32


@dataclass(frozen=True)
class PoolConfig:
    """What the workers make.

    Attributes:
        view: crop of the pictures.
        size: side of the pictures in pixels.
        recipe: how varied the people are.
        capacity: rows of the ring.
        workers: generator processes.
        seed: first part of every worker's seed.
    """

    view: View
    size: int
    recipe: RandomizationConfig
    capacity: int = 40_000
    workers: int = 1
    seed: int = 0


def part_of_run(config: PoolConfig, seconds: float, rank: int) -> PoolConfig:
    """The pool of a part of a run: other people after each resumption and in each process.

    Args:
        config: Of the whole run.
        seconds: Of training that lie behind it.
        rank: Number of the training process.
    """
    return replace(config, seed=config.seed + 1000 * round(seconds) + 10_000_019 * rank)


def row_layout(head: LinearHead, size: int) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and dtype of one row of each array of the ring."""
    points = len(head.dense)
    return {
        "images": ((size, size, 3), "u1"),
        "points": ((points, 2), "f4"),
        "skin": ((size // 2, size // 2), "u1"),
        "identity": ((len(head.identity),), "f4"),
        "expression": ((len(head.expression),), "f4"),
        "gaze": ((2,), "f4"),
        "rotation": ((3, 3), "f4"),
    }


def rows_of(batch: SyntheticBatch) -> dict[str, np.ndarray]:
    """A made batch as rows: the mask at half size."""
    skin = batch.skin
    half = skin.reshape(len(skin), skin.shape[1] // 2, 2, skin.shape[2] // 2, 2).mean((2, 4))
    return {
        "images": batch.images,
        "points": batch.points,
        "skin": half.astype(np.uint8),
        "identity": batch.identity,
        "expression": batch.expression,
        "gaze": batch.gaze,
        "rotation": batch.rotation,
    }


class RenderPool:
    """Use as a context manager: the workers run inside the ``with`` block.

    Args:
        folder: where the memory-mapped arrays go; removed by the caller.
        head: the head the people are made on.
        config: what is made.
        keep: go on with the people that an interrupted run left in `folder`, if their layout is the same.
    """

    def __init__(self, folder: Path, head: LinearHead, config: PoolConfig, *, keep: bool = False) -> None:
        self.folder, self.config = folder, config
        folder.mkdir(parents=True, exist_ok=True)
        layout = {
            name: ((config.capacity, *shape), dtype) for name, (shape, dtype) in row_layout(head, config.size).items()
        } | {"made": ((config.workers,), "i8")}
        arrays = _opened(folder, layout) if keep else None
        if arrays is None:
            arrays = {
                name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
                for name, (shape, dtype) in layout.items()
            }
        self._made = arrays.pop("made")
        self.rows = arrays
        self._workers: list[BaseProcess] = []

    def __enter__(self) -> "RenderPool":
        context = get_context("spawn")
        for number in range(self.config.workers):
            worker = context.Process(target=_work, args=(self.folder, self.config, number), daemon=True)
            worker.start()
            self._workers.append(worker)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.terminate()
            worker.join(timeout=10.0)
            if worker.exitcode is None:  # paused from outside: it cannot hear a polite word
                worker.kill()
                worker.join()

    @property
    def made(self) -> int:
        """How many people have been made so far, overwritten ones included."""
        return int(self._made.sum())

    def wait_for(self, count: int, *, timeout: float = 1800.0) -> None:
        """Block until `count` people are there.

        Raises:
            ResourceError: ``worker_died`` or ``worker_slow``.
        """
        start = time.monotonic()
        while self.made < count:
            if any(w.exitcode is not None for w in self._workers):
                raise ResourceError(
                    "worker_died",
                    "a generator process ended",
                    "synthetic faces",
                    "see its error above",
                )
            if time.monotonic() - start > timeout:
                raise ResourceError(
                    "worker_slow",
                    f"{self.made} of {count} people after {timeout:.0f} s",
                    "synthetic faces",
                )
            time.sleep(0.2)

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Rows drawn evenly from what is there."""
        share = self.config.capacity // self.config.workers
        filled = np.minimum(np.asarray(self._made), share)
        index = _spread(rng.integers(0, int(filled.sum()), count), filled, share)
        index.sort()
        return {name: np.asarray(values[index]) for name, values in self.rows.items()}


def _spread(flat: Int[np.ndarray, " B"], filled: Int[np.ndarray, " W"], share: int) -> Int[np.ndarray, " B"]:
    """Position among all filled rows to row of the ring."""
    ends = np.cumsum(filled)
    worker = np.searchsorted(ends, flat, side="right")
    return np.asarray(worker * share + flat - (ends - filled)[worker])


def _opened(folder: Path, layout: dict[str, tuple[tuple[int, ...], str]]) -> dict[str, np.ndarray] | None:
    """The arrays of an earlier run, writable; None unless all are there and fit."""
    arrays = {}
    for name, (shape, dtype) in layout.items():
        path = folder / f"{name}.npy"
        if not path.is_file():
            return None
        array = np.load(path, mmap_mode="r+", allow_pickle=False)
        if array.shape != shape or array.dtype != np.dtype(dtype):
            return None
        arrays[name] = array
    return arrays


def _work(folder: Path, config: PoolConfig, number: int) -> None:
    head = load_open()
    parent = os.getppid()
    maker = Generator(head, size=config.size, view=config.view, randomization=config.recipe)
    layout = row_layout(head, config.size)
    rows = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in layout}
    made = np.load(folder / "made.npy", mmap_mode="r+")
    share = config.capacity // config.workers
    count = int(made[number])
    while os.getppid() == parent:  # end with the trainer, however it ended
        rng = np.random.default_rng((config.seed, number, count))
        fresh = rows_of(maker.batch(rng, _BATCH))
        at = number * share + (count + np.arange(_BATCH)) % share
        for name, values in fresh.items():
            rows[name][at] = values
        count += _BATCH
        made[number] = count


def describe(config: PoolConfig) -> dict[str, object]:
    """Plain values for a model card."""
    return asdict(config)
