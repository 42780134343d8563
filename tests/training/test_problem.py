"""Problems: what they are made of, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lectopt.training import Problem, objective
from tests.training.samples import DATA, LABELS, X

pytestmark = pytest.mark.usefixtures("fast_compilation")


def mean_square(params, batch, key):
    del key
    return ((batch[0] @ params - batch[1]) ** 2).mean()


def linear(**changes):
    arguments = {"init": lambda key: jnp.zeros(4), "loss": mean_square, "data": DATA}
    return Problem(**{**arguments, "batch_size": 8, **changes})


def test_problem_measures_the_loss_by_default():
    problem = linear()
    assert repr(problem) == "Problem(train=60, validation=30, batch_size=8)"
    assert (problem.size, problem.steps_per_epoch, problem.steps(3)) == (60, 7, 21)
    metrics = problem.metrics(jnp.zeros(4), DATA["validation"])
    np.testing.assert_allclose(metrics["loss"], np.mean(LABELS[60:] ** 2), rtol=1e-6)
    problem.check()


def test_what_is_minimised_is_measured_beside_what_evaluate_gives():
    def evaluate(params, split):
        return {"error": abs(split[0] @ params - split[1])}

    def names(**arguments):
        return sorted(linear(evaluate=evaluate, **arguments).metrics(jnp.zeros(4), DATA["train"]))

    assert names() == names(minimize="loss") == ["error", "loss"]
    assert names(minimize="error") == names(maximize="error") == ["error"]
    with pytest.raises(ValueError, match=r"no metric 'recall' .* gives \['error'\]"):
        linear(evaluate=evaluate, maximize="recall").check()


def test_the_number_of_steps_in_an_epoch():
    def steps(**changes):
        return linear(**changes).steps_per_epoch

    assert steps(last_batch="keep") == 8 and steps(last_batch="keep", batch_size=10) == 6
    assert steps(batch_size=None) == 1  # all samples in a batch
    with pytest.raises(ValueError, match="sample= without batch_size=; give steps"):
        steps(batch_size=None, sample=lambda train, key, step: train)


BATCHES = [(X[i : i + 8], LABELS[i : i + 8]) for i in range(0, 24, 8)]


def test_an_iterable_that_can_be_iterated_again_gives_the_training_batches():
    class Loader:
        def __iter__(self):
            return iter(BATCHES)

        def __len__(self):
            return 3

    problem = linear(data={"train": Loader(), "validation": DATA["train"]}, batch_size=None)
    assert repr(problem) == "Problem(train=batches, validation=60)"
    assert problem.steps(2) == 6
    problem.check(BATCHES[0])
    of_function = linear(data={"train": lambda: iter(BATCHES)}, batch_size=None)
    with pytest.raises(ValueError, match="give steps"):
        of_function.steps(2)
    with pytest.raises(ValueError, match=r"cannot be started again.* lambda: batches\(\)"):
        linear(data={"train": iter(BATCHES)}, batch_size=None)
    with pytest.raises(ValueError, match="batch_size is what the iterable .* decides"):
        linear(data={"train": Loader()})


class DataFrame:
    """As pandas has it, for what is asked of it here."""

    __module__ = "pandas"

    def __iter__(self):
        return iter("ab")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"test": DATA["train"]}}, r'at least the split "train", got \[\'test\'\]'),
        ({"data": (X, LABELS)}, "got tuple"),
        ({"data": {"train": (X, LABELS[1:])}}, "split 'train': .*same number"),
        ({"data": {**DATA, "test": X}}, "split 'test': wanted .* as 'train' is"),
        ({"data": {"train": DataFrame()}}, r"got a pandas.DataFrame. Write x.to_numpy\(\)"),
        ({"data": {"train": (X, DataFrame())}}, r"got a pandas.DataFrame. Write x.to_numpy\(\)"),
        ({"data": {"train": (X.tolist(), LABELS)}}, r"Python numbers in a list. Write np.asarray"),
        ({"data": {"train": (X, LABELS.astype(str))}}, "got an array of <U21. .*np.unique"),
        ({"data": {"train": (X, LABELS.astype(object))}}, "got an array of object"),
        ({"data": {**DATA, "test": iter([])}}, "split 'test': wanted arrays, got list_iterator"),
        ({"batch_size": 0}, "integer batch_size from 1 to 60, .*got 0"),
        ({"batch_size": 61}, "got 61"),
        ({"batch_size": 8.0}, "got 8.0"),
        ({"micro_batch": 3}, "divides the batch size 8, got 3"),
        ({"order": "random"}, "order to be one of .*'shuffled'.*got 'random'"),
        ({"last_batch": "pad"}, "last_batch to be one of .*got 'pad'"),
        ({"minimize": "loss", "maximize": "loss"}, "write one of them"),
    ],
)
def test_problem_refuses(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        linear(**changes)
    assert len(str(caught.value)) < 400


def of_sample(params, batch, key):
    return (batch[0] @ params - batch[1]) ** 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": lambda params, batch, key: batch[0] * params[None]}, r"got shape \(8, 4\) for 8"),
        ({"loss": lambda params, batch, key: params * 1.0}, r"got shape \(4,\) for 8 samples"),
        ({"loss": lambda params, batch, key: jnp.array(1)}, "int32, and must be floating"),
        ({"loss": lambda params, batch, key: params.sum() * 1j}, "the loss is complex"),
        ({"loss": lambda params, batch, key: (params.sum(), params)}, "not a dict of numbers"),
        ({"loss": lambda params, batch, key: (1.0, {}, {}, {})}, "returned 4 values.*may return"),
        ({"loss": lambda params, batch, key: (params.sum(), {"loss": 1.0})}, "Rename it"),
        ({"evaluate": lambda params, split: {"error": split[0]}}, r"'error'.* got shape \(60, 4\)"),
        ({"evaluate": lambda params, split: {"error": params}}, r"got shape \(4,\) for 60"),
        ({"evaluate": lambda params, split: {"error": params.sum() * 1j}}, "'error' is complex"),
        ({"evaluate": lambda params, split: params.sum()}, "evaluate must return"),
        ({"init": lambda key: {}}, "there are no parameters"),
        (
            {"init": lambda key: {"w": jnp.zeros(4), "n": jnp.arange(3)}},
            r"\['n'\] \(int32\) cannot",
        ),
        ({"init": lambda key: {"w": jnp.zeros(4), "key": key}}, r"\['key'\] \(key<fry>\) cannot"),
        (
            {"stateful": True, "loss": lambda params, state, batch, key: (params.sum(), state)},
            r"return \(params, state\)",
        ),
    ],
)
def test_check_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        linear(**changes).check()


def test_a_state_must_stay_of_one_kind():
    def grown(params, state, batch, key):
        return jnp.sum(params), {"mean": jnp.zeros(5)}

    problem = linear(
        init=lambda key: (jnp.zeros(4), {"mean": jnp.zeros(4)}),
        loss=grown,
        evaluate=lambda params, state, split: {"loss": params.sum()},
        stateful=True,
    )
    with pytest.raises(ValueError, match=r"\['mean'\]: float32\[4\] became float32\[5\]"):
        problem.check()


def named(params, batch, key):
    each = of_sample(params, batch, key)
    return each, {"largest": each.max(), "each": each}


@pytest.mark.parametrize("loss", [mean_square, of_sample, named])
def test_the_loss_of_samples_is_minimised_as_their_mean(loss):
    problem = linear(loss=loss)
    problem.check()
    params, key = jnp.arange(4.0), jax.random.key(0)
    value, gradient, numbers, _ = objective.gradient(problem, params, {}, DATA["train"], key)
    x, y = (np.asarray(a, float) for a in DATA["train"])
    errors = x @ np.arange(4.0) - y
    np.testing.assert_allclose(value, np.mean(errors**2), rtol=1e-5)
    np.testing.assert_allclose(gradient, 2 * x.T @ errors / len(y), rtol=1e-5)
    if numbers:
        np.testing.assert_allclose(numbers["largest"], np.max(errors**2), rtol=1e-5)
        np.testing.assert_allclose(numbers["each"], np.mean(errors**2), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("size", [60, 55])
def test_micro_batches_have_the_gradient_of_the_batch(size, dtype):
    """The last part of a batch that is kept at the end of an epoch may be smaller."""
    params, key = jnp.arange(4.0).astype(dtype), jax.random.key(0)
    batch = jax.tree.map(lambda x: x[:size], DATA["train"])
    whole, parts = (
        objective.gradient(linear(loss=named, batch_size=60, micro_batch=m), params, {}, batch, key)
        for m in (None, 10)
    )
    assert parts[1].dtype == params.dtype
    tolerance = 1e-5 if dtype == "float32" else 1e-2
    for i in (0, 1):
        np.testing.assert_allclose(*(np.asarray(g[i], float) for g in (whole, parts)), tolerance)
    value = objective.value(linear(batch_size=60, micro_batch=10), params, {}, batch, key)
    np.testing.assert_allclose(float(value), float(whole[0]), rtol=tolerance)


def test_the_state_goes_through_the_micro_batches_in_turn():
    def loss(params, state, batch, key):
        return of_sample(params, batch, key), {"seen": 10 * state["seen"] + batch[0][0, 0]}

    problem = linear(
        init=lambda key: (jnp.zeros(4), {"seen": jnp.zeros(())}),
        loss=loss,
        stateful=True,
        micro_batch=2,
    )
    batch = (jnp.arange(1.0, 9.0)[:, None] * jnp.ones((1, 4)), jnp.zeros(8))
    _, _, _, state = objective.gradient(
        problem, jnp.zeros(4), {"seen": jnp.zeros(())}, batch, jax.random.key(0)
    )
    assert float(state["seen"]) == 1357


def test_complex_parameters_go_downhill():
    """The gradient of |p - c|^2 by the conjugate is p - c; JAX gives its conjugate."""
    problem = linear(
        init=lambda key: jnp.zeros(1, jnp.complex64),
        loss=lambda params, batch, key: jnp.sum(jnp.abs(params - (1 + 2j)) ** 2),
    )
    problem.check()
    found = objective.gradient(
        problem, jnp.zeros(1, jnp.complex64), {}, DATA["train"], jax.random.key(0)
    )
    np.testing.assert_allclose(found[1], [-2 - 4j], rtol=1e-6)
