"""Half-precision parameters learn the digits as well as float32 ones do."""

import functools as ft

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
STEPS, BATCH = 250, 64


@ft.cache
def problem():
    """The digits; for each seed its first parameters, and the samples of every batch."""
    data, rng = digits(), np.random.default_rng(0)

    def he(n, m):
        return rng.normal(size=(SEEDS, n, m)) * (2 / n) ** 0.5

    first = {"w1": he(64, 64), "b1": np.zeros((SEEDS, 64))}
    first |= {"w2": he(64, 10), "b2": np.zeros((SEEDS, 10))}
    size = len(data["train"][1])
    whole = size // BATCH * BATCH
    epochs = [rng.permutation(size)[:whole] for _ in range(SEEDS * -(-STEPS * BATCH // whole))]
    batches = np.reshape(epochs, (SEEDS, -1, BATCH))[:, :STEPS]
    return data, first, batches


def logits(params, x):
    hidden = jax.nn.relu(x.astype(params["w1"].dtype) @ params["w1"] + params["b1"][None])
    return (hidden @ params["w2"] + params["b2"][None]).astype(jnp.float32)


def accuracy(tx, dtype):
    """The mean test accuracy over the seeds; one program, which compiles sooner without `vmap`."""
    data, first, batches = problem()
    train, test = ([jnp.asarray(part) for part in data[split]] for split in ("train", "test"))

    def loss(params, batch):
        x, y = (part[batch] for part in train)
        return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()

    def step(carry, batch):
        params, state = carry
        updates, state = tx.update(jax.grad(loss)(params, batch), state, params)
        return (optax.apply_updates(params, updates), state), None

    @jax.jit
    def run(params, batches):
        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), batches)
        assert params["w1"].dtype == dtype
        return (logits(params, test[0]).argmax(-1) == test[1]).mean()

    starts = [jax.tree.map(lambda p, s=s: jnp.asarray(p[s], dtype), first) for s in range(SEEDS)]
    return np.mean([run(start, own) for start, own in zip(starts, batches, strict=True)])


@pytest.mark.slow  # six trainings of three precisions each
@pytest.mark.parametrize("name", RATES)
def test_half_precision_is_within_a_point_of_float32(name):
    make, rate = RATES[name]
    single = accuracy(make(rate), "float32")
    assert single > 0.965
    for dtype in ("bfloat16", "float16"):
        assert single - accuracy(make(rate), dtype) < 0.01, dtype
