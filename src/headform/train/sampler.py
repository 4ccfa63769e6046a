"""Shuffled batches of a data set, as a pure function of the seed and the step number.

N items, B samples of the global batch, W processes.
"""

import numpy as np
from jaxtyping import Int64

from headform.errors import UsageError


class EpochSampler:
    """Shuffled epochs, cut into global batches.

    Each epoch is a permutation of all items that depends on (seed, epoch) alone. Without
    `drop_last` the epochs form one endless stream and step s uses positions s B to (s + 1) B of it:
    each epoch contains every item exactly once, every batch is full, and a batch may begin in one epoch
    and end in the next (as in the reference code of Defferrard et al. 2016 and of CoMA).
    With `drop_last` every epoch has floor(N / B) batches and the rest of its permutation is
    skipped; the next epoch skips other items.

    With W processes, process r uses row r of the batch reshaped to (W, B / W): together they use
    the batch of a single process.

    Args:
        count: Number N of items.
        batch: Size B of the global batch.
        seed: Seed of the permutations.
        drop_last: True to drop the incomplete last batch of each epoch.

    Raises:
        UsageError: `dataset_small` when there are no items, or fewer than a batch with `drop_last`.
    """

    def __init__(self, count: int, batch: int, seed: int, *, drop_last: bool = False) -> None:
        if count < 1 or (drop_last and count < batch):
            what = f"the data set has {count} items, too few for a batch of {batch}"
            raise UsageError("dataset_small", what, "", "use more items or a smaller batch")
        self.count, self.batch, self.seed, self.drop_last = count, batch, seed, drop_last
        self._length = count // batch * batch if drop_last else count
        self._kept: dict[int, Int64[np.ndarray, " N"]] = {}

    @property
    def epoch_steps(self) -> float:
        """Steps per epoch; an integer with `drop_last`."""
        return self._length / self.batch

    def epoch(self, step: int) -> int:
        """Return the epoch, counted from 0, of the first sample of a step."""
        return step * self.batch // self._length

    def permutation(self, epoch: int) -> Int64[np.ndarray, " N"]:
        """Return the order of all items in an epoch."""
        if epoch not in self._kept:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, 0)))
            self._kept = {e: p for e, p in self._kept.items() if e == epoch - 1}
            self._kept[epoch] = rng.permutation(self.count).astype(np.int64)
        return self._kept[epoch]

    def indices(self, step: int, rank: int = 0, ranks: int = 1) -> Int64[np.ndarray, " share"]:
        """Return the share of one process of the batch of a step: (B / W,) indices below N.

        Raises:
            UsageError: `batch_uneven` when W does not divide B.
        """
        share = share_of(self.batch, ranks)
        places = step * self.batch + rank * share + np.arange(share)
        epochs, within = np.divmod(places, self._length)
        chosen = [self.permutation(int(e))[within[epochs == e]] for e in range(epochs[0], epochs[-1] + 1)]
        return np.concatenate(chosen)


def share_of(batch: int, ranks: int) -> int:
    """Return the number of samples per process.

    Raises:
        UsageError: `batch_uneven`: the mean over the processes would not be the mean over the
            batch.
    """
    if batch % ranks:
        what = f"a batch of {batch} cannot be split evenly into {ranks} parts (processes times accumulation)"
        raise UsageError("batch_uneven", what, "", f"choose a batch that is a multiple of {ranks}")
    return batch // ranks
