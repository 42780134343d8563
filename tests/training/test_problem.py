"""Problems: what is refused, and what is made from Flax models."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from lectopt.training import Problem
from tests.training.samples import DATA, LABELS, X

pytestmark = pytest.mark.usefixtures("fast_compilation")


def cross_entropy(model, batch):
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


def mean_square(params, batch, key):
    del key
    return ((batch[0] @ params - batch[1]) ** 2).mean()


def linear(**changes):
    arguments = {"init": lambda key: jnp.zeros(4), "loss": mean_square, "data": DATA}
    return Problem(**{**arguments, "batch_size": 8, **changes})


def test_problem_measures_the_loss_by_default():
    problem = linear()
    assert repr(problem) == "Problem(train=60, validation=30, batch_size=8)"
    assert (problem.size, problem.steps_per_epoch) == (60, 7)
    metrics = problem.metrics(jnp.zeros(4), DATA["validation"])
    np.testing.assert_allclose(metrics["loss"], np.mean(LABELS[60:] ** 2), rtol=1e-6)
    problem.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"test": DATA["train"]}}, r'at least the split "train", got \[\'test\'\]'),
        ({"data": (X, LABELS)}, "got tuple"),
        ({"data": {"train": (X, LABELS[1:])}}, "split 'train': .*same number"),
        ({"data": {**DATA, "test": X}}, "split 'test': wanted .* as 'train' is"),
        ({"batch_size": 0}, "integer batch_size from 1 to 60, .*got 0"),
        ({"batch_size": 61}, "got 61"),
        ({"batch_size": 8.0}, "got 8.0"),
    ],
)
def test_problem_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        linear(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"loss": lambda params, batch, key: batch[0] @ params},
            "one real number, .*take the mean",
        ),
        ({"loss": lambda params, batch, key: jnp.array(1)}, "one real number"),
        ({"loss": lambda params, batch, key: (jnp.sum(params), {})}, "one real number"),
        ({"evaluate": lambda params, split: {"error": split[1]}}, "one number for 'error'"),
        ({"evaluate": lambda params, split: params.sum()}, "evaluate to return"),
    ],
)
def test_check_refuses_what_is_not_a_scalar(changes, message):
    with pytest.raises(ValueError, match=message):
        linear(**changes).check()


class NnxNet(nnx.Module):
    def __init__(self, rngs, rate=0.0):
        self.a, self.b = nnx.Linear(4, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)

    def __call__(self, x):
        return self.b(self.dropout(jnp.tanh(self.a(x))))


class LinenNet(nn.Module):
    rate: float = 0.0

    @nn.compact
    def __call__(self, x, train=False):
        x = jnp.tanh(nn.Dense(8, name="a")(x))
        return nn.Dense(3, name="b")(nn.Dropout(self.rate)(x, deterministic=not train))


def test_nnx_and_linen_are_the_same_problem():
    of_nnx = Problem.from_nnx(NnxNet, cross_entropy, DATA, 8)
    of_linen = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    key = jax.random.key(1)
    params = of_nnx.init(key)
    shapes = jax.tree.map(jnp.shape, params)
    assert shapes == jax.tree.map(jnp.shape, of_linen.init(key))
    assert shapes == {"a": {"kernel": (4, 8), "bias": (8,)}, "b": {"kernel": (8, 3), "bias": (3,)}}

    results = [
        (
            jax.value_and_grad(problem.loss)(params, DATA["train"], key),
            problem.metrics(params, DATA["validation"]),
        )
        for problem in (of_nnx, of_linen)
    ]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), *results)
    assert float(of_nnx.loss(params, DATA["train"], key)) > 0


@pytest.mark.parametrize("library", ["nnx", "linen"])
def test_dropout_follows_the_key_in_training_and_is_off_in_evaluation(library):
    if library == "nnx":
        problem = Problem.from_nnx(partial(NnxNet, rate=0.5), cross_entropy, DATA, 8)
    else:

        def training_loss(model, batch):
            return cross_entropy(lambda x: model(x, train=True), batch)

        def evaluate(model, split):
            return {"loss": cross_entropy(model, split)}

        problem = Problem.from_linen(LinenNet(0.5), training_loss, DATA, 8, evaluate)
    params = problem.init(jax.random.key(0))
    losses = [float(problem.loss(params, DATA["train"], jax.random.key(i))) for i in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    plain = Problem.from_linen(LinenNet(), cross_entropy, DATA, 8)
    np.testing.assert_allclose(
        problem.metrics(params, DATA["train"])["loss"],
        plain.metrics(params, DATA["train"])["loss"],
        rtol=1e-6,
    )


def test_models_with_running_statistics_are_refused_by_name():
    class Normalised(NnxNet):
        def __init__(self, rngs):
            super().__init__(rngs)
            self.norm = nnx.BatchNorm(3, rngs=rngs)

    with pytest.raises(ValueError, match=r"norm\.mean \(BatchStat\).*LayerNorm"):
        Problem.from_nnx(Normalised, cross_entropy, DATA, 8)
    module = nn.Sequential([nn.Dense(3), nn.BatchNorm(use_running_average=True)])
    with pytest.raises(ValueError, match=r"got \['batch_stats'\] too"):
        Problem.from_linen(module, cross_entropy, DATA, 8)
