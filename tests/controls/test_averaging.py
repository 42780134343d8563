"""Averages of the iterates: the average of the recorded iterates, or of Nesterov's base points."""

from fractions import Fraction

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt import average_params
from lectopt.averaging import exponential, polynomial_decay, suffix, uniform
from tests.support import twins

STEPS = 40
THETA = np.array([0.3, -0.7, 2.0])
NOISE = np.random.default_rng(1).normal(size=(STEPS, 3))
RATES = 0.1 / (1 + 0.05 * np.arange(STEPS))


def rate(count):
    return jnp.asarray(RATES)[count]


def grad(theta, t):
    return theta + NOISE[t]


def history(tx):
    """What is trained and what is to be evaluated after every update."""
    theta, trained, evaluated = jnp.asarray(THETA), [], []
    state = tx.init(theta)
    for t in range(STEPS):
        updates, state = tx.update(grad(theta, t), state, theta)
        theta = optax.apply_updates(theta, updates)
        trained.append(theta)
        evaluated.append(lectopt.evaluation_params(state, theta))
    return np.array(trained), np.array(evaluated)


SCHEMES = {
    "polynomial": (polynomial_decay(), twins.polynomial_average),
    "gamma 0": (polynomial_decay(0.0), twins.uniform_average),
    "gamma 1.5": (polynomial_decay(1.5), lambda w: twins.polynomial_average(w, gamma=1.5)),
    "uniform": (uniform(), twins.uniform_average),
    "exponential": (exponential(0.9), lambda w: twins.exponential_average(w, decay=0.9)),
    "no decay": (exponential(0.0), lambda w: w),
    "suffix of all": (suffix(1.0), twins.uniform_average),
    "suffix of none": (suffix(0.0), lambda w: w),
}
schemes = pytest.mark.parametrize("scheme, twin", SCHEMES.values(), ids=SCHEMES)


@schemes
@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.usefixtures("x64")
def test_is_the_average_of_the_iterates(scheme, twin, start):
    plain, _ = history(lectopt.momentum(rate, 0.8))
    tx = lectopt.chain(lectopt.momentum(rate, 0.8), average_params(scheme, start))
    trained, evaluated = history(tx)
    np.testing.assert_array_equal(trained, plain)  # the updates pass through unchanged
    np.testing.assert_array_equal(evaluated[:start], plain[:start])
    later = twin(np.asarray(plain[start:]))
    np.testing.assert_allclose(evaluated[start:], later, rtol=1e-12, atol=1e-13)


