"""Two optimizers in turn: one until a condition holds, the other from then on."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.combinators import AnyTransformation, as_core
from lectopt.settings import checked
from lectopt.transformation import Core, Now, State, Transformation
from lectopt.trees import foreign_state

KEY = "switch_when"


@checked
def switch_when(
    condition: Callable[..., Any] | Core,
    first: AnyTransformation,
    second: AnyTransformation,
    *,
    restart_count: bool = True,
) -> Transformation:
    """The updates of `first` until `condition` holds, and those of `second` from the next update
    on.

    The condition is asked after every update of `first`. There is no way back. `second` starts
    where `init` put it: its averages are empty when it takes over. The lanes of a vmapped training
    switch each for itself; `optax.tree.get(opt_state, "switched_at")` is the number of updates
    that `first` made, or 0 while it is still at work.

    Args:
      condition: a function whose arguments are, by name, as many of these as it wants: `t`, the
        number of updates made so far, this one included; `count`, the updates before this one; and
        the extra arguments of `update`, such as `value`. It returns one truth value, which may be
        traced: `lambda t: t >= 1000`, `lambda value: value < 0.1`. Or a `Core`, for a condition
        with state: its `step` gets the gradients, finds the updates of `first` in
        `now.extra["proposed"]`, and returns a truth value and its record. The entries of that
        record, as they were at the switch, reach `second` as extra arguments.
      first: a lectopt or Optax transformation.
      second: a lectopt or Optax transformation.
      restart_count: whether `second` counts its updates from the switch, so that its schedules and
        bias corrections begin there (as in `optax.join_schedules`), or goes on with the count of
        the whole training.

    Raises:
      TypeError: `condition` is not callable; or, at the first update, it wants an argument that
        `update` was not given.

    Source: STAT 479, SWATS (S4-31), of which it is the general form; see `swats`.
    """
    watch = condition if isinstance(condition, Core) else _stateless(condition)
    members = {"condition": watch, "first": as_core(first), "second": as_core(second)}

    def own_count(count: Any, switched_at: Any) -> Any:
        return jnp.maximum(count - switched_at, 0) if restart_count else count

    def start(params: Any) -> State:
        records = {name: core.start(params) for name, core in members.items()}
        records = {name: record for name, record in records.items() if record}
        return {KEY: records | {"switched_at": jnp.zeros([], jnp.int32)}}

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        if KEY not in state:
            raise ValueError(foreign_state(KEY, state))
        old, switched_at = state[KEY], state[KEY]["switched_at"]
        records = {name: old.get(name, {}) for name in members}
        switched = switched_at > 0

        out, new = members["first"].step(updates, records["first"], now)
        told = now._replace(extra={**now.extra, "proposed": out})
        holds, seen = watch.step(updates, records["condition"], told)
        told = now._replace(
            count=own_count(now.count, switched_at), extra={**now.extra, **records["condition"]}
        )
        late_out, late = members["second"].step(updates, records["second"], told)

        # Who is not at work yet keeps its record. Who has retired has none: what it left there,
        # such as Nesterov's look-ahead, says nothing about the parameters any more.
        falls_now = jnp.logical_and(~switched, holds)
        nothing = jax.tree.map(jnp.zeros_like, records["first"])
        records = {
            "condition": _select(switched, records["condition"], seen),
            "first": _select(switched | falls_now, nothing, new),
            "second": _select(switched, late, records["second"]),
        }
        records = {name: record for name, record in records.items() if name in old}
        records["switched_at"] = jnp.where(falls_now, now.step(), switched_at)
        return _select(switched, late_out, out), {KEY: records}

    def point(params: Any, state: State, count: Any) -> Any:
        def wanted(name: str, count: Any) -> Any:
            at = members[name].point
            return at(params, state[KEY].get(name, {}), count) if at else params

        switched_at = state[KEY]["switched_at"]
        late = wanted("second", own_count(count, switched_at))
        return _select(switched_at > 0, late, wanted("first", count))

    return Transformation(
        Core(
            KEY,
            start,
            step,
            keys=(KEY,),
            counted=True,
            point=point if members["first"].point or members["second"].point else None,
            settings=dict(condition=condition, restart_count=restart_count),
            defaults=dict(restart_count=True),
            parts=tuple(replace(members[name], label=name) for name in ("first", "second")),
        )
    )


def _stateless(condition: Any) -> Core:
    """A function of the step and the extra arguments as a condition without a record."""
    if not callable(condition):
        raise TypeError(
            f"switch_when: condition must be a function; got {condition!r}. "
            "Write for example condition=lambda t: t >= 1000."
        )
    wanted = list(inspect.signature(condition).parameters)

    def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
        given = {"t": now.step(), "count": now.count, **now.extra}
        for name in wanted:
            if name not in given:
                raise TypeError(
                    f"The condition of switch_when wants {name}; there are t, count and the extra "
                    f"arguments of update. Write tx.update(grads, state, params, {name}=...)."
                )
        return condition(**{name: given[name] for name in wanted}), {}

    return Core("condition", lambda params: {}, step)


def _select(which: Any, yes: Any, no: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), yes, no)
