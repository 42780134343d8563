"""Traps of counting: what is counted, from where, and when it first acts."""

import jax.numpy as jnp
import numpy as np
import optax

import lectopt
from tests.support.descent import responses

f32 = np.float32
ONES = np.ones(6, f32)


def test_a_change_of_rate_acts_one_step_late_in_asgd_and_never_in_rprop():
    """As in PyTorch: ASGD moves once more after its rate has become 0; Rprop reads a schedule once.
    The average of ASGD does not touch the parameters."""
    stops = lectopt.asgd(lambda count: jnp.where(count < 3, 0.1, 0.0), lambd=0.0)
    np.testing.assert_allclose(responses(stops, ONES), [-0.1] * 4 + [0, 0], rtol=1e-6)
    scheduled = responses(lectopt.rprop(lambda count: 0.1 / (count + 1)), ONES)
    np.testing.assert_array_equal(scheduled, responses(lectopt.rprop(0.1), ONES))
    averaging = responses(lectopt.asgd(0.1, t0=2), ONES)
    np.testing.assert_array_equal(averaging, responses(lectopt.asgd(0.1, t0=1e6), ONES))


def test_accumulated_gradients_are_one_update():
    """The schedule and the bias correction count updates, not micro-batches (Keras counts the
    latter for its schedules)."""
    rate = lectopt.power_decay(0.1)
    whole = responses(lectopt.adam(rate), f32([1, 2, 3]))
    parts = responses(optax.MultiSteps(lectopt.adam(rate), 4), np.repeat(f32([1, 2, 3]), 4))
    np.testing.assert_allclose(parts[3::4], whole, rtol=1e-5)
    np.testing.assert_array_equal(np.delete(parts, np.s_[3::4]), 0)


def test_the_first_update_is_number_zero_for_schedules_and_one_for_powers():
    """The lectures' eta_1 and beta^1; ISI's beta^(t+1) counts t from 0 (S2-17). A composition has
    one count, however many of its members ask for it."""
    seen = lectopt.sgd(lambda count: 10.0 + count)
    np.testing.assert_array_equal(responses(seen, ONES), -10.0 - np.arange(6))
    np.testing.assert_allclose(
        responses(lectopt.sgd(lectopt.power_decay(1.0)), ONES), -1 / np.arange(1, 7), rtol=1e-6
    )
    counting = lectopt.scale_by_learning_rate(lambda count: 1.0 + count)
    both = lectopt.chain(lectopt.adam(1.0, eps=0.0), counting)  # Adam's steps are -1
    np.testing.assert_allclose(responses(both, ONES), np.arange(1, 7), rtol=1e-5)
    assert set(both.init(0.0)) == {"count", "ratio"} and both.init(0.0)["count"] == 0


def scales(losses, **settings):
    """The scale that each update gets, for a sequence of losses."""
    tx = lectopt.reduce_on_plateau(**{"factor": 0.5, **settings})
    state, found = tx.init(f32(0)), []
    for loss in losses:
        updates, state = tx.update(jnp.float32(1), state, value=jnp.float32(loss))
        found.append(float(updates))
    return found


FLAT = [1.0] * 9


def test_plateaus_are_counted_as_pytorch_or_as_keras_counts_them():
    """More than `patience` bad evaluations in a row, or as many; a cooldown of c, or of c - 1."""
    torch = scales(FLAT, patience=2)
    assert torch == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert scales(FLAT, patience=3, convention="keras") == torch
    assert scales(FLAT, patience=0, convention="keras") == scales(
        FLAT, patience=1, convention="keras"
    )
    cooled = scales(FLAT, patience=1, cooldown=2)
    assert cooled == [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert scales(FLAT, patience=2, cooldown=3, convention="keras") == cooled


def test_an_improvement_is_no_plateau():
    """`optax.contrib.reduce_on_plateau(patience=0)` reduces on every improvement."""
    assert scales([5, 4, 3, 2, 1], patience=0) == [1] * 5
    assert scales([1, 1, 1, 1], patience=0) == [1, 0.5, 0.25, 0.125]


def test_the_threshold_is_relative_or_absolute():
    """PyTorch's default is relative to the best loss, Keras' is not."""
    slowly = [100.0, 99.95, 99.90, 99.85]  # better by 5e-2, or by 5e-4 of the loss
    relative = dict(patience=0, threshold=1e-3)
    assert scales(slowly, **relative)[-1] < 1
    assert scales(slowly, **relative, threshold_mode="absolute") == [1] * 4
