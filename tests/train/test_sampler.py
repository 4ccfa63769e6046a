"""The order of the data: every item once an epoch, a function of the step, shared out without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.errors import UsageError
from headform.train.sampler import EpochSampler, share_of


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5))
def test_a_stream_shows_every_item_once_an_epoch(count: int, batch: int, seed: int) -> None:
    sampler = EpochSampler(count, batch, seed)
    steps = -(-3 * count // batch)
    stream = np.concatenate([sampler.indices(step) for step in range(steps)])
    assert len(stream) == steps * batch
    for epoch in range(3):
        part = stream[epoch * count : (epoch + 1) * count]
        np.testing.assert_array_equal(np.sort(part), np.arange(count))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 5))
def test_dropping_the_last_leaves_out_less_than_a_batch(count: int, batch: int, seed: int) -> None:
    batch = min(batch, count)
    sampler = EpochSampler(count, batch, seed, drop_last=True)
    steps = int(sampler.epoch_steps)
    assert steps == count // batch
    for epoch in range(3):
        every = [sampler.indices(epoch * steps + k) for k in range(steps)]
        shown = np.concatenate(every)
        assert len(np.unique(shown)) == len(shown) == count - count % batch
        assert sampler.epoch(epoch * steps) == sampler.epoch((epoch + 1) * steps - 1) == epoch


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    sampler = EpochSampler(30, 8, 1)
    forwards = [sampler.indices(k) for k in range(20)]
    backwards = [EpochSampler(30, 8, 1).indices(k) for k in reversed(range(20))][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    np.testing.assert_array_equal(sampler.indices(3), forwards[3])
    assert not np.array_equal(EpochSampler(30, 8, 2).indices(0), forwards[0])
    assert not np.array_equal(sampler.permutation(0), sampler.permutation(1))


@pytest.mark.parametrize("ranks", [1, 2, 3, 6])
def test_the_shares_are_the_batch(ranks: int) -> None:
    sampler = EpochSampler(20, 12, 0)
    for step in range(5):
        shares = [sampler.indices(step, rank, ranks) for rank in range(ranks)]
        assert {len(share) for share in shares} == {12 // ranks}
        np.testing.assert_array_equal(np.concatenate(shares), sampler.indices(step))


def test_uneven_shares_and_small_data_are_refused() -> None:
    for make, code in (
        (lambda: share_of(9, 2), "batch_uneven"),
        (lambda: EpochSampler(20, 9, 0).indices(0, 1, 2), "batch_uneven"),
        (lambda: EpochSampler(8, 9, 0, drop_last=True), "dataset_small"),
        (lambda: EpochSampler(0, 9, 0), "dataset_small"),
    ):
        with pytest.raises(UsageError) as caught:
            make()
        assert caught.value.code == code
