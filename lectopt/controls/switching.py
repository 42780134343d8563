"""Two optimizers in turn: one until a condition holds, the other from then on."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from lectopt.lifting import Inner, treewise
from lectopt.signatures import checked
from lectopt.transformation import State, Transformation


def _own_count(count: Any, switched_at: Any, restart: bool) -> Any:
    return jnp.maximum(count - switched_at, 0) if restart else count


def _point(
    params: Any, state: State, count: Any, *, first: Any, second: Any, restart_count: bool
) -> Any:
    late = second.point(params, _own_count(count, state["switched_at"], restart_count))
    return _select(state["switched_at"] > 0, late, first.point(params))


@treewise(switched_at=0, point=_point, raw=("condition",))
def _switch_when(
    updates: Any,
    state: Any,
    count: Any,
    *,
    condition: Any,
    first: optax.GradientTransformation,
    second: optax.GradientTransformation,
    restart_count: bool = True,
    **extra: Any,
) -> Any:
    begin: Any = first
    end: Any = second
    switched_at = state.switched_at
    switched = switched_at > 0

    out, new = begin(updates)
    if not isinstance(condition, Inner):
        holds, seen, told = _answer(condition, {"t": count + 1, "count": count, **extra}), {}, {}
    else:
        told = condition.record
        holds, seen = condition(updates, proposed=out)
    own = _own_count(count, switched_at, restart_count)
    late_out, late = end(updates, count=own, **told)

    # Who is not at work yet keeps its record. Who has retired has none: what it left there, such as
    # Nesterov's look-ahead, says nothing about the parameters any more.
    falls_now = jnp.logical_and(~switched, holds)
    nothing = jax.tree.map(jnp.zeros_like, begin.record)
    records = dict(
        first=_select(switched | falls_now, nothing, new),
        second=_select(switched, late, end.record),
        switched_at=jnp.where(falls_now, count + 1, switched_at),
    )
    records |= {"condition": _select(switched, told, seen)} if told else {}
    return _select(switched, late_out, out), records


@checked
def switch_when(
    condition: Callable[..., Any] | Transformation,
    first: optax.GradientTransformation,
    second: optax.GradientTransformation,
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
        traced: `lambda t: t >= 1000`, `lambda value: value < 0.1`. Or, for a condition
        with state, what `treewise` makes of a rule that gets the gradients, may ask for the updates
        of `first` as `proposed`, and puts out a truth value. Its slots, as they were at the switch,
        reach `second` as extra arguments.
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
    if not callable(condition) and not isinstance(condition, Transformation):
        raise TypeError(
            f"switch_when: condition must be a function; got {condition!r}. "
            "Write for example condition=lambda t: t >= 1000."
        )
    return _switch_when(condition, first, second, restart_count)


def _answer(condition: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    wanted = list(inspect.signature(condition).parameters)
    for name in wanted:
        if name not in given:
            raise TypeError(
                f"The condition of switch_when wants {name}; there are t, count and the extra "
                f"arguments of update. Write tx.update(grads, state, params, {name}=...)."
            )
    return condition(**{name: given[name] for name in wanted})


def _select(which: Any, yes: Any, no: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(which, a, b), yes, no)
