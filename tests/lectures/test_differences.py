"""The lectures' optimizers differ where their slides do, and for the reason that the slides give.

A row is two variants of one algorithm and the reason why they differ. Their runs are apart, and
agree to the last digits once the reason is taken away: a constant rate where the rate's place is
the reason, an epsilon of 0 where it is that of epsilon.
"""

from typing import NamedTuple

import numpy as np
import pytest

import lectopt
from tests.support.lecture_runs import THETA, built, path, x64

TINY = 1e-6  # scale of gradients at which the place of an epsilon of 1e-8 shows


class Difference(NamedTuple):
    """Two calls, and the two without the reason of their difference."""

    reason: str
    calls: tuple[str, str]
    without: tuple[str, str]
    scale: float = 1.0


def with_constant_rate(*calls: str) -> tuple[str, ...]:
    return tuple(call.replace("eta", "0.05") for call in calls)


def rate_inside_or_outside(reason: str, *calls: str) -> Difference:
    return Difference(reason, calls, with_constant_rate(*calls))


def eps_inside_or_outside(reason: str, *calls: str) -> Difference:
    return Difference(reason, calls, tuple(c.replace("1e-8", "0.0") for c in calls), TINY)


DIFFERENCES = [
    rate_inside_or_outside(
        "momentum: the rate inside the velocity (CMU) or outside it (STAT 479's PyTorch)",
        "cmu.momentum(eta)",
        "stat.SGD(eta, 0.9)",
    ),
    Difference(
        "momentum: a sum of the past gradients (Liège) or their average (ISI)",
        ("liege.momentum(0.05)", "isi.momentum(0.05)"),
        ("liege.momentum(0.05)", "isi.momentum(0.05 / (1 - 0.9))"),
    ),
    rate_inside_or_outside(
        "momentum: TTIC's equivalence with eta' = eta / (1 - mu) needs a constant rate",
        "ttic.momentum(eta)",
        "ttic.momentum(scaled(eta, 10), parameterization='nonstandard')",
    ),
    Difference(
        "momentum: the average corrected for its start (ISI's moving average) or not (its update)",
        ("isi.momentum(eta, bias_correction=True)", "isi.momentum(eta)"),
        ("isi.momentum(eta, 0.0, bias_correction=True)", "isi.momentum(eta, 0.0)"),
    ),
    Difference(
        "momentum: the first gradient dampened (STAT 479's formula) or not (PyTorch)",
        ("stat.SGD(eta, 0.9, 0.5, literal=True)", "stat.SGD(eta, 0.9, 0.5)"),
        ("stat.SGD(eta, 0.9, 0.0, literal=True)", "stat.SGD(eta, 0.9, 0.0)"),
    ),
    rate_inside_or_outside(
        "dampened momentum: the rate inside (original definition) or outside (PyTorch's formula)",
        "stat.original_momentum(eta, 0.9, 0.5)",
        "stat.SGD(eta, 0.9, 0.5, literal=True)",
    ),
    Difference(
        "the gradient at the look-ahead (Nesterov) or at the weights (momentum)",
        ("cmu.nesterov(eta, form='look_ahead')", "cmu.momentum(eta)"),
        ("cmu.nesterov(eta, 0.0, form='look_ahead')", "cmu.momentum(eta, 0.0)"),
    ),
    Difference(
        "Nesterov: the model holds the look-ahead (pseudo-code) or the weights (equation)",
        ("cmu.nesterov(eta)", "cmu.nesterov(eta, form='look_ahead')"),
        ("cmu.nesterov(eta, 0.0)", "cmu.nesterov(eta, 0.0, form='look_ahead')"),
    ),
    rate_inside_or_outside(
        "Nesterov: the rate inside the velocity (the lectures) or outside it (PyTorch)",
        "stat.nesterov(eta)",
        "stat.SGD(eta, 0.9, nesterov=True)",
    ),
    Difference(
        "AdaGrad: the sum starts at 0 (Liège) or at 0.1 (Optax)",
        ("liege.adagrad(0.05)", "adagrad(0.05, 0.1, 1e-8, eps_placement='outside')"),
        ("liege.adagrad(0.05)", "adagrad(0.05, 0.0, 1e-8, eps_placement='outside')"),
    ),
    eps_inside_or_outside(
        "AdaGrad: epsilon outside the root (Liège) or inside it (Optax)",
        "liege.adagrad(0.05, 1e-8)",
        "adagrad(0.05, 0.0, 1e-8)",
    ),
    eps_inside_or_outside(
        "RMSProp: epsilon inside the root (CMU) or outside it (Liège)",
        "cmu.rmsprop(eta, 0.9, 1e-8)",
        "liege.rmsprop(eta, 0.9, 1e-8)",
    ),
    eps_inside_or_outside(
        "RMSProp: epsilon outside the root (STAT 479) or inside it (TTIC)",
        "stat.rmsprop(eta, 0.99, 1e-8)",
        "ttic.rmsprop(eta, 0.99, 1e-8)",
    ),
    eps_inside_or_outside(
        "RMSProp: an epsilon (CMU) or none (ISI's print)",
        "cmu.rmsprop(eta, 0.9, 1e-8)",
        "isi.rmsprop(eta, 0.9, literal=True)",
    ),
    Difference(
        "RMSProp: a short memory (CMU, .9) or a long one (TTIC, .99)",
        ("cmu.rmsprop(eta)", "ttic.rmsprop(eta)"),
        ("cmu.rmsprop(eta)", "ttic.rmsprop(eta, 0.9)"),
    ),
    Difference(
        "RMSProp: started in every epoch (CMU's print) or once",
        ("cmu.rmsprop(eta, literal=True, steps_per_epoch=10)", "cmu.rmsprop(eta)"),
        ("cmu.rmsprop(eta, literal=True, steps_per_epoch=60)", "cmu.rmsprop(eta)"),
    ),
    eps_inside_or_outside(
        "Adam: epsilon inside the root (CMU) or outside it (Liège)",
        "cmu.adam(eta, epsilon=1e-8)",
        "liege.adam(eta, delta=1e-8)",
    ),
    eps_inside_or_outside(
        "Adam: epsilon inside the root (ISI) or outside it (Kingma and Ba, in STAT 479)",
        "isi.adam(eta, epsilon=1e-8)",
        "stat.adam(eta, epsilon=1e-8)",
    ),
    Difference(
        "Adam: averages divided by their bias, or multiplied by it (TTIC's print)",
        ("ttic.adam(eta)", "ttic.adam(eta, literal=True, t_0=1)"),
        ("ttic.adam(eta, 0.0, 0.0)", "ttic.adam(eta, 0.0, 0.0, literal=True, t_0=1)"),
    ),
    Difference(
        "weight decay: in proportion to the weight, or the same for all (ISI's print)",
        ("isi.weight_decay(eta, 2, 40)", "isi.weight_decay(eta, 2, 40, literal=True)"),
        ("isi.weight_decay(eta, 0, 40)", "isi.weight_decay(eta, 0, 40, literal=True)"),
    ),
    Difference(
        "the penalty in the gradient (L2) or beside it (weight decay): one thing in SGD, not in "
        "Adam",
        (
            "chain(isi.l2_regularization(2, 40), isi.adam(0.05, epsilon=1e-8))",
            "adamw(0.05, eps_placement='inside', weight_decay=2 / 40)",
        ),
        (
            "chain(isi.l2_regularization(2, 40), isi.gradient_descent(0.05))",
            "isi.weight_decay(0.05, 2, 40)",
        ),
    ),
]


