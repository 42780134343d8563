"""The papers' spellings beside their twins: 60 updates in float64, changing rates."""

import functools as ft

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.dialects import papers
from tests.dialects.paths import grad, path
from tests.support import twins
from tests.support.oracles.rows import RATES, STEPS, THETA


@pytest.fixture
def schedule():
    return jnp.asarray(RATES).__getitem__


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
    expected = twin(THETA, grad, RATES.__getitem__, STEPS, **letters)
    np.testing.assert_allclose(path(tx), expected, rtol=1e-12, atol=1e-12)
    plain = maker(0.1, **settings)
    assert eval(repr(plain), vars(lectopt)) == plain


@pytest.mark.usefixtures("x64")
def test_papers_without_a_rate_and_adamw(schedule):
    """AdaDelta, Rprop with backtracking, and AdamW, whose decay has the multiplier, not alpha."""
    pairs = [
        (papers.adadelta(), twins.adadelta(THETA, grad, lambda t: 1.0, STEPS)),
        (papers.rprop(), twins.rprop_plus(THETA, grad, lambda t: 0.1, STEPS)),
        (
            papers.adamw(0.05, weight_decay=0.1, eta=schedule),
            twins.adamw_paper(THETA, grad, RATES.__getitem__, STEPS, alpha=0.05, lam=0.1),
        ),
    ]
    for tx, expected in pairs:
        np.testing.assert_allclose(path(tx), expected, rtol=1e-12, atol=1e-12)
