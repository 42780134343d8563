"""The programs of a group of lanes: their start, a block of steps, their metrics.

They hold nothing of the problem, and are kept for the next sweep of the same functions.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt._sweep.compiling import Program, context, known, shapes_of
from lectopt._sweep.study import Group
from lectopt.averaging import AVERAGE
from lectopt.controls.evaluation import AHEAD, SLOW
from lectopt.state_search import entries, records
from lectopt.training.blocks import Blocks, value_axes
from lectopt.training.step import Training
from lectopt.training.streams import Streams


@dataclass(eq=False)
class Programs:
    """What lanes are run by.

    Args:
        first: The first parameters and model state, of values and streams.
        begin: The trainings before their first step.
        block: Some steps.
        shared: Which leaves of the optimizer's state the lanes have in common.
        identity: Of the problem and of the optimizer, once somebody has asked.
    """

    first: Program
    begin: Program
    block: Program
    shared: tuple[bool, ...]
    identity: tuple[dict[str, Any], dict[str, Any]] | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What lanes are measured by.

    Args:
        splits: By split, its metrics.
        stateful: Whether they depend on the optimizer's state, which says which weights to use.
            Without it they are one program for many optimizers.
    """

    splits: dict[str, Program]
    stateful: bool

    def __call__(self, split: str, training: Training, *rest: Any) -> Any:
        """The metrics of a split."""
        return self.splits[split](self.needed(training), *rest)

    def needed(self, training: Training) -> Training:
        """What they depend on."""
        return training if self.stateful else training._replace(opt_state=())


def programs_of(group: Group, width: int, values: Any, streams: Any, data: Any) -> Programs:
    """The programs of a group, traced, or those of one that was the same.

    Args:
        group: It.
        width: The lanes side by side.
        values: The shapes of their values.
        streams: Of random streams.
        data: Of the splits.
    """
    key = _key("programs", group, width, values, data)
    return known(key, lambda: _made(group, width, values, streams, data))


def measured_of(group: Group, width: int, programs: Programs, values: Any, data: Any) -> Measured:
    """The metrics of a group, traced, or those of one that was the same: see `programs_of`."""

    def made() -> Measured:
        trained = shapes_of(programs.begin.out)
        stateful = any(entries(trained.opt_state, entry) for entry in (AHEAD, AVERAGE, SLOW))
        found = Measured({}, stateful)
        shared = programs.shared if stateful else ()
        blocks = replace(group.blocks, lanes=width > 1, shared=shared)
        rest = found.needed(trained), values, data["train"]
        found.splits.update((split, Program(blocks.measure, *rest, data[split])) for split in data)
        return found

    return known(_key("measured", group, width, values, data), made)


def _key(what: str, group: Group, width: int, values: Any, data: Any) -> Hashable:
    if group.mark is None:
        return None
    leaves, structure = jax.tree.flatten((values, data))
    shapes = tuple((x.shape, str(x.dtype)) for x in leaves)
    return what, group.mark, width, structure, shapes, context()


def _made(group: Group, width: int, values: Any, streams: Any, data: Any) -> Programs:
    blocks = group.blocks
    if width > 1:
        blocks = replace(blocks, lanes=True, bad_step="freeze")
    first = Program(_first_of(blocks), values, streams)
    if width > 1:
        begun = jax.eval_shape(blocks.begin, *first.out, values)
        blocks = replace(blocks, shared=_candidates(begun.opt_state))
    # What was before a block is needed again if a step of a single lane is bad.
    donated = (0,) if width > 1 else ()
    number = jax.ShapeDtypeStruct((), jnp.int32)
    rest = (number, number, number, jax.ShapeDtypeStruct((), jnp.result_type(float)))

    def inputs(blocks: Blocks) -> tuple[Any, ...]:
        begun = jax.eval_shape(blocks.begin, *first.out, values)
        return shapes_of(begun), values, data["train"], streams, *rest

    try:
        given = inputs(blocks)
        block = Program(blocks.run, *given, donated=donated)
    except ValueError as error:
        if not any(blocks.shared) or "out_axes" not in str(error):
            raise
        blocks = replace(blocks, shared=_common(blocks, inputs))
        given = inputs(blocks)
        block = Program(blocks.run, *given, donated=donated)
    return Programs(first, Program(blocks.begin, *first.out, values), block, blocks.shared)


def _common(blocks: Blocks, inputs: Any) -> tuple[bool, ...]:
    """The leaves that all lanes have in common, each tried by itself."""
    found = [False] * len(blocks.shared)
    for i in np.flatnonzero(blocks.shared):
        alone = replace(blocks, shared=tuple(j == i for j in range(len(found))))
        try:
            jax.eval_shape(alone.run, *inputs(alone))
            found[i] = True
        except ValueError as error:
            if "out_axes" not in str(error):
                raise
    return tuple(found)


def _first_of(blocks: Blocks) -> Any:
    """The first parameters and model state: those of the problem, or of each lane's."""

    def one(values: Any, streams: Streams) -> Any:
        return blocks.problem_of(values).start(streams.init)

    if not blocks.lanes or blocks.posed is None:
        return one

    def of_lanes(values: Any, streams: Streams) -> Any:
        return jax.vmap(one, in_axes=(value_axes(values), None))(values, streams)

    return of_lanes


def _candidates(opt_state: Any) -> tuple[bool, ...]:
    """The leaves of a state that lanes may have in common: whole numbers, such as counts.

    Of a state with averages none: what is read off a frozen lane may depend on the count.
    """
    leaves = jax.tree.leaves(opt_state)
    if any(records(opt_state, entry) for entry in (AVERAGE, SLOW)):
        return (False,) * len(leaves)
    return tuple(len(x.shape) == 1 and jnp.issubdtype(x.dtype, jnp.integer) for x in leaves)
