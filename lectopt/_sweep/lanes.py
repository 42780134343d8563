"""The programs of trainings side by side: lanes of one group, from one seed.

Lanes have traced settings of their own, and share the batch of a step, so that it is gathered once.
A lane that diverges is frozen, and no other lane notices.

    for each step:                       a loop
        the batch of the step
        for each lane:                   vmap, with the batch shared
            gradient, update, or freeze

A single lane is not vmapped: it is, bit for bit, the training that `fit` makes.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt._sweep.compiling import shapes_of
from lectopt._sweep.programs import Measured, measured_of, programs_of
from lectopt._sweep.space import Configuration
from lectopt._sweep.study import Group
from lectopt.training.blocks import KEY, before_bad_step
from lectopt.training.manifest import optimizer_identity, problem_identity
from lectopt.training.step import Training
from lectopt.training.streams import Streams, random_streams

NEEDS_VALUE = (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError)


class Lanes:
    """`width` trainings of a group, side by side.

    Args:
        group: Their group.
        width: How many.
        data: The splits, as arrays on the device.

    Raises:
        ValueError: The optimizer or the problem needs to know a setting that is traced.
    """

    def __init__(self, group: Group, width: int, data: Mapping[str, Any]) -> None:
        self.group, self.width, self.data = group, width, data
        self.single = width == 1
        self.pace = 0.0  # seconds of a step, the last time
        streams = random_streams(0)
        self._shapes = shapes_of((self.values([group.example], streams), streams, dict(data)))
        with _told(group):
            self.programs = programs_of(group, width, *self._shapes)
        self.block = self.programs.block

    @functools.cached_property
    def measured(self) -> Measured:
        """The programs of the metrics.

        Raises:
            ValueError: As for the others.
        """
        values, _, data = self._shapes
        with _told(self.group):
            return measured_of(self.group, self.width, self.programs, values, data)

    def example(self) -> tuple[dict[str, Any], Training]:
        """Values, and the shapes of a training, of one lane by itself."""
        blocks, streams = self.group.blocks, random_streams(0)
        values: dict[str, Any] = {
            name: jnp.asarray(x, float) for name, x in self.group.example.traced.items()
        }
        values |= {KEY: streams.optimizer} if self.group.keyed else {}

        def begin(values: Any) -> Training:
            return blocks.begin(*blocks.problem_of(values).start(streams.init), values)

        return values, jax.eval_shape(begin, values)

    def identity(self, optimizers: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What tells the problem, and what tells the optimizer, from others: see `manifest`."""
        if self.programs.identity is None:
            (values, training), blocks = self.example(), self.group.blocks
            batch, maker = blocks.problem.example_batch(), self.group.example.optimizer
            self.programs.identity = (
                problem_identity(blocks, values, training, batch),
                optimizer_identity(blocks, values, training, optimizers[maker]),
            )
        return self.programs.identity

    @property
    def sha256(self) -> str:
        """Of the text of the programs."""
        programs = (self.programs.first, self.block, *self.measured.splits.values())
        return "-".join(p.sha256[:16] for p in programs)

    @functools.cached_property
    def structure(self) -> Any:
        """Of a training of all lanes; of one it is the same."""
        return jax.tree.structure(self.programs.begin.out)

    def split(self, training: Training, count: int) -> list[list[Any]]:
        """The leaves of the trainings of the first lanes, each by itself, on the host."""
        leaves = [x if _is_key(x) else np.array(x) for x in jax.tree.leaves(training)]
        if self.single:
            return [leaves]
        return [
            [x if one else x[i] for x, one in zip(leaves, self._shared, strict=True)]
            for i in range(count)
        ]

    def joined(self, ones: Sequence[Sequence[Any]]) -> Training:
        """Trainings side by side, of the leaves of each, the last one repeated up to the width."""
        padded = [*ones, *[ones[-1]] * (self.width - len(ones))]
        columns = zip(*padded, strict=True)
        if self.single:
            leaves = [jnp.asarray(x) for (x,) in columns]
        else:
            leaves = [
                jnp.asarray(column[0]) if one else _stacked(column)
                for column, one in zip(columns, self._shared, strict=True)
            ]
        return self.structure.unflatten(leaves)

    @property
    def _shared(self) -> list[bool]:
        """Of each leaf of a training, whether the lanes have it in common."""
        out = self.programs.begin.out
        before = len(jax.tree.leaves((out.params, out.model_state)))
        state = self.programs.shared or [False] * len(jax.tree.leaves(out.opt_state))
        return [False] * before + [*state] + [False] * 3

    def values(self, configurations: Sequence[Configuration], streams: Streams) -> dict[str, Any]:
        """The traced settings, the last ones repeated up to the width, and the seed's key."""
        padded = [*configurations, *[configurations[-1]] * (self.width - len(configurations))]
        rows = [one.traced for one in padded]
        key = {KEY: streams.optimizer} if self.group.keyed else {}
        wide = jnp.result_type(float)
        with np.errstate(over="ignore"):  # 1e39 is infinite in single precision
            table = {n: np.array([row[n] for row in rows]).astype(wide) for n in rows[0]}
        return {**{n: jnp.asarray(x[0] if self.single else x) for n, x in table.items()}, **key}

    def begin(self, values: Mapping[str, Any], streams: Streams) -> Training:
        """Before the first step."""
        begun = self.programs.begin(*self.programs.first(values, streams), values)
        return jax.tree.map(lambda x: jnp.array(x, copy=True), begun)

    def run(
        self,
        training: Training,
        values: Mapping[str, Any],
        streams: Streams,
        start: int,
        stop: int,
        evaluated_at: int,
        factor: float,
    ) -> tuple[Training, dict[str, np.ndarray]]:
        """The steps from one up to another, and the numbers of each, of shape `(steps, lanes)`.

        `training` may be used up.
        """
        train, bound = self.data["train"], np.asarray(factor, jnp.result_type(float))

        def run(training: Training, stop: int) -> Any:
            steps = map(np.int32, (start, stop, evaluated_at))
            return self.block(training, values, train, streams, *steps, bound)

        after, rows = run(training, stop)
        if self.single:
            after = before_bad_step(run, training, after)
        numbers = {name: np.asarray(x)[: stop - start] for name, x in rows.items()}
        return after, {name: x.reshape(len(x), -1) for name, x in numbers.items()}

    def measure(
        self, training: Training, values: Mapping[str, Any], split: str
    ) -> dict[str, np.ndarray]:
        """The metrics of a split, each of shape `(lanes,)`."""
        given = values, self.data["train"], self.data[split]
        found = self.measured(split, training, *given)
        return {name: np.asarray(x).reshape(-1) for name, x in found.items()}


