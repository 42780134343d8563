"""The signal-to-noise rule: its statistics, its windows, and what it does to noisy quadratics."""

import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import lectopt
from tests.benchmarks.snr_quadratics import PROBLEMS, SNR, losses, mean_and_diverged

PARAMS = {"a": {"w": jnp.ones((3, 2))}, "window": jnp.ones(2), "none": None}


def fed(tx, gradients, read=lambda state: state):
    """`read(state)` and the update after every gradient of a sequence, for one weight vector."""
    gradients = jnp.asarray(gradients)

    def update(state, g):
        updates, state = tx.update(g, state)
        return state, (read(state), updates)

    return jax.jit(lambda: jax.lax.scan(update, tx.init(gradients[0]), gradients)[1])()


def trained(tx, params=PARAMS, steps=8):
    """The state after a few updates with noisy gradients."""
    state, random = tx.init(params), np.random.default_rng(0)
    update = jax.jit(tx.update)
    for _ in range(steps):
        grads = jax.tree.map(lambda p: p + np.float32(random.normal(size=p.shape)), params)
        _, state = update(grads, state, params)
    return state


# ---------------------------------------------------------------------------- what it measures


@pytest.mark.usefixtures("x64")
def test_warm_up_is_exact_and_stands_still():
    g = np.random.default_rng(0).normal(0.3, 2.0, (20, 5))
    states, updates = fed(lectopt.snr_sgd(1.0, warmup=20), g)
    np.testing.assert_allclose(states["mu"][-1], g.mean(0), rtol=1e-12)
    np.testing.assert_allclose(states["nu"][-1], g.var(0), rtol=1e-12)
    np.testing.assert_array_equal(updates, 0)
    np.testing.assert_array_equal(states["averaging_window"], 20)


def test_variance_keeps_its_digits_in_float32():
    """A mean 1e5 times the noise: the difference of squares would be rounding, half of it < 0."""
    g = np.random.default_rng(0).normal(1e3, 1e-2, (50, 200)).astype(np.float32)
    states, _ = fed(lectopt.snr_sgd(1.0), g)
    nu = np.asarray(states["nu"][-1])
    np.testing.assert_allclose(nu, g.astype(float).var(0), rtol=0.05)
    naive = np.mean(g**2, 0) - np.mean(g, 0) ** 2
    assert (naive < 0).any() and (states["nu"] >= 0).all()


@pytest.mark.parametrize("batch_size", [1, 16])
def test_window_is_the_critical_batch_over_the_batch(batch_size):
    """`N B` estimates `16 sigma^2 / g^2`, whatever the batch size: 576 here."""
    sigma, mean = 3.0, 0.5
    random = np.random.default_rng(0)
    g = random.normal(mean, sigma / np.sqrt(batch_size), (3001, 300))
    tx = lectopt.snr_sgd(1.0, warmup=3000, max_window=np.inf)
    state = jax.tree.map(lambda x: x[-1], fed(tx, g)[0])
    estimates = lectopt.critical_batch_size(state, batch_size)
    assert estimates.shape == (300,)
    np.testing.assert_allclose(np.median(estimates), 16 * sigma**2 / mean**2, rtol=0.05)


def test_without_noise_it_is_gradient_descent():
    _, updates = fed(lectopt.snr_sgd(2.0, warmup=3), np.full((6, 1), 3.0))
    np.testing.assert_allclose(updates[:, 0], [0, 0, 0, -0.75, -0.75, -0.75], rtol=1e-6)


def test_windows_stay_within_their_bounds():
    g = np.random.default_rng(0).normal(np.linspace(0, 20, 50), 1.0, (200, 50))
    windows, _ = fed(lectopt.snr_sgd(1.0, warmup=5, max_window=40), g, lectopt.averaging_window)
    assert windows[5:].min() == 2 and windows.max() == 40
    free, _ = fed(lectopt.snr_sgd(1.0, warmup=5, max_window=np.inf), g, lectopt.averaging_window)
    assert free.max() > 1000


def test_a_schedule_from_outside_multiplies():
    g = np.random.default_rng(0).normal(1.0, 1.0, (20, 3))
    plain = lectopt.snr_sgd(1.0, warmup=2)
    halved = lectopt.chain(plain, optax.scale_by_schedule(lambda count: 0.5**count))
    factors = 0.5 ** np.arange(20)[:, None]
    np.testing.assert_allclose(fed(halved, g)[1], factors * fed(plain, g)[1], rtol=1e-5)
    assert np.abs(fed(plain, g)[1]).max() > 0.01


# ---------------------------------------------------------------------- windows, through wrappers