def snapshots(points, twin, start, every):
    """What is to be evaluated after every update: the twin's average of each `every`-th point after
    `start`, as it was after the last of them; before the first the point itself."""
    averages = twin(points[start + every - 1 :: every])
    counts = [(t + 1 - start) // every for t in range(len(points))]
    return np.array([averages[n - 1] if n > 0 else points[t] for t, n in enumerate(counts)])


@pytest.mark.parametrize("name", ["polynomial", "exponential", "uniform"])
@pytest.mark.usefixtures("x64")
def test_of_every_kth_iterate_and_in_between_as_it_was(name):
    (scheme, twin), start, every, bases = SCHEMES[name], 7, 5, []
    shifted = twins.nesterov_shifted(
        THETA, lambda w, t: w + NOISE[t], lambda t: RATES[t], STEPS, beta=0.8, bases=bases
    )
    averaged = average_params(scheme, start, every)
    trained, evaluated = history(lectopt.chain(lectopt.nesterov(rate, 0.8), averaged))
    np.testing.assert_allclose(trained, shifted, rtol=1e-12, atol=1e-13)
    wanted = snapshots(np.array(bases), twin, start, every)
    np.testing.assert_allclose(evaluated, wanted, rtol=1e-12, atol=1e-13)
    trained, evaluated = history(lectopt.chain(lectopt.sgd(rate), averaged))
    np.testing.assert_allclose(evaluated, snapshots(trained, twin, start, every), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_stochastic_weight_averaging_by_its_paper():
    """Algorithm 1 from the weights after T = 10 updates, with a cycle of c = 5 updates."""
    before, cycle = 10, 5
    averaged = average_params(uniform(), start=before - cycle, every=cycle)
    trained, evaluated = history(lectopt.chain(lectopt.momentum(rate, 0.8), averaged))
    mean = trained[before - 1]
    for i in range(1, STEPS - before + 1):
        if i % cycle == 0:
            models = i / cycle
            mean = (mean * models + trained[before - 1 + i]) / (models + 1)
        np.testing.assert_allclose(evaluated[before - 1 + i], mean, rtol=1e-12)


@pytest.mark.parametrize("tx", [lectopt.sgd(rate), lectopt.nesterov(rate, 0.8)])
@pytest.mark.usefixtures("x64")
def test_a_suffix_of_every_kth_iterate(tx):
    """It is the suffix mean of a training with these iterates alone; in between it stays."""
    _, points = history(tx)
    _, evaluated = history(lectopt.chain(tx, average_params(suffix(0.5), every=4)))
    shots, short = points[3::4], average_params(suffix(0.5))
    state = short.init(jnp.zeros(3))
    for n, shot in enumerate(shots):
        _, state = short.update(jnp.asarray(shot), state, jnp.zeros(3))
        wanted = np.broadcast_to(state["average"], (4, 3))[: STEPS - 4 * n - 3]
        np.testing.assert_allclose(evaluated[4 * n + 3 : 4 * n + 7], wanted, rtol=1e-12)


def test_every_infinity_is_without_an_average():
    tx, theta = average_params(uniform(), every=np.inf), jnp.ones(())
    _, state = jax.jit(tx.update)(jnp.ones(()), tx.init(theta), theta)
    assert lectopt.evaluation_params(state, theta + 1) == 2


def test_polynomial_decay_of_1_2_3_4():
    """By hand, with gamma = 3: 1, 1/5 + 4/5 2, 1/3 1.8 + 2/3 3, 3/7 2.6 + 4/7 4."""
    tx, theta = average_params(polynomial_decay(3)), jnp.zeros(())
    state, seen = tx.init(theta), []
    for _ in range(4):
        updates, state = tx.update(jnp.ones(()), state, theta)
        theta = theta + updates
        seen.append(float(state["average"]))
    np.testing.assert_allclose(seen, [1.0, 1.8, 2.6, 3.4], rtol=1e-6)


@pytest.mark.parametrize("fraction", ["1/10", "1/4", "1/2", "7/10"])
@pytest.mark.usefixtures("x64")
def test_suffix_is_the_mean_of_a_share_within_its_bounds(fraction):
    fraction = Fraction(fraction)
    tx = lectopt.chain(lectopt.sgd(rate), average_params(suffix(float(fraction))))
    trained, evaluated = history(tx)
    exact = twins.suffix_average(trained, fraction=fraction)  # a Fraction: ceil(3/10 * 10) is 3
    begins, hits = [], 0
    for t in range(1, STEPS + 1):
        means = np.array([trained[begin:t].mean(axis=0) for begin in range(t)])
        begin = int(np.argmin(abs(means - evaluated[t - 1]).sum(axis=1)))
        np.testing.assert_allclose(evaluated[t - 1], means[begin], rtol=1e-12)
        share, upper = Fraction(t - begin, t), 1 - (1 - fraction) ** 2
        assert fraction <= share <= upper + Fraction(1, t)  # lengths are whole numbers
        hits += np.allclose(evaluated[t - 1], exact[t - 1], rtol=1e-12, atol=0)
        begins.append(begin)
    assert begins == sorted(begins)  # the window only moves forward
    assert hits >= len(set(begins)) > 2  # exact wherever a new window takes over


@schemes
@pytest.mark.parametrize("start", [0, 7])
@pytest.mark.usefixtures("x64")
def test_base_points_of_nesterov_are_averaged_and_not_the_shifted_weights(scheme, twin, start):
    bases = []
    shifted = twins.nesterov_shifted(
        THETA, lambda w, t: w + NOISE[t], lambda t: RATES[t], STEPS, beta=0.8, bases=bases
    )
    tx = lectopt.chain(lectopt.nesterov(rate, 0.8), average_params(scheme, start))
    trained, evaluated = history(tx)
    np.testing.assert_allclose(trained, shifted, rtol=1e-12, atol=1e-13)
    bases = np.array(bases)
    np.testing.assert_allclose(evaluated[:start], bases[:start], rtol=1e-12, atol=1e-13)
    later = twin(bases[start:])
    np.testing.assert_allclose(evaluated[start:], later, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("x64")
def test_suffix_of_nesterovs_base_points():
    nesterov = lectopt.nesterov(rate, 0.8)
    _, bases = history(nesterov)
    _, evaluated = history(lectopt.chain(nesterov, average_params(suffix(0.5))))
    means = np.array([bases[begin:].mean(axis=0) for begin in range(STEPS)])
    distances = abs(means - evaluated[-1]).sum(axis=1)
    assert distances.min() < 1e-12 and 1 / 4 <= np.argmin(distances) / STEPS <= 1 / 2


@pytest.mark.usefixtures("x64")
def test_in_a_chain_of_optax_the_shifted_weights_are_averaged():
    tx = optax.chain(lectopt.nesterov(rate, 0.8), average_params(uniform()))
    trained, evaluated = history(tx)
    np.testing.assert_allclose(evaluated, twins.uniform_average(np.asarray(trained)), rtol=1e-12)


def test_every_number_can_be_swept():
    """One vmapped program over all numbers equals a loop over constants, evaluated in and out."""

    def last(gamma, decay, fraction, start, every):
        tx = lectopt.chain(
            average_params(polynomial_decay(gamma), start),
            decayed=average_params(exponential(decay), start, every),
            tail=average_params(suffix(fraction), start, every),
        )
        theta = jnp.asarray(THETA)
        state = tx.init(theta)
        for t in range(9):
            updates, state = tx.update(-rate(t) * grad(theta, t), state, theta)
            theta = theta + updates
        return theta, state

    def read(theta, state):
        parts = state | {"average": state["average"]}, state["decayed"], state["tail"]
        return [lectopt.evaluation_params(part, theta) for part in parts]

    values = [0.0, 3.0], [0.5, 0.9], [0.2, 0.6], [0, 8], [1, 4]
    theta, state = jax.jit(jax.vmap(last))(*map(jnp.array, values))
    outside = read(theta, state)
    chex.assert_trees_all_close(outside, jax.vmap(read)(theta, state))
    for lane in range(2):
        alone = jax.jit(lambda lane=lane: read(*last(*(v[lane] for v in values))))()
        chex.assert_trees_all_close([x[lane] for x in outside], alone, rtol=1e-5)
