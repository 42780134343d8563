"""The dialects that need no framework: Optax against Optax, the papers against the twins."""

import functools as ft
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.dialects import optax as ours
from lectopt.dialects import papers
from tests.support import twins
from tests.support.oracles.rows import CURVATURE, RATES, STEPS, THETA, noise
from tests.support.training import train, train_by_steps

ADAM = dict(b1=0.8, b2=0.95, eps=1e-2)
ROWS = [
    ("sgd", {}),
    ("sgd", dict(momentum=0.8, nesterov=True)),
    ("adam", ADAM | dict(eps_root=1e-2)),
    ("adam", ADAM | dict(eps=0.0, eps_root=1e-2)),
    ("adam", ADAM | dict(nesterov=True)),
    ("adamw", ADAM | dict(eps_root=1e-2, weight_decay=0.1)),
    ("adamw", {}),
    ("adamax", ADAM),
    ("adamaxw", ADAM | dict(weight_decay=0.1)),
    ("amsgrad", ADAM),
    ("amsgrad", ADAM | dict(eps_root=1e-2, bias_correction_mu=False)),
    ("amsgrad", ADAM | dict(bias_correction_nu=False)),
    ("nadam", ADAM),
    ("nadamw", ADAM | dict(weight_decay=0.1)),
    ("nadamw", ADAM | dict(nesterov=False)),
    ("radam", ADAM | dict(eps_root=1e-2)),
    ("radam", dict(threshold=6.0, nesterov=True)),
    ("rmsprop", dict(decay=0.8, eps=1e-2)),
    ("rmsprop", dict(decay=0.8, eps=1e-2, eps_in_sqrt=False, bias_correction=True)),
    ("rmsprop", dict(decay=0.8, eps=1e-2, centered=True, momentum=0.7, nesterov=True)),
    ("adagrad", {}),
    ("adagrad", dict(initial_accumulator_value=0.0, eps=1e-2)),
    ("adadelta", dict(rho=0.8, eps=1e-2, weight_decay=0.1)),
]
ids = [f"{name}({settings})" for name, settings in ROWS]


NOISE = noise()


def grad(theta, t):
    return NOISE[t] + CURVATURE * theta


def path(tx):
    """The parameters after every update, the gradient taken where the optimizer wants it."""
    if isinstance(tx, lectopt.Transformation):
        return train_by_steps(tx, THETA, grad, STEPS)
    push = jnp.asarray(NOISE)
    return jax.jit(
        lambda: train(tx, jnp.asarray(THETA), lambda x, t: push[t] + CURVATURE * x, STEPS)
    )()


@pytest.fixture
def schedule():
    return jnp.asarray(RATES).__getitem__


@pytest.mark.parametrize("name, settings", ROWS, ids=ids)
@pytest.mark.usefixtures("x64")
def test_is_optax(name, settings, schedule):
    lacking = set(settings) - set(inspect.signature(getattr(optax, name)).parameters)
    if lacking:
        pytest.skip(f"the dialect is of Optax 0.2.8; {optax.__version__} has no {lacking}")
    mine = getattr(ours, name)(schedule, **settings)
    theirs = getattr(optax, name)(schedule, **settings)
    np.testing.assert_allclose(path(mine), path(theirs), rtol=1e-12, atol=1e-12)
    assert eval(repr(getattr(ours, name)(0.1, **settings)), vars(lectopt)) == getattr(ours, name)(
        0.1, **settings
    )


@pytest.mark.usefixtures("x64")
def test_is_optax_where_it_errs():
    """The late moves of its Rprop, and the ascent of its AdaDelta without a rate."""
    for mine, theirs in (
        (ours.rprop(0.05, max_step_size=0.2), optax.rprop(0.05, max_step_size=0.2)),
        (ours.adadelta(rho=0.8), optax.adadelta(rho=0.8)),
    ):
        np.testing.assert_allclose(path(mine), path(theirs), rtol=1e-12, atol=1e-12)
        assert eval(repr(mine), vars(lectopt)) == mine
    right = path(lectopt.rprop(0.05, max_step_size=0.2))
    assert abs(path(ours.rprop(0.05, max_step_size=0.2)) - right).max() > 0.1
    first = path(ours.adadelta(rho=0.8))[0] - THETA
    np.testing.assert_array_equal(jnp.sign(first), jnp.sign(grad(THETA, 0)))  # uphill


