"""Half-precision parameters learn the digits as well as float32 ones do."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lectopt
from lectopt.training import digits

RATES = {
    "sgd": (lectopt.sgd, 0.3),
    "momentum": (lectopt.momentum, 0.05),
    "adagrad": (lectopt.adagrad, 0.1),
    "rmsprop": (lectopt.rmsprop, 3e-3),
    "adam": (lectopt.adam, 3e-3),
    "adamax": (lectopt.adamax, 1e-2),
}
SEEDS = 6  # the standard error of a difference of means is then about 0.25 points


def problem(data, dtype):
    def init(key):
        first, second = jax.random.split(key)
        he = jax.nn.initializers.he_normal()
        params = {
            "w1": he(first, (64, 64)),
            "b1": jnp.zeros(64),
            "w2": he(second, (64, 10)),
            "b2": jnp.zeros(10),
        }
        return jax.tree.map(lambda p: p.astype(dtype), params)

    def logits(params, x):
        hidden = jax.nn.relu(x.astype(dtype) @ params["w1"] + params["b1"][None])
        return (hidden @ params["w2"] + params["b2"][None]).astype(jnp.float32)

    def loss(params, batch, key):
        x, y = batch
        return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()

    def evaluate(params, split):
        x, y = split
        return {"accuracy": (logits(params, x).argmax(-1) == y).mean()}

    return lectopt.Problem(init, loss, data, 64, evaluate)


@pytest.fixture(scope="module")
def accuracy():
    """Test accuracies by dtype and optimizer, one for each seed."""
    data = digits()
    makers = {name: make for name, (make, _) in RATES.items()}
    space = {name: {"learning_rate": [rate]} for name, (_, rate) in RATES.items()}
    tables = {
        dtype: lectopt.sweep(
            problem(data, dtype), makers, space, SEEDS, 250, eval_every=125, progress=False
        ).table()
        for dtype in ("float32", "bfloat16", "float16")
    }
    return {
        dtype: {name: rows["test_accuracy"].to_numpy() for name, rows in table.groupby("optimizer")}
        for dtype, table in tables.items()
    }


def test_half_precision_is_within_a_point_of_float32(accuracy):
    for name in RATES:
        single = np.mean(accuracy["float32"][name])
        assert single > 0.965, name
        for dtype in ("bfloat16", "float16"):
            assert single - np.mean(accuracy[dtype][name]) < 0.01, (name, dtype)
