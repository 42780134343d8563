"""AdaDelta, AMSGrad, NAdam, RAdam, ASGD: what the table of algorithms does not say."""

from decimal import Decimal, getcontext

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from tests.support import twins
from tests.support.training import train

getcontext().prec = 60
NOISE = np.random.default_rng(0).normal(size=(40, 3))
RATES = 0.1 / (1 + np.arange(40))


def rectifier(decay, t, threshold=5):
    """`r` of RAdam from its formula in 60 digits; None where the mean square is not used."""
    b = Decimal(float(decay))
    rho_inf = 2 / (1 - b) - 1
    rho = rho_inf - 2 * t * b**t / (1 - b**t)
    if rho < threshold:
        return None
    r2 = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
    return float(r2.sqrt())


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999])
def test_float32_knows_which_step_radam_trusts(decay):
    """The formula as it is written, in float32, would be off by whole steps."""
    decay = np.float32(decay)
    outs = jax.vmap(
        lambda count: lectopt.rectification(decay).update(jnp.ones(()), {"count": count})[0]
    )
    counts = np.array([*range(20), 100, 1000, 10_000, 100_000])
    for count, out in zip(counts, outs(jnp.asarray(counts)), strict=True):
        r = rectifier(decay, int(count) + 1)
        np.testing.assert_allclose(out, 1 if r is None else 1 / r, rtol=3e-6)


@pytest.mark.usefixtures("x64")
def test_radam_with_nesterov_is_optaxs():
    settings = dict(b1=0.8, b2=0.95, eps=1e-2, nesterov=True)
    paths = [
        train(make(0.1, **settings), jnp.ones(3), lambda p, t: jnp.asarray(NOISE)[t] + p, 40)
        for make in (lectopt.radam, optax.radam)
    ]
    np.testing.assert_allclose(*paths, rtol=1e-12)


def test_adadelta_descends_by_default_and_needs_no_parameters():
    tx = lectopt.adadelta()
    update, _ = tx.update(jnp.array([2.0]), tx.init(jnp.zeros(1)))
    assert update < 0
    decayed = lectopt.adadelta(weight_decay=0.1)
    with pytest.raises(ValueError, match="needs the parameters"):
        decayed.update(jnp.array([2.0]), decayed.init(jnp.zeros(1)))


def test_adadelta_decays_the_leaves_that_its_mask_picks():
    params = {"a": jnp.ones(2), "b": jnp.ones(2)}
    mask = {"a": True, "b": False}
    ours, theirs = (make(1.0, 0.9, 1e-6, 0.1, mask) for make in (lectopt.adadelta, optax.adadelta))
    zeros = jax.tree.map(jnp.zeros_like, params)
    updates, _ = ours.update(zeros, ours.init(params), params)
    expected, _ = theirs.update(zeros, theirs.init(params), params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), updates, expected)
    assert (updates["a"] < 0).all() and (updates["b"] == 0).all()


def test_settings_that_contradict_each_other():
    with pytest.raises(ValueError, match='Write maximum_of="raw"'):
        lectopt.amsgrad(0.1, eps_placement="uncorrected")
    with pytest.raises(ValueError, match=r"threshold must lie in \[4, inf\]"):
        lectopt.radam(0.1, threshold=3.0)
    with pytest.raises(TypeError, match='bias_correction_nu.*maximum_of="uncorrected"'):
        lectopt.amsgrad(0.1, bias_correction_nu=False)
    with pytest.raises(TypeError, match="too many positional"):  # eps_root in Optax
        lectopt.radam(0.1, 0.9, 0.999, 1e-8, 0.0)


@pytest.mark.usefixtures("x64")
def test_nadam_with_a_momentum_that_has_warmed_up_is_optaxs():
    """psi to infinity: 0.96^(psi t) is 0, and the coefficients are b1."""
    paths = [
        train(tx, jnp.ones(3), lambda p, t: jnp.asarray(NOISE)[t] + p, 40)
        for tx in (lectopt.nadam(0.1, momentum_decay=1e9), optax.nadam(0.1))
    ]
    np.testing.assert_allclose(*paths, rtol=1e-11)


@pytest.mark.parametrize("t0", [0.0, 10.0, 1e6])
@pytest.mark.usefixtures("x64")
def test_asgd_keeps_the_average_beside_the_parameters(t0):
    """The twin's averages, and the parameters themselves before there is one."""
    rates = jnp.asarray(RATES)
    settings = dict(lambd=0.1, alpha=0.6, t0=t0)
    tx = optax.chain(optax.identity(), lectopt.asgd(lambda count: rates[count], **settings))

    @jax.jit
    def step(theta, state, noise):
        updates, state = tx.update(noise + theta, state, theta)
        return optax.apply_updates(theta, updates), state

    averages, theta = [], jnp.ones(3)
    twin = twins.asgd_torch(
        np.ones(3), lambda x, t: NOISE[t] + x, lambda t: RATES[t], 40, averages=averages, **settings
    )
    state = tx.init(theta)
    np.testing.assert_array_equal(lectopt.evaluation_params(state, theta), theta)
    for t in range(40):
        theta, state = step(theta, state, NOISE[t])
        np.testing.assert_allclose(theta, twin[t], rtol=1e-12)
        np.testing.assert_allclose(lectopt.evaluation_params(state, theta), averages[t], rtol=1e-12)
