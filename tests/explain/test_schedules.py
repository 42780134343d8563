"""A schedule is a function of t: its letter, its formula, and its values in a replay."""

import functools as ft

import optax
import pytest

import lectopt
from lectopt.explain import explain
from tests.explain.lines import EXACT, FLOAT32, lines

part = ft.partial


def test_schedules_are_functions_of_t():
    schedule = optax.cosine_decay_schedule(1e-2, 100)
    explanation = explain(optax.adam, learning_rate=schedule)
    found = lines(explanation)
    assert any(line.startswith("α[t] = ") and "cos(" in line for line in found)
    assert "θ[t] = θ[t-1] - α[t]*m_hat[t]/(sqrt(v_hat[t]) + ε)" in found
    assert explanation.replay() <= EXACT
    ours = explain(lectopt.sgd, learning_rate=lectopt.inverse_time_decay(0.1, 0.5))
    assert ours.replay() <= EXACT
    assert ours.parse("t") in ours["update"].free_symbols
    inside, outside = (
        explain(part(lectopt.momentum, form=form), learning_rate=schedule)
        for form in ("velocity", "heavy_ball")
    )
    assert "v[t] = β*v[t-1] - α[t]*g[t]" in lines(inside)
    assert "θ[t] = θ[t-1] - α[t]*v[t]" in lines(outside)


@pytest.mark.parametrize(
    "schedule, formula",
    [
        (lectopt.cosine_decay(0.1, 9), "0.05*(1 + cos(π*min(9, t - 1)/9))"),
        (lectopt.cosine_restarts(0.1, 10, 2), "0.05*(1 + cos(π*((t - 1) mod 5)/5))"),
        (lectopt.step_decay(0.1, 0.5, 5), "0.1*0.5^floor((t - 1)/5)"),
        (lectopt.power_decay(0.1, 0.5), "0.1/sqrt(t)"),
        (lectopt.inverse_time_decay(0.1, 0.5), "0.1/(1 + 0.5*(t - 1))"),
        (lectopt.warmup(0.1, 10), "0.01*(t - 1) if t < 11 else 0.1"),
        (optax.linear_schedule(1.0, 0.0, 4), "1 - min(4, t - 1)/4"),
        (
            optax.piecewise_constant_schedule(0.1, {3: 0.1, 7: 0.5}),
            "(0.1 if t < 4 else 0.01) if t < 8 else 0.005",
        ),
        (
            optax.cosine_onecycle_schedule(10, 0.1, 0.5, div_factor=10, final_div_factor=10),
            "(0.1 - 0.045*(1 + cos(π*(t - 1)/5)) if t < 6 else "
            "0.001 + 0.0495*(1 + cos(π*(t - 6)/5))) if t < 11 else 0.001",
        ),
    ],
    ids=lambda x: getattr(x, "__qualname__", type(x).__name__).split(".")[0],
)
def test_schedule_reads_as_its_formula(schedule, formula):
    explanation = explain(optax.sgd, learning_rate=schedule)
    assert f"α[t] = {formula}" in lines(explanation)
    assert explanation.replay(steps=15) <= FLOAT32  # Optax computes its schedules in float32


def test_a_schedule_read_at_two_steps_has_one_letter():
    """Its letter is its value at the first; at the other step it is written out."""
    for form in ("shifted", "look_ahead", "simplified"):
        maker = part(lectopt.nesterov, form=form)
        explanation = explain(maker, decay=lambda count: 0.5 + 0.4 / (2.0 + count))
        assert "β[t] = " in str(explanation).replace("    ", " ").replace("  ", " ")
        assert explanation.replay(steps=12) <= EXACT
