"""Statistics of the gradients of a user's model: how noisy they are, and how fast they drift.

What is measured is the loss of a problem in training mode, with its noise (dropout), at parameters
that any loop may have reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm as normal

from lectopt.numerics import abs_sq
from lectopt.training.data import count_samples
from lectopt.training.gradients import (
    change_of_gradient,
    compiled,
    drawn,
    moments,
    place,
    samples_are_coupled,
)
from lectopt.training.problem import Problem
from lectopt.training.streams import random_streams

NUMBERS = 2**24  # of gradients that are in memory at a time, about


@dataclass(frozen=True, eq=False, repr=False)
class GradientStatistics:
    """The gradients of single samples, or of micro-batches, at one place.

    Args:
        mean: The mean gradient, a tree like the parameters.
        variance: Of the gradient of a single sample, for every weight. Of micro-batches of `m`
            samples it is `m` times the variance of theirs.
        samples: How many samples the mean is over.
    """

    mean: Any
    variance: Any
    samples: int

    @property
    def standard_error(self) -> Any:
        """Of the mean, for every weight: `sigma / sqrt(samples)`."""
        return jax.tree.map(lambda v: jnp.sqrt(v / self.samples), self.variance)

    def interval(self, batch_size: int | None = None) -> tuple[Any, Any]:
        """The lower and the upper ends of `g +- 2 sigma / sqrt(B)`, for every weight: where the
        true gradient is with a probability of 95 %, after a batch of so many samples (by default
        those that were measured).

        Source: TTIC 31230 (S3-07, S3-26).
        """
        n = batch_size or self.samples
        ends = [
            jax.tree.map(lambda g, v, s=s: g + s * jnp.sqrt(v / n), self.mean, self.variance)
            for s in (-2, 2)
        ]
        return ends[0], ends[1]

    def wrong_sign(self, batch_size: int) -> Any:
        """The probability that the gradient of a batch of so many samples has the wrong sign, for
        every weight, if the mean is the true gradient: `Phi(-|g| sqrt(B) / sigma)`.

        From `B = 4 sigma^2 / g^2` on it is below 2.3 %.

        Source: TTIC 31230 (S3-07).
        """
        return jax.tree.map(
            lambda g, v: jnp.where(
                v > 0, normal.cdf(-jnp.abs(g) * jnp.sqrt(batch_size / _or_one(v))), 0.0
            ),
            self.mean,
            self.variance,
        )

    def critical_batch_size(self) -> Any:
        """The batch size for which a step would be best, for every weight: `16 sigma^2 / g^2`,
        infinite where the mean gradient is 0.

        Source: TTIC 31230 (S3-28).
        """
        return jax.tree.map(
            lambda g, v: jnp.where(
                g == 0, jnp.where(v == 0, 0, jnp.inf), 16 * v / _or_one(abs_sq(g))
            ),
            self.mean,
            self.variance,
        )

    @property
    def squared_norm(self) -> float:
        """That of the true gradient, without bias: `|mean|^2` less the noise that is in it. It may
        be negative, if there is nothing but noise."""
        return _total(jax.tree.map(abs_sq, self.mean)) - self.trace / self.samples

    @property
    def trace(self) -> float:
        """The trace of the covariance of a single sample's gradient: the sum of the variances."""
        return _total(self.variance)

    @property
    def noise_scale(self) -> float:
        """The gradient noise scale `trace / squared_norm`, in samples, by which the critical batch
        size of the whole network is estimated: below it, twice the batch saves nearly half of the
        steps; above it, little. Infinite if no gradient is seen above the noise.

        Source: McCandlish et al. 2018, An Empirical Model of Large-Batch Training, `B_simple`.
        """
        return self.trace / self.squared_norm if self.squared_norm > 0 else float("inf")

    def __repr__(self) -> str:
        return (
            f"GradientStatistics({self.samples} samples, noise_scale={self.noise_scale:.4g}, "
            f"squared_norm={self.squared_norm:.4g}, trace={self.trace:.4g})"
        )


