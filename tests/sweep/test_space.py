"""What is swept: spaces of the optimizers' settings, and arguments that are refused."""

import numpy as np
import optax
import pytest

import lectopt
from lectopt._sweep import sweep
from lectopt.training import Problem
from tests.sweep.logistic import DATA, PROBLEM, RATES, evaluate, init, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


def test_each_optimizer_can_have_its_own_space():
    result = run(
        {"adam": optax.adam, "sgd": optax.sgd, "fixed": lambda: optax.sgd(0.1)},
        {
            "adam": {"learning_rate": [0.01, 0.1], "b1": [0.0, 0.5, 0.9]},
            "sgd": {"learning_rate": [0.1]},
            "fixed": {},
        },
        seeds=2,
        eval_every=7,
    )
    table = result.table()
    assert table.columns[:6].tolist() == [
        *("optimizer", "learning_rate", "b1", "seed", "steps", "diverged_at"),
    ]
    assert table.groupby("optimizer").size().to_dict() == {"adam": 12, "sgd": 2, "fixed": 2}
    adam = table[table.optimizer == "adam"]
    assert adam.seed.tolist() == [0, 1] * 6
    assert adam.learning_rate.tolist() == [0.01] * 6 + [0.1] * 6
    assert adam.b1.tolist() == [0.0, 0.0, 0.5, 0.5, 0.9, 0.9] * 2
    sgd, fixed = (table[table.optimizer == name] for name in ("sgd", "fixed"))
    assert sgd.b1.isna().all() and fixed.learning_rate.isna().all()
    np.testing.assert_allclose(sgd.test_loss, fixed.test_loss, rtol=1e-6)
    assert len(result.curves()) == 2 * len(table)
    assert sorted(result.best().optimizer) == ["adam", "fixed", "sgd"]
    with pytest.raises(ValueError, match=r"'learning_rate' in every optimizer, but \['fixed'\]"):
        result.plot_sensitivity()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizers": {}}, "optimizers by name"),
        ({"optimizers": [optax.adam]}, "optimizers by name"),
        ({"optimizers": {"a": optax.adam(0.1)}}, "'a': wanted a maker"),
        (
            {"optimizers": {"a": lambda learning_rate: 3}},
            "'a': .*Optax transformation, .*returns 3",
        ),
        ({"space": {"rate": [0.1]}}, r"'a': wanted a maker that takes .*\['rate'\].*learning_rate"),
        ({"space": {}}, "learning_rate must be given"),
        ({"space": [0.1]}, "wanted a space"),
        ({"space": {"learning_rate": 0.1}}, r"1-D array of numbers .* got 0.1; write \[0.1\]"),
        ({"space": {"learning_rate": []}}, "1-D array"),
        ({"space": {"learning_rate": ["high"]}}, "1-D array of numbers"),
        ({"space": {"b": {"learning_rate": [1]}}}, r"one for each of \['a'\] .* got .*\['b'\]"),
        ({"optimizers": {"a": lectopt.adam(0.1)}}, '(?s)got the optimizer.*{"a": lectopt.adam}'),
        ({"seeds": 0}, "positive number of seeds"),
        ({"seeds": [1, 1]}, "distinct"),
        ({"seeds": [0.5]}, "each seed"),
        ({"steps": 0}, "steps, at least 1, got 0"),
        ({"eval_every": 0}, "eval_every, at least 1, got 0"),
        ({"divergence_factor": 0.5}, "above 1, or inf, got 0.5"),
        (
            {"problem": Problem(init, evaluate, DATA, 8)},
            r"one number a sample.* got shape \(8, 5\)",
        ),
    ],
)
def test_sweep_refuses(changes, message):
    def wrong(params, batch, key):
        return batch[0]

    arguments = {
        "problem": PROBLEM,
        "optimizers": {"a": optax.sgd},
        "space": {"learning_rate": RATES},
        "seeds": 1,
        "steps": 2,
        "progress": False,
    }
    if "problem" in changes:
        changes = {"problem": Problem(init, wrong, DATA, 8)}
    with pytest.raises(ValueError, match=message):
        sweep(**{**arguments, **changes})
