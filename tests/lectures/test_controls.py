"""What the lectures state beyond a rule for one weight: look-ahead, averages, plateau, line search,
unfreezing, and SGD as a Markov chain."""

import jax
import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import isi, liege, stat479, ttic31230
from tests.support import twins
from tests.support.lecture_runs import CURVATURE, NOISE, RATES, STEPS, THETA, eta, x64
from tests.support.training import train
from tests.support.twins import line_search, plateau


@x64
def test_nesterovs_base_points_are_the_equation_and_the_pseudo_code():
    def grad(theta, t):
        return jnp.asarray(NOISE)[t] + CURVATURE * theta

    def bases(tx):
        theta, state, out = jnp.asarray(THETA), tx.init(jnp.asarray(THETA)), []
        for t in range(10):
            updates, state = tx.update(grad(theta, t), state, theta)
            theta = theta + updates
            out.append(lectopt.evaluation_params(state, theta))
        return np.array(out)

    def history(theta, t):
        return NOISE[t] + CURVATURE * theta

    equation = twins.nesterov_lookahead(THETA, history, lambda t: RATES[t], 10)
    pseudo_code = twins.nesterov_two_stage(THETA, history, lambda t: RATES[t], 10)
    for lecture in (cmu, liege, stat479):
        ours = bases(lecture.nesterov(eta))
        np.testing.assert_allclose(ours, equation, rtol=1e-12)
        np.testing.assert_allclose(ours, pseudo_code, rtol=1e-12)


@x64
def test_cmu_polynomial_decay_averaging():
    tx = lectopt.chain(cmu.sgd(eta), cmu.polynomial_decay_averaging())

    def averages(theta):
        def body(carry, t):
            theta, state = carry
            updates, state = tx.update(jnp.asarray(NOISE)[t] + CURVATURE * theta, state, theta)
            theta = theta + updates
            return (theta, state), (theta, lectopt.evaluation_params(state, theta))

        return jax.lax.scan(body, (theta, tx.init(theta)), jnp.arange(STEPS))[1]

    iterates, ours = jax.jit(averages)(jnp.asarray(THETA))
    theirs = twins.polynomial_average(np.asarray(iterates), gamma=3)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


@x64
def test_cmu_plateau_divides_by_ten():
    errors = np.concatenate([np.linspace(5, 3, 10), np.full(25, 3.0)])
    tx = lectopt.chain(cmu.sgd(1.0), cmu.plateau(patience=4))

    def body(state, error):
        updates, state = tx.update(jnp.ones(1), state, jnp.zeros(1), value=error)
        return state, -updates[0]

    rates = jax.lax.scan(body, tx.init(jnp.zeros(1)), jnp.asarray(errors))[1]
    np.testing.assert_allclose(rates, plateau.plateau_torch(errors, patience=4), rtol=1e-12)
    assert set(np.round(np.asarray(rates), 9)) == {1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5}


@x64
def test_liege_line_search_is_the_bisection():
    curvature = np.array([20.0, 0.01])

    def f(x):
        return (curvature * x**2).sum() / 2

    tx, ours = liege.wolfe_line_search(), jnp.array([1.0, 1.0])
    state, theirs, steps = tx.init(ours), np.array([1.0, 1.0]), []
    for _ in range(8):
        value, grad = f(ours), curvature * ours
        updates, state = tx.update(grad, state, ours, value=value, grad=grad, value_fn=f)
        ours = ours + updates
        p = -curvature * theirs
        step, _ = line_search.weak_wolfe_bisection(
            lambda a, x=theirs, p=p: f(x + a * p),
            lambda a, x=theirs, p=p: (curvature * (x + a * p)) @ p,
        )
        theirs, steps = theirs + step * p, [*steps, step]
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    assert len(set(steps)) > 1


@x64
def test_isi_gradual_unfreezing():
    tx = isi.gradual_unfreezing({"first": 5}, isi.momentum(0.1))
    params = start = {"first": jnp.array(2.0), "last": jnp.array(-1.0)}
    state, paths = tx.init(params), {"first": [], "last": []}
    for t in range(12):
        grads = jax.tree.map(lambda x, t=t: x + NOISE[t, 2], params)
        updates, state = tx.update(grads, state, params)
        params = jax.tree.map(jnp.add, params, updates)
        for name, leaf in params.items():
            paths[name].append(leaf)
    for name, frozen in dict(first=5, last=0).items():
        theirs = twins.momentum_ema(
            [start[name]], lambda x, t, f=frozen: x + NOISE[t + f, 2], lambda t: 0.1, 12 - frozen
        )
        np.testing.assert_allclose(paths[name][frozen:], theirs[:, 0], rtol=1e-12)
        assert paths[name][:frozen] == [start[name]] * frozen


def test_ttic_learning_rate_scaling():
    assert ttic31230.learning_rate_scaling(0.01, 32) == 0.32


@x64
def test_ttic_sgd_as_mcmc_has_the_stationary_variance_of_the_slide():
    """On `loss = (Phi - y)^2 / 2` with `y` of variance 1: `eta / (2 - eta)`."""
    eta = 0.4
    y = jnp.asarray(np.random.default_rng(1).normal(size=(400, 4000)))
    tx = ttic31230.sgd_as_mcmc(eta)
    last = train(tx, jnp.zeros(4000), lambda Phi, t: Phi - y[t], 400)[-1]
    np.testing.assert_allclose(jnp.var(last), eta / (2 - eta), rtol=0.08)  # 3 standard errors
