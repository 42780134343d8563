"""The twins of NovoGrad, Adafactor and Prodigy beside Optax: two witnesses, neither lectopt."""

from functools import partial
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from tests.support import twins as T
from tests.support.witness import RATES, STEPS, TREE, Run, assert_close, schedule

# Slow, as the contract runs the twins and Optax beside every algorithm; here one judges the other.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64", "fast_compilation")]


@pytest.mark.parametrize(
    "tx, settings",
    [
        (optax.novograd(schedule), dict(beta1=0.9, beta2=0.25, eps=1e-6)),
        (
            optax.novograd(schedule, 0.95, 0.98, 0.1, 0.2, 0.3),
            dict(eps=0.1, eps_root=0.2, d=0.3),
        ),
    ],
)
def test_novograd(tx, settings):
    assert_close(TREE.twin(T.novograd, eps_at_first=True, **settings), TREE.optax(tx))


def test_novograd_of_the_paper_differs_in_the_first_step_alone():
    """Epsilon joins m_1 in Optax only, and the averaging variant is a smaller rate."""
    alive = Run((5,), (7, 6), alive=True)
    ours = alive.twin(T.novograd, eps=0.1)
    theirs = alive.twin(T.novograd, eps=0.1, eps_at_first=True)
    for start, mine, other in zip(alive.start, ours[0], theirs[0], strict=True):
        steps = mine - start, other - start
        assert np.linalg.norm(steps[0]) == pytest.approx(RATES[0], rel=1e-12)
        assert np.linalg.norm(steps[1]) < RATES[0] * (1 - 1e-3)
    averaged = TREE.twin(T.novograd, d=0.1, average=True)
    slower = TREE.twin(T.novograd, lambda t: 0.05 * RATES[t], d=0.1)
    for a, b in zip(averaged[-1], slower[-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def in_double(count, exponent):
    return 1 - (count + 1.0) ** -exponent


@pytest.mark.parametrize(
    "smallest, theirs, ours",
    [
        (128, {}, {}),
        (3, {}, {}),
        (2, dict(clipping_threshold=2.0, decay_rate=0.5), dict(d=2.0, c=0.5)),
        (
            3,
            dict(clipping_threshold=None, multiply_by_parameter_scale=False),
            dict(d=None, relative=False),
        ),
        (3, dict(decay_offset=-5, eps=1e-3), dict(offset=-5, eps1=1e-3)),
        (
            3,
            dict(momentum=0.8, weight_decay_rate=0.01, dtype_momentum=jnp.float64),
            dict(beta1=0.8, lam=0.01),
        ),
    ],
)
def test_adafactor(smallest, theirs, ours, monkeypatch):
    """Optax is given its own decay, 1 - t^-0.8, in float64: it computes that in float32."""
    scaling = partial(optax.scale_by_factored_rms, decay_rate_fn=in_double)
    exact = SimpleNamespace(scale_by_factored_rms=scaling)
    monkeypatch.setitem(optax.adafactor.__globals__, "factorized", exact)
    path = TREE.twin(T.adafactor, smallest=smallest, **ours)
    assert_close(path, TREE.optax(optax.adafactor(schedule, smallest, **theirs)))


def test_adafactor_factors_by_default_what_has_two_axes_of_128():
    """To six digits, because of the float32 in Optax."""
    tree = Run((130, 129), (127, 140))
    expected = tree.optax(optax.adafactor(schedule))
    assert_close(tree.twin(T.adafactor, smallest=128), expected, rtol=2e-6, atol=2e-7)
    everything = tree.twin(T.adafactor)[-1]
    np.testing.assert_allclose(everything[0], expected[0][-1], rtol=2e-6, atol=2e-7)
    assert np.abs(everything[1] - expected[1][-1]).max() > 1e-3


def test_adafactor_of_the_paper_with_its_own_rate():
    """rho_t = min(1e-2, 1 / sqrt(t)), which Optax leaves to its user; cubes have axes to choose.

    A leaf that starts at 0 moves by eps2 rho_t.
    """
    tree = Run((3, 3, 3), (2, 4, 4), (7, 6))
    tree.start[2] = 0 * tree.start[2]
    tx = optax.adafactor(lambda t: jnp.minimum(1e-2, 1 / jnp.sqrt(t + 1.0)), 1)
    path = tree.twin(T.adafactor, lambda t: min(1e-2, 1 / np.sqrt(t + 1)))
    assert_close(path, tree.optax(tx), rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize(
    "theirs, ours",
    [
        ({}, {}),
        (dict(estim_lr0=1e-3, estim_lr_coef=0.5, eps=1e-3), dict(d0=1e-3, d_coef=0.5, eps=1e-3)),
        (dict(betas=(0.8, 0.95), beta3=0.9), dict(beta1=0.8, beta2=0.95, beta3=0.9)),
        (dict(weight_decay=0.1, estim_lr0=1e-2), dict(lam=0.1, d0=1e-2)),
        (
            dict(safeguard_warmup=True, estim_lr0=1e-3, estim_lr_coef=20.0),
            dict(safeguard=True, d0=1e-3, d_coef=20.0),
        ),
    ],
)
def test_prodigy(theirs, ours):
    estimates = []
    path = TREE.twin(
        T.prodigy,
        lambda t: 20 * RATES[t],
        corrected=True,
        eps_with_new_d=True,
        estimates=estimates,
        **ours,
    )
    tx = contrib.prodigy(lambda count: 20 * schedule(count), **theirs)
    assert_close(path, TREE.optax(tx))
    assert estimates[-1] > 2 * ours.get("d0", 1e-6)  # or the rule for d would not be tested


def test_prodigy_of_the_paper_is_optaxs_where_their_differences_vanish():
    """Without epsilon, and at a rate out of which Adam's correction has been divided."""
    b1, b2 = 0.9, 0.95
    counts = np.arange(1, STEPS + 1)
    correction = np.sqrt(1 - b2**counts) / (1 - b1**counts)
    tx = contrib.prodigy(
        lambda count: 20 * schedule(count) / jnp.asarray(correction)[count],
        (b1, b2),
        eps=0.0,
        estim_lr0=1e-3,
    )
    alive = Run((), (4,), (2, 4, 3), alive=True)
    path = alive.twin(T.prodigy, lambda t: 20 * RATES[t], beta1=b1, beta2=b2, eps=0.0, d0=1e-3)
    assert_close(path, alive.optax(tx))
    old = TREE.twin(T.prodigy, lambda t: 20 * RATES[t], eps=0.1, d0=1e-3)[-1]
    new = TREE.twin(T.prodigy, lambda t: 20 * RATES[t], eps=0.1, d0=1e-3, eps_with_new_d=True)[-1]
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(old, new, strict=True))


def test_prodigy_that_may_not_estimate_is_adam_at_a_fixed_rate():
    """d = d0 throughout, and d cancels but for epsilon: Keras' Adam at the rate d0 gamma."""
    path = TREE.twin(T.prodigy, lambda t: RATES[t], d0=0.5, d_coef=0.0, corrected=True, eps=1e-3)
    adam = TREE.twin_of_weights(T.adam_keras, lambda t: 0.5 * RATES[t], eps=1e-3)
    for row, other in zip(path, adam, strict=True):
        for a, b in zip(row, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def nothing_at_first(leaves, t):
    return [leaf * (t > 1) for leaf in leaves]


@pytest.mark.parametrize("safeguard", [False, True])
def test_prodigy_waits_for_its_first_gradient_and_for_a_warm_up_from_0(safeguard):
    """Where Optax has 0/0 = NaN from the first update on."""
    start, warm = [np.array([1.0, -2.0])], lambda t: t / 10
    for grad, rate in ((nothing_at_first, RATES.__getitem__), (lambda x, t: x, warm)):
        path = T.prodigy(start, grad, rate, 10, safeguard=safeguard)
        assert np.isfinite(path).all()
        assert (path[0][0] == start[0]).all() and (path[-1][0] != start[0]).all()
    x = jnp.asarray(start[0])
    for grads, rate in ((0 * x, 1.0), (x, lambda count: count / 10)):
        tx = contrib.prodigy(rate, safeguard_warmup=safeguard)
        updates, state = tx.update(grads, tx.init(x), x)
        guarded = safeguard and callable(rate)
        assert jnp.isnan(state.estim_lr) != guarded
