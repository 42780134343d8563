"""A schedule of an array of counts, as one draws it, is the schedule of each."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.dialects import keras, torch
from tests.schedules.samples import SAMPLES
from tests.support.sampling import sampled


@pytest.mark.parametrize("name", sampled(SAMPLES, 3))
def test_every_schedule_is_elementwise(name):
    schedule, counts = SAMPLES[name], np.arange(12)
    one_by_one = np.array([schedule(int(count)) for count in counts])
    for many in (counts, jnp.arange(12), jnp.arange(12).reshape(3, 4)):
        values = schedule(many)
        assert values.shape == many.shape and values.dtype == jnp.float32
        rounding = 1e-7 * np.abs(one_by_one).max()  # of 1 + cos, near its zero
        np.testing.assert_allclose(values.ravel(), one_by_one, rtol=1e-6, atol=rounding)


def test_as_many_counts_as_boundaries():
    """Which could be compared, one by one, without an error."""
    np.testing.assert_allclose(torch.MultiStepLR(0.1, [1, 2])(jnp.arange(2)), [0.1, 0.01])
    piecewise = keras.PiecewiseConstantDecay([1, 2], [0.3, 0.2, 0.1])
    np.testing.assert_allclose(piecewise(jnp.arange(2)), [0.3, 0.3])
    np.testing.assert_allclose(piecewise(jnp.arange(4)), [0.3, 0.3, 0.2, 0.1])


def test_every_schedule_is_there():
    assert len(SAMPLES) > 40 and {"torch.MultiStepLR", "keras.CosineDecay"} < set(SAMPLES)
    own = {name for name in lectopt.schedules.__all__ if name[0].islower()}
    other = {"satisfies_robbins_monro", "scale_learning_rate", "schedule"}
    assert {name.rpartition(".")[2] for name in SAMPLES} >= own - other
