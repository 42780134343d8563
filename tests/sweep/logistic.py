"""Logistic regression on noisy inputs: the problem that the tests of sweeps train."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt._sweep import sweep
from lectopt.training import Problem

N, STEPS, RATES = 40, 13, np.array([0.003, 0.03, 0.3])


def make_data():
    random = np.random.default_rng(0)
    x = random.normal(size=(2 * N, 5)).astype(np.float32)
    y = (x[:, 0] > x[:, 1]).astype(np.int32)
    return {"train": (x[:N], y[:N]), "validation": (x[N:60], y[N:60]), "test": (x[60:], y[60:])}


DATA = make_data()


def init(key):
    return {"w": 0.2 * jax.random.uniform(key, (5, 2)), "b": jnp.zeros((1, 2))}


def loss(params, batch, key):
    """Logistic regression on noisy inputs, so that the noise stream matters."""
    x, y = batch
    x = x + 0.2 * jax.random.uniform(key, x.shape, x.dtype)
    logits = x @ params["w"] + params["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def evaluate(params, split):
    x, y = split
    logits = x @ params["w"] + params["b"]
    return {
        "accuracy": (logits.argmax(-1) == y).mean(),
        "loss": optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(),
    }


PROBLEM = Problem(init, loss, DATA, 8, evaluate=evaluate)


def run(makers, space, seeds, **options):
    options = {"tile": 3, **options}
    return sweep(PROBLEM, makers, space, STEPS, seeds=seeds, progress=False, **options)


def array(result, optimizer, column):
    """A column of the curves, shape (evaluations, seeds, configurations)."""
    records = [record for record in result.records if record.optimizer == optimizer]
    values = np.array([record.curves[column] for record in records])
    return np.moveaxis(values.reshape(-1, len(result.seeds), values.shape[-1]), -1, 0).swapaxes(
        1, 2
    )