@x64
@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.reason)
def test_differ_for_that_reason_and_no_other(row):
    names = dict(adagrad=lectopt.adagrad, adamw=lectopt.adamw, scaled=lectopt.schedules.scaled)
    a, b = (path(built(call, **names), scale=row.scale) for call in row.calls)
    assert np.max(abs(a - b)) > 0.01 * np.max(abs(a - THETA))
    a, b = (path(built(call, **names), scale=row.scale) for call in row.without)
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@x64
def test_the_lectures_agree_where_their_slides_do():
    """The four heavy balls with the rate inside are one algorithm, and so are three Adams."""
    same = [
        "cmu.momentum(eta) liege.momentum(eta) ttic.momentum(eta) stat.momentum(eta)",
        "cmu.nesterov(eta) liege.nesterov(eta) stat.nesterov(eta)",
        "liege.adam(eta) ttic.adam(eta) stat.adam(eta)",
        "cmu.adam(eta) isi.adam(eta)",
        "cmu.rmsprop(eta) isi.rmsprop(eta)",
        "liege.rmsprop(eta) stat.rmsprop(eta)",
        "isi.momentum(eta) ttic.momentum(eta,parameterization='nonstandard')",
    ]
    for calls in same:
        assert len({built(call) for call in calls.split()}) == 1, calls
