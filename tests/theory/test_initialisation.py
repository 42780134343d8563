"""Initial weights: the variance that signals and gradients keep, or lose, layer by layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.nn import initializers

import lectopt

FAN_IN, FAN_OUT, SAMPLES = 300, 1200, 400
LAYERS, WIDTH = 20, 256


def drawn(initializer, *shape):
    return np.asarray(initializer(jax.random.key(0), shape), np.float64)


def test_lecun_keeps_the_variance_of_the_signal():
    """S1-27: V[h] = fan_in V[w] V[h'] in the linear regime, so V[w] = 1/fan_in;
    U[-sqrt(3/fan_in), sqrt(3/fan_in)] has it."""
    W = drawn(initializers.lecun_uniform(), FAN_IN, FAN_OUT)
    limit = np.sqrt(3 / FAN_IN)
    assert 0.999 * limit < np.abs(W).max() <= limit * (1 + 1e-6)
    assert W.var() == pytest.approx(1 / FAN_IN, rel=0.01)
    signal = np.random.default_rng(0).normal(size=(SAMPLES, FAN_IN))
    # Relative error of a variance over 1200 units that see the same 300 inputs.
    slack = 4 * np.sqrt(2 / FAN_OUT)
    assert (signal @ W).var() == pytest.approx(1, rel=slack)


def test_fan_out_keeps_the_variance_of_the_gradient():
    """S1-28, S2-09: V[d/dh'] = fan_out V[w] V[d/dh], so V[w] = 1/fan_out; the two conditions
    agree for square layers only."""
    W = drawn(initializers.variance_scaling(1.0, "fan_out", "uniform"), FAN_IN, FAN_OUT)
    gradient = np.random.default_rng(0).normal(size=(SAMPLES, FAN_OUT))
    slack = 4 * np.sqrt(2 / FAN_IN)
    assert (gradient @ W.T).var() == pytest.approx(1, rel=slack)
    signal = np.random.default_rng(0).normal(size=(SAMPLES, FAN_IN))
    assert (signal @ W).var() == pytest.approx(FAN_IN / FAN_OUT, rel=slack)


def test_xavier_is_the_compromise():
    """S1-29: V[w] = 2 / (fan_in + fan_out), U[+-sqrt(6 / (fan_in + fan_out))]: the harmonic mean,
    one condition missed by as much as the other."""
    W = drawn(initializers.glorot_uniform(), FAN_IN, FAN_OUT)
    assert W.var() == pytest.approx(2 / (FAN_IN + FAN_OUT), rel=0.01)
    assert np.abs(W).max() == pytest.approx(np.sqrt(6 / (FAN_IN + FAN_OUT)), rel=1e-3)
    forward, backward = FAN_IN * W.var(), FAN_OUT * W.var()
    assert (forward + backward) / 2 == pytest.approx(1, rel=0.01)


def layers(initializer):
    keys = jax.random.split(jax.random.key(1), LAYERS)
    return np.asarray(jax.vmap(lambda key: initializer(key, (WIDTH, WIDTH)))(keys), np.float64)


def through(weights, activation, derivative):
    """Standard deviation of the last of 20 layers' signals, and of the gradient at the first."""
    rng = np.random.default_rng(0)
    signal, slopes = rng.normal(size=(64, WIDTH)), []
    for W in weights:
        z = signal @ W
        signal = activation(z)
        slopes.append(derivative(z))
    gradient = rng.normal(size=(64, WIDTH))
    for W, slope in zip(weights[::-1], slopes[::-1], strict=True):
        gradient = (gradient * slope) @ W.T
    return signal.std(), gradient.std()


TANH = (np.tanh, lambda z: 1 - np.tanh(z) ** 2)
RELU = (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0)
LINEAR = (lambda z: z, np.ones_like)


def test_signals_and_gradients_survive_depth_with_the_right_variance():
    """S1-27, S1-29, S1-30, S2-09: after 20 layers; the baseline U[+-1/sqrt(n)] has a third of the
    variance and loses them like 3^(-L/2)."""
    for initializer, activation in (
        (initializers.lecun_uniform(), LINEAR),
        (initializers.glorot_uniform(), TANH),
        (initializers.he_uniform(), RELU),
    ):
        signal, gradient = through(layers(initializer), *activation)
        assert 0.1 < signal < 3 and 0.1 < gradient < 3
    limit = 1 / np.sqrt(WIDTH)
    baseline = np.random.default_rng(0).uniform(-limit, limit, (LAYERS, WIDTH, WIDTH))
    signal, gradient = through(baseline, *TANH)
    assert signal < 1e-4 and gradient < 1e-4


def test_weights_drawn_from_zero_to_one_explode_or_saturate():
    """S2-11 as printed, w = rho c with rho ~ U(0, 1): the mean 1/2 makes signals grow with depth
    (ReLU) or saturates every unit (tanh). With rho ~ N(0, 1) the stated variances 2/n and 1/n are
    those of He and LeCun."""

    rho = np.random.default_rng(0).random((LAYERS, WIDTH, WIDTH))
    signal, _ = through(rho * np.sqrt(2 / WIDTH), *RELU)
    assert signal > 1e15
    _, gradient = through(rho * np.sqrt(1 / WIDTH), *TANH)
    assert gradient < 1e-50
    assert rho.var() == pytest.approx(1 / 12, rel=0.01)
    assert drawn(initializers.he_normal(), FAN_IN, FAN_OUT).var() == pytest.approx(
        2 / FAN_IN, rel=0.01
    )


@pytest.mark.parametrize("make", [lectopt.sgd, lectopt.momentum, lectopt.adam])
def test_equal_units_stay_equal(make):
    """S1-26: units that start with equal weights get equal gradients, with every rule; random
    weights break the symmetry."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(32, 3)), jnp.float32)
    y = jnp.sin(2 * x[:, 0]) * x[:, 1]

    def loss(params):
        return jnp.mean((jnp.tanh(x @ params["in"]) @ params["out"] - y) ** 2)

    def spread_after(first, second):
        tx, params = make(0.05), {"in": first, "out": second}

        def update(carry, _):
            params, state = carry
            updates, state = tx.update(jax.grad(loss)(params), state, params)
            return (jax.tree.map(jnp.add, params, updates), state), None

        run = jax.jit(lambda p: jax.lax.scan(update, (p, tx.init(p)), length=50)[0][0])
        return np.ptp(run(params)["in"], axis=1).max()

    one, other = jnp.full((3, 4), 0.3), jnp.full(4, 0.5)
    assert spread_after(one, other) < 1e-5
    assert spread_after(one + 0.1 * jnp.asarray(rng.normal(size=(3, 4)), jnp.float32), other) > 0.1
