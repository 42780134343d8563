"""Where a training begins, if not with the problem's first parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lectopt.state_search import names
from lectopt.training.run import Run
from lectopt.training.sharding import put, sharding_of
from lectopt.trees import dtype_of

KEYS = ("params", "model_state", "opt_state", "step")


def parts_of(start: Any) -> dict[str, Any]:
    """What a `Run` or a dict says of the start.

    Raises:
        ValueError: It says something else.
    """
    if isinstance(start, Run):
        return {key: getattr(start, key) for key in KEYS}
    if not isinstance(start, Mapping):
        raise ValueError(f"wanted start to be a Run, or a dict of {KEYS}, got {start!r}")
    if unknown := sorted(set(start) - {*KEYS}):
        raise ValueError(f"start has {unknown}; it may have any of {KEYS}")
    return dict(start)


def filled(template: Any, given: Any, what: str) -> Any:
    """The tree `given`, with the containers, dtypes and devices of another one; leaves go by their
    names.

    Args:
        template: Arrays, or their shapes.
        given: The same leaves, of arrays of NumPy or JAX.
        what: What the message calls it.

    Returns:
        A copy: what is given may be donated later.

    Raises:
        ValueError: A leaf is missing, too many, or has another shape; it is named.
    """
    found = {names(path): x for path, x in jax.tree_util.tree_leaves_with_path(given)}
    wanted = {names(path): x for path, x in jax.tree_util.tree_leaves_with_path(template)}
    wrong = [
        *(f"{_name(path)} is missing" for path in wanted.keys() - found.keys()),
        *(f"there is no {_name(path)}" for path in found.keys() - wanted.keys()),
        *(
            f"{_name(path)} has shape {jnp.shape(found[path])}, and not {jnp.shape(x)}"
            for path, x in wanted.items()
            if path in found and jnp.shape(found[path]) != jnp.shape(x)
        ),
    ]
    if wrong:
        shown = "; ".join(sorted(wrong)[:6]) + "; ..." * (len(wrong) > 6)
        raise ValueError(f"{what} does not fit: {shown}")

    def leaf(path: Any, x: Any) -> Any:
        there = found[names(path)]
        if (where := sharding_of(x)) is not None:
            placed = put(there, where)
            return placed if placed.dtype == x.dtype else placed.astype(x.dtype)
        is_key = jnp.issubdtype(dtype_of(x), jax.dtypes.prng_key)
        return jnp.copy(there) if is_key else jnp.array(there, dtype_of(x), copy=True)

    return jax.tree_util.tree_map_with_path(leaf, template)


def _name(path: tuple[str, ...]) -> str:
    return "/".join(path) or "the only leaf"
