"""A problem with everything that a training carries, and what its tests do with it."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.training import Problem

N = 50
X = np.random.default_rng(0).normal(size=(2 * N, 5)).astype(np.float32)
Y = (X[:, 0] > X[:, 1]).astype(np.int32)
DATA = {"train": (X[:N], Y[:N]), "validation": (X[N:80], Y[N:80]), "test": (X[80:], Y[80:])}


def init(key):
    params = {"w": 0.2 * jax.random.uniform(key, (5, 2)), "b": jnp.zeros((1, 2))}
    return params, {"seen": jnp.zeros(())}


def logits(params, x):
    return x @ params["w"] + params["b"]


def loss(params, state, batch, key):
    """Logistic regression on noisy inputs, with a count of the samples seen."""
    x, y = batch
    x = x + 0.2 * jax.random.normal(key, x.shape)
    each = optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y)
    return each, {"largest": each.max()}, {"seen": state["seen"] + len(y)}


def evaluate(params, state, split):
    x, y = split
    each = optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y)
    return {"accuracy": logits(params, x).argmax(-1) == y, "loss": each}


def problem(**changes):
    arguments = dict(
        init=init, loss=loss, data=DATA, batch_size=8, evaluate=evaluate, stateful=True
    )
    return Problem(**{**arguments, **changes})


def whole(run):
    """All arrays that a training leaves."""
    return run.params, run.model_state, run.opt_state


def assert_same(a, b):
    """The same bits."""
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
            x, y = jax.random.key_data(x), jax.random.key_data(y)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def assert_same_run(a, b):
    """The same bits, numbers and reason."""
    assert_same(whole(a), whole(b))
    assert a.step == b.step and a.stopped == b.stopped
    for name in ("history", "evaluations"):
        one, two = getattr(a, name), getattr(b, name)
        assert one.columns.tolist() == two.columns.tolist()
        np.testing.assert_array_equal(one.index, two.index)
        for column in one.columns:  # numbers and flags together would be objects, none equal to NaN
            np.testing.assert_array_equal(one[column].to_numpy(), two[column].to_numpy())
    assert (a.best is None) == (b.best is None)
    if a.best is not None:
        assert (a.best.step, a.best.metrics) == (b.best.step, b.best.metrics)
        assert_same((a.best.params, a.best.model_state), (b.best.params, b.best.model_state))


def clock(monkeypatch, seconds):
    """Let every reading of the loop's clock be so much later: this makes blocks long or short."""
    times = itertools.count(0, seconds)
    monkeypatch.setattr("lectopt.training.loop.time.perf_counter", lambda: next(times))
