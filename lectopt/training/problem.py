"""A training problem: how parameters start, what is minimised, on which data, what is measured.

`Problem` says nothing about the optimizer, so that every loop and every sweep can run every
optimizer on it. It holds pure functions; `Problem.from_nnx` and `Problem.from_linen` make them from
a Flax model and a loss that simply calls it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.training.data import count_samples

Metrics = Mapping[str, jax.Array]


class Streams(NamedTuple):
    """The random streams of a training: its start, its order of the data, its noise (dropout)."""

    init: jax.Array
    data: jax.Array
    noise: jax.Array


def random_streams(seed: int) -> Streams:
    """The streams of a seed. No optimizer is in them: trainings with the same seed are paired."""
    return Streams(*jax.random.split(jax.random.key(seed), 3))


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Minimise the mean of a loss over the training data, a batch at a time.

    Args:
        init: `init(key) -> params`, a pytree of arrays.
        loss: `loss(params, batch, key) -> scalar`, the mean over the batch; `key` is for noise such
            as dropout.
        data: The splits by name, each a pytree of arrays with a common first axis, e.g. a pair
            `(x, y)`. `"train"` is required; curves follow `"validation"`; final metrics are of
            every split there is.
        batch_size: Samples per step, from 1 to the number of training samples.
        evaluate: `evaluate(params, split) -> {name: scalar}`, on a whole split; by default the
            loss, with one fixed key.

    Raises:
        ValueError: A split or the batch size does not fit.
    """

    init: Callable[[jax.Array], Any]
    loss: Callable[[Any, Any, jax.Array], jax.Array]
    data: Mapping[str, Any]
    batch_size: int
    evaluate: Callable[[Any, Any], Metrics] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.data, Mapping) or "train" not in self.data:
            got = sorted(self.data) if isinstance(self.data, Mapping) else type(self.data).__name__
            raise ValueError(
                f'wanted data = {{"train": (x, y), ...}} with at least the split "train", got {got}'
            )
        structure = jax.tree.structure(self.data["train"])
        for name, split in self.data.items():
            count_samples(split, f"split {name!r}")
            if (found := jax.tree.structure(split)) != structure:
                raise ValueError(f"split {name!r}: wanted {structure}, as 'train' is, got {found}")
        whole = isinstance(self.batch_size, int | np.integer)
        if not whole or not 1 <= self.batch_size <= self.size:
            raise ValueError(
                f"wanted an integer batch_size from 1 to {self.size}, the number of training "
                f"samples, got {self.batch_size!r}"
            )

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={count_samples(split)}" for name, split in self.data.items())
        return f"Problem({sizes}, batch_size={self.batch_size})"

    @property
    def size(self) -> int:
        """The number of training samples."""
        return count_samples(self.data["train"])

    @property
    def steps_per_epoch(self) -> int:
        """The number of whole batches in the training data."""
        return self.size // self.batch_size

    def metrics(self, params: Any, split: Any) -> dict[str, jax.Array]:
        """What `evaluate` says of a whole split, or else its loss."""
        if self.evaluate is None:
            return {"loss": self.loss(params, split, jax.random.key(0))}
        found = self.evaluate(params, split)
        if not isinstance(found, Mapping):
            raise ValueError(f'wanted evaluate to return {{"name": scalar, ...}}, got {found!r}')
        return dict(found)

    def check(self) -> None:
        """Trace the functions, without running them, and refuse what a training cannot use.

        Raises:
            ValueError: The loss or a metric is not one number; or the loss is not real.
        """
        key, train = jax.random.key(0), self.data["train"]
        params = jax.eval_shape(self.init, key)
        batch = jax.tree.map(lambda x: x[: self.batch_size], train)
        loss = jax.eval_shape(self.loss, params, batch, key)
        if getattr(loss, "shape", None) != () or not jnp.issubdtype(loss.dtype, jnp.floating):
            raise ValueError(f"wanted a loss that is one real number, got {loss}; take the mean")
        for name, value in jax.eval_shape(self.metrics, params, train).items():
            if getattr(value, "shape", None) != ():
                raise ValueError(f"wanted one number for {name!r}, got {value}; take the mean")

    @classmethod
    def from_nnx(
        cls,
        make_model: Callable[[Any], Any],
        loss_fn: Callable[[Any, Any], jax.Array],
        data: Mapping[str, Any],
        batch_size: int,
        evaluate: Callable[[Any, Any], Metrics] | None = None,
    ) -> Problem:
        """A problem from a Flax NNX model; its parameters become a nested dict of arrays.

        The model's random streams (dropout) get a new key at every step. Metrics are of the model
        in evaluation mode, `model.eval()`.

        Args:
            make_model: `make_model(rngs) -> nnx.Module`, for an `nnx.Rngs`.
            loss_fn: `loss_fn(model, batch) -> scalar`, the mean over the batch.
            data: As for `Problem`.
            batch_size: As for `Problem`.
            evaluate: `evaluate(model, split) -> {name: scalar}`; by default the loss.

        Raises:
            ValueError: The model has state that is neither `nnx.Param` nor a random stream, such as
                the running statistics of a BatchNorm: a loss here cannot hand it to the next step.
        """
        from flax import nnx

        def parts(rngs: nnx.Rngs) -> Any:
            return nnx.split(make_model(rngs), nnx.Param, nnx.RngState, ...)

        graph, _, streams, rest = parts(nnx.Rngs(0))
        stateful = [
            f"{'.'.join(map(str, path))} ({type(variable).__name__})"
            for path, variable in nnx.to_flat_state(rest)
        ]
        if stateful:
            raise ValueError(
                "wanted a model whose only state is nnx.Param and random streams, got "
                f"{', '.join(stateful)}; use a layer without running statistics (LayerNorm, "
                "GroupNorm), and make constant arrays in __call__"
            )
        leaves, structure = jax.tree.flatten(streams)

        def init(key: jax.Array) -> Any:
            return nnx.to_pure_dict(parts(nnx.Rngs(key))[1])

        def build(params: Any, key: jax.Array, training: bool) -> Any:
            fresh = [_reseeded(x, jax.random.fold_in(key, i)) for i, x in enumerate(leaves)]
            model = nnx.merge(graph, params, structure.unflatten(fresh))
            if not training:
                model.eval()
            return model

        return cls(init, *_model_functions(build, loss_fn, evaluate, data, batch_size))

    @classmethod
    def from_linen(
        cls,
        module: Any,
        loss_fn: Callable[[Any, Any], jax.Array],
        data: Mapping[str, Any],
        batch_size: int,
        evaluate: Callable[[Any, Any], Metrics] | None = None,
        *,
        example_input: Any = None,
    ) -> Problem:
        """A problem from a Flax Linen module.

        What `loss_fn` and `evaluate` get as `model` is the module's `apply`, with parameters and
        random key filled in: call it as `model(x)`, or as `model(x, train=True)` and so on.

        Args:
            module: A `flax.linen.Module`.
            loss_fn: `loss_fn(model, batch) -> scalar`, the mean over the batch.
            data: As for `Problem`.
            batch_size: As for `Problem`.
            evaluate: `evaluate(model, split) -> {name: scalar}`; by default the loss.
            example_input: What the module is initialised with; by default one sample of the first
                array of the training data.

        Raises:
            ValueError: The module has variables other than `"params"`, such as `"batch_stats"`.
        """
        if example_input is None:
            example_input = jnp.asarray(jax.tree.leaves(data["train"])[0][:1])

        def init(key: jax.Array) -> Any:
            return module.init(key, example_input)["params"]

        variables = jax.eval_shape(module.init, jax.random.key(0), example_input)
        if stateful := sorted(set(variables) - {"params"}):
            raise ValueError(
                f'wanted a module whose only variables are "params", got {stateful} too; use a '
                "layer without running statistics (LayerNorm, GroupNorm)"
            )

        def build(params: Any, key: jax.Array, training: bool) -> Any:
            del training  # a Linen module is told by an argument of its call
            return functools.partial(module.apply, {"params": params}, rngs=key)

        return cls(init, *_model_functions(build, loss_fn, evaluate, data, batch_size))


def _model_functions(
    build: Callable[[Any, jax.Array, bool], Any],
    loss_fn: Callable[[Any, Any], jax.Array],
    evaluate: Callable[[Any, Any], Metrics] | None,
    data: Mapping[str, Any],
    batch_size: int,
) -> tuple[Any, ...]:
    """The arguments of `Problem` after `init`, from functions of a model that `build` makes."""

    def loss(params: Any, batch: Any, key: jax.Array) -> jax.Array:
        return loss_fn(build(params, key, True), batch)

    def measure(params: Any, split: Any) -> Metrics:
        model = build(params, jax.random.key(0), False)
        return {"loss": loss_fn(model, split)} if evaluate is None else evaluate(model, split)

    return loss, data, batch_size, measure


def _reseeded(leaf: jax.Array, key: jax.Array) -> jax.Array:
    """A stream's key becomes `key`, split to its shape, and its counter 0."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.split(key, leaf.shape) if leaf.shape else key
    return jnp.zeros_like(leaf)