def gradient_statistics(
    problem: Problem,
    at: Any,
    data: Any = "train",
    *,
    samples: int | None = None,
    micro_batch: int = 1,
    seed: int = 0,
) -> GradientStatistics:
    """Mean and variance of the gradient over samples, and what follows from them.

    The gradient of every sample is taken by itself, or, with `micro_batch`, that of every so many
    samples together, which is cheaper and tells the noise scale as well. No optimizer is asked, and
    nothing is trained: it may be called beside any loop, and as a callback of `fit`.

    Args:
        problem: Whose loss is measured, in training mode.
        at: Where: a `Run`, its `best`, or a dict with `params` and, if there is one, `model_state`.
        data: The name of a split, or a batch of samples of your own.
        samples: How many are drawn of it, without replacement; by default 1024, or all.
        micro_batch: How many samples a gradient is of. What is left over is not used.
        seed: Of the draw, and of the noise of the loss.

    Raises:
        ValueError: There are fewer than two gradients; or the loss of a sample depends on the other
            samples of its batch, so that single samples have no gradient.

    Source: TTIC 31230 (S3-02, S3-26); CMU 11-785 (S0-22).
    """
    params, state = place(problem, at)
    batch = drawn(problem, data, samples, seed)
    n, whole = count_samples(batch), isinstance(micro_batch, int | np.integer)
    if not whole or isinstance(micro_batch, bool) or not 1 <= micro_batch <= n // 2:
        raise ValueError(
            f"wanted a micro_batch from 1 to {n // 2}, so that {n} samples are at least two of "
            f"them, got {micro_batch!r}"
        )
    key = random_streams(seed).noise
    coupled = compiled(problem, samples_are_coupled)
    if micro_batch == 1 and coupled(params, state, batch, key):
        raise ValueError(
            "the loss of a sample depends on the others of its batch, as with BatchNorm or with a "
            "contrast between samples, so that a single sample has no gradient. Give "
            "micro_batch=32: the gradients of micro-batches are compared, each a batch of its own."
        )
    count = n // micro_batch
    parts = jax.tree.map(
        lambda x: x[: count * micro_batch].reshape(count, micro_batch, *x.shape[1:]), batch
    )
    numbers = sum(x.size for x in jax.tree.leaves(params))
    at_once = max(1, min(count, NUMBERS // max(numbers, 1), 64))
    mean, squares = compiled(problem, moments, at_once)(params, state, parts, key)
    variance = jax.tree.map(lambda x: micro_batch * x / (count - 1), squares)
    return GradientStatistics(mean, variance, count * micro_batch)


def gradient_drift(
    problem: Problem,
    before: Any,
    after: Any,
    data: Any = "train",
    *,
    samples: int | None = None,
    seed: int = 0,
) -> float:
    """How much the gradient changes on the way from one place to another, by its length:
    `|g(after) - g(before)| / |after - before|`.

    It is a lower bound of the curvature `L` that limits the rate: descent is stable below `2 / L`.
    Both gradients are of the same samples and the same noise.

    Args:
        problem: Whose loss is measured, in training mode.
        before: A place, as `at` of `gradient_statistics`.
        after: Another one; its model state is used at both.
        data: As for `gradient_statistics`.
        samples: As for `gradient_statistics`.
        seed: As for `gradient_statistics`.

    Raises:
        ValueError: The parameters are the same.

    Source: TTIC 31230 (S3-02, gradient drift; S3-28, L).
    """
    old, _ = place(problem, before)
    new, state = place(problem, after)
    batch, key = drawn(problem, data, samples, seed), random_streams(seed).noise
    run = compiled(problem, change_of_gradient)
    change, way = map(float, run(old, new, state, batch, key))
    if way == 0:
        raise ValueError("before and after are the same place; give two of a training")
    return change / way


def _total(tree: Any) -> float:
    return float(sum(float(jnp.sum(x)) for x in jax.tree.leaves(tree)))


def _or_one(x: Any) -> Any:
    return jnp.where(x == 0, 1, x)
