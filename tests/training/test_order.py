"""Batches: which samples a step sees."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lectopt.training import batch_indices
from lectopt.training.order import Batches

N = 11


def seen(order, last_batch, steps, begin=0, batch_size=3):
    """What a loop from `begin` sees in its steps, a list of sets of samples."""
    batches, key = Batches(N, batch_size, order, last_batch), jax.random.key(3)
    carried, found = batches.carried(), []
    mark = jnp.zeros(N, int)
    for step in map(jnp.int32, range(begin, begin + steps)):
        carried = batches.at(key, step, jnp.int32(begin), carried)
        function = lambda batch: mark.at[batch].add(1)  # noqa: E731
        found.append(np.asarray(batches.apply(function, jnp.arange(N), key, step, carried)))
    return np.array(found)


def test_an_epoch_that_is_shuffled_is_the_public_function():
    found = seen("shuffled", "drop", 7)
    for step, counts in enumerate(found):
        samples = np.asarray(batch_indices(jax.random.key(3), step, N, 3))
        assert sorted(samples) == np.flatnonzero(counts).tolist()


@pytest.mark.parametrize("order", ["shuffled", "sequential"])
def test_a_last_batch_that_is_kept_has_what_is_left(order):
    found = seen(order, "keep", 8)
    assert found.sum(axis=1).tolist() == [3, 3, 3, 2] * 2
    assert (found[:4].sum(axis=0) == 1).all() and (found[4:].sum(axis=0) == 1).all()
    assert seen(order, "drop", 3).sum(axis=1).tolist() == [3, 3, 3]
    whole = seen(order, "keep", 2, batch_size=N)
    assert (whole == 1).all()


def test_sequential_is_as_the_samples_stand():
    assert [np.flatnonzero(x).tolist() for x in seen("sequential", "keep", 4)] == [
        [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10],
    ]  # fmt: skip


def test_with_replacement_every_sample_is_as_likely_in_every_batch():
    found = seen("replacement", "drop", 600)
    assert found.max() > 1  # twice in one batch
    share = found.sum(axis=0) / (600 * 3)
    assert np.abs(share - 1 / N).max() < 5 * np.sqrt(1 / N / 1800)


@pytest.mark.parametrize("order", ["shuffled", "sequential", "replacement"])
def test_a_step_sees_the_same_wherever_the_loop_begins(order):
    found = seen(order, "keep", 9)
    np.testing.assert_array_equal(seen(order, "keep", 4, begin=5), found[5:])