SNR_SMALL = lectopt.snr_sgd(1.0, warmup=2)
WRAPPED = {
    "bare": SNR_SMALL,
    "chain": optax.chain(optax.identity(), SNR_SMALL),
    "named member": lectopt.chain(optax.identity(), inner=SNR_SMALL),
    "masked": optax.masked(SNR_SMALL, {"a": True, "window": True, "none": True}),
    "partition": optax.partition({"x": SNR_SMALL, "y": SNR_SMALL}, {"a": "x", "window": "y"}),
    "apply_if_finite": optax.apply_if_finite(SNR_SMALL, 2),
    "MultiSteps": optax.MultiSteps(SNR_SMALL, 1).gradient_transformation(),
    "inject_hyperparams": optax.inject_hyperparams(lectopt.snr_sgd)(1.0, warmup=2),
    "switch_when": lectopt.switch_when(lambda t: t > 99, SNR_SMALL, lectopt.sgd(0.1)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_window_is_found_through_any_wrapper(name):
    """A parameter that is itself called "window" does not confuse it."""
    params = PARAMS
    if name == "partition":  # its labels have no place for None
        params = {k: v for k, v in PARAMS.items() if v is not None}
    expected = trained(SNR_SMALL, params)["averaging_window"]
    found = lectopt.averaging_window(trained(WRAPPED[name], params))
    chex.assert_trees_all_close(found, expected, rtol=1e-5)
    assert jax.tree.structure(found) == jax.tree.structure(params)


def test_window_in_a_flax_optimizer_and_under_vmap():
    model = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, SNR_SMALL, wrt=nnx.Param)
    windows = jax.tree.leaves(lectopt.averaging_window(optimizer.opt_state))
    assert sorted(w.shape for w in windows) == [(2,), (3, 2)]
    states = jax.vmap(lambda L: trained(lectopt.snr_sgd(L, warmup=2)))(jnp.array([1.0, 2.0]))
    assert lectopt.averaging_window(states)["a"]["w"].shape == (2, 3, 2)


def test_errors():
    with pytest.raises(ValueError, match=re.escape("averaging_window(snr_sgd(1.0).init(params))")):
        lectopt.averaging_window(lectopt.adam(0.1).init(PARAMS))
    with pytest.raises(ValueError, match=re.escape("curvature must lie in (0, inf)")):
        lectopt.snr_sgd(0.0)
    with pytest.raises(ValueError, match=re.escape("min_window must lie in [1, inf]")):
        lectopt.snr_sgd(1.0, min_window=0.5)
    with pytest.raises(ValueError, match="batch_size"):
        lectopt.critical_batch_size(SNR_SMALL.init(PARAMS), 0)


# ------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize(
    "name, method, seeds, until",
    [
        ("1 dimension", "snr_sgd", 100, 3000),
        ("1 dimension", "snr_sgd, N <= 100", 100, 3000),
        ("1 dimension", "snr_sgd, literal", 100, 1000),
        ("axis-aligned", "snr_sgd", 6, 1000),
        ("axis-aligned", "snr_sgd, literal", 12, 1000),
        ("rotated", "snr_sgd", 6, 1000),
        ("badly scaled noise", "snr_sgd", 6, 1000),
        ("noise that vanishes", "snr_sgd", 6, 1000),
    ],
)
@pytest.mark.slow  # eight trainings of up to 3,000 steps
@pytest.mark.usefixtures("x64")
def test_losses_are_those_measured_before(name, method, seeds, until):
    problem = PROBLEMS[name]
    times = tuple(t for t in problem.times if t <= until)
    mean, diverged = mean_and_diverged(losses(SNR[method], problem, seeds, times), problem)
    ratios = mean / np.array(problem.measured[method])[: len(times)]
    assert ((ratios > 1 / 1.5) & (ratios < 1.5)).all(), ratios
    assert diverged == 0 or "literal" in method


@pytest.mark.parametrize("name", ["badly scaled noise", "noise that vanishes"])
@pytest.mark.usefixtures("x64")
def test_the_printed_rule_diverges(name):
    problem = PROBLEMS[name]
    runs = losses(SNR["snr_sgd, literal"], problem, 8, (3000,))
    assert mean_and_diverged(runs, problem)[1] >= 0.75


def test_rate_falls_like_one_over_t_by_itself():
    """S3-32: the gradient's mean vanishes, its noise does not, and `eta -> 1 / (2 h t)`."""

    def descend(h, steps):
        def step(carry, t):
            x, state = carry
            xi = jax.random.normal(jax.random.fold_in(jax.random.key(0), t), x.shape)
            updates, state = tx.update(h * x + xi, state, x)
            return (x + updates, state), None

        tx, x = lectopt.snr_sgd(h, max_window=np.inf), jnp.full(400, 10.0)
        return jax.lax.scan(step, (x, tx.init(x)), jnp.arange(steps))[0][1]

    for h, steps in [(1.0, 1000), (1.0, 4000), (4.0, 4000)]:
        state = jax.jit(descend, static_argnums=(0, 1))(h, steps)
        eta = state["mu"] ** 2 / (16 * state["nu"]) / (2 * h)
        assert 0.6 < np.median(2 * h * steps * eta) < 1.1


def test_a_bounded_window_sees_that_the_optimum_has_moved():
    """At t = 2000 it jumps by 5; without a bound the mean gradient never crosses zero again."""

    def recovery(max_window):
        tx, x = lectopt.snr_sgd(1.0, max_window=max_window), jnp.full(50, 10.0)

        def step(carry, t):
            x, state = carry
            off = x - jnp.where(t < 2000, 0.0, 5.0)
            xi = jax.random.normal(jax.random.fold_in(jax.random.key(0), t), x.shape)
            updates, state = tx.update(off + xi, state, x)
            return (x + updates, state), jnp.abs(off)

        return jax.lax.scan(step, (x, tx.init(x)), jnp.arange(4000))[1]

    bounded, free = jax.jit(jax.vmap(recovery))(jnp.array([1000.0, jnp.inf]))
    assert np.median(bounded[1999]) < 0.1
    assert (bounded[2300:] < 1).all() and (free[2300:] > 4).all()
