"""A training problem: how parameters start, what is minimised, on which data, what is measured.

`Problem` says nothing about the optimizer, so that every loop and every sweep can run every
optimizer on it. It holds pure functions; `Problem.from_nnx` and `Problem.from_linen` make them from
a Flax model and a loss that simply calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.training import checking, objective
from lectopt.training.calling import check_function, shapes_of
from lectopt.training.data import count_samples
from lectopt.training.measuring import Metrics
from lectopt.training.models import problem_of
from lectopt.training.order import Batches, LastBatch, Order


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """Minimise the mean of a loss over the training data, a batch at a time.

    Args:
        init: `init(key) -> params`, a pytree of floating point arrays; with `stateful`, `init(key)
            -> (params, state)`.
        loss: `loss(params, batch, key)`, with `stateful` `loss(params, state, batch, key)`; `key`
            is for noise such as dropout. It returns one number, or one number a sample, of shape
            `(n,)`, whose mean is minimised; or a pair of that and a dict of numbers, which become
            columns of the history. With `stateful` the new state comes last.
        data: The splits by name, each a pytree of arrays with a common first axis, e.g. a pair
            `(x, y)`. `"train"` is required; for `fit` alone it may be an iterable of batches that
            can be iterated again (a `DataLoader`, Grain, tf.data), or a function that returns one.
            What is best is decided on `"validation"`, if there is such a split.
        batch_size: Samples per step, from 1 to the number of training samples; None for all of
            them.
        evaluate: `evaluate(params, split) -> {name: (n,) or ()}`, with `stateful`
            `evaluate(params, state, split)`. One number a sample is averaged exactly, in chunks;
            one number is of the whole split. By default the loss, with one fixed key.
        minimize: The metric by which one result is better than another; `"loss"` by default,
            which is measured beside what `evaluate` gives.
        maximize: The same, for a metric that is to be large, such as an accuracy.
        micro_batch: A divisor of `batch_size`. The gradient of a batch is computed in parts of so
            many samples, one after the other, and is their mean: memory is saved, and a step is one
            update as ever.
        order: `"shuffled"`: anew in every epoch; `"sequential"`: as they stand; `"replacement"`:
            each batch is drawn from all.
        last_batch: What becomes of the samples that are left over at the end of an epoch: `"drop"`
            (others in each epoch, if it is shuffled) or `"keep"`, as a smaller batch.
        sample: `sample(train, key, step) -> batch`, for batches of your own: augmentation, or draws
            on the device.
        stateful: Whether the model has a state beside its parameters, such as the running
            statistics of a BatchNorm.

    Raises:
        ValueError: A split, or an argument, does not fit.
    """

    init: Callable[[jax.Array], Any]
    loss: Callable[..., Any]
    data: Mapping[str, Any]
    batch_size: int | None = None
    evaluate: Callable[..., Metrics] | None = field(default=None, kw_only=True)
    minimize: str | None = field(default=None, kw_only=True)
    maximize: str | None = field(default=None, kw_only=True)
    micro_batch: int | None = field(default=None, kw_only=True)
    order: Order = field(default="shuffled", kw_only=True)
    last_batch: LastBatch = field(default="drop", kw_only=True)
    sample: Callable[[Any, jax.Array, Any], Any] | None = field(default=None, kw_only=True)
    stateful: bool = field(default=False, kw_only=True)
    # Of a problem that is made from a model: the model with parameters and a state in it, and its
    # loss in evaluation mode.
    rebuild: Callable[[Any, Any], Any] | None = field(default=None, init=False)
    test_loss: Callable[[Any, Any, Any], Any] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        checking.check_data(self.data)
        if self.streamed:
            needless = [k for k in ("sample", "batch_size") if getattr(self, k) is not None]
            if needless:
                raise ValueError(
                    f"{needless[0]} is what the iterable of training batches decides; leave it out"
                )
        elif self.batch_size is not None and (
            not _is_whole(self.batch_size) or not 1 <= self.batch_size <= self.size
        ):
            raise ValueError(
                f"wanted an integer batch_size from 1 to {self.size}, the number of training "
                f"samples, got {self.batch_size!r}"
            )
        m, size = self.micro_batch, self.batch_size or (None if self.streamed else self.size)
        if m is not None and (not _is_whole(m) or m < 1 or (size is not None and size % m)):
            raise ValueError(f"wanted a micro_batch that divides the batch size {size}, got {m!r}")
        state = ("state",) * self.stateful
        check_function(self.init, "init", "key")
        check_function(self.loss, "loss", "params", *state, "batch", "key")
        if self.evaluate is not None:
            check_function(self.evaluate, "evaluate", "params", *state, "split")
        if self.sample is not None:
            check_function(self.sample, "sample", "train", "key", "step")
        for name in ("minimize", "maximize"):
            if not isinstance(getattr(self, name), str | None):
                got = getattr(self, name)
                raise ValueError(f"wanted the name of one metric for {name}, got {got!r}")
        for name, words in dict(order=get_args(Order), last_batch=get_args(LastBatch)).items():
            if getattr(self, name) not in words:
                raise ValueError(f"wanted {name} to be one of {words}, got {getattr(self, name)!r}")
        if self.minimize is not None and self.maximize is not None:
            raise ValueError(
                f"got minimize={self.minimize!r} and maximize={self.maximize!r}; write one of them"
            )

    def __repr__(self) -> str:
        sizes = [
            f"{name}={'batches' if checking.is_stream(split) else count_samples(split)}"
            for name, split in self.data.items()
        ]
        unusual = [
            f"{name}={getattr(self, name)!r}"
            for name in ("batch_size", "micro_batch", "minimize", "maximize", "order", "last_batch")
            if getattr(self, name) not in (None, "shuffled", "drop")
        ]
        return f"Problem({', '.join([*sizes, *unusual])})"

    @property
    def streamed(self) -> bool:
        """Whether the training data is an iterable of batches, and no arrays."""
        return checking.is_stream(self.data["train"])

    @property
    def size(self) -> int:
        """The number of training samples.

        Raises:
            ValueError: Batches come from an iterable.
        """
        if self.streamed:
            raise ValueError("how many training samples an iterable gives is not known; give steps")
        return count_samples(self.data["train"])

    @property
    def batches(self) -> Batches:
        """Which samples are in the batch of a step."""
        return Batches(self.size, self.batch_size or self.size, self.order, self.last_batch)

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in an epoch of the training data.

        Raises:
            ValueError: It is not known: of batches of your own, or of an iterable without `len`.
        """
        train = self.data["train"]
        if self.streamed and not callable(train) and hasattr(train, "__len__"):
            return len(train)
        if self.streamed or (self.sample is not None and self.batch_size is None):
            what = "an iterable without len()" if self.streamed else "sample= without batch_size="
            raise ValueError(f"how many batches an epoch has is not known of {what}; give steps")
        return self.batches.per_epoch

    def steps(self, epochs: float) -> int:
        """The number of steps in so many epochs."""
        return round(epochs * self.steps_per_epoch)

    @property
    def metric(self) -> str:
        """The metric by which one result is better than another."""
        return self.maximize or self.minimize or "loss"

    @property
    def sign(self) -> int:
        """1 if the metric is to be small, -1 if it is to be large."""
        return -1 if self.maximize else 1

    def start(self, key: jax.Array) -> tuple[Any, Any]:
        """The first parameters, and the first model state, an empty dict without one."""
        return self.init(key) if self.stateful else (self.init(key), {})

    def metrics(self, params: Any, split: Any, state: Any = None) -> dict[str, jax.Array]:
        """What `evaluate` says of a split, or else its loss: one number each."""
        return objective.metrics(self, params, split, state)

    def example_batch(self) -> Any:
        """The shapes of a batch of an array problem, without drawing one."""
        train = jax.eval_shape(lambda x: x, self.data["train"])
        if self.sample is not None:
            key = jax.random.key(0)
            return shapes_of("sample(train, key, step)", self.sample, train, key, jnp.int32(0))
        size = self.batch_size or self.size
        return jax.tree.map(lambda x: jax.ShapeDtypeStruct((size, *x.shape[1:]), x.dtype), train)

    def check(self, batch: Any = None) -> None:
        """Trace the functions, without running them, and refuse what a training cannot use.

        Args:
            batch: Of an iterable, its first one.

        Raises:
            ValueError: Parameters, loss or a metric have a form that they may not have.
        """
        objective.check(self, self.example_batch() if batch is None else batch)

    @classmethod
    def from_nnx(
        cls,
        model: Any,
        loss: Callable[[Any, Any], Any],
        data: Mapping[str, Any],
        batch_size: int | None = None,
        *,
        evaluate: Callable[[Any, Any], Metrics] | None = None,
        **options: Any,
    ) -> Problem:
        """A problem from a Flax NNX model; its parameters become a nested dict of arrays.

        The parameters are the model's `nnx.Param`. Its random streams (dropout) get a new key at
        every step; every other variable, such as the running statistics of a BatchNorm, is the
        model state. The loss sees the model in training mode, `model.train()`; metrics are of the
        model in evaluation mode, `model.eval()`.

        Args:
            model: `model(rngs) -> nnx.Module`, for an `nnx.Rngs`; or a made module, with whose
                weights every seed begins.
            loss: `loss(model, batch)`, which returns what the loss of a `Problem` may.
            data: As for `Problem`.
            batch_size: As for `Problem`.
            evaluate: `evaluate(model, split)`, as for `Problem`; by default the loss.
            **options: `minimize`, `maximize`, `micro_batch`, `order`, `last_batch`, `sample`, as
                for `Problem`.

        Raises:
            ValueError: As for `Problem`; or `model` cannot be called with `rngs` alone.
        """
        from lectopt.training.flax_nnx import functions

        return problem_of(cls, functions(model), loss, data, batch_size, evaluate, options)

    @classmethod
    def from_linen(
        cls,
        module: Any,
        loss: Callable[[Any, Any], Any],
        data: Mapping[str, Any],
        batch_size: int | None = None,
        *,
        evaluate: Callable[[Any, Any], Metrics] | None = None,
        example_input: Any = None,
        variables: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Problem:
        """A problem from a Flax Linen module.

        What `loss` and `evaluate` get as `model` is the module's `apply`, with variables and random
        keys filled in. `model.training` says whether this is a step of the training: call it as
        `model(x, train=model.training)`. Collections beside `"params"`, such as `"batch_stats"`,
        are the model state: a call in training changes them.

        Args:
            module: A `flax.linen.Module`.
            loss: `loss(model, batch)`, which returns what the loss of a `Problem` may.
            data: As for `Problem`.
            batch_size: As for `Problem`.
            evaluate: `evaluate(model, split)`, as for `Problem`; by default the loss.
            example_input: What the module is initialised with; by default one sample of the first
                array of the training data.
            variables: `{"params": ..., "batch_stats": ...}`, with which every seed begins.
            **options: `minimize`, `maximize`, `micro_batch`, `order`, `last_batch`, `sample`, as
                for `Problem`.

        Raises:
            ValueError: As for `Problem`; or, from `check`, a module with running statistics is not
                told whether it is trained.
        """
        from lectopt.training.flax_linen import functions

        parts = functions(module, data, example_input, variables)
        return problem_of(cls, parts, loss, data, batch_size, evaluate, options)


def _is_whole(x: Any) -> bool:
    return isinstance(x, int | np.integer) and not isinstance(x, bool)
