"""A warm-up before every other schedule: the line, the seam, the peak and the end."""

import importlib.util
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import cosine_decay, exponential_decay, join, warmup, with_warmup
from lectopt.dialects import keras
from tests.schedules.rows import COUNTS, ROWS
from tests.schedules.samples import SAMPLES
from tests.support import twins
from tests.support.sampling import sampled

PEAK, RISE, FALL = 3e-3, 21, 42


@pytest.mark.parametrize("name", sampled(SAMPLES, 3))
def test_before_every_schedule(name):
    """Up to its first value in a line, and from there its own values to the last bit."""
    following, init = SAMPLES[name], 0.01
    own = np.asarray(following(np.arange(30)))
    values = np.asarray(with_warmup(following, 5, init)(np.arange(35)))
    np.testing.assert_array_equal(values[5:], own)
    np.testing.assert_allclose(values[:6], np.linspace(init, own[0], 6), rtol=1e-6)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.usefixtures("x64")
def test_is_the_twin_of_both(name):
    make, numbers, twin, letters = ROWS[name]
    letters = {letters.get(k, k): v for k, v in numbers.items()}
    letters.pop(None, None)
    follows = partial(twin, **letters)
    line = partial(twins.warmup, peak=follows(np.array(0)), total=RISE)
    expected = [twins.joined(t, parts=[line, follows], boundaries=(RISE,)) for t in COUNTS]
    ours = with_warmup(make(**numbers), RISE)(COUNTS)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_a_share_of_the_updates_rises_and_a_cosine_falls_over_the_rest():
    for given, rise in ((0.1, 20), (30, 30), (0, 0), (0.052, 10)):
        ours = lectopt.warmup_cosine(PEAK, 200, given, 1e-4)
        theirs = optax.warmup_cosine_decay_schedule(0.0, PEAK, rise, 200, 1e-4)
        np.testing.assert_allclose(ours(COUNTS), theirs(COUNTS), rtol=1e-5, atol=1e-9)
    assert lectopt.warmup_cosine(PEAK, 200) == with_warmup(cosine_decay(PEAK, 190), 10)


WHOLE = {
    "cosine": (
        with_warmup(cosine_decay(PEAK, FALL, 1e-4), RISE, 1e-3),
        optax.warmup_cosine_decay_schedule(1e-3, PEAK, RISE, RISE + FALL, 1e-4),
    ),
    "exponential": (
        with_warmup(exponential_decay(PEAK, -np.log(0.9), steps_per_epoch=5), RISE),
        optax.warmup_exponential_decay_schedule(0.0, PEAK, RISE, 5, 0.9),
    ),
    "staircase": (
        with_warmup(lectopt.step_decay(PEAK, 0.9, 5), RISE),
        optax.warmup_exponential_decay_schedule(0.0, PEAK, RISE, 5, 0.9, staircase=True),
    ),
    "constant": (with_warmup(PEAK, RISE), optax.warmup_constant_schedule(0.0, PEAK, RISE)),
    "linear": (
        with_warmup(warmup(0.0, FALL, PEAK), RISE),
        optax.join_schedules(
            [optax.linear_schedule(0.0, PEAK, RISE), optax.linear_schedule(PEAK, 0.0, FALL)], [RISE]
        ),
    ),
    "polynomial": (
        with_warmup(keras.PolynomialDecay(PEAK, FALL, 1e-4, 2.0), RISE),
        optax.join_schedules(
            [
                optax.linear_schedule(0.0, PEAK, RISE),
                optax.polynomial_schedule(PEAK, 1e-4, 2.0, FALL),
            ],
            [RISE],
        ),
    ),
    "warm-up, stable, decay": (
        with_warmup(join((PEAK, cosine_decay(PEAK, FALL)), (50,)), RISE),
        optax.join_schedules(
            [
                optax.linear_schedule(0.0, PEAK, RISE),
                optax.constant_schedule(PEAK),
                optax.cosine_decay_schedule(PEAK, FALL),
            ],
            [RISE, RISE + 50],
        ),
    ),
    "one cycle": (
        join((cosine_decay(PEAK / 25, RISE, PEAK), cosine_decay(PEAK, FALL, PEAK / 25e4)), (RISE,)),
        optax.cosine_onecycle_schedule(RISE + FALL, PEAK, RISE / (RISE + FALL)),
    ),
    "one straight cycle": (
        with_warmup(warmup(PEAK / 1e4, FALL, PEAK), RISE, PEAK / 25),
        optax.linear_onecycle_schedule(RISE + FALL, PEAK, RISE / (RISE + FALL), 1.0),
    ),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.usefixtures("x64")
def test_is_optaxs(name):
    ours, theirs = WHOLE[name]
    expected = jax.vmap(theirs)(jnp.asarray(COUNTS))
    np.testing.assert_allclose(ours(COUNTS), expected, rtol=1e-12, atol=1e-18)
    assert ours(RISE) == PEAK == np.max(ours(COUNTS))


@pytest.mark.usefixtures("x64")
def test_is_pytorchs_sequence_of_two():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: nothing to compare with")
    import torch

    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK)
    schedulers = torch.optim.lr_scheduler
    parts = [
        schedulers.LinearLR(sgd, start_factor=0.25, total_iters=RISE),
        schedulers.CosineAnnealingLR(sgd, T_max=FALL),
    ]
    whole, rates = schedulers.SequentialLR(sgd, parts, milestones=[RISE]), []
    for _ in range(RISE + FALL):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        whole.step()
    ours = with_warmup(cosine_decay(PEAK, FALL), RISE, PEAK / 4)(np.arange(RISE + FALL))
    np.testing.assert_allclose(ours, rates, rtol=1e-9)


def test_a_schedule_inside_a_warm_up_has_fallen_before_the_peak():
    """What `with_warmup` is for: the schedule inside `warmup` counts from 0."""
    inside = warmup(cosine_decay(PEAK, RISE + FALL), RISE)(COUNTS)
    np.testing.assert_allclose(np.max(inside), 0.75 * PEAK, rtol=1e-6)
    assert np.max(with_warmup(cosine_decay(PEAK, FALL), RISE)(COUNTS)) == np.float32(PEAK)


def test_without_a_warm_up_and_with_traced_numbers():
    falling = cosine_decay(PEAK, FALL)
    np.testing.assert_array_equal(with_warmup(falling, 0)(COUNTS), falling(COUNTS))
    lanes = jax.vmap(lambda steps: with_warmup(falling, steps)(COUNTS))(jnp.array([7, RISE]))
    for lane, steps in zip(lanes, (7, RISE), strict=True):
        np.testing.assert_allclose(lane, with_warmup(falling, steps)(COUNTS), rtol=1e-6)


def test_prints_and_falls_as_what_follows():
    schedule = with_warmup(lectopt.power_decay(0.1, 0.6), 10)
    assert repr(schedule) == "with_warmup(schedule=power_decay(init=0.1, power=0.6), steps=10)"
    assert eval(repr(schedule), vars(lectopt)) == schedule
    assert lectopt.satisfies_robbins_monro(schedule).proved
    with pytest.raises(ValueError, match="with_warmup: steps must lie in .*steps=100"):
        with_warmup(0.1, -1)
    with pytest.raises(TypeError, match="schedule must be a number.* got 'cosine'"):
        with_warmup("cosine", 10)
