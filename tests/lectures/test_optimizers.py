"""Every optimizer of `lectopt.lectures` is what its slide says: it equals a twin written from the
slide, with a rate that changes at every update."""

import functools as ft
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import lectopt
from tests.support import twins
from tests.support.lecture_runs import CURVATURE, NOISE, RATES, STEPS, THETA, built, eta, path, x64
from tests.support.twins import literal


class Row(NamedTuple):
    """An optimizer, and its twin `(theta, grad, rate, steps) -> path`."""

    call: str
    twin: Callable[..., Any]
    curved: bool = True  # False: the gradients depend on t only, where the print is chaotic
    rates: Any = RATES


def penalised(twin, weight):
    return lambda theta, grad, *rest: twin(theta, lambda x, t: grad(x, t) + weight * x, *rest)


def clipped(by, c):
    def twin(theta, grad, *rest):
        norm = dict(norm=lambda g: g * min(1, c / np.sqrt(g @ g)), value=lambda g: g.clip(-c, c))
        return twins.sgd(theta, lambda x, t: norm[by](grad(x, t)), *rest)

    return twin


def at(rate, twin):
    """The twin at a constant rate."""
    return lambda theta, grad, _, steps: twin(theta, grad, lambda t: rate, steps)


P = ft.partial
ROWS = [
    Row("cmu.rprop(0.1)", at(0.1, twins.irprop_minus)),
    Row("cmu.sgd(eta)", twins.sgd),
    Row("cmu.momentum(eta)", twins.momentum_inside),
    Row("cmu.nesterov(eta, form='look_ahead')", twins.nesterov_lookahead),
    Row("cmu.nesterov(eta, 0.8, form='look_ahead')", P(twins.nesterov_two_stage, beta=0.8)),
    Row("cmu.nesterov(eta)", twins.nesterov_shifted),
    Row("cmu.rmsprop(eta)", twins.rmsprop_inside),
    Row("cmu.rmsprop()", at(0.001, twins.rmsprop_inside)),
    Row(
        "cmu.rmsprop(eta, literal=True, steps_per_epoch=7)",
        P(literal.rmsprop_cmu_per_epoch, steps_per_epoch=7),
    ),
    Row("cmu.adam(eta, 0.8, 0.99, 1e-3)", P(twins.adam_cmu, delta=0.8, gamma=0.99, eps=1e-3)),
    Row("cmu.adam()", at(0.001, twins.adam_cmu)),
    Row("liege.gradient_descent(eta)", twins.sgd),
    Row("liege.sgd(eta)", twins.sgd),
    Row("liege.momentum(eta)", twins.momentum_inside),
    Row("liege.nesterov(eta, form='look_ahead')", twins.nesterov_lookahead),
    Row("liege.nesterov(eta)", twins.nesterov_shifted),
    Row("liege.adagrad()", at(0.01, P(twins.adagrad_outside, delta=1e-8))),
    Row("liege.adagrad(eta, 1e-2)", P(twins.adagrad_outside, delta=1e-2)),
    Row("liege.rmsprop(eta, 0.8, 1e-2)", P(twins.rmsprop_outside, rho=0.8, delta=1e-2)),
    Row("liege.adam(eta, 0.8, 0.99, 1e-3)", P(twins.adam_liege, rho1=0.8, rho2=0.99, delta=1e-3)),
    Row("liege.adam(eta)", twins.adam_liege),
    Row("chain(isi.l2_regularization(2, 40), isi.adam(eta))", penalised(twins.adam_cmu, 0.05)),
    Row("isi.weight_decay(eta, 2, 40)", penalised(twins.sgd, 0.05)),
    Row("isi.weight_decay(eta, lambda count: 2.0, 40)", penalised(twins.sgd, 0.05)),
    Row("isi.weight_decay(eta, 2, 40, literal=True)", P(literal.weight_decay_isi, lam=2, m=40)),
    Row("chain(isi.gradient_clipping(1.5), isi.gradient_descent(eta))", clipped("norm", 1.5)),
    Row("chain(isi.gradient_clipping(0.5, 'value'), isi.momentum(eta, 0))", clipped("value", 0.5)),
    Row("isi.gradient_descent(eta)", twins.sgd),
    Row("chain(isi.moving_average(), isi.gradient_descent(eta))", twins.momentum_ema_corrected),
    Row("isi.momentum(eta)", twins.momentum_ema),
    Row("isi.momentum(eta, bias_correction=True)", twins.momentum_ema_corrected),
    Row("isi.rmsprop(eta, epsilon=1e-2)", P(twins.rmsprop_inside, eps=1e-2)),
    Row("isi.rmsprop(eta, literal=True)", twins.rmsprop_bare),
    Row("isi.adam(eta, epsilon=1e-3)", P(twins.adam_cmu, eps=1e-3)),
    Row("ttic.vanilla_sgd(eta)", twins.sgd),
    Row("chain(ttic.running_average(5), ttic.vanilla_sgd(eta))", P(twins.momentum_ema, beta=0.8)),
    Row("ttic.rmsprop(eta)", P(twins.rmsprop_inside, gamma=0.99)),
    Row("ttic.rmsprop(eta, eps_placement='outside')", P(twins.rmsprop_outside, rho=0.99)),
    Row("ttic.rmsprop(eta, literal=True)", literal.rmsprop_ttic_stale, curved=False),
    Row("ttic.momentum(eta)", twins.momentum_inside),
    Row("ttic.momentum(eta, parameterization='nonstandard')", twins.momentum_ema),
    Row("ttic.adam(eta)", twins.adam_kingma),
    Row("ttic.adam(eta, literal=True)", literal.adam_ttic_multiplied, curved=False),
    Row(
        "ttic.adam(eta, literal=True, eps_placement='inside', t_0=1)",
        P(literal.adam_ttic_multiplied, inside=True, t_0=1),
        curved=False,
    ),
    Row("ttic.vanilla_sgd(ttic.learning_rate_scaling(eta, 4))", twins.sgd, rates=4 * RATES),
    Row("ttic.sgd_as_mcmc(0.05)", at(0.05, twins.sgd)),
    Row("ttic.statistical_1d(4.0, K=10)", at(1 / 8, P(twins.snr_sgd, K=10))),
    Row(
        "ttic.statistical(0.01, 8.0, K=10, epsilon=0.1)",
        at(0.08, P(twins.snr_sgd, K=10, lambda_B=8.0, eps=0.1)),
    ),
    Row(
        "ttic.statistical(lambda count: eta(count) / 8, 8.0, 10)",
        P(twins.snr_sgd, K=10, lambda_B=8.0),
    ),
    Row(
        "ttic.statistical_1d(4.0, 10, 0.1, literal=True)",
        at(1 / 8, P(twins.snr_sgd_literal, K=10, eps=0.1)),
        curved=False,
    ),
    Row("stat.momentum(eta)", twins.momentum_inside),
    Row("stat.SGD(eta)", twins.sgd),
    Row("stat.SGD(eta, 0.9, 0.5)", P(twins.momentum_torch, d=0.5)),
    Row("stat.SGD(eta, 0.9, weight_decay=0.1)", penalised(twins.momentum_torch, 0.1)),
    Row("stat.SGD(eta, 0.9, 0.5, literal=True)", P(twins.momentum_outside, d=0.5)),
    Row("stat.SGD(eta, 0.9, nesterov=True)", twins.nesterov_simplified),
    Row("stat.original_momentum(eta, 0.9, 0.5)", P(twins.momentum_original, d=0.5)),
    Row("stat.nesterov(eta, form='look_ahead')", twins.nesterov_lookahead),
    Row("stat.nesterov(eta)", twins.nesterov_shifted),
    Row("stat.local_gains(eta, 0.2)", P(twins.local_gains, increment=0.2, decrement=0.2)),
    Row("stat.local_gains(eta, 0.2, literal=True)", P(literal.local_gains_stat479, beta=0.2)),
    Row("stat.rmsprop(eta, 0.8, 1e-2)", P(twins.rmsprop_outside, rho=0.8, delta=1e-2)),
    Row("stat.adam(eta)", twins.adam_kingma),
    Row("stat.adam()", at(0.001, twins.adam_kingma)),
    Row("stat.adam(eta, literal=True)", literal.adam_stat479_rootless, curved=False),
    Row("stat.swats(eta)", twins.swats),
    Row(
        "stat.swats(eta, switch_tol=10.0, relative=True, min_adam_steps=20)",
        P(twins.swats, tol=10.0, relative=True, min_steps=20),
    ),
]


@x64
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_is_its_twin(row):
    curvature = CURVATURE if row.curved else 0 * CURVATURE
    ours = path(built(row.call), curvature)
    theirs = row.twin(THETA, lambda x, t: NOISE[t] + curvature * x, lambda t: row.rates[t], STEPS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@x64
@pytest.mark.parametrize("call", [row.call for row in ROWS if "lambda count" not in row.call])
def test_prints_what_makes_it_again(call):
    tx = built(call)
    assert eval(repr(tx), dict(vars(lectopt), eta=eta)) == tx
