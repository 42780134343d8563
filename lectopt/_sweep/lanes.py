"""Many trainings in one compiled program: each configuration of an optimizer, for each seed.

A training is a *lane*. Its hyperparameters are traced numbers, and its optimizer is built from them
inside the program. The lanes of a seed share initial parameters and batches, so that configurations
are compared pairwise and a batch is gathered once for all of them. A lane that diverges is frozen,
and no other lane notices.

    for each seed:                           vmap
        for each step:                       a loop
            the batch of the step
            for each configuration:          vmap, with the batch shared
                gradient, update, or freeze

A single lane is not vmapped: it is, bit for bit, the training that `fit` makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import optax

from lectopt._sweep.space import Maker
from lectopt.training.blocks import Blocks
from lectopt.training.problem import Problem
from lectopt.training.step import Record, Training
from lectopt.training.streams import Streams
from lectopt.training.weights import measure

Hyperparameters = Mapping[str, jax.Array]


@dataclass(frozen=True, eq=False)
class Lanes:
    """The programs that train all lanes of one optimizer.

    Lanes are arrays with two leading axes, seeds and configurations; streams and initial parameters
    have the first of them, and `values`, the hyperparameters, the second.

    Args:
        problem: What is trained.
        name: The optimizer's, for messages.
        maker: It takes the hyperparameters and returns an Optax transformation.
        single: Whether there is one lane.
    """

    problem: Problem
    name: str
    maker: Maker
    single: bool

    def start(
        self, params: Any, state: Any, values: Hyperparameters, configurations: int
    ) -> Training:
        """All lanes before their first step, from the first parameters and state of each seed."""
        if self.single:
            params, state, values = _first((params, state, values))
            one = self._blocks.begin(params, state, values)
            return _with_axes(one)
        begin = jax.vmap(self._blocks.begin, in_axes=(None, None, 0), axis_size=configurations)
        return jax.vmap(begin, in_axes=(0, 0, None))(params, state, values)

    def block(
        self,
        lanes: Training,
        values: Hyperparameters,
        train: Any,
        streams: Streams,
        start: Any,
        stop: Any,
        evaluated_at: Any,
        factor: float,
    ) -> tuple[Training, Record]:
        """The steps from one up to another of all lanes: see `Blocks.run`.

        A single lane ends with a bad step, which is made: see `before_bad_step`.

        Returns:
            The lanes after them, and the numbers of each step, of shape `(seeds, steps,
            configurations)`.
        """
        rest = (start, stop, evaluated_at, factor)
        if self.single:
            one, rows = self._blocks.run(
                _first(_first(lanes)), _first(values), train, _first(streams), *rest
            )
            return _with_axes(one), jax.tree.map(lambda x: x[None, :, None], rows)

        def of_seed(lanes: Training, streams: Streams) -> tuple[Training, Record]:
            side_by_side = replace(self._blocks, lanes=True, bad_step="freeze")
            return side_by_side.run(lanes, values, train, streams, *rest)

        return jax.vmap(of_seed)(lanes, streams)

    def measure(self, lanes: Training, train: Any, split: Any) -> dict[str, jax.Array]:
        """The metrics of a split, of shape `(seeds, configurations)`."""

        def of_lane(lane: Training) -> Any:
            return measure(self.problem, lane, train, split)

        if self.single:
            return _with_axes(of_lane(_first(_first(lanes))))
        return jax.vmap(jax.vmap(of_lane))(lanes)

    @property
    def _blocks(self) -> Blocks:
        return Blocks(self.problem, self._optimizer)

    def _optimizer(self, values: Hyperparameters) -> optax.GradientTransformation:
        tx = self.maker(**values)
        if not (callable(getattr(tx, "init", None)) and callable(getattr(tx, "update", None))):
            raise ValueError(
                f"optimizer {self.name!r}: wanted a maker that returns an Optax transformation, "
                f"got one that returns {tx!r}"
            )
        return tx


def _first(tree: Any) -> Any:
    return jax.tree.map(lambda x: x[0], tree)


def _with_axes(tree: Any) -> Any:
    return jax.tree.map(lambda x: x[None, None], tree)
