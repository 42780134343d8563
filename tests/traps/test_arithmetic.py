"""Traps of arithmetic: what rounds below zero, divides by zero or loses its digits.

The tests of this folder are the mistakes that re-implementations of these algorithms make, each
with a test that catches it. Nothing to test here: two code paths of one optimizer, learning rates
rounded to `floatx` (Keras has them), and names that mean something else elsewhere (another
library's ASGD is no averaged SGD; the lectures' Greek letters clash, which `lectopt` avoids by
using none).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins
from tests.support.descent import responses

f32 = np.float32


@jax.jit
def centred_steps(g):
    """For a gradient that shrinks to `g` and stays there: whether all updates are finite, and
    whether rounding ever made the mean square smaller than the squared mean."""
    forms = [
        lectopt.rmsprop(0.1, decay, eps, eps_placement=where, centered=True)
        for decay in (0.9, 0.95)
        for eps, where in ((1e-8, "inside"), (1e-7, "inside"), (1e-8, "outside"), (0.0, "inside"))
    ]

    def update(states, factor):
        results = [tx.update(factor * g, state) for tx, state in zip(forms, states, strict=True)]
        states = [state for _, state in results]
        finite = jnp.stack([jnp.isfinite(updates) for updates, _ in results])
        nu, mu = optax.tree.get(states[0], "nu"), optax.tree.get(states[0], "mu")
        return states, (jnp.all(finite), nu < jax.lax.optimization_barrier(mu * mu))

    factors = jnp.where(jnp.arange(1000) < 20, 3.0, 1.0)
    _, (finite, negative) = jax.lax.scan(update, [tx.init(g) for tx in forms], factors)
    return jnp.all(finite), jnp.any(negative, axis=0)


def test_a_centred_variance_is_never_negative():
    """`nu - mu^2` of a nearly constant gradient rounds below 0, and epsilon in the root is no
    protection once g^2 1e-7 > epsilon."""
    g = jnp.asarray(10 ** np.random.default_rng(0).uniform(-3, 3, 2000), jnp.float32)
    finite, negative = centred_steps(g)
    assert np.mean(negative) > 0.5  # the trap is there
    assert finite


WITHOUT_EPS = {
    "adagrad": lectopt.adagrad(0.1, initial_accumulator_value=0.0, eps=0.0),
    "adadelta": lectopt.adadelta(0.1, eps=0.0),
    "rmsprop": lectopt.rmsprop(0.1, eps=0.0),
    "rmsprop centred": lectopt.rmsprop(0.1, eps=0.0, centered=True, momentum=0.9),
    "adam": lectopt.adam(0.1, eps=0.0),
    "adam inside": lectopt.adam(0.1, eps=0.0, eps_placement="inside"),
    "adam hat": lectopt.adam(0.1, eps=0.0, eps_placement="uncorrected"),
    "adamw": lectopt.adamw(0.1, eps=0.0),
    "adamax": lectopt.adamax(0.1, eps_placement="none"),
    "amsgrad": lectopt.amsgrad(0.1, eps=0.0, maximum_of="uncorrected"),
    "nadam": lectopt.nadam(0.1, eps=0.0, momentum_decay=4e-3),
    "radam": lectopt.radam(0.1, eps=0.0),
    "default eps": lectopt.adam(0.1),  # which is 0 in float16
    "snr": lectopt.snr_sgd(1.0, warmup=2),
}


def test_a_weight_that_never_had_a_gradient_is_not_nan():
    """0/0 without epsilon, and epsilon is 0 in float16; also when the gradient comes late."""
    weights = {dtype: jnp.zeros(2, dtype) for dtype in ("float16", "float32")}

    @jax.jit
    def run(late):
        def update(states, g):
            grads = {k: jnp.stack([0 * g, g]).astype(k) for k in weights}
            results = {k: tx.update(grads, states[k], weights) for k, tx in WITHOUT_EPS.items()}
            return {k: r[1] for k, r in results.items()}, {k: r[0] for k, r in results.items()}

        return jax.lax.scan(update, {k: t.init(weights) for k, t in WITHOUT_EPS.items()}, late)[1]

    for name, updates in run(f32([0, 0, 0, 0, 1, 1, 0, 0])).items():
        for dtype, u in updates.items():
            u = np.asarray(u, np.float32)
            assert np.isfinite(u).all(), (name, dtype)
            np.testing.assert_array_equal(u[:, 0], 0, err_msg=name)
            np.testing.assert_array_equal(u[:4, 1], 0, err_msg=name)
            if name != "adadelta":  # whose epsilon is its first step
                assert (u[4:6, 1] < 0).all(), (name, dtype)


@pytest.mark.usefixtures("x64")
def test_scalars_of_the_state_are_as_wide_as_the_weights():
    """PyTorch keeps NAdam's product and ASGD's rate in float32 beside float64 weights: 1e-8 off."""
    g = np.random.default_rng(0).normal(size=(60, 3))
    for tx, twin in (
        (lectopt.nadam(0.1, momentum_decay=4e-3), twins.nadam_torch),
        (lectopt.asgd(0.1, lambd=0.1), lambda *a: twins.asgd_torch(*a, lambd=0.1)),
        (lectopt.radam(0.1, eps_placement="uncorrected"), twins.radam),
    ):
        state, theta, path = tx.init(jnp.ones(3)), jnp.ones(3), []
        step = jax.jit(tx.update)
        for gradient in g:
            updates, state = step(jnp.asarray(gradient), state, theta)
            theta = theta + updates
            path.append(theta)
        expected = twin(np.ones(3), lambda w, t: g[t], lambda t: 0.1, 60)
        np.testing.assert_allclose(path, expected, rtol=1e-11)


@pytest.mark.usefixtures("x64")
def test_counts_are_not_divided_in_float32():
    """JAX divides int32 by int32 in float32, under x64 too: beside float64 weights the quotients of
    a schedule or an average would be 1e-8 off."""
    count = jnp.int32(3)
    for schedule, value in (
        (lectopt.inverse_time_decay(1.0, 0.3, 7), 1 / (1 + 0.3 * 3 / 7)),
        (lectopt.exponential_decay(1.0, 0.3, steps_per_epoch=7), np.exp(-0.3 * 3 / 7)),
        (lectopt.power_decay(1.0, 1), 1 / 4),
        (lectopt.cosine_decay(1.0, 7), (1 + np.cos(np.pi * 3 / 7)) / 2),
        (lectopt.triangular(0.0, 1.0, 7), 3 / 7),
    ):
        np.testing.assert_allclose(schedule(count), value, rtol=1e-14, err_msg=repr(schedule))
    for scheme in (lectopt.averaging.uniform(), lectopt.averaging.polynomial_decay(0)):
        tx, w = lectopt.average_params(scheme), jnp.float64(0)
        state = tx.init(w)
        for _ in range(3):
            _, state = tx.update(jnp.float64(1), state, w)
            w = w + 1
        mean = lectopt.evaluation_params(state, w)
        np.testing.assert_allclose(mean, 2, rtol=1e-14, err_msg=repr(scheme))


@pytest.mark.parametrize("b2", [0.999, 0.9999])
def test_the_bias_correction_keeps_all_digits_of_float32(b2):
    """`1 - b2**t` in float32 is 2e-5 (b2 = 0.999) or 2e-4 (0.9999) off in the first steps. The
    gradients have one sign, so that nothing else cancels."""
    g = np.random.default_rng(0).uniform(0.5, 1.5, size=(1500, 5)).astype(f32)
    path = twins.adam_kingma(np.zeros(5), lambda w, t: g[t], lambda t: 1.0, 1500, b2=b2, eps=0)
    exact = np.diff(path, axis=0, prepend=np.zeros((1, 5)))
    ours = responses(lectopt.adam(1.0, b2=b2, eps=0.0), g)
    assert ours.dtype == jnp.float32
    # 1500 roundings of nu, of 6e-8 each, add up like a random walk.
    np.testing.assert_allclose(ours, exact, rtol=1e-6)
    naive = responses(optax.adam(1.0, b2=b2, eps=0.0), g)
    assert np.abs(naive / exact - 1).max() > 1e-5  # the trap is there