def _stacked(column: Sequence[Any]) -> jax.Array:
    # By NumPy, which dispatches many small arrays far faster than JAX.
    return jnp.stack(column) if _is_key(column[0]) else jnp.asarray(np.stack(column))


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


@contextlib.contextmanager
def _told(group: Group) -> Iterator[None]:
    """What a trace raises says of which configuration."""
    try:
        yield
    except NEEDS_VALUE as error:
        raise ValueError(_needs_to_know(group, error)) from error
    except (TypeError, ValueError) as error:
        if str(error).startswith("optimizer "):
            raise
        raise ValueError(f"{group.example}: {error}") from error


def _needs_to_know(group: Group, error: Exception) -> str:
    names = sorted(group.example.traced)
    told, asked = f"something asks for the value of a traced number, {names}", names[0]
    for name in names:
        values = {k: x for k, x in group.example.traced.items() if k != name}

        def build(x: Any, name: str = name, values: Any = values) -> Any:
            given = {**values, name: x, **({KEY: jax.random.key(0)} if group.keyed else {})}
            problem = group.blocks.problem_of(given)
            params, _ = problem.start(jax.random.key(0))
            return group.blocks.make(given).init(params)

        try:
            jax.eval_shape(build, 0.5)
        except NEEDS_VALUE as needed:
            by_numpy = isinstance(needed, jax.errors.TracerArrayConversionError)
            who = "NumPy (write jax.numpy)" if by_numpy else "an `if`, or a shape,"
            told, asked = f"{who} asks for the value of {name}", name
            break
        except Exception:
            continue
    where = str(error).splitlines()[0][:160]
    return (
        f"{group.example}: {told}, which is traced so that one program trains all its values. "
        f'Write {{"{asked}": choice([...])}}, of lectopt, for one program a value. ({where})'
    )
