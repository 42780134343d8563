"""The learning rate that acted in a step, read off the optimizer's state, if it is one number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.controls.acting_rate import acting_rate, common_rate
from lectopt.state_search import records
from lectopt.transformation import Transformation

RATE = "learning_rate"


def learning_rate(tx: Any, old_state: Any, new_state: Any, step: Any) -> jax.Array | None:
    """The rate of an update, or None where it is not known: of what an optimizer of this library
    says by its composition, of a `monitor` inside, or of `optax.inject_hyperparams`.

    Args:
        tx: The optimizer.
        old_state: Its state before the update.
        new_state: Its state after it.
        step: The number of updates before it, for an optimizer that counts none.
    """
    if isinstance(tx, Transformation):
        read = acting_rate(tx)
        if read is not None:
            count = old_state.get("count", step) if isinstance(old_state, Mapping) else step
            return jnp.asarray(read(new_state, count), float)
    groups = getattr(tx, "transforms", None)  # of another library's run, an optimizer each
    if groups and (read := common_rate([*groups.values()])) is not None:
        first = new_state.inner_states[next(iter(groups))].inner_state
        old = old_state.inner_states[next(iter(groups))].inner_state
        return jnp.asarray(read(first, old.get("count", step)), float)
    for holder in ("metrics", "hyperparams"):
        found = [
            leaf
            for record in records(new_state, holder).values()
            for names, leaf in record.items()
            if names[-2:] == (holder, RATE)
        ]
        if len(found) == 1 and jnp.shape(found[0]) == ():
            return jnp.asarray(found[0], float)
    return None
