"""The lectures' schedules: what the slides say, where they differ, what conditions they ask for."""

import functools as ft

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import stat479
from tests.support import twins
from tests.support.lecture_runs import STEPS, built, x64
from tests.support.twins import literal

P = ft.partial
COUNTS = np.arange(STEPS)
SCHEDULES = [
    ("cmu.one_over_k(0.3)", P(twins.power_decay, init=0.3)),
    ("cmu.one_over_sqrt_k(0.3)", P(twins.power_decay, init=0.3, power=0.5)),
    ("cmu.one_over_lambda_t(0.2)", P(twins.inverse_strong_convexity, lam=0.2)),
    ("liege.step_decay(0.3)", P(twins.step_decay, init=0.3)),
    ("liege.step_decay(0.3, 0.1, 2, 7)", P(twins.step_decay, init=0.3, factor=0.1, every=14)),
    ("liege.exponential_decay(0.3, 0.1)", P(twins.exponential_decay, init=0.3, k=0.1)),
    ("liege.one_over_t_decay(0.3, 0.1)", P(twins.inverse_time_decay, init=0.3, k=0.1)),
    ("ttic.cosine_restarts(50, 4, 0.2)", P(twins.cosine_restarts, init=0.2, total=50, cycles=4)),
    ("ttic.cosine_restarts(60)", P(twins.cosine_restarts, init=0.1, total=60, cycles=6)),
    ("stat.exponential_decay(0.3, 0.1, 4)", P(twins.exponential_decay, init=0.3, k=0.025)),
    ("stat.halving(0.3, 3, 4)", P(twins.halving, init=0.3, every=12)),
    ("stat.halving(0.3, 3, 4, literal=True)", P(literal.halving_stat479, init=0.3, every=12)),
    ("stat.inverse_decay(0.3, 0.1)", P(twins.inverse_time_decay, init=0.3, k=0.1)),
    ("stat.triangular(0.1, 0.4, 7)", P(twins.triangular, base=0.1, peak=0.4, half=7)),
    ("stat.adjust_learning_rate(0.3, 0.1)", P(twins.staircase_exponential, init=0.3, k=0.1)),
    (
        "stat.adjust_learning_rate(0.3, 0.1, literal=True)",
        P(twins.staircase_exponential, init=0.3, k=0.1, late=True),
    ),
    (
        "stat.LambdaLR(0.3, lambda epoch: 0.95**epoch, 4)",
        P(twins.lambda_lr, init=0.3, factor=lambda e: 0.95**e, every=4),
    ),
    (
        "stat.LambdaLR(0.3, lambda e: e // 30)",
        P(twins.lambda_lr, init=0.3, factor=lambda e: e // 30),
    ),
    ("stat.ExponentialLR(steps_per_epoch=9)", P(twins.exponential_lr, init=0.1, every=9)),
]


@x64
@pytest.mark.parametrize("call, twin", SCHEDULES, ids=[call for call, _ in SCHEDULES])
def test_schedule_is_its_twin(call, twin):
    schedule = built(call)
    np.testing.assert_allclose(jax.vmap(schedule)(jnp.asarray(COUNTS)), twin(COUNTS), rtol=1e-12)
    if "lambda" not in call.replace("lambda_", ""):
        assert eval(repr(schedule), vars(lectopt).copy()) == schedule


DIFFERENCES_OF_SCHEDULES = [
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
@pytest.mark.parametrize(
    "reason, a, b, agree",
    DIFFERENCES_OF_SCHEDULES,
    ids=[row[0] for row in DIFFERENCES_OF_SCHEDULES],
)
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
