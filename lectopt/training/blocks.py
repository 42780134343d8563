"""The two programs of a training: its start, and a block of steps.

Both ends of a block are traced, so that blocks of any length are one program, and no length of a
block changes a bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.training import weights
from lectopt.training.order import Batches
from lectopt.training.problem import Problem
from lectopt.training.step import (
    BadStep,
    Record,
    Training,
    attempt,
    begin,
    not_finite,
    record_names,
    take_step,
)
from lectopt.training.streams import Streams

CAPACITY = 2048  # the most steps of a block: rows of the records that it returns
KEY = "key"  # among the values: the seed's random stream for the optimizer

Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The programs of a problem and an optimizer.

    Args:
        problem: What is trained.
        make: The optimizer of values: settings that are traced, and a key.
        lanes: Whether `training` and `values` have a leading axis, of trainings side by side which
            share the batch of a step, and the key of the optimizer.
        bad_step: What becomes of a step that is not finite.
        shared: Which leaves of the optimizer's state the lanes have in common; none if empty.
        posed: The problem of values, where its functions depend on some.
    """

    problem: Problem
    make: Callable[[Values], optax.GradientTransformation]
    lanes: bool = False
    bad_step: BadStep = "stop"
    shared: tuple[bool, ...] = ()
    posed: Callable[[Values], Problem] | None = None

    @property
    def capacity(self) -> int:
        """The most steps of a block."""
        return 1 if self.problem.streamed else CAPACITY

    def begin(self, params: Any, state: Any, values: Values) -> Training:
        """Before the first step, from the first parameters and the first model state."""

        def one(params: Any, state: Any, values: Values) -> Training:
            return begin(params, state, self.make(values).init(params))

        if not self.lanes:
            return one(params, state, values)
        given = None if self.posed is None else 0
        begun = jax.vmap(one, in_axes=(given, given, value_axes(values)))(params, state, values)
        # What all lanes have in common is kept once, so that a branch on a count stays a branch.
        leaves, structure = jax.tree.flatten(begun.opt_state)
        kept = [x[0] if is_one else x for x, is_one in self._with_shared(leaves)]
        return begun._replace(opt_state=structure.unflatten(kept))

    def measure(self, training: Training, values: Values, train: Any, split: Any) -> Any:
        """The metrics of a split, with the weights to use."""

        def one(training: Training, values: Values) -> Any:
            return weights.measure(self.problem_of(values), training, train, split)

        if not self.lanes:
            return one(training, values)
        return jax.vmap(one, in_axes=(self.axes(training), value_axes(values)))(training, values)

    def first_lane(self, training: Training) -> Training:
        """The first of the trainings side by side."""
        leaves, structure = jax.tree.flatten(training.opt_state)
        kept = structure.unflatten(x if one else x[0] for x, one in self._with_shared(leaves))
        others = jax.tree.map(lambda x: x[0], training._replace(opt_state=()))
        return others._replace(opt_state=kept)

    def problem_of(self, values: Values) -> Problem:
        """The problem, whose functions may depend on values."""
        return self.problem if self.posed is None else self.posed(values)

    def axes(self, training: Training) -> Any:
        """For `jax.vmap`: the leading axis of each array of lanes, or None."""
        leaves, structure = jax.tree.flatten(training.opt_state)
        found = [None if is_one else 0 for _, is_one in self._with_shared(leaves)]
        first: Any = 0
        return Training(0, 0, structure.unflatten(found), first, first, first)

    def _with_shared(self, leaves: list[Any]) -> Iterator[tuple[Any, bool]]:
        return zip(leaves, self.shared or [False] * len(leaves), strict=True)

    def run(
        self,
        training: Training,
        values: Values,
        train: Any,
        streams: Streams,
        start: jax.Array,
        stop: jax.Array,
        evaluated_at: jax.Array,
        factor: Any = jnp.inf,
    ) -> tuple[Training, Record]:
        """The steps from `start` up to `stop`, at most `capacity` of them.

        Args:
            training: Before them.
            values: What `make` takes.
            train: The training data; of an iterable, the batch.
            streams: The random streams of the seed.
            start: The first step.
            stop: The step after the last one.
            evaluated_at: The step before which the last evaluation was made.
            factor: How many times its scale a loss may be: see `take_step`.

        Returns:
            The training after them, and the numbers of each step: by name, of shape `(capacity,)`,
            of which the first `stop - start` count. With `bad_step="stop"` a bad step is the last
            one: see `before_bad_step`.
        """
        batches = self._batches
        names = self._names(training, values, train, streams.noise)

        def goes_on(carry: Any) -> Any:
            step, training = carry[:2]
            more = step < stop
            return more if self.bad_step == "skip" else more & jnp.any(training.stopped_at < 0)

        def body(carry: Any) -> Any:
            step, training, carried, rows = carry
            if batches is not None:
                carried = batches.at(streams.data, step, start, carried)
            rest = (jax.random.fold_in(streams.noise, step), step, step == evaluated_at, factor)
            training, record = self._with_batch(
                lambda batch: self._move(training, values, batch, *rest),
                train,
                streams,
                step,
                carried,
            )
            row = jnp.stack([record[name] for name in names], axis=-1)
            return step + 1, training, carried, rows.at[step - start].set(row)

        carried = jnp.zeros(0) if batches is None else batches.carried()
        rows = jnp.zeros((self.capacity, *jnp.shape(training.scale), len(names)))
        carry = (start, training, carried, rows)
        _, training, _, rows = jax.lax.while_loop(goes_on, body, carry)
        return training, {name: rows[..., i] for i, name in enumerate(names)}

    def not_finite(
        self,
        training: Training,
        values: Values,
        train: Any,
        streams: Streams,
        step: jax.Array,
        evaluated_at: jax.Array,
    ) -> dict[str, Any]:
        """Which leaves of a step that is not made are not finite."""
        key = jax.random.fold_in(streams.noise, step)
        batches = self._batches
        carried = None
        if batches is not None:
            carried = batches.at(streams.data, step, step, batches.carried())

        def tried(batch: Any) -> Any:
            tx, evaluated = self.make(values), step == evaluated_at
            return not_finite(attempt(self.problem, tx, training, batch, key, evaluated))

        return self._with_batch(tried, train, streams, step, carried)

    @property
    def _batches(self) -> Batches | None:
        own = self.problem.streamed or self.problem.sample is not None
        return None if own else self.problem.batches

    def _with_batch(
        self,
        function: Callable[[Any], Any],
        train: Any,
        streams: Streams,
        step: jax.Array,
        carried: Any,
    ) -> Any:
        """`function` of the batch of a step."""
        if self.problem.streamed:
            return function(train)
        if self.problem.sample is not None:
            key = jax.random.fold_in(streams.data, step)
            return function(self.problem.sample(train, key, step))
        return self.problem.batches.apply(function, train, streams.data, step, carried)

    def _move(self, training: Training, values: Values, *rest: Any) -> Any:
        def one(training: Training, values: Values) -> tuple[Training, Record]:
            tx, problem = self.make(values), self.problem_of(values)
            return take_step(
                problem, tx, training, *rest, bad_step=self.bad_step, shared=self.shared
            )

        if not self.lanes:
            return one(training, values)
        axes = self.axes(training)
        of_lanes = jax.vmap(one, in_axes=(axes, value_axes(values)), out_axes=(axes, 0))
        return of_lanes(training, values)

    def _names(self, training: Training, values: Values, train: Any, key: jax.Array) -> list[str]:
        if self.lanes:
            training, values = self.first_lane(training), first_values(values)
        batch = train if self.problem.streamed else self.problem.example_batch()
        problem = self.problem_of(values)
        return record_names(problem, self.make(values), training, batch, key)


def value_axes(values: Values) -> dict[str, int | None]:
    """For `jax.vmap`: lanes have values of their own, and the key in common."""
    return {name: None if name == KEY else 0 for name in values}


def first_values(values: Values) -> Values:
    """Those of the first lane."""
    return {name: x if name == KEY else x[0] for name, x in values.items()}


def before_bad_step(
    run: Callable[[Training, int], tuple[Training, Any]], before: Training, after: Training
) -> Training:
    """The training after some steps, or, if the last of them was bad, before that one.

    Args:
        run: The steps from where `before` is, up to another one.
        before: The training before the steps.
        after: The training after them.
    """
    stopped_at = after.stopped_at.item()
    if stopped_at < 0 or before.stopped_at.item() >= 0:
        return after
    return run(before, stopped_at)[0]._replace(stopped_at=after.stopped_at)
