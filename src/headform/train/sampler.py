"""Which items of a data set a step sees: a pure function of the seed and the step's number.

N items, B samples of the global batch, W processes.
"""

import numpy as np
from jaxtyping import Int64

from headform.errors import UsageError


class EpochSampler:
    """Shuffled epochs, cut into global batches.

    Each epoch is a permutation of all items that depends on (seed, epoch) alone. Without
    `drop_last` the epochs form one endless stream and step s sees places s B to (s + 1) B of it:
    each epoch shows every item just once, every batch is full, and a batch may begin in one epoch
    and end in the next (as the reference code of Defferrard et al. 2016 and CoMA feeds its nets).
    With `drop_last` every epoch has floor(N / B) batches and what is left of its permutation is
    not shown; other items are left out the next time.

    With W processes, process r sees row r of the batch reshaped to (W, B / W): all together see
    the batch that one process alone would.

    Args:
        count: N.
        batch: B.
        seed: Of the order.
        drop_last: As above.

    Raises:
        UsageError: `dataset_small` when there is no item, or fewer than a batch with `drop_last`.
    """

    def __init__(self, count: int, batch: int, seed: int, *, drop_last: bool = False) -> None:
        if count < 1 or (drop_last and count < batch):
            what = f"{count} items make no batch of {batch}"
            raise UsageError("dataset_small", what, "", "give more items or a smaller batch")
        self.count, self.batch, self.seed, self.drop_last = count, batch, seed, drop_last
        self._length = count // batch * batch if drop_last else count
        self._kept: dict[int, Int64[np.ndarray, " N"]] = {}

    @property
    def epoch_steps(self) -> float:
        """Steps of an epoch; with `drop_last` a whole number."""
        return self._length / self.batch

    def epoch(self, step: int) -> int:
        """In which epoch, counted from 0, the first sample of a step lies."""
        return step * self.batch // self._length

    def permutation(self, epoch: int) -> Int64[np.ndarray, " N"]:
        """The order of all items in an epoch."""
        if epoch not in self._kept:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(epoch, 0)))
            self._kept = {e: p for e, p in self._kept.items() if e == epoch - 1}
            self._kept[epoch] = rng.permutation(self.count).astype(np.int64)
        return self._kept[epoch]

    def indices(self, step: int, rank: int = 0, ranks: int = 1) -> Int64[np.ndarray, " share"]:
        """One process's share of a step's batch: (B / W,) indices below N.

        Raises:
            UsageError: `batch_uneven` when W does not divide B.
        """
        share = share_of(self.batch, ranks)
        places = step * self.batch + rank * share + np.arange(share)
        epochs, within = np.divmod(places, self._length)
        chosen = [self.permutation(int(e))[within[epochs == e]] for e in range(epochs[0], epochs[-1] + 1)]
        return np.concatenate(chosen)


def share_of(batch: int, ranks: int) -> int:
    """Samples per process.

    Raises:
        UsageError: `batch_uneven`: the mean over the processes would not be the mean over the
            batch.
    """
    if batch % ranks:
        what = f"a batch of {batch} cannot be shared evenly by {ranks} processes"
        raise UsageError("batch_uneven", what, "", "choose a batch that is a multiple of them")
    return batch // ranks
