"""Which samples are in the batch of a step: a function of a key and the step, and of nothing else.

So a training that goes on where it was broken off sees the batches that it would have seen. Every
epoch is cut into batches of one size; what is left over at its end is dropped, or kept as a smaller
batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from lectopt.training.data import count_samples

Order = Literal["shuffled", "sequential", "replacement"]
LastBatch = Literal["drop", "keep"]
T = TypeVar("T")


def epoch_permutation(key: jax.Array, epoch: ArrayLike, n: int) -> jax.Array:
    """The order in which an epoch visits the `n` samples: a function of key and epoch alone."""
    return jax.random.permutation(jax.random.fold_in(key, epoch), n)


def batch_indices(key: jax.Array, step: ArrayLike, n: int, batch_size: int) -> jax.Array:
    """The samples in the batch of a step, drawn without replacement within an epoch.

    An epoch is `n // batch_size` whole batches; the `n % batch_size` samples at the end of its
    shuffle are left out of it (others in each epoch).

    Args:
        key: A JAX key; the stream of batches is a function of it.
        step: The number of the step, from 0; may be traced.
        n: The number of samples.
        batch_size: In `[1, n]`.

    Returns:
        Integers in `[0, n)`, shape `(batch_size,)`.
    """
    epoch, place = jnp.divmod(jnp.asarray(step), n // batch_size)
    return cut_batch(epoch_permutation(key, epoch, n), place, batch_size)


def cut_batch(permutation: jax.Array, place: ArrayLike, batch_size: int) -> jax.Array:
    """The batch at a place, from 0, in an epoch's order of the samples."""
    return jax.lax.dynamic_slice_in_dim(permutation, jnp.asarray(place) * batch_size, batch_size)


@dataclass(frozen=True)
class Batches:
    """The batches of `n` samples, as a loop over steps takes them.

    The order of an epoch is computed once, at its first step, and is carried from step to step.
    """

    n: int
    batch_size: int
    order: Order
    last_batch: LastBatch

    @property
    def rest(self) -> int:
        """The size of the smaller batch that ends an epoch, or 0."""
        return self.n % self.batch_size if self.last_batch == "keep" else 0

    @property
    def per_epoch(self) -> int:
        """The number of batches in an epoch."""
        return self.n // self.batch_size + (self.rest > 0)

    def carried(self) -> jax.Array:
        """What a loop carries before its first step."""
        return jnp.arange(self.n if self.order == "shuffled" else 0)

    def at(
        self, key: jax.Array, step: jax.Array, first: jax.Array, carried: jax.Array
    ) -> jax.Array:
        """What it carries at a step; `first` is the first one of the loop."""
        if self.order != "shuffled":
            return carried
        epoch, place = jnp.divmod(step, self.per_epoch)
        return jax.lax.cond(
            (place == 0) | (step == first),
            lambda: epoch_permutation(key, epoch, self.n),
            lambda: carried,
        )

    def apply(
        self,
        function: Callable[[Any], T],
        train: Any,
        key: jax.Array,
        step: jax.Array,
        carried: jax.Array,
    ) -> T:
        """`function` of the batch of a step; of another shape at the end of an epoch, if that is
        kept."""
        place = step % self.per_epoch
        begin = place * self.batch_size

        def of(size: int) -> T:
            if self.order == "replacement":
                draw = jax.random.fold_in(key, step)
                samples = jax.random.randint(draw, (size,), 0, self.n)
            elif self.order == "shuffled":
                samples = jax.lax.dynamic_slice_in_dim(carried, begin, size)
            else:
                cut = jax.lax.dynamic_slice_in_dim
                return function(jax.tree.map(lambda x: cut(x, begin, size), train))
            return function(jax.tree.map(lambda x: x[samples], train))

        if not self.rest:
            return of(self.batch_size)
        is_last = place == self.per_epoch - 1
        return jax.lax.cond(is_last, lambda: of(self.rest), lambda: of(self.batch_size))


def stratified_batches(labels: ArrayLike, batch_size: int) -> Callable[..., Any]:
    """Batches in which every class has its share, for `sample=` of a `Problem`.

    A batch of `B` samples has `B n_c / n` of a class with `n_c` of the `n` samples, rounded down or
    up; which of them, is drawn anew for every batch, with replacement. The classes stand in a
    random order, so that micro-batches are no single classes. Give the same `batch_size` to the
    problem, so that it knows the length of an epoch.

    Args:
        labels: The class of every training sample, of shape `(n,)`.
        batch_size: In `[1, n]`.

    Returns:
        A function `(train, key, step) -> batch`.

    Raises:
        ValueError: An argument does not fit; or, from the function, the training data has another
            number of samples.

    Source: STAT 479 (S4-06: the proportions of the classes under random subsampling).
    """
    classes = np.asarray(labels)
    n = len(classes) if classes.ndim == 1 else 0
    if not n:
        raise ValueError(f"wanted one label a sample, shape (n,), got shape {classes.shape}")
    whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
    if not whole or not 1 <= batch_size <= n:
        raise ValueError(f"wanted an integer batch_size from 1 to {n}, got {batch_size!r}")
    by_class = np.argsort(classes, kind="stable")
    ordered = classes[by_class]
    first, after = (np.searchsorted(ordered, ordered, side) for side in ("left", "right"))
    # Systematic sampling: places i n / B apart, from a random one on, in whole numbers.
    quotient, rest = np.divmod(np.arange(batch_size) * n, batch_size)

    def sample(train: Any, key: jax.Array, step: Any) -> Any:
        del step
        if (found := count_samples(train, "the training data")) != n:
            raise ValueError(f"stratified_batches has {n} labels for {found} training samples")
        keys = jax.random.split(key, 3)
        shift = jax.random.randint(keys[0], (), 0, n)
        at = jnp.asarray(quotient) + (jnp.asarray(rest) + shift) // batch_size
        begin, end = jnp.asarray(first)[at], jnp.asarray(after)[at]
        members = jax.random.randint(keys[1], (batch_size,), begin, end)
        chosen = jax.random.permutation(keys[2], jnp.asarray(by_class)[members])
        return jax.tree.map(lambda x: x[chosen], train)

    return sample