@pytest.mark.skipif(
    tuple(map(int, optax.__version__.split(".")[:3])) < (0, 2, 8),
    reason="the dialect has the arguments of Optax 0.2.8",
)
@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS} | {"rprop"}))
def test_arguments_are_optaxs(name):
    def arguments(function):
        return [
            (p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()
        ]

    assert arguments(getattr(ours, name)) == arguments(getattr(optax, name))


def test_mu_dtype_is_the_mean_s_alone():
    state = ours.adam(0.1, mu_dtype=jnp.bfloat16).init(jnp.ones(2))
    assert optax.tree.get(state, "mu").dtype == jnp.bfloat16
    assert optax.tree.get(state, "nu").dtype == jnp.float32


SLOTS = [("sgd", dict(momentum=0.9), "accumulator_dtype", "trace"), ("adam", {}, "mu_dtype", "mu")]


@pytest.mark.parametrize("name, settings, argument, slot", SLOTS, ids=["sgd", "adam"])
@pytest.mark.parametrize("weights", ["float32", "complex64"])
@pytest.mark.parametrize("asked", ["bfloat16", "float32", "complex64"])
def test_a_slot_has_the_dtype_that_is_asked_for(name, settings, argument, slot, weights, asked):
    """Complex for real weights, and real for complex ones, too."""
    tx = getattr(ours, name)(0.1, **settings, **{argument: asked})
    state = tx.init(jnp.ones(2, weights))
    assert optax.tree.get(state, slot).dtype == asked
    if name == "adam":
        assert optax.tree.get(state, "nu").dtype == "float32"


def test_a_real_slot_of_complex_weights_keeps_the_real_part():
    """As in Optax, `v = 0.9 Re(v) + g`; and not without a warning."""
    tx = ours.sgd(1.0, momentum=0.9, accumulator_dtype="float32")
    first, second = jnp.array([1 + 2j, -3j]), jnp.array([0.5 - 1j, 2 + 1j])
    with pytest.warns(np.exceptions.ComplexWarning, match="imaginary"):
        _, state = tx.update(first, tx.init(first), first)
        update, state = tx.update(second, state, first)
    np.testing.assert_allclose(update, [-(0.9 + 0.5 - 1j), -(2 + 1j)], rtol=1e-6)
    assert state["trace"].dtype == jnp.float32


PAPERS = [
    (papers.heavy_ball, dict(beta=0.8), twins.momentum_inside, dict(beta=0.8)),
    (papers.nesterov, dict(mu=0.8), twins.nesterov_lookahead, dict(beta=0.8)),
    (papers.averaged_sgd, {}, twins.sgd, {}),
    (papers.adagrad, dict(delta=1e-2), twins.adagrad_outside, dict(delta=1e-2)),
    (papers.rmsprop, {}, twins.rmsprop_bare, {}),
    (
        papers.rmsprop_graves,
        {},
        ft.partial(twins.rmsprop_momentum_inside, centered=True),
        dict(rho=0.95, mu=0.9, eps=1e-4),
    ),
    (papers.adam, {}, twins.adam_kingma, {}),
    (papers.adamax, {}, twins.adamax_kingma, {}),
    (papers.amsgrad, {}, twins.amsgrad_reddi, {}),
    (papers.nadam, dict(mu=0.9), twins.nadam_dozat, dict(mu=0.9)),
    (
        papers.radam,
        dict(beta2=0.95),
        twins.radam,
        dict(b2=0.95, eps=0.0, threshold=4.0, place="hat"),
    ),
    (papers.swats, {}, twins.swats, {}),
]


@pytest.mark.parametrize(
    "maker, settings, twin, letters", PAPERS, ids=[p[0].__name__ for p in PAPERS]
)
@pytest.mark.usefixtures("x64")
def test_is_the_papers(maker, settings, twin, letters, schedule):
    tx = maker(schedule, **settings)
    expected = twin(
        THETA, lambda theta, t: noise()[t] + CURVATURE * theta, RATES.__getitem__, STEPS, **letters
    )
    np.testing.assert_allclose(path(tx), expected, rtol=1e-12, atol=1e-12)
    plain = maker(0.1, **settings)
    assert eval(repr(plain), vars(lectopt)) == plain


@pytest.mark.usefixtures("x64")
def test_papers_without_a_rate_and_adamw(schedule):
    """AdaDelta, Rprop with backtracking, and AdamW, whose decay has the multiplier, not alpha."""
    push = noise()

    def numpy_grad(theta, t):
        return push[t] + CURVATURE * theta

    pairs = [
        (papers.adadelta(), twins.adadelta(THETA, numpy_grad, lambda t: 1.0, STEPS)),
        (papers.rprop(), twins.rprop_plus(THETA, numpy_grad, lambda t: 0.1, STEPS)),
        (
            papers.adamw(0.05, weight_decay=0.1, eta=schedule),
            twins.adamw_paper(THETA, numpy_grad, RATES.__getitem__, STEPS, alpha=0.05, lam=0.1),
        ),
    ]
    for tx, expected in pairs:
        np.testing.assert_allclose(path(tx), expected, rtol=1e-12, atol=1e-12)
