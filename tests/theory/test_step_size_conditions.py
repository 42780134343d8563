"""Robbins and Monro's conditions on the step sizes, and what happens when they are not met."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from tests.support.descent import descend

STEPS, SEEDS = 10_000, 200
SCHEDULES = {  # with t = 1, 2, ...; whether sum eta is infinite, and sum eta^2 finite
    "1/t": (lectopt.power_decay(1.0), True, True),
    "t^-0.75": (lectopt.power_decay(1.0, 0.75), True, True),
    "0.5/sqrt(t)": (lectopt.power_decay(0.5, 0.5), True, False),
    "0.1/t": (lectopt.power_decay(0.1), True, True),
    "constant": (lectopt.constant(0.1), True, False),
    "0.5/t^2": (lectopt.power_decay(0.5, 2.0), False, True),
    "exponential": (lectopt.exponential_decay(0.1, 1 / 500), False, True),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_conditions(name):
    """S0-12: both for convergence as Robbins and Monro prove it; S3-05 asks for the first only."""
    schedule, sum_diverges, squares_converge = SCHEDULES[name]
    verdict = lectopt.satisfies_robbins_monro(schedule)
    assert verdict.sum_diverges == sum_diverges
    assert verdict.squares_converge == squares_converge
    assert bool(verdict) == (sum_diverges and squares_converge)


@pytest.fixture(scope="module")
def gaps():
    """The mean loss at t = 1000 and 10000 of `w^2/2`, sigma = 1, from w = 10, by schedule."""
    noise = jnp.asarray(np.random.default_rng(0).normal(size=(STEPS, SEEDS)), jnp.float32)
    counts = jnp.arange(STEPS)
    table = jnp.stack([jax.vmap(schedule)(counts) for schedule, *_ in SCHEDULES.values()])

    def gap(rates):
        return descend(
            lectopt.sgd(lambda count: rates[count]),
            jnp.full(SEEDS, 10.0),
            lambda w, t: w + noise[t],
            STEPS,
            every=1000,
            read=lambda w, state: jnp.mean(w**2) / 2,
        )

    found = np.asarray(jax.vmap(gap)(table))[:, [0, -1]]
    return dict(zip(SCHEDULES, found, strict=True))


def test_one_over_t_is_optimal(gaps):
    """S0-12, S0-14, S3-05: it reaches the least possible, sigma^2 / (2 h t); slower decays that
    meet S3-05 converge too, the sum of squares (Robbins and Monro) only makes them faster."""
    slack = 5 * np.sqrt(2 / SEEDS)
    assert gaps["1/t"][1] == pytest.approx(1 / (2 * STEPS), rel=slack)
    # eta / (4 (1 - eta/2)), slowly varying: the stationary loss of a constant rate follows it down.
    assert gaps["t^-0.75"][1] == pytest.approx(STEPS**-0.75 / 4, rel=slack)
    assert gaps["0.5/sqrt(t)"][1] == pytest.approx(0.5 * STEPS**-0.5 / 4, rel=slack)


def test_one_over_t_is_optimal_only_with_the_right_constant(gaps):
    """S0-12: c/t with c < 1/(2 h) is slower than any of them, (1/t)^(2 c h)."""
    assert gaps["0.1/t"][1] > 1
    assert gaps["0.1/t"][0] / gaps["0.1/t"][1] == pytest.approx(10**0.2, rel=0.1)


def test_a_constant_rate_stalls(gaps):
    """S3-04, S0-10, S3-02: at eta sigma^2 / (2 (2 - eta))."""
    slack = 5 * np.sqrt(2 / SEEDS)
    np.testing.assert_allclose(gaps["constant"], 0.1 / (2 * 1.9), rtol=slack)


def test_a_finite_sum_stops_short(gaps):
    """S0-12, S3-05, S3-06: when the sum is finite, no new data moves the weights any more."""
    for name in ("0.5/t^2", "exponential"):
        early, late = gaps[name]
        assert late > 4 * gaps["1/t"][1]
    assert gaps["0.5/t^2"][1] == pytest.approx(gaps["0.5/t^2"][0], rel=1e-2)
    assert gaps["0.5/t^2"][1] > 5
