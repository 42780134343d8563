"""The compiled programs of one training, and its data where they are computed."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.training.blocks import Blocks, Values, before_bad_step
from lectopt.training.sharding import ONE_DEVICE, Placement
from lectopt.training.step import Training
from lectopt.training.streams import Streams
from lectopt.training.weights import measure, to_use


@dataclass(frozen=True, eq=False)
class Programs:
    """What a training runs; each is compiled once.

    Args:
        blocks: The problem and the optimizer.
        values: What the optimizer is made of.
        streams: The random streams of the seed.
        data: The splits, as arrays on the device; without the training data, if that is an
            iterable.
        placement: The devices.
    """

    blocks: Blocks
    values: Values
    streams: Streams
    data: Mapping[str, Any]
    placement: Placement = ONE_DEVICE

    @functools.cached_property
    def _run(self) -> Any:
        # What was before is needed again if a step is bad, where that is not seen to in the step.
        donated = () if self._goes_back else 0
        where = None if self._where is None else (self._where, self.placement.sharding())
        return jax.jit(self.blocks.run, donate_argnums=donated, out_shardings=where)

    @property
    def _goes_back(self) -> bool:
        return self.blocks.bad_step == "stop"

    @functools.cached_property
    def _first(self) -> Any:
        return jax.jit(self.blocks.problem.start)

    @functools.cached_property
    def _where(self) -> Training | None:
        """Where the arrays of the training are, on a mesh."""
        if self.placement.mesh is None:
            return None

        def as_made(x: jax.Array) -> Any:  # as the metadata say, or else on every device
            where = self.placement.sharding(getattr(x.sharding, "spec", None))
            return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=where)

        model = jax.tree.map(as_made, self.first())
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), model)
        begun = jax.eval_shape(self.blocks.begin, *shapes, self.values)
        where = jax.tree.map(lambda x: self.placement.sharding(), begun)
        params, state = jax.tree.map(lambda x: x.sharding, model)
        slots = self.placement.like(begun.opt_state, model[0])
        return where._replace(params=params, model_state=state, opt_state=slots)

    def alone(self) -> Any:
        """The context in which programs are the same whatever the number of devices: without a
        mesh, or, if the model cannot be made without one, as Flax NNX makes none with metadata,
        with a mesh of one device."""
        if self.placement.mesh is None:
            return self.placement.context()
        try:
            with jax.set_mesh(None):
                jax.eval_shape(self.blocks.problem.start, jax.random.key(0))
        except ValueError:
            return jax.set_mesh(self.placement.one())
        return jax.set_mesh(None)

    def first(self) -> tuple[Any, Any]:
        """The first parameters and the first model state."""
        return self._first(self.streams.init)

    def begin(self, params: Any, state: Any) -> Training:
        """The training before its first step; nothing in it is an array that was given."""
        begin = jax.jit(self.blocks.begin, out_shardings=self._where)
        return copied(begin(params, state, self.values))

    def run(
        self, training: Training, train: Any, start: int, stop: int, evaluated_at: int
    ) -> tuple[Training, Any]:
        """Some steps, up to one that is bad; `training` may be used up. See `Blocks.run`."""

        def run(training: Training, stop: int) -> Any:
            return self._run(*self._inputs(training, train, (start, stop, evaluated_at)))

        after, rows = run(training, stop)
        return before_bad_step(run, training, after) if self._goes_back else after, rows

    def text_hash(self, training: Training, batch: Any) -> str:
        """The sha256 of the program that makes the steps."""
        train = self.data.get("train", batch)
        inputs = self._inputs(training, train, (0, 0, 0))
        return hashlib.sha256(self._run.lower(*inputs).as_text().encode()).hexdigest()

    def _inputs(self, training: Training, train: Any, steps: Any) -> tuple[Any, ...]:
        bound = np.array(np.inf, jnp.result_type(float))
        return training, self.values, train, self.streams, *map(np.int32, steps), bound

    @functools.cached_property
    def _measure(self) -> Any:
        where = self.placement.sharding()
        return jax.jit(functools.partial(measure, self.blocks.problem), out_shardings=where)

    def measure(self, training: Training, split: str) -> dict[str, float]:
        """The metrics of a split with the weights to use."""
        found = self._measure(training, self.data.get("train"), self.data[split])
        return {name: float(value) for name, value in found.items()}

    @functools.cached_property
    def _to_use(self) -> Any:
        where = None if self._where is None else self._where[:2]
        return jax.jit(functools.partial(to_use, self.blocks.problem), out_shardings=where)

    def to_use(self, training: Training) -> tuple[Any, Any]:
        """The weights to use, as arrays of their own."""
        with self.placement.context():
            return copied(self._to_use(training, self.data.get("train")))

    def not_finite(
        self, training: Training, train: Any, step: int, evaluated_at: int
    ) -> dict[str, Any]:
        """Which leaves of a step that was not made are not finite."""
        find = jax.jit(self.blocks.not_finite, out_shardings=self.placement.sharding())
        steps = map(np.int32, (step, evaluated_at))
        return jax.device_get(find(training, self.values, train, self.streams, *steps))


def copied(tree: Any) -> Any:
    """The same arrays in memory of their own: programs pass on what they do not change."""
    return jax.tree.map(lambda x: jnp.array(x, copy=True), tree)
