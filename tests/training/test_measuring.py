"""Metrics: means over samples that no chunk distorts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lectopt.training.measuring import means

X = np.random.default_rng(1).normal(size=(1003, 3)).astype(np.float32)


@pytest.mark.parametrize("chunk", [1, 7, 100, 1003, 5000])
def test_chunks_do_not_matter(chunk):
    largest = []

    def evaluate(split):
        largest.append(split.shape[0])
        return {"mean": split.sum(axis=1), "share": split[:, 0] > 0.5}

    found = jax.jit(lambda x: means(evaluate, x, chunk))(X)
    np.testing.assert_allclose(found["mean"], X.astype(float).sum(axis=1).mean(), rtol=1e-4)
    assert float(found["share"]) == np.float32((X[:, 0] > 0.5).sum() / np.float32(1003))
    assert min(largest) == min(chunk, 1003)


def test_a_number_of_the_whole_split_is_never_chunked():
    def evaluate(split):
        return {"median": jnp.median(split), "first": split[:, 0]}

    found = means(evaluate, jnp.asarray(X), 10)
    np.testing.assert_allclose(found["median"], np.median(X), rtol=1e-6)
    np.testing.assert_allclose(found["first"], X[:, 0].mean(), rtol=1e-4)


def test_what_is_not_counted_twice_may_be_nan_twice():
    """The last chunk overlaps the one before; samples that count there do not count again."""
    x = X[:, 0].copy()
    x[2] = np.nan
    assert np.isnan(means(lambda x: {"x": x}, jnp.asarray(x[:10]), 4)["x"])
    np.testing.assert_allclose(
        means(lambda x: {"x": x}, jnp.asarray(x[3:13]), 4)["x"], x[3:13].mean(), rtol=1e-5
    )
