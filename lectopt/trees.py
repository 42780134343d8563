"""Leaves of gradient trees: their dtypes, and whether they fit the parameters and the state."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def is_none(x: Any) -> bool:
    """For `is_leaf=`: None marks a leaf without a gradient."""
    return x is None


def dtype_of(leaf: Any) -> Any:
    """The dtype of an array, an abstract array or a Python number."""
    return np.dtype(leaf.dtype if hasattr(leaf, "dtype") else jnp.result_type(leaf))


def wide_dtype(dtype: Any) -> Any:
    """The dtype that arithmetic on `dtype` is done in: at least float32."""
    exact = not jnp.issubdtype(dtype, jnp.inexact)
    return np.dtype(np.float32) if exact or dtype.itemsize < 4 else dtype


def widened(updates: Any) -> Any:
    """`updates` in wide floats.

    Raises:
      TypeError: a leaf is not floating point, so it cannot have a gradient.
    """

    def wide(leaf: Any) -> Any:
        dtype = dtype_of(leaf)
        if not jnp.issubdtype(dtype, jnp.inexact):
            raise TypeError(
                f"Gradients must be floating point or complex; {_path_of(leaf, updates)} is "
                f"{dtype}. Give None as the gradient of leaves that are not trained, or leave "
                "them out of the parameters."
            )
        return leaf if dtype == (to := wide_dtype(dtype)) else jnp.asarray(leaf, to)

    return jax.tree.map(wide, updates)


def widened_copy(param: Any) -> Any:
    """A parameter in wide floats; a copy, as a donated buffer must not be given twice."""
    dtype = dtype_of(param)
    if not jnp.issubdtype(dtype, jnp.inexact):
        return None
    if isinstance(param, jax.ShapeDtypeStruct):
        return jnp.full_like(param, 0, dtype=wide_dtype(dtype))
    return jnp.array(param, wide_dtype(dtype), copy=True)


def leaves_like(
    updates: Any,
    record: Mapping[str, Any],
    key: str,
    shaped: bool = True,
    may_lack: bool = False,
) -> list[Any]:
    """The leaves of `record[key]` in the order of the leaves of `updates`, None included.

    Args:
      updates: the gradients.
      record: holds the tree.
      key: its name.
      shaped: whether its leaves have the shapes of the gradients; if not, any tree may stand in
        the place of a leaf.
      may_lack: whether None may stand there, as for a leaf that a mask leaves out.

    Raises:
      ValueError: `record` lacks `key`, or its tree has other leaves or shapes than `updates`.
    """
    if not isinstance(record, Mapping) or key not in record:
        raise ValueError(wrong_state_message(key, record))
    tree = record[key]
    gradients, treedef = jax.tree.flatten(updates, is_leaf=is_none)
    try:
        leaves = treedef.flatten_up_to(tree)
    except (ValueError, TypeError):
        raise ValueError(_difference(updates, tree, key)) from None
    if not shaped:
        return leaves
    for update, leaf in zip(gradients, leaves, strict=True):
        if update is None or (leaf is None and may_lack):
            continue
        if leaf is None or np.shape(update) != np.shape(leaf):
            raise ValueError(
                f"The gradient of {_path_of(update, updates)} has shape {np.shape(update)}, but "
                f"{key} has {'none there' if leaf is None else np.shape(leaf)}. Take the gradient "
                "with respect to the same parameters that were given to init."
            )
    return leaves


def lookup(state: Any, place: Sequence[str], key: str) -> Mapping[str, Any]:
    """The record of a state, at a place in it, that holds `key`.

    Raises:
      ValueError: there is none.
    """
    for name in (*place, key):
        if not isinstance(state, Mapping) or name not in state:
            raise ValueError(wrong_state_message(name, state))
        state, record = state[name], state
    return record  # pyright: ignore[reportPossiblyUnbound]


def wrong_state_message(key: str, state: Any) -> str:
    """The message for a state that does not hold what the optimizer keeps there."""
    held = (
        f"only {sorted(state)}" if isinstance(state, Mapping) else f"it is a {type(state).__name__}"
    )
    return (
        f"This state has no {key!r}, {held}: it belongs to another optimizer. "
        "Write state = tx.init(params) with the same tx that updates."
    )


USUAL = dict(value="loss", grad="grads", value_fn="loss_fn")  # what is given for an argument


def missing_message(who: str, missing: Sequence[str], wanted: Sequence[str]) -> str:
    """The message for extra arguments of `update` that are missing."""
    call = ", ".join(f"{name}={USUAL.get(name, '...')}" for name in wanted)
    return f"{who} needs {', '.join(missing)}. Write tx.update(grads, state, params, {call})."


def _difference(updates: Any, tree: Any, key: str) -> str:
    def names(t: Any) -> set[str]:
        return {_name(p) for p, _ in jax.tree_util.tree_leaves_with_path(t, is_leaf=is_none)}

    lacks, surplus = sorted(names(tree) - names(updates)), sorted(names(updates) - names(tree))
    what = [f"there is no gradient for {', '.join(lacks)}"] * bool(lacks)
    what += [f"there is a gradient for {', '.join(surplus)}, which {key} lacks"] * bool(surplus)
    what = what or [
        f"the containers differ: {jax.tree.structure(updates)} and {jax.tree.structure(tree)}"
    ]
    return (
        f"The gradients do not match {key}: {'; '.join(what)}. Give a gradient for every parameter "
        "given to init (None for a leaf that is not trained)."
    )


def _path_of(leaf: Any, tree: Any) -> str:
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return next(_name(path) for path, other in paths if other is leaf)


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path) or "the only leaf"
