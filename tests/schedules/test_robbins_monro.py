"""The conditions of Robbins and Monro: proved from the formula, or looked at."""

import jax
import pytest

import lectopt
from lectopt import satisfies_robbins_monro
from lectopt.schedules import scaled
from tests.schedules.rows import by_tenth

VERDICTS = [  # whether the sum is infinite, whether the sum of squares is finite
    (lectopt.power_decay(0.1), True, True),  # 1 / k
    (lectopt.power_decay(0.1, 0.5), True, False),  # 1 / sqrt(k)
    (lectopt.power_decay(0.1, 0.75), True, True),
    (lectopt.relative_step(), True, False),
    (lectopt.relative_step(lectopt.power_decay(0.1)), True, True),
    (lectopt.power_decay(0.1, 2), False, True),
    (lectopt.inverse_time_decay(0.1, 0.01), True, True),
    (lectopt.inverse_time_decay(0.1, 0), True, False),
    (lectopt.inverse_strong_convexity(2), True, True),
    (0.1, True, False),
    (lectopt.constant(0.1), True, False),
    (lectopt.constant(0), False, True),
    (lectopt.exponential_decay(0.1, 0.01), False, True),
    (lectopt.exponential_decay(0.1, 0.01, 10), False, True),
    (lectopt.step_decay(0.1), False, True),
    (lectopt.step_decay(0.1, 1), True, False),
    (lectopt.halving(0.1), False, True),
    (lectopt.triangular(0.01, 0.1, 100), True, False),
    (lectopt.cosine_decay(0.1, 100), False, True),
    (lectopt.cosine_decay(0.1, 100, 0.01), True, False),
    (lectopt.cosine_restarts(0.1, 300, 6), True, False),
    (lectopt.warmup(lectopt.power_decay(0.1), 10), True, True),
    (lectopt.join((0.1, lectopt.power_decay(0.1)), (100,)), True, True),
    (
        scaled(lectopt.power_decay(0.1, 0.5), lectopt.power_decay(1, 0.25)),
        True,
        True,
    ),
    (lectopt.triangular(lectopt.power_decay(0.1), lectopt.power_decay(1), 100), True, True),
    (lectopt.lambda_schedule(0.1, lectopt.power_decay(1)), True, True),
]


@pytest.mark.parametrize("schedule, sum_diverges, squares_converge", VERDICTS, ids=repr)
def test_robbins_monro(schedule, sum_diverges, squares_converge):
    """By the formula, and the first million numbers of the same schedule say so too."""
    verdict = satisfies_robbins_monro(schedule)
    assert verdict.proved and "formula" in verdict.reason
    assert (verdict.sum_diverges, verdict.squares_converge) == (sum_diverges, squares_converge)
    assert bool(verdict) == (sum_diverges and squares_converge)

    def unknown(count):
        return schedule(count) if callable(schedule) else schedule

    looked_at = satisfies_robbins_monro(unknown)
    assert not looked_at.proved and "prove nothing" in looked_at.reason
    assert (looked_at.sum_diverges, looked_at.squares_converge) == (sum_diverges, squares_converge)


def test_robbins_monro_claims_no_more_than_it_knows():
    # A schedule as decay rate is not looked into, nor is a function.
    wavy = lectopt.inverse_time_decay(0.1, lectopt.triangular(0.1, 0.2, 10))
    assert not satisfies_robbins_monro(wavy).proved and satisfies_robbins_monro(wavy)
    assert not satisfies_robbins_monro(lectopt.lambda_schedule(0.1, by_tenth)).proved
    # Two triangles may meet at their zeros only, so a triangle from 0 has no order.
    zigzag = lectopt.triangular(0, 0.1, 1)
    verdict = satisfies_robbins_monro(zigzag)
    assert (verdict.sum_diverges, verdict.squares_converge, verdict.proved) == (True, False, False)
    never = scaled(zigzag, lectopt.join((0, zigzag), (1,)))
    assert not satisfies_robbins_monro(never).sum_diverges
    with pytest.raises(ValueError, match="-0.5 at count 0"):
        satisfies_robbins_monro(-0.5)
    with pytest.raises(ValueError, match=r"inf at count 0. Where a lecture counts from 1"):
        satisfies_robbins_monro(lambda count: 1 / count)
    with pytest.raises(ValueError, match="-1.0 at count 0"):
        satisfies_robbins_monro(lambda count: -1.0)
    with pytest.raises(ValueError, match="traced settings"):
        jax.jit(lambda k: satisfies_robbins_monro(lectopt.exponential_decay(0.1, k)))(0.1)
