"""The learning rate range test: against the same loop in NumPy, and what it says of stability."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt import Problem
from lectopt.training import learning_rate_range_test
from lectopt.training.range_test import read_range_test

pytestmark = pytest.mark.usefixtures("fast_compilation")
H = np.array([1.0, 10.0])


def quadratic(noise=0.0, n=64):
    draws = noise * np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    return Problem(
        lambda key: jnp.ones(2),
        lambda w, batch, key: (jnp.asarray(H, w.dtype)[None] * (w[None] - batch) ** 2).sum(-1) / 2,
        {"train": draws},
    )


def by_hand(rates):
    """Losses of descent on the quadratic, and their bias-corrected average over ten steps."""
    w, losses, smoothed, m = np.ones(2), [], [], 0.0
    for t, rate in enumerate(rates, 1):
        losses.append((H * w**2).sum() / 2)
        m = 0.9 * m + 0.1 * losses[-1]
        smoothed.append(m / (1 - 0.9**t))
        w = w - rate * H * w
    return np.array(losses), np.array(smoothed)


def test_it_is_descent_with_a_growing_rate():
    rates = np.geomspace(1e-4, 10, 80)
    found = learning_rate_range_test(quadratic(), lectopt.sgd, 1e-4, 10.0, 80)
    losses, smoothed = by_hand(rates)
    n = len(found.table)
    assert found.table.columns.tolist() == ["learning_rate", "loss", "smoothed"]
    np.testing.assert_allclose(found.table.learning_rate, rates[:n], rtol=1e-5)
    np.testing.assert_allclose(found.table.loss, losses[:n], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.table.smoothed, smoothed[:n], rtol=1e-3)
    assert (smoothed[:n] <= losses[0] * 1.0001).all() and smoothed[n] > losses[0]
    assert found.diverged == pytest.approx(rates[n], rel=1e-5) and found.diverged > 2 / H[1]
    assert found.steepest < found.lowest < found.diverged
    assert found.lowest == pytest.approx(rates[smoothed[:n].argmin()], rel=1e-5)
    assert f"diverged={rates[n]:.3g}" in repr(found)


def test_another_optimizer_and_where_to_begin():
    """Adam's rates do not depend on the scale of the loss; from weights that are the best ones
    nothing falls."""
    maker = lambda rate: lectopt.chain(lectopt.clip_by_global_norm(1.0), lectopt.adam(rate))  # noqa: E731
    found = learning_rate_range_test(quadratic(0.3), maker, 1e-5, 1e-3, 40)
    assert found.diverged is None and len(found.table) == 40 and "not reached" in repr(found)
    best = {"params": quadratic(0.3).data["train"].mean(0)}
    still = learning_rate_range_test(quadratic(0.3), lectopt.sgd, 1e-5, 1e-3, 40, start=best)
    assert math.isnan(still.lowest) and math.isnan(still.steepest)


def test_losses_that_stop_being_finite():
    rates, bad = np.geomspace(1e-3, 1, 20), np.arange(20) == 15
    losses = np.r_[np.full(10, 1.0), np.linspace(0.9, 0.4, 5), [0.3, np.nan, 9, 9, 9]]
    found = read_range_test(rates, losses, bad)
    assert found.diverged == rates[15] and len(found.table) == 15
    losses[15] = np.nan
    assert read_range_test(rates, losses, bad & False).diverged == rates[15]
    again = np.r_[np.linspace(1.0, 0.2, 10), np.linspace(0.3, 0.9, 7), [0.4, 0.3, 0.3]]
    found = read_range_test(rates, again, bad & False)
    assert found.steepest <= found.lowest < rates[14] and found.diverged is None
    first = read_range_test(rates, np.full(20, np.nan), bad | True)
    assert first.diverged == rates[0] and len(first.table) == 0 and math.isnan(first.lowest)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(low=0.0), "0 < low < high, got low=0.0"),
        (dict(low=1.0, high=0.1), "got low=1.0 and high=0.1"),
        (dict(high=math.inf), "high=inf"),
        (dict(steps=9), "at least 10, got 9"),
        (dict(maker=lectopt.adam(0.1)), "wanted a function of the learning rate"),
        (dict(maker=lambda rate: None), "wanted an optimizer"),
    ],
)
def test_what_it_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        learning_rate_range_test(**{"problem": quadratic(), "maker": lectopt.sgd, **arguments})
