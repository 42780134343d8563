"""What is swept: spaces of the optimizers' settings, and arguments that are refused."""

import jax
import numpy as np
import optax
import pytest

import lectopt
from lectopt import fit, pictures
from lectopt._sweep import choice, sweep
from lectopt.training import Problem, random_streams
from tests.sweep.logistic import DATA, PROBLEM, RATES, evaluate, init, loss, run

pytestmark = pytest.mark.usefixtures("fast_compilation")


def branching(learning_rate, b):
    return optax.sgd(learning_rate if b > 0.15 else 2 * learning_rate)


class uniform:  # noqa: N801
    """A distribution on (0, 1)."""

    def ppf(self, u):
        return u


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
        pictures.sensitivity(result)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizers": {}}, "optimizers by name"),
        ({"optimizers": [optax.adam]}, "optimizers by name"),
        ({"optimizers": {"a": optax.adam(0.1)}}, "nobody asks for 'learning_rate'.*made already"),
        (
            {"optimizers": {"a": lambda learning_rate: 3}},
            "'a' with learning_rate=0.003: wanted .* Optax transformation, got 3",
        ),
        ({"space": {"rate": [0.1]}}, r"nobody asks for 'rate'.*\(learning_rate"),
        ({"space": {}}, "learning_rate must be given"),
        ({"space": [0.1]}, "wanted a space"),
        (
            {"space": {"learning_rate": 0.1}},
            r"'learning_rate': wanted a list .* got 0.1; write \[0.1\]",
        ),
        ({"space": {"learning_rate": []}}, "wanted a list"),
        ({"space": {"learning_rate": ["high"]}}, "'a' with learning_rate='high': "),
        ({"space": {"learning_rate": [[0.1]]}}, r"numbers, texts, bools or None, got \[0.1\]"),
        ({"space": {"learning_rate": [0.1, np.nan]}}, "wanted numbers, got nan"),
        ({"space": {"learning_rate": [-0.1]}}, "negative rate, -0.1, climbs"),
        ({"space": {"learning_rate": uniform()}}, "say how many .* samples=64"),
        (
            {
                "optimizers": {"a": lectopt.adam},
                "space": {"learning_rate": [0.1], "b1": [0.9, 1.5]},
            },
            r"'a' with learning_rate=0.1, b1=1.5: adam: b1 must lie in \[0, 1\)",
        ),
        (
            {"optimizers": {"a": branching}, "space": {"learning_rate": [0.1], "b": [0.1, 0.2]}},
            r"'a' with .*asks for the value of b, .*\{\"b\": choice\(\[...\]\)\}",
        ),
        (
            {"optimizers": {"a": branching}, "space": {"learning_rate": [0.1], "b": range(33)}},
            "33 programs, and more than 32",
        ),
        ({"seeds": [0, 2**32]}, r"seed that is an integer in \[0, 2\*\*32\), got 4294967296"),
        ({"tile": 0}, 'tile="auto" or a number'),
        ({"halving": 1}, "a factor above 1, such as 3, got 1"),
        ({"max_seconds": 0}, "max_seconds"),
        ({"samples": 0}, "samples"),
        ({"accept_changes": ("steps",)}, "give directory="),
        ({"executor": 3}, "Executor"),
        ({"space": {"b": {"learning_rate": [1]}}}, r"one for each of \['a'\] .* got .*\['b'\]"),
        ({"seeds": 0}, "positive number of seeds"),
        ({"seeds": [1, 1]}, "distinct"),
        ({"seeds": [0.5]}, "a seed that is an integer"),
        ({"steps": 0}, "steps, at least 1, got 0"),
        ({"eval_every": 0}, "eval_every, at least 1, got 0"),
        ({"divergence_factor": 0.5}, "above 1, or inf, got 0.5"),
        (
            {"problem": Problem(init, lambda params, batch, key: batch[0], DATA, 8)},
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


def test_a_choice_is_built_into_a_program_of_its_own():
    space = {"learning_rate": [0.1, 0.2], "b": choice([0.1, 0.2])}
    table = run({"it": branching}, space, seeds=1).table()
    assert table.b.tolist() == [0.1, 0.2, 0.1, 0.2]
    losses = dict(zip(zip(table.learning_rate, table.b, strict=True), table.test_loss, strict=True))
    assert losses[0.1, 0.1] == pytest.approx(losses[0.2, 0.2], rel=1e-6)
    assert losses[0.1, 0.2] != losses[0.2, 0.2]


def test_everybody_gets_what_he_asks_for():
    """A decay that the problem and the maker ask for, a batch size, the steps and the key."""
    given = []

    def problem(decay, batch_size=8):
        def decayed(params, batch, key):
            return loss(params, batch, key) + decay * (params["w"] ** 2).sum()

        return Problem(init, decayed, DATA, batch_size, evaluate=evaluate)

    def maker(decay, steps, key):
        given.append((steps, key))
        return optax.chain(optax.add_noise(decay, 0.5, key), optax.sgd(0.1))

    def none(key=None):
        assert key is not None
        return optax.sgd(0.1)

    space = {"decay": [0.0, 0.5], "batch_size": [4, 8]}
    result = sweep(problem, {"a": maker, "b": none}, space, 6, seeds=2, tile=2, progress=False)
    table = result.table().set_index(["optimizer", "decay", "batch_size", "seed"])
    assert len(table) == 16 and {steps for steps, _ in given} == {6}
    keyed = [key for _, key in given if not isinstance(key, jax.core.Tracer)]
    assert len({jax.random.key_data(key).tobytes() for key in keyed}) == 1  # those that are checked

    def alone(decay, batch_size, seed, noisy):
        key = random_streams(seed).optimizer
        tx = maker(decay, 6, key) if noisy else optax.sgd(0.1)
        run = fit(problem(decay, batch_size), tx, 6, seed=seed, progress=False)
        return run.evaluations.validation_loss.iloc[-1]

    for name, decay, batch_size, seed in [("a", 0.5, 8, 1), ("b", 0.5, 4, 0), ("a", 0.0, 8, 0)]:
        expected = alone(decay, batch_size, seed, name == "a")
        found = table.loc[(name, decay, batch_size, seed)].validation_loss
        assert found == pytest.approx(expected, rel=1e-5)


def test_a_distribution_is_drawn():
    table = run({"sgd": optax.sgd}, {"learning_rate": uniform()}, 1, samples=5).table()
    few = run({"sgd": optax.sgd}, {"learning_rate": uniform()}, 1, samples=2).table()
    assert len(table) == 5 and table.learning_rate.between(0, 1).all()
    assert few.learning_rate.tolist() == table.learning_rate.tolist()[:2]
