"""What is no sweep is refused before anything runs, in words that say what to write instead."""

import concurrent.futures as cf
from functools import partial

import jax
import numpy as np
import optax
import pytest
from scipy import stats

from lectopt import choice, read_sweep, sgd, sweep
from tests.sweep.logistic import PROBLEM


def branching(learning_rate, share):
    return optax.sgd(learning_rate) if share > 0.5 else optax.adam(learning_rate)


def by_numpy(learning_rate):
    return optax.sgd(np.log(learning_rate))


def failing(learning_rate):
    raise RuntimeError("mine")


class Drawn:
    def __init__(self, quantile):
        self.ppf = quantile


class NoFuture(cf.Executor):
    def submit(self, *arguments, **words):
        return 5


def ended():
    executor = cf.ThreadPoolExecutor(1)
    executor.shutdown()
    return executor


DRAWN, RATES = dict(samples=4), {"learning_rate": [0.1]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(divergence_factor=None), "divergence_factor above 1, or inf, got None"),
        (dict(divergence_factor="10"), "divergence_factor above 1, or inf, got '10'"),
        (dict(max_seconds="10"), "positive number of max_seconds, got '10'"),
        (dict(max_seconds=float("nan")), "positive number of max_seconds, got nan"),
        (dict(tile=1.5), 'tile="auto" or a number of lanes, got 1.5'),
        (dict(samples=2.0), "samples to be None or an integer, at least 1, got 2.0"),
        (dict(sampler="random"), "say how many, samples=64"),
        (dict(sampler="tpe"), "'sobol', 'random' or an optuna.Study, got 'tpe'"),
        (dict(sampler=None, samples=2), r"optuna.create_study\(sampler="),
        (dict(accept_changes="dta", directory="."), "accept_changes has 'dta'; wanted some of"),
        (dict(accept_changes=["data"]), "give directory=, too"),
        (dict(directory=5), 'wanted a directory such as "runs/sweep", got 5'),
        (dict(directory=__file__), "is a file; give a directory"),
        (dict(executor=cf.ThreadPoolExecutor), "Executor, as ProcessPoolExecutor.* got <class"),
        (dict(executor=NoFuture()), r"whose submit gives a Future.* write client.get_executor\(\)"),
        (dict(executor=ended()), "the executor takes no more work"),
        (dict(optimizers={"a": dict}), "'a': <class 'dict'> does not say what it asks for"),
        (dict(optimizers=partial(sgd, foo=1)), "does not say what it asks for .*incorrect arg"),
        (dict(optimizers=by_numpy), "NumPy .write jax.numpy. asks for the value of learning_rate"),
        (
            dict(optimizers=branching, space=RATES | {"share": [0.1, 0.9]}),
            r'asks for the value of share.* Write \{"share": choice',
        ),
        (dict(space={"learning_rate": stats.loguniform}, **DRAWN), "a distribution with its arg"),
        (
            dict(space={"learning_rate": stats.loguniform(-1, 1)}, **DRAWN),
            r"learning_rate: ppf\(0.*\) of loguniform\(-1, 1\) is .*nan.*, and no finite number",
        ),
        (dict(space={"learning_rate": Drawn(lambda u: [u, u])}, **DRAWN), "no finite number"),
        (dict(space={"learning_rate": Drawn(lambda u: "high")}, **DRAWN), "no finite number"),
        (dict(space={"learning_rate": Drawn({}.pop)}, **DRAWN), "raises KeyError"),
    ],
)  # fmt: skip
def test_it_is_told_what_to_write(arguments, message):
    given = dict(optimizers=sgd, space=RATES, steps=3, seeds=1, tile=1, progress=False) | arguments
    with pytest.raises(ValueError, match=message):
        sweep(PROBLEM, given.pop("optimizers"), given.pop("space"), given.pop("steps"), **given)


def test_without_compilation_there_is_no_sweep():
    with jax.disable_jit(), pytest.raises(ValueError, match="a single training with fit"):
        sweep(PROBLEM, sgd, RATES, 3, progress=False)


@pytest.mark.parametrize("values", [0.1, ["high"], "high", [None]])
def test_a_choice_is_of_numbers(values):
    with pytest.raises(ValueError, match=r"choice\(\[0.0, 0.9\]\), got"):
        choice(values)


def test_what_users_functions_raise_is_theirs_with_a_note():
    with pytest.raises(RuntimeError, match="mine") as caught:
        sweep(PROBLEM, failing, RATES, 3, progress=False)
    assert caught.value.__notes__ == ["(while optimizer 'failing' with learning_rate=0.1 was made)"]
    with pytest.raises(ZeroDivisionError) as caught:
        sweep(lambda width: 1 / 0, sgd, RATES | {"width": [3]}, 3, progress=False)
    assert caught.value.__notes__ == ["(while problem '<lambda>' was made with {'width': 3})"]


@pytest.mark.parametrize("directory", [None, 5, __file__, "nowhere"])
def test_what_is_no_directory_of_a_sweep_is_not_read(directory):
    with pytest.raises(ValueError, match="wanted a directory|is a file|holds no sweep"):
        read_sweep(directory)


def test_numbers_of_numpy_are_numbers(fast_compilation):
    result = sweep(
        PROBLEM, sgd, {"learning_rate": [0.1, 0.2]}, np.int64(2), seeds=np.int32(1),
        samples=np.int64(2), tile=np.int8(1), progress=False,
    )  # fmt: skip
    assert result.complete
    for row in (100, "a"):
        with pytest.raises(ValueError, match="wanted a row of table"):
            result.refit(row)
    with pytest.raises(ValueError, match="wanted a quantile"):
        result.level("x")
