"""Ring buffer of synthetic faces on disk, filled by generator processes while a trainer draws from it.

N capacity, S side of the pictures, P dense points, K identity modes, E expressions.

The ring is a folder of memory-mapped arrays, one row per synthetic face; each worker owns a slice of the rows and overwrites
its oldest. The faces of a worker depend only on the seed, its number and its batch count.
"""

import os
import time
from collections.abc import Iterator
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
"""Fields of a stage's configuration that may change when a run is resumed."""

_BATCH = 32


@dataclass(frozen=True)
class PoolConfig:
    """Configuration of the synthetic faces and of the ring buffer.

    Attributes:
        view: crop of the pictures.
        size: side of the pictures in pixels.
        randomization: distribution of the synthetic faces.
        capacity: rows of the ring.
        workers: number of generator processes.
        seed: first component of every worker's seed.
        classes: store the class of each pixel in place of all labels but the points.
    """

    view: View
    size: int
    randomization: RandomizationConfig
    capacity: int = 40_000
    workers: int = 1
    seed: int = 0
    classes: bool = False


def part_of_run(config: PoolConfig, seconds: float, rank: int) -> PoolConfig:
    """Return the pool configuration of a part of a run: new faces after each resumption and in each process.

    Args:
        config: Pool configuration of the whole run.
        seconds: Seconds of training before this part.
        rank: Rank of the training process.
    """
    return replace(config, seed=config.seed + 1000 * round(seconds) + 10_000_019 * rank)


def row_layout(head: LinearHead, config: PoolConfig) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and dtype of one row of each array of the ring."""
    points, size = len(head.dense), config.size
    if config.classes:
        return {
            "images": ((size, size, 3), "u1"),
            "points": ((points, 2), "f4"),
            "classes": ((size, size), "u1"),
        }
    return {
        "images": ((size, size, 3), "u1"),
        "points": ((points, 2), "f4"),
        "visible": ((points,), "u1"),
        "skin": ((size // 2, size // 2), "u1"),
        "identity": ((len(head.identity),), "f4"),
        "expression": ((len(head.expression),), "f4"),
        "gaze": ((2,), "f4"),
        "rotation": ((3, 3), "f4"),
    }


def rows_of(batch: SyntheticBatch, *, classes: bool = False) -> dict[str, np.ndarray]:
    """Convert a rendered batch to rows, with the classes or with all other labels; the mask is stored at half size."""
    if classes:
        return {"images": batch.images, "points": batch.points, "classes": batch.classes}
    skin = batch.skin
    half = skin.reshape(len(skin), skin.shape[1] // 2, 2, skin.shape[2] // 2, 2).mean((2, 4))
    return {
        "images": batch.images,
        "points": batch.points,
        "visible": batch.visible,
        "skin": half.astype(np.uint8),
        "identity": batch.identity,
        "expression": batch.expression,
        "gaze": batch.gaze,
        "rotation": batch.rotation,
    }


class RenderPool:
    """Ring buffer with its generator processes, which run inside a ``with`` block.

    Args:
        folder: folder of the memory-mapped arrays; removed by the caller.
        head: head model of the synthetic faces.
        config: configuration of faces and ring.
        keep: reuse the faces that an interrupted run left in `folder`, if their layout is the same.
    """

    def __init__(self, folder: Path, head: LinearHead, config: PoolConfig, *, keep: bool = False) -> None:
        self.folder, self.config = folder, config
        folder.mkdir(parents=True, exist_ok=True)
        layout = {
            name: ((config.capacity, *shape), dtype) for name, (shape, dtype) in row_layout(head, config).items()
        } | {"made": ((config.workers,), "i8")}
        arrays = _opened(folder, layout) if keep else None
        if arrays is None:
            arrays = {
                name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
                for name, (shape, dtype) in layout.items()
            }
        self._counts = arrays.pop("made")
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
            if worker.exitcode is None:  # a paused process does not handle SIGTERM
                worker.kill()
                worker.join()

    @property
    def made(self) -> int:
        """Number of faces rendered so far, including overwritten ones."""
        return int(self._counts.sum())

    def wait_for(self, count: int, *, timeout: float = 1800.0) -> None:
        """Block until `count` faces have been rendered.

        Raises:
            ResourceError: ``worker_died`` or ``worker_slow``.
        """
        start = time.monotonic()
        while self.made < count:
            if any(w.exitcode is not None for w in self._workers):
                raise ResourceError(
                    "worker_died",
                    "a generator process ended unexpectedly",
                    "synthetic faces",
                    "see its error above",
                )
            if time.monotonic() - start > timeout:
                raise ResourceError(
                    "worker_slow",
                    f"only {self.made} of {count} faces were rendered in {timeout:.0f} s",
                    "synthetic faces",
                )
            time.sleep(0.2)

    def draw(self, rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Draw rows uniformly from those filled so far."""
        share = self.config.capacity // self.config.workers
        filled = np.minimum(np.asarray(self._counts), share)
        index = _spread(rng.integers(0, int(filled.sum()), count), filled, share)
        index.sort()
        return {name: np.asarray(values[index]) for name, values in self.rows.items()}


def _spread(flat: Int[np.ndarray, " B"], filled: Int[np.ndarray, " W"], share: int) -> Int[np.ndarray, " B"]:
    """Map positions among all filled rows to rows of the ring."""
    ends = np.cumsum(filled)
    worker = np.searchsorted(ends, flat, side="right")
    return np.asarray(worker * share + flat - (ends - filled)[worker])


def _opened(folder: Path, layout: dict[str, tuple[tuple[int, ...], str]]) -> dict[str, np.ndarray] | None:
    """Open the arrays of an earlier run, writable; None unless all are present with the expected layout."""
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
    parent = os.getppid()
    for _ in filled(folder, config, number):
        if os.getppid() != parent:  # end with the trainer, however it ended
            return


def filled(folder: Path, config: PoolConfig, number: int) -> Iterator[int]:
    """Render batches of faces into a worker's part of the ring, and yield the number of its faces after each."""
    head = load_open()
    generator = Generator(head, size=config.size, view=config.view, randomization=config.randomization)
    layout = row_layout(head, config)
    rows = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in layout}
    counts = np.load(folder / "made.npy", mmap_mode="r+")
    share = config.capacity // config.workers
    count = int(counts[number])
    while True:
        rng = np.random.default_rng((config.seed, number, count))
        fresh = rows_of(generator.batch(rng, _BATCH), classes=config.classes)
        at = number * share + (count + np.arange(_BATCH)) % share
        for name, values in fresh.items():
            rows[name][at] = values
        count += _BATCH
        counts[number] = count
        yield count


def describe(config: PoolConfig) -> dict[str, object]:
    """Return the configuration as plain values for a model card."""
    return asdict(config)
