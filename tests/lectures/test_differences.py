"""The lectures differ where their slides do, and for the reason that the slides give.

A row is two variants of one algorithm and the reason why they differ. Their runs are apart, and
agree to the last digits once the reason is taken away: a constant rate where the rate's place is
the reason, an epsilon of 0 where it is that of epsilon.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import isi, stat479, ttic31230
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
    names = dict(adagrad=lectopt.adagrad, adamw=lectopt.adamw, scaled=lectopt.scaled)
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


def first_steps(tx, gradient, steps=1):
    """The updates for one and the same gradient."""
    state, out = tx.init(jnp.zeros(1)), []
    for _ in range(steps):
        updates, state = tx.update(jnp.full(1, gradient), state, jnp.zeros(1))
        out.append(float(updates[0]))
    return np.array(out)


@x64
def test_what_the_prints_do():
    """Slips that have no knob to turn off, each by what it does."""
    stale = first_steps(ttic31230.rmsprop(0.1, literal=True), 0.5)  # over the root of epsilon
    np.testing.assert_allclose(stale, -0.1 * 0.5 / 1e-4, rtol=1e-12)
    idle = first_steps(ttic31230.adam(0.1, literal=True, epsilon=0), 0.5, 2)
    assert idle[0] == 0 and idle[1] != 0
    tenfold = first_steps(ttic31230.adam(0.1, literal=True, epsilon=0, t_0=1), 0.5)
    np.testing.assert_allclose(tenfold, -10 * 0.1, rtol=1e-12)
    for literal, power in [(False, 0), (True, -1)]:  # without a root the gradient's unit is left
        tx = stat479.adam(0.01, epsilon=0, literal=literal)
        large, small = first_steps(tx, 4.0, 5), first_steps(tx, 0.5, 5)
        np.testing.assert_allclose(large, 8.0**power * small, rtol=1e-12)
    halved = [first_steps(stat479.adam(rate, epsilon=0, literal=True), 1.0) for rate in (0.2, 0.1)]
    np.testing.assert_allclose(halved[0], 4 * halved[1], rtol=1e-12)  # the rate comes twice


@x64
def test_ttic_guards():
    """As printed, with the variance 0 of a window of one, the rate is infinite; guarded, 1/(2L)."""
    guarded = first_steps(ttic31230.statistical_1d(2.0, K=3), 0.5, 5)
    np.testing.assert_allclose(guarded, [0, 0, 0, -0.5 / 4, -0.5 / 4], rtol=1e-12)
    printed = first_steps(ttic31230.statistical_1d(2.0, K=1, literal=True), 0.5, 3)
    assert printed[0] == 0 and not np.isfinite(printed[1:]).any()


COUNTS = np.arange(60)
SCHEDULES = [
    (
        "exponential: a curve (Liège) or stairs of 10 epochs (STAT 479's own function)",
        "liege.exponential_decay(0.3, 0.1)",
        "stat.adjust_learning_rate(0.3, 0.1)",
        COUNTS % 10 == 0,
    ),
    (
        "own function: called before an epoch, or at the end of the one before (the slide)",
        "stat.adjust_learning_rate(0.3, 0.1)",
        "stat.adjust_learning_rate(0.3, 0.1, literal=True)",
        (COUNTS % 10 != 0) | (COUNTS == 0),
    ),
    (
        "halving: of the rate before, or of one and the same rate (STAT 479's print)",
        "stat.halving(0.3, 10)",
        "stat.halving(0.3, 10, literal=True)",
        COUNTS < 20,
    ),
    (
        "inverse: 1/k from 1 (CMU) is 1/(1 + k t) from 0 (STAT 479) with k = 1 only",
        "cmu.one_over_k(0.3)",
        "stat.inverse_decay(0.3, 0.5)",
        COUNTS == 0,
    ),
    (
        "inverse: 1/k (strongly convex) or 1/sqrt k (convex)",
        "cmu.one_over_k(0.3)",
        "cmu.one_over_sqrt_k(0.3)",
        COUNTS == 0,
    ),
    (
        "steps: by half every 10 epochs (Liège) or every one (STAT 479)",
        "liege.step_decay(0.3)",
        "stat.halving(0.3)",
        COUNTS == 0,
    ),
    ("the same", "liege.step_decay(0.3)", "stat.halving(0.3, 10)", COUNTS >= 0),
    ("the same", "cmu.one_over_k(0.3)", "stat.inverse_decay(0.3, 1.0)", COUNTS >= 0),
    ("the same", "liege.one_over_t_decay(0.3, 0.2)", "stat.inverse_decay(0.3, 0.2)", COUNTS >= 0),
]


@x64
@pytest.mark.parametrize("reason, a, b, agree", SCHEDULES, ids=[row[0] for row in SCHEDULES])
def test_schedules_differ_where_they_should(reason, a, b, agree):
    a, b = (jax.vmap(built(call))(jnp.asarray(COUNTS)) for call in (a, b))
    np.testing.assert_array_equal(np.isclose(a, b, rtol=1e-12), agree)


def test_cmu_and_ttic_ask_for_different_conditions():
    """CMU: the sum of squares is finite. TTIC: the rate goes to 0. Both: the sum is infinite."""
    judged = lectopt.satisfies_robbins_monro
    assert judged(cmu.one_over_k(0.3))
    between = judged(cmu.one_over_sqrt_k(0.3))  # for TTIC enough, for CMU not
    assert between.sum_diverges and not between.squares_converge
    assert not judged(stat479.halving(0.3)).sum_diverges  # for neither


def test_errors_speak_the_lectures_letters():
    with pytest.raises(ValueError, match=r"adam: delta must lie in \[0, 1\)"):
        cmu.adam(delta=1.5)
    with pytest.raises(ValueError, match="literal=True and steps_per_epoch go together"):
        cmu.rmsprop(literal=True)
    with pytest.raises(ValueError, match="literal=True and steps_per_epoch go together"):
        cmu.rmsprop(steps_per_epoch=10)
    with pytest.raises(ValueError, match="weight_decay: m must lie in"):
        isi.weight_decay(0.1, 1.0, 0)
    with pytest.raises(ValueError, match="nesterov needs a momentum and no dampening"):
        stat479.SGD(0.1, nesterov=True)
    with pytest.raises(ValueError, match="eta must be constant"):
        ttic31230.sgd_as_mcmc(lambda count: 0.1)
    with pytest.raises(TypeError, match=r"momentum\(eta, beta=0.9\)"):
        cmu.momentum(gamma=0.1)
