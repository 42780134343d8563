"""Numbers that a rule for one weight needs but that belong to the whole tree: a product of decays,
the loss of the last step."""

import functools as ft
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from lectopt.transformation import Now, State, Transformation
from lectopt.trees import foreign_state

Advance = Callable[[State, Now, Mapping[str, Any]], tuple[State, dict[str, Any]]]


def with_scalars(
    advance: Advance, **first: float
) -> Callable[[Callable[..., Transformation]], Callable[..., Transformation]]:
    """Give a `leafwise` rule numbers that are kept once for the whole tree.

    Args:
      advance: `(scalars, now, settings) -> (new scalars, inputs of the rule)`; the rule asks for
        these inputs by name, as it does for the extra arguments of `update`.
      **first: for each number its first value. It is kept in JAX's default float, whatever the
        `state_dtype` of the slots.

    Returns:
      A decorator for what `leafwise` returns.
    """

    def decorate(maker: Callable[..., Transformation]) -> Callable[..., Transformation]:
        @ft.wraps(maker)
        def make(*args: Any, **kwargs: Any) -> Transformation:
            inner = maker(*args, **kwargs).core

            def start(params: Any) -> State:
                dtype = jnp.result_type(float)
                return {k: jnp.full([], v, dtype) for k, v in first.items()} | inner.start(params)

            def step(updates: Any, state: State, now: Now) -> tuple[Any, State]:
                for name in first:
                    if name not in state:
                        raise ValueError(foreign_state(name, state))
                # A restored checkpoint holds NumPy scalars, which would compute in float64.
                old = {name: jnp.asarray(state[name]) for name in first}
                count = None if now.count is None else jnp.asarray(now.count)
                new, inputs = advance(old, now._replace(count=count), inner.settings)
                told = now._replace(extra={**now.extra, **inputs})
                updates, slots = inner.step(updates, state, told)
                kept = {name: jnp.asarray(new[name], old[name].dtype) for name in first}
                return updates, kept | slots

            keys = (*first, *inner.keys)
            return Transformation(replace(inner, start=start, step=step, keys=keys, maker=make))

        return make

    return decorate
