"""A training problem: how parameters start, what is minimised, on which data, and what is measured.

`Problem` says nothing about the optimizer, so that every loop and every sweep can run every optimizer on it. It holds pure
functions; `Problem.from_nnx` and `Problem.from_linen` make them from a Flax model and a loss that simply calls it.
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

Init = Callable[[jax.Array], Any]
Loss = Callable[[Any, Any, jax.Array], jax.Array]
Evaluate = Callable[[Any, Any], Mapping[str, jax.Array]]


class Streams(NamedTuple):
    """The random streams of one training: where it starts, its order of the data, its noise (dropout)."""

    init: jax.Array
    data: jax.Array
    noise: jax.Array


def random_streams(seed: int) -> Streams:
    """The streams of a seed. They know nothing of the optimizer: trainings with the same seed are paired."""
    return Streams(*jax.random.split(jax.random.key(seed), 3))


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Minimise the mean of a loss over the training data, a batch at a time.

    Args:
        init: `init(key) -> params`, a pytree of arrays.
        loss: `loss(params, batch, key) -> scalar`, the mean loss of the batch; `key` is for noise such as dropout.
        data: The splits by name, each a pytree of arrays with a common first axis, e.g. a pair `(x, y)`. `"train"` is
            required; curves follow `"validation"`; results are reported for every split there is.
        batch_size: Samples per step, in `[1, n]` for `n` training samples.
        evaluate: `evaluate(params, split) -> {name: scalar}`, on a whole split; by default the loss, with one fixed key.

    Raises:
        ValueError: A split or the batch size does not fit.
    """

    init: Init
    loss: Loss
    data: Mapping[str, Any]
    batch_size: int
    evaluate: Evaluate | None = None

    def __post_init__(self) -> None:
        """Refuse data that the loops would trip over."""
        if not isinstance(self.data, Mapping) or "train" not in self.data:
            got = sorted(self.data) if isinstance(self.data, Mapping) else type(self.data).__name__
            raise ValueError(f'wanted data = {{"train": (x, y), ...}} with at least the split "train", got {got}')
        structure = jax.tree.structure(self.data["train"])
        for name, split in self.data.items():
            count_samples(split, f"split {name!r}")
            if jax.tree.structure(split) != structure:
                raise ValueError(f"split {name!r}: wanted the structure of 'train', {structure}, "
                                 f"got {jax.tree.structure(split)}")  # fmt: skip
        if not isinstance(self.batch_size, int | np.integer) or not 1 <= self.batch_size <= self.size:
            raise ValueError(f"wanted an integer batch_size from 1 to the {self.size} training samples, "
                             f"got {self.batch_size!r}")  # fmt: skip

    def __repr__(self) -> str:
        """The sizes, not the arrays."""
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
        return dict(self.evaluate(params, split))

    def check(self) -> None:
        """Trace the functions, without running them, and refuse a loss or a metric that is not one real number.

        Raises:
            ValueError: Naming what is not a scalar, and its shape and dtype.
        """
        key = jax.eval_shape(lambda: jax.random.key(0))
        params = jax.eval_shape(self.init, key)
        batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct((self.batch_size, *np.shape(x)[1:]), jnp.asarray(x).dtype),
                             self.data["train"])  # fmt: skip
        loss = jax.eval_shape(self.loss, params, batch, key)
        if getattr(loss, "shape", None) != () or not jnp.issubdtype(loss.dtype, jnp.floating):
            raise ValueError(f"wanted a loss that is one real number per batch, got {loss}; take its mean")
        for name, value in jax.eval_shape(self.metrics, params, batch).items():
            if getattr(value, "shape", None) != ():
                raise ValueError(f"wanted metrics that are one number per split, got {name!r}: {value}; take its mean")

    @classmethod
    def from_nnx(
        cls,
        make_model: Callable[[Any], Any],
        loss_fn: Callable[[Any, Any], jax.Array],
        data: Mapping[str, Any],
        batch_size: int,
        evaluate: Callable[[Any, Any], Mapping[str, jax.Array]] | None = None,
    ) -> Problem:
        """A problem from a Flax NNX model; the parameters become a plain nested dict of arrays.

        The model's random streams (dropout) get a fresh key at every step. `evaluate` gets the model in evaluation mode
        (`model.eval()`).

        Args:
            make_model: `make_model(rngs) -> nnx.Module`, called with an `nnx.Rngs`.
            loss_fn: `loss_fn(model, batch) -> scalar`.
            data: See `Problem`.
            batch_size: See `Problem`.
            evaluate: `evaluate(model, split) -> {name: scalar}`; by default the loss.

        Raises:
            ValueError: The model has state that is neither `nnx.Param` nor a random stream, such as the running
                statistics of a BatchNorm: nobody would carry them from step to step.
        """
        from flax import nnx

        def parts(rngs: nnx.Rngs) -> Any:
            return nnx.split(make_model(rngs), nnx.Param, nnx.RngState, ...)

        graph, _, streams, rest = parts(nnx.Rngs(0))
        if found := {".".join(map(str, path)): type(x).__name__ for path, x in nnx.to_flat_state(rest)}:
            raise ValueError(
                "wanted a model whose only state is nnx.Param and random streams, got "
                + ", ".join(f"{name} ({kind})" for name, kind in found.items())
                + "; use a layer without running statistics (LayerNorm, GroupNorm), and make constants in the call"
            )

        def reseeded(key: jax.Array) -> Any:
            leaves, structure = jax.tree.flatten(streams)
            return structure.unflatten(_reseed(x, jax.random.fold_in(key, i)) for i, x in enumerate(leaves))

        def build(params: Any, key: jax.Array) -> Any:
            return nnx.merge(graph, params, reseeded(key))

        def init(key: jax.Array) -> Any:
            return nnx.to_pure_dict(parts(nnx.Rngs(key))[1])

        def loss(params: Any, batch: Any, key: jax.Array) -> jax.Array:
            return loss_fn(build(params, key), batch)

        def measure(params: Any, split: Any) -> Mapping[str, jax.Array]:
            model = build(params, jax.random.key(0))
            model.eval()
            return {"loss": loss_fn(model, split)} if evaluate is None else evaluate(model, split)

        return cls(init, loss, data, batch_size, measure)

    @classmethod
    def from_linen(
        cls,
        module: Any,
        loss_fn: Callable[[Any, Any], jax.Array],
        data: Mapping[str, Any],
        batch_size: int,
        evaluate: Callable[[Any, Any], Mapping[str, jax.Array]] | None = None,
        *,
        example_input: Any = None,
    ) -> Problem:
        """A problem from a Flax Linen module.

        `loss_fn` and `evaluate` get `model`, the module's `apply` with parameters and random key filled in, and call
        it as `model(x)`, or `model(x, train=True)` if the module has such a switch.

        Args:
            module: A `flax.linen.Module`.
            loss_fn: `loss_fn(model, batch) -> scalar`.
            data: See `Problem`.
            batch_size: See `Problem`.
            evaluate: `evaluate(model, split) -> {name: scalar}`; by default the loss.
            example_input: What `module.init` is called with; by default one sample of `x` of a split `(x, y)`.

        Raises:
            ValueError: The module has variables other than `"params"`, such as `"batch_stats"`.
        """
        if example_input is None:
            first = jax.tree.leaves(data["train"] if isinstance(data, Mapping) and "train" in data else None)
            if not first:
                raise ValueError('wanted data = {"train": (x, y), ...} or an example_input, got neither')
            example_input = jnp.asarray(first[0][:1])

        def init(key: jax.Array) -> Any:
            return module.init(key, example_input)["params"]

        variables = jax.eval_shape(module.init, jax.random.key(0), example_input)
        if found := sorted(set(variables) - {"params"}):
            raise ValueError(
                f'wanted a module whose only variables are "params", got {found} as well; use a layer without '
                "running statistics (LayerNorm, GroupNorm)"
            )

        def build(params: Any, key: jax.Array) -> Any:
            return functools.partial(module.apply, {"params": params}, rngs=key)

        def loss(params: Any, batch: Any, key: jax.Array) -> jax.Array:
            return loss_fn(build(params, key), batch)

        def measure(params: Any, split: Any) -> Mapping[str, jax.Array]:
            model = build(params, jax.random.key(0))
            return {"loss": loss_fn(model, split)} if evaluate is None else evaluate(model, split)

        return cls(init, loss, data, batch_size, measure)


def _reseed(leaf: jax.Array, key: jax.Array) -> jax.Array:
    """A stream's key becomes `key` (split to its shape), its counter 0."""
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.random.split(key, leaf.shape) if leaf.shape else key
    return jnp.zeros_like(leaf)
